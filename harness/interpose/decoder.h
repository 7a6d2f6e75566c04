// The decoder's inside: one function per kind of record. See decode.h for the method.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "interpose/completeness.h"
#include "interpose/decode.h"
#include "interpose/object_table.h"
#include "interpose/process_table.h"
#include "interpose/record_view.h"
#include "interpose/unwind.h"

namespace oldornew {

/// Permission bits of st_mode.
inline constexpr uint32_t kPermissions = 07777;

inline std::string Text(const RecordView& record, wire::SectionType type) {
  return std::string(record.text(type));
}

class Decoder {
 public:
  Decoder(const CapturedTree& old_tree, const wire::Header& header, Trace* trace,
          DecodeStatistics* statistics, Unwinder* unwinder)
      : old_tree_(old_tree.tree),
        header_(header),
        trace_(trace),
        statistics_(statistics),
        objects_(old_tree, trace),
        processes_(trace),
        completeness_(header),
        unwinder_(*unwinder) {}

  void Decode(const RecordView& record);
  void MainExited() { completeness_.MainExited(); }
  void AskForNoProof() { proof_ = false; }
  void Finish();

  void Obstruct(Obstacle::Kind kind, std::string reason) {
    if (said_.insert(reason).second) trace_->obstacles.push_back({kind, std::move(reason)});
  }

 private:
  void Take(const RecordView& record);
  Op NewOp(const RecordView& record, OpKind kind);
  void Emit(Op op);
  void Outside() { statistics_->outside++; }
  ObjectId Before(const RecordView& r) const {
    return objects_.Find(r.state(wire::SectionType::kObjectBefore));
  }
  std::string Who(const RecordView& record);
  void Unseen(const std::string& path);

  void DecodeOpen(const RecordView& record);
  void DecodeCreated(const RecordView& record, Op op);
  /// A create that never came back: an object for the case that it did happen. Its attributes are
  /// those of what is there now, if that can be it.
  void NameInFlight(uint32_t type, uint32_t permissions, Op* op);
  void DecodeClose(const RecordView& record);
  void DecodeDup(const RecordView& record);
  void DecodeWrite(const RecordView& record);
  void DecodeOutput(const RecordView& record, int channel);
  void DecodeResize(const RecordView& record);
  void DecodeSync(const RecordView& record);
  void DecodeMakeNode(const RecordView& record);
  void DecodeLink(const RecordView& record);
  void DecodeUnlink(const RecordView& record);
  void DecodeRename(const RecordView& record);
  void DecodeMoveAcross(const RecordView& record, ObjectId dir, ObjectId dir2);
  void DecodeMetadata(const RecordView& record);
  void DecodeExit(const RecordView& record);
  void DecodeMapShared(const RecordView& record);
  void DecodeUnsupported(const RecordView& record);
  void DecodeRefused(const RecordView& record);
  void DecodeFileCall(const RecordView& record);

  /// Adds a kSetAttributes op when mode or owner after the call are not what they were: chmod by
  /// ACL, a write that clears the set-user-id bit.
  void NoteAttributes(const RecordView& record, ObjectId object, bool always);
  /// Ops for the ACLs that a new file gets from the default ACL of its directory (acl(5)).
  void InheritAcl(const RecordView& record, const Op& create);
  void EmitXattr(const RecordView& record, ObjectId object, const std::string& key,
                 const std::string& value);
  /// The call stack of a record: unwound once for all records that have the same.
  const std::vector<uint64_t>& StackOf(const RecordView& record, size_t process);
  void NoteClosed(const RecordView& record, const OpenFile& file);
  int ChannelOf(const RecordView& record) const;
  uint64_t AddPayload(std::string_view bytes) {
    uint64_t at = trace_->payload.size();
    trace_->payload.append(bytes);
    return at;
  }

  /// What the ops so far left of a file, as far as later records are judged by it.
  struct Attributes {
    uint32_t mode = 0;
    uint32_t uid = 0;
    uint32_t gid = 0;
    std::string acl;          // system.posix_acl_access
    std::string default_acl;  // system.posix_acl_default
    uint64_t size = 0;
  };
  Attributes& Known(ObjectId object);

  const FileTree& old_tree_;
  const wire::Header& header_;
  Trace* trace_;
  DecodeStatistics* statistics_;
  ObjectTable objects_;
  ProcessTable processes_;
  Completeness completeness_;
  bool proof_ = true;
  std::map<ObjectId, Attributes> attributes_;
  Unwinder& unwinder_;
  std::map<uint64_t, std::vector<uint64_t>> stacks_;  // by Record::begin
  std::set<std::string> said_;
  std::vector<Op> in_flight_;
  std::set<ObjectId> created_in_flight_;
  // shared mappings whose content is nobody's promise: SQLite's -shm files
  std::set<ObjectId> volatile_maps_;
};

}  // namespace oldornew
