#include "interpose/decoding.h"

#include <string.h>

#include <utility>

#include "base/text.h"
#include "interpose/decode.h"
#include "tree/acl.h"

namespace oldornew {

using wire::SectionType;

Op OpWriter::NewOp(const RecordView& record, OpKind kind) {
  const wire::Record& r = *record.fixed;
  Op op;
  op.kind = kind;
  op.begin = r.begin;
  op.process = processes_.IndexOf(r.pid);
  op.thread = r.thread;
  op.syscall = r.nr;
  op.call = SyscallName(r.nr);
  op.descriptor = r.descriptor;
  if (record.done()) {
    op.end = r.end;
    if (r.ret < 0 && r.ret >= -4095) op.error = static_cast<int32_t>(-r.ret);
  } else {
    op.flags |= kFlagInFlight;
  }

  if (r.injection != 0) {
    op.flags |= kFlagInjected;
    if (record.done() && op.error == 0) op.told = r.told;
  }

  op.stack = StackOf(record, static_cast<size_t>(op.process));

  return op;
}

const std::vector<uint64_t>& OpWriter::StackOf(const RecordView& record, size_t process) {
  const wire::Record& r = *record.fixed;
  std::string_view words = record.text(SectionType::kStack);
  uint64_t key = r.begin;
  if (words.size() == sizeof key) memcpy(&key, words.data(), sizeof key);
  auto [entry, fresh] = stacks_.try_emplace(key);
  if (!fresh) return entry->second;

  // The record with the words came earlier; if it is missing, at least the call itself is known.
  if (words.size() > sizeof key)
    entry->second = unwinder_.Unwind(trace_->processes[process].modules, r, words);
  if (entry->second.empty() && r.ip != 0) entry->second.push_back(r.ip);
  return entry->second;
}

void OpWriter::Emit(Op op) {
  ((op.flags & kFlagInFlight) != 0 ? in_flight_ : trace_->ops).push_back(std::move(op));
}

std::string OpWriter::Who(const RecordView& record) {
  auto index = static_cast<size_t>(processes_.IndexOf(record.fixed->pid));
  const std::string& program = trace_->processes[index].program;
  return program.empty() ? fmt::format("process {}", record.fixed->pid) : program;
}

void OpWriter::Unseen(const std::string& path) {
  Obstruct(Obstacle::Kind::kIncomplete,
           fmt::format("{} was made by something that the recorder did not see", path));
}

void OpWriter::Obstruct(Obstacle::Kind kind, std::string reason) {
  if (said_.insert(reason).second) trace_->obstacles.push_back({kind, std::move(reason)});
}

uint64_t OpWriter::AddPayload(std::string_view bytes) {
  const uint64_t at = trace_->payload.size();
  trace_->payload.append(bytes);
  return at;
}

void OpWriter::AddInFlight(const std::set<ObjectId>& created) {
  for (Op& op : in_flight_) {
    if (op.kind == OpKind::kCreate && op.object != kNoObject && created.count(op.object) != 0) {
      trace_->objects[static_cast<size_t>(op.object)].created_by =
          static_cast<int32_t>(trace_->ops.size());
    }
    trace_->ops.push_back(std::move(op));
  }
  in_flight_.clear();
}

KnownAttributes::Attributes& KnownAttributes::Known(ObjectId object) {
  auto [entry, fresh] = attributes_.try_emplace(object);
  if (fresh && static_cast<size_t>(object) < old_tree_.size()) {
    const Inode& inode = old_tree_.at(object);
    auto xattr = [&](const char* key) {
      auto found = inode.xattrs.find(key);
      return found == inode.xattrs.end() ? std::string() : found->second;
    };
    entry->second = {inode.mode,        inode.uid,          inode.gid,
                     xattr(kAccessAcl), xattr(kDefaultAcl), inode.content.size()};
  }

  return entry->second;
}

}  // namespace oldornew
