#include "interpose/completeness.h"

#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/text.h"
#include "interpose/accounted.h"
#include "interpose/decode.h"

namespace oldornew {

using wire::RecordKind;
using wire::SectionType;

namespace {

/// Whether a record of this kind stands for a call that the accounts count.
bool StandsForCall(RecordKind kind) {
  switch (kind) {
    case RecordKind::kPad:
    case RecordKind::kProcessStart:
    case RecordKind::kForked:
    case RecordKind::kClone:
    case RecordKind::kThreadStart:
    case RecordKind::kExec:
    case RecordKind::kExecFailed:
    case RecordKind::kExit:
    case RecordKind::kAccount:
    case RecordKind::kModules:
    case RecordKind::kMapShared:
    case RecordKind::kMapped:
    case RecordKind::kUnsupported:
    case RecordKind::kRefused:
    case RecordKind::kFileCall:  // in addition to the record of the call, if any
      return false;
    default:
      return true;
  }
}

/// The calls that move the kernel's count, and those that add the children's.
bool MovesBytes(int nr) { return wire::KernelAddsUp(nr) || nr == SYS_wait4 || nr == SYS_waitid; }

}  // namespace

wire::Account Completeness::AccountOf(uint32_t number) const {
  wire::Account account = {};
  auto image = images_.find(number);
  if (image != images_.end() && image->second.counters != nullptr)
    memcpy(&account, image->second.counters, sizeof account);
  return account;
}

bool Completeness::Quiet(uint32_t number) const {
  if (images_.count(number) == 0) return false;
  const wire::Account account = AccountOf(number);
  for (int i = 0; i < wire::kAccountedCount; i++) {
    const wire::CallAccount& calls = account.calls[i];
    if (MovesBytes(wire::AccountedCall(i)) && calls.entered != calls.returned) return false;
  }
  return true;
}

void Completeness::Count(const RecordView& record) {
  const wire::Record& r = *record.fixed;
  if (!record.done() && record.kind() != RecordKind::kFileCall) cut_off_ = true;
  for (uint64_t ticket : {r.begin, r.end}) {
    if (ticket == 0) continue;
    if (ticket < tickets_.size() && !tickets_[ticket]) {
      tickets_[ticket] = true;
      tickets_seen_++;
    } else {
      reasons_.insert(
          fmt::format("the recording was written over: ticket {} cannot be twice in it", ticket));
    }
  }

  const int index = StandsForCall(record.kind()) ? wire::AccountedAt(r.nr) : -1;
  if (index >= 0) images_[r.account].recorded[static_cast<size_t>(index)]++;
}

bool Completeness::IsOfProcesses(RecordKind kind) {
  return !StandsForCall(kind) || kind == RecordKind::kReaped;
}

void Completeness::Note(const RecordView& record, const std::string& who) {
  const wire::Record& r = *record.fixed;
  if (main_ == 0) {
    main_ = r.pid;
    main_who_ = who;
  }

  switch (record.kind()) {
    case RecordKind::kProcessStart:
    case RecordKind::kForked:
      return NoteStart(record, who);
    case RecordKind::kAccount: {
      std::string_view counters = record.text(SectionType::kCounters);
      Image& image = images_[r.account];
      image.who = who;
      image.pid = r.pid;
      if (counters.size() == sizeof(wire::Account)) image.counters = counters.data();
      bytes_[r.pid].account = r.account;
      return;
    }
    case RecordKind::kClone:
      if (record.done() && r.ret > 0 && (r.flags & wire::kIsThread) != 0)
        threads_[r.pid][static_cast<int32_t>(r.ret)]++;
      return;
    case RecordKind::kThreadStart:
      threads_[r.pid][r.tid]--;
      return;
    case RecordKind::kExec:
      bytes_[r.pid].left = true;
      return;
    case RecordKind::kExecFailed:
      bytes_[r.pid].left = false;
      return;
    case RecordKind::kUnsupported:
      if (!record.has(SectionType::kObjectBefore)) bytes_[r.pid].left = true;
      return;
    case RecordKind::kReaped:
      return NoteReaped(record, who);
    case RecordKind::kExit:
      return NoteExit(record, who);
    default:
      return;
  }
}

void Completeness::NoteStart(const RecordView& record, const std::string& who) {
  const wire::Record& r = *record.fixed;
  const bool image = record.kind() == RecordKind::kProcessStart;
  auto before = bytes_.find(r.pid);
  const bool counted = (r.flags & wire::kKernelCounted) != 0;
  if (image && counted && before != bytes_.end() && !before->second.shares &&
      Quiet(before->second.account)) {
    const uint64_t written = AccountOf(before->second.account).written;
    CompareBytes(before->second, written, r.offset, r.pid, images_[before->second.account].who);
  }

  if (image) EndThreads(r.pid, who);
  Bytes& bytes = bytes_[r.pid];
  bytes = Bytes();
  bytes.known = !image || counted;  // a fork begins with nothing
  bytes.base = image ? r.offset : 0;
  bytes.shares = !image && r.account != 0;
  if (!image) threads_[r.pid] = Threads();
  exited_.erase(r.pid);
}

void Completeness::EndThreads(int32_t pid, const std::string& who) {
  for (const auto& [tid, missing] : threads_[pid]) {
    if (missing <= 0) continue;
    reasons_.insert(fmt::format(
        "a thread (id {}) of process {} ({}) was started, but the recorder never got into it", tid,
        pid, who));
  }
  threads_[pid] = Threads();
}

void Completeness::NoteExit(const RecordView& record, const std::string& who) {
  const wire::Record& r = *record.fixed;
  const bool all = r.nr == SYS_exit_group;
  if (!all && r.thread != 0) return;
  exited_.insert(r.pid);
  if (!all) return;
  auto found = bytes_.find(r.pid);
  const bool shares = found != bytes_.end() && found->second.shares;
  if (!shares) EndThreads(r.pid, who);
  if ((r.flags & wire::kKernelCounted) == 0 || found == bytes_.end() || shares) return;
  CompareBytes(found->second, r.length, r.offset, r.pid, who);
  found->second.ended = true;
  found->second.last = r.offset;
}

void Completeness::CompareBytes(const Bytes& bytes, uint64_t written, uint64_t count, int32_t pid,
                                const std::string& who) {
  if (!bytes.known || count <= bytes.base + written + bytes.children) return;
  reasons_.insert(
      fmt::format("process {} ({}) wrote {} that no recorded call wrote: the kernel counted {}, "
                  "the recorder {}",
                  pid, who, ByteSize(count - bytes.base - written - bytes.children),
                  count - bytes.base, written + bytes.children));
}

void Completeness::NoteReaped(const RecordView& record, const std::string& who) {
  const wire::Record& r = *record.fixed;
  const int status = static_cast<int>(r.mode_arg);
  const bool exited = exited_.erase(r.other_pid) != 0;
  auto child = bytes_.find(r.other_pid);

  // A child that never announced itself is ProcessTable's.
  if (WIFEXITED(status) && !exited && child != bytes_.end() && !child->second.left) {
    auto image = images_.find(child->second.account);
    reasons_.insert(fmt::format(
        "process {} ({}) exited, but the recorder did not see its end: something of it ran unseen",
        r.other_pid, image == images_.end() ? "a child of " + who : image->second.who));
  }

  Bytes& parent = bytes_[r.pid];

  // it never announced itself: killed before it could do anything, or a hole
  if (child == bytes_.end()) return;
  const Bytes gone = child->second;
  bytes_.erase(child);
  if (gone.ended) {
    parent.children += gone.last;
  } else if (gone.shares) {
    // What it wrote stands in its parent's account.
  } else if (gone.known && Quiet(gone.account) && !(WIFSIGNALED(status) && WCOREDUMP(status))) {
    parent.children += gone.base + gone.children + AccountOf(gone.account).written;
  } else {
    parent.known = false;
  }
}

void Completeness::CheckCalls() {
  for (const auto& [number, image] : images_) {
    if (image.counters == nullptr) continue;
    const wire::Account account = AccountOf(number);
    for (int i = 0; i < wire::kAccountedCount; i++) {
      const wire::CallAccount& calls = account.calls[i];
      const uint32_t recorded = image.recorded[static_cast<size_t>(i)];
      if (recorded + calls.passed >= calls.returned) continue;
      const std::string passed =
          calls.passed == 0 ? "" : fmt::format(" and {} needed no record", calls.passed);
      reasons_.insert(fmt::format(
          "process {} ({}) made {}, {} recorded{}", image.pid, image.who,
          oldornew::Count(calls.returned, SyscallName(wire::AccountedCall(i)) + " call"),
          recorded == 1 ? "1 is" : fmt::format("{} are", recorded), passed));
    }
  }
}

std::vector<std::string> Completeness::Finish() {
  // If the recording is full, that is said, and explains what else is missing.
  if (header_.overflowed == 0) CheckCalls();
  if (main_exited_ && main_ != 0 && exited_.count(main_) == 0 && !bytes_[main_].left &&
      header_.overflowed == 0) {
    reasons_.insert(fmt::format(
        "process {} ({}) exited, but the recorder did not see its end: something of it ran unseen",
        main_, main_who_));
  }

  for (const auto& [number, image] : images_) {
    const wire::Account account = AccountOf(number);
    for (const wire::CallAccount& calls : account.calls)
      cut_off_ = cut_off_ || calls.entered != calls.returned;
  }

  const uint64_t taken = header_.ticket - 1;
  const uint64_t known = tickets_seen_ + header_.tickets_dropped;
  if (!cut_off_ && header_.stop == 0 && header_.overflowed == 0 && known < taken &&
      reasons_.empty()) {
    reasons_.insert(fmt::format("{} that processes took are in no record: records were lost",
                                oldornew::Count(taken - known, "ticket")));
  }

  return {reasons_.begin(), reasons_.end()};
}

}  // namespace oldornew
