#include "run/doctor.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "run/doctor_answers.h"
#include "run/places.h"
#include "run/record.h"

namespace oldornew {
namespace {

/// An empty directory to try things with, in the first place where one can be made.
Result<TempDir> ExampleDirectory() {
  Result<TempDir> made = TempDir::Create("oldornew-doctor-");
  for (const char* parent : {"/tmp", "/var/tmp", "/dev/shm"}) {
    if (!made) made = TempDir::Create("oldornew-doctor-", parent);
  }
  return made;
}

}  // namespace

bool DoctorReport::CanJudge() const {
  return std::none_of(answers.begin(), answers.end(), [](const DoctorAnswer& answer) {
    return answer.level == DoctorAnswer::Level::kNo;
  });
}

DoctorReport Diagnose(const DoctorQuestion& question) {
  const std::vector<std::string>& command = question.command;
  DoctorReport report;
  const doctor::Backends backends = doctor::TryBackends();
  report.answers = {doctor::AboutRecording(backends), doctor::AboutStaticPrograms(backends)};

  // A real sandbox around an empty directory shows what the machine allows.
  auto example = ExampleDirectory();
  auto sandbox = [&]() -> Result<Sandbox> {
    if (!example) return tl::unexpected(example.error());
    SandboxSpec spec;
    spec.directory = example->path();
    spec.work_parent = question.work_parent;
    KeepVisible({}, &spec);
    return Sandbox::Create(spec);
  }();

  if (sandbox) {
    for (auto* ask :
         {doctor::AboutView, doctor::AboutProcesses, doctor::AboutHome, doctor::AboutRoom})
      report.answers.push_back(ask(*sandbox));
    if (backends.preload || backends.tracing)
      report.answers.push_back(doctor::AboutTrial(*sandbox));
  } else {
    report.answers.push_back(
        doctor::Ask("copies", "Can private copies be made?",
                    doctor::No(sandbox.error().message,
                               "choose a directory that exists and can be written to, with "
                               "--work-dir DIR or TMPDIR=DIR")));
  }

  report.answers.push_back(doctor::AboutDirectory());
  report.answers.push_back(doctor::AboutCopy());
  if (command.empty()) {
    report.answers.push_back(doctor::AboutRealFileSystems());
    if (report.CanJudge())
      report.next = "oldornew doctor -- COMMAND, or directly: oldornew check -- COMMAND";
    return report;
  }

  const auto program = FindProgram(command[0], EnvironmentVariable("PATH"), ".");
  report.program_missing = !program;
  for (DoctorAnswer& answer : doctor::AboutProgram(command, program.value_or(""), backends))
    report.answers.push_back(std::move(answer));
  if (question.try_it && report.CanJudge()) report.answers.push_back(doctor::AboutRun(question));

  // The proposed command line must work as it stands.
  const bool in_place = command[0].ends_with("sqlite3");
  if (report.CanJudge()) {
    report.next = fmt::format("oldornew check {}-- {}",
                              in_place ? "--view 'sqlite3 FILE .dump' " : "", ShellQuote(command));
  }

  return report;
}

}  // namespace oldornew
