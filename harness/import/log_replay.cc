#include "import/log_replay.h"

#include <set>

#include "base/text.h"
#include "import/handlers.h"

namespace oldornew::replay {

using EventKind = StraceEvent::Kind;
using Kind = Obstacle::Kind;

std::string FirstDirectory(const StraceLog& log) {
  const int32_t first = log.events.front().tid;
  for (const StraceCall& call : log.calls) {
    if (call.tid != first) continue;
    if (call.name == "chdir" || call.name == "fchdir" || call.name == "chroot") return "";
    for (const std::string& argument : call.arguments) {
      if (!argument.starts_with("AT_FDCWD") && !argument.starts_with("-100")) continue;
      if (const auto fd = PrintedFd(argument); fd && fd->path.starts_with("/")) return fd->path;
    }
    if (call.name == "getcwd" && !call.failed() && !call.arguments.empty()) {
      if (const auto path = PrintedString(call.arguments[0]);
          path && !path->cut && path->bytes.starts_with("/"))
        return path->bytes.substr(0, path->bytes.find('\0'));
    }
  }

  return "";
}

Replay::Replay(const StraceLog& from, const ReplaySpec& spec, const Knowledge& knowledge)
    : log(from),
      complaints(from),
      arguments(&complaints),
      old_tree(spec.old_tree != nullptr ? *spec.old_tree : TreeOf(knowledge.old)),
      world(old_tree, spec.root, spec.old_tree != nullptr),
      learner(knowledge, spec.old_tree == nullptr, &old_tree, &world),
      processes(from.events.front().tid),
      births(from),
      records(&processes),
      descriptors(&processes, &world, &learner, &arguments, &complaints),
      names(&processes, &world, &learner, &descriptors, &arguments, &complaints),
      bytes(&processes, &world, &records, &complaints) {
  FsContext& place = *processes.main()->place;
  place.umask = knowledge.umask.value_or(022);
  if (!spec.cwd.empty()) place.cwd = world.Directory(spec.cwd);
}

Result<bool> LogReplay::Run() {
  for (const StraceEvent& event : replay_.log.events) {
    OnEvent(event);
    if (replay_.complaints.failed()) return tl::unexpected(replay_.complaints.error());
  }

  Finish();

  Learner& learner = replay_.learner;
  if (spec_.new_tree != nullptr) learner.LearnOwnersAndModes(*spec_.new_tree);
  if (learner.again()) *knowledge_ = learner.learnt();
  return learner.again();
}

/// Whether the thread is there, after its birth if it was not.
bool LogReplay::Born(int32_t tid) {
  if (replay_.processes.Find(tid) != nullptr) return true;
  const std::optional<size_t> call = replay_.births.Take(tid);
  if (!call) return replay_.processes.Unfollowed(tid);

  // The first line of the child may stand before that of the call that made it: only times of
  // several files can be so wrong.
  if (!replay_.records.Begun(*call)) replay_.records.Begin(*call);
  BearChild(replay_, replay_.log.calls[*call], tid);
  return replay_.processes.Find(tid) != nullptr;
}

void LogReplay::OnEvent(const StraceEvent& event) {
  const auto where = [&] { return replay_.log.Where(event.file, event.line); };
  if (!Born(event.tid) && replay_.processes.AddUnfollowed(event.tid)) {
    replay_.complaints.Obstruct(
        Kind::kIncomplete, fmt::format("{}: process {} comes from nowhere: no call of the log made "
                                       "it (record with strace -f, from the start of the program)",
                                       where(), event.tid));
  }

  if (replay_.processes.Find(event.tid) == nullptr) return;

  switch (event.kind) {
    case EventKind::kBegin: {
      const StraceCall& call = replay_.log.calls[event.call];
      replay_.records.Begin(event.call);
      replay_.records.SetCurrent(event.call);
      if (call.name == "close" && !call.failed()) ReplayClose(replay_, call);
      return;
    }
    case EventKind::kEnd:
      return OnEnd(event);
    case EventKind::kExited:
    case EventKind::kKilled: {
      const int32_t status = event.kind == EventKind::kExited ? event.status : 128 + event.status;
      if (replay_.processes.RemoveThread(event.tid) == replay_.processes.main())
        exit_status_ = status;
      return;
    }
    case EventKind::kForeign:
      replay_.complaints.Obstruct(
          Kind::kUnsupported,
          fmt::format("{}: process {} runs 32-bit or x32 code", where(), event.tid));
      return;
  }
}

void LogReplay::OnEnd(const StraceEvent& event) {
  const StraceCall& call = replay_.log.calls[event.call];
  replay_.records.SetCurrent(event.call);

  // A close took effect when it began.
  const ReplayedCall* replayed = call.name == "close" ? nullptr : FindReplayedCall(call.name);
  if (replayed != nullptr) return replayed->handler(replay_, call);
  if (!call.name.starts_with("syscall_") || call.failed()) return;

  // strace had no name for the number. Of the calls since Linux 5.16 these change no file; whatever
  // is newer than we are may do so.
  static const std::set<int64_t> kHarmless = {449, 450, 451, 453, 454, 455, 456, 457,
                                              458, 459, 460, 461, 462, 464, 465, 468};
  const auto number = PrintedNumber(std::string_view(call.name).substr(8));
  if (number && (*number < 449 || kHarmless.count(*number) != 0)) return;
  replay_.complaints.Missed(
      call, fmt::format("strace did not know {}: record with a newer one", call.name));
}

void LogReplay::Finish() {
  if (!replay_.processes.main()->started) {
    replay_.complaints.Obstruct(
        Kind::kIncomplete,
        "the log does not begin with the start of a program: start it by strace, not with -p");
  }

  for (const auto& [child, index] : replay_.births.left()) {
    replay_.complaints.Missed(
        replay_.log.calls[index],
        fmt::format(
            "process {} was made here, but the log has no line of it: record with strace -f",
            child));
  }

  std::set<int32_t> running;
  for (const auto& [tid, thread] : replay_.processes.threads()) {
    if (!replay_.processes.Unfollowed(tid)) running.insert(thread.process->pid);
  }

  for (const int32_t pid : running) {
    replay_.complaints.Obstruct(Kind::kIncomplete,
                                fmt::format("the log ends before process {} does", pid));
  }
}

}  // namespace oldornew::replay
