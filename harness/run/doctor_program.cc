// What the doctor asks about a program.
#include <sys/stat.h>

#include "base/text.h"
#include "interpose/launch.h"
#include "run/doctor_answers.h"
#include "run/program_image.h"
#include "run/record.h"

namespace oldornew::doctor {
namespace {

/// A library whose users may do something that cannot be judged, or only with an option.
struct TellingLibrary {
  const char* prefix;
  const char* meaning;
};
constexpr TellingLibrary kTelling[] = {
    {"liburing.so", "writes through io_uring cannot be judged (exit 5 if it makes any)"},
    {"liblmdb.so",
     "files written through shared mappings (LMDB with MDB_WRITEMAP) cannot be judged (exit 5)"},
    {"librocksdb.so", "databases that are changed in place need --view or --check"},
    {"libsqlite3.so",
     "databases that are changed in place need --view or --check: --view 'sqlite3 FILE .dump'"},
    {"libdb-", "databases that are changed in place need --view or --check"},
    {"libgdbm.so", "databases that are changed in place need --view or --check"},
    {"libseccomp.so",
     "it may install a seccomp filter of its own, which restricts the recorder too"},
};

DoctorAnswer WhatItIs(const std::string& name, const std::string& path, const ProgramImage& image) {
  const std::string question = fmt::format("What is {}?", name);
  std::string text = path;
  for (const std::string& interpreter : image.interpreters) text += ", a script for " + interpreter;
  if (!image.is_elf && image.interpreters.empty()) {
    struct stat st;
    if (stat(path.c_str(), &st) == 0 && st.st_size == 0)
      return Ask("program", question, No(text + " is empty", "give a program"));
    return Ask(
        "program", question,
        Yes(text +
                ", neither an ELF program nor a script with a #! line: a shell would run it as a "
                "shell script",
            "run it by name: oldornew check -- sh " + ShellQuote(path)));
  }

  if (image.is_elf) {
    text += fmt::format(", {} {}program",
                        image.is_static ? "a statically linked" : "a dynamically linked",
                        image.is_go ? "Go " : "");
    if (image.has_asan) text += " with AddressSanitizer";
  }

  return Ask("program", question, Yes(text));
}

/// What helps with a program that CheckEnterable refuses, found by the words of its message.
std::string WayOut(const std::string& why, const ProgramImage& image) {
  const auto says = [&](const char* words) { return why.find(words) != std::string::npos; };
  if (says("setuid") || says("setgid") || says("capabilities") || says("effective")) {
    return "a recorder cannot be loaded into programs with special rights. Check a copy without "
           "them, as the user that the program would act for: cp PROGRAM DIR/, then oldornew check "
           "-- DIR/PROGRAM";
  }

  if (says("32-bit") || says("x32") || says("architecture"))
    return "check a 64-bit x86 build of it";
  if (says("static") && image.is_go)
    return "build it with CGO_ENABLED=1, so that it loads libc and the recorder";
  if (says("static")) return "check a dynamically linked build of it (without -static)";
  return "check another build of it";
}

DoctorAnswer WhetherRecorded(const std::string& name, const std::string& path,
                             const ProgramImage& image, const Backends& backends) {
  const std::string question = fmt::format("Can {} be recorded?", name);
  const Status enterable = CheckEnterable(path);

  // The costs are those of results/overhead.md.
  if (enterable && backends.preload) {
    return Ask(
        "recordable", question,
        Yes("yes: the recorder is loaded into it and into the programs that it starts. Replacing "
            "small files takes about twice as long; computing takes hardly longer"));
  }

  if (auto traceable = CheckTraceable(path); !traceable) {
    const std::string& why = traceable.error().message;
    return Ask("recordable", question, No("no: " + why, WayOut(why, image)));
  }

  if (backends.tracing) {
    return Ask(
        "recordable", question,
        Yes(fmt::format("yes, by tracing it with ptrace ({}). That is complete but slow: a program "
                        "like git takes about 3 times as long, a database 15 times, a loop of tiny "
                        "writes more than 100 times",
                        enterable ? "this machine has no faster way" : enterable.error().message)));
  }

  if (enterable)
    return Ask("recordable", question,
               No("no: this machine cannot record (see above)", "see above"));
  return Ask("recordable", question,
             No("no: " + enterable.error().message + ", and programs cannot be traced here",
                WayOut(enterable.error().message, image)));
}

DoctorAnswer WhetherJudged(const std::string& name, const ProgramImage& image) {
  const std::string question = fmt::format("Is there something in {} that cannot be judged?", name);
  std::vector<std::string> limits;
  for (const TellingLibrary& library : kTelling) {
    if (image.Needs(library.prefix))
      limits.push_back(fmt::format("it uses {}: {}", library.prefix, library.meaning));
  }

  if (name.starts_with("sqlite3"))
    return Ask("judged", question,
               Partly("yes, the bytes of a database that is changed in place. What it contains can "
                      "be judged",
                      "add --view 'sqlite3 FILE .dump'"));
  if (!limits.empty())
    return Ask("judged", question,
               Partly(Join(limits, "; "),
                      "run the check: it reports what it could not judge, and never passes it"));
  return Ask("judged", question,
             Yes("nothing that is visible in its file. Some things only show when it runs (files "
                 "written through shared mappings, io_uring, set-user-ID helpers): the check "
                 "reports them, and never passes them",
                 "oldornew doctor --try -- COMMAND runs it once, in a private copy, to find out"));
}

DoctorAnswer WhetherLines(const std::string& name, const ProgramImage& image) {
  const std::string question = fmt::format("Will findings name source lines of {}?", name);
  if (!image.interpreters.empty())
    return Ask(
        "lines", question,
        Partly(fmt::format("no: it is a script, so findings name places in its interpreter {}",
                           image.path),
               "the system calls in a finding show which line of the script it is"));
  if (image.has_lines) return Ask("lines", question, Yes("yes: there is debug information"));
  return Ask("lines", question,
             Partly("no, only addresses: there is no debug information",
                    "build it with -g, or install its -dbgsym package"));
}

}  // namespace

DoctorAnswer AboutRun(const DoctorQuestion& question) {
  const std::string text =
      fmt::format("Does a recorded run of {} succeed?", ShellQuote(question.command));
  RecordSpec spec;
  spec.sandbox.work_parent = question.work_parent;
  spec.run.command = question.command;

  const auto recording = Record(spec);
  if (!recording)
    return Ask("run", text, No("no: " + recording.error().message, "see the message"));

  const Trace& trace = recording->trace;
  if (!trace.obstacles.empty()) {
    std::vector<std::string> reasons;
    for (const Obstacle& obstacle : trace.obstacles) reasons.push_back(obstacle.reason);
    return Ask("run", text,
               No("it runs, but it cannot be judged: " + Join(reasons, "; "),
                  "check a run that does not do that, or only the part of the program that updates "
                  "the files"));
  }

  if (trace.exit_status != 0) {
    return Ask(
        "run", text,
        Partly(fmt::format("it was recorded, and exited with {}: {}", trace.exit_status,
                           Quote(trace.stderr_bytes, 200)),
               "only a successful run has a new state to compare with. If this exit status "
               "means success, add --ok-exit N; if files must be prepared first, add --setup "
               "COMMAND"));
  }

  return Ask(
      "run", text,
      Yes(fmt::format("yes: the recording is complete, with {} of {} in {:.0f} ms",
                      Count(trace.ops.size(), "call"), Count(trace.processes.size(), "process"),
                      static_cast<double>(trace.duration_ns) / 1e6)));
}

std::vector<DoctorAnswer> AboutProgram(const std::vector<std::string>& command,
                                       const std::string& path, const Backends& backends) {
  const std::string name = BaseName(command[0]);
  if (path.empty()) {
    return {Ask("program", fmt::format("What is {}?", command[0]),
                No(fmt::format("there is no program {} in $PATH or at that path", name),
                   "give the program as you would in a shell"))};
  }

  const ProgramImage image = InspectProgram(path);
  std::vector<DoctorAnswer> answers = {WhatItIs(name, path, image),
                                       WhetherRecorded(name, path, image, backends)};

  // The other questions make no sense for a program that cannot be recorded.
  if (answers.back().level == DoctorAnswer::Level::kNo) return answers;
  answers.push_back(WhetherJudged(name, image));
  answers.push_back(WhetherLines(name, image));
  return answers;
}

}  // namespace oldornew::doctor
