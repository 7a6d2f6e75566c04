// The inside of the decoder. See decode.h for the method.
//
// Decoding is what the records so far have led to: which objects, processes and attributes there
// are, and the ops. What is done about a record is a function over it, one for each family of
// records: decode_files.cc, decode_names.cc, decode_metadata.cc and decode_other.cc.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

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

/// Makes the ops and obstacles of the trace.
class OpWriter {
 public:
  OpWriter(Trace* trace, DecodeStatistics* statistics, ProcessTable* processes, Unwinder* unwinder)
      : trace_(trace), statistics_(*statistics), processes_(*processes), unwinder_(*unwinder) {}

  /// An op with all that every record says; nothing is added to the trace yet.
  Op NewOp(const RecordView& record, OpKind kind);
  void Emit(Op op);
  uint64_t AddPayload(std::string_view bytes);  ///< where they are in Trace::payload

  /// The record is about something outside every root.
  void Outside() { statistics_.outside++; }
  /// Each reason is kept once.
  void Obstruct(Obstacle::Kind kind, std::string reason);
  /// Somebody made `path` whom the recorder did not see.
  void Unseen(const std::string& path);

  /// The program that made the call, for messages.
  std::string Who(const RecordView& record);
  /// The call stack of a record: unwound once for all records that have the same.
  const std::vector<uint64_t>& StackOf(const RecordView& record, size_t process);

  /// Adds the ops of calls that never returned. They were decoded in their place, where identities
  /// mean what they meant then, and come last, as nobody saw them return. `created`: objects that
  /// were made for them.
  void AddInFlight(const std::set<ObjectId>& created);

 private:
  Trace* trace_;
  DecodeStatistics& statistics_;
  ProcessTable& processes_;
  Unwinder& unwinder_;
  std::map<uint64_t, std::vector<uint64_t>> stacks_;  // by Record::begin
  std::set<std::string> said_;
  std::vector<Op> in_flight_;
};

/// What the ops so far left of each file, as far as later records are judged by it.
class KnownAttributes {
 public:
  struct Attributes {
    uint32_t mode = 0;
    uint32_t uid = 0;
    uint32_t gid = 0;
    std::string acl;          ///< system.posix_acl_access
    std::string default_acl;  ///< system.posix_acl_default
    uint64_t size = 0;
  };

  explicit KnownAttributes(const FileTree& old_tree) : old_tree_(old_tree) {}

  Attributes& Known(ObjectId object);

 private:
  const FileTree& old_tree_;
  std::map<ObjectId, Attributes> attributes_;
};

struct Decoding {
  Decoding(const CapturedTree& old_tree, const wire::Header& recording, Trace* to,
           DecodeStatistics* statistics, Unwinder* unwinder)
      : header(recording),
        trace(to),
        objects(old_tree, to),
        processes(to),
        ops(to, statistics, &processes, unwinder),
        attributes(old_tree.tree) {}
  Decoding(const Decoding&) = delete;
  Decoding& operator=(const Decoding&) = delete;

  /// The object that the call found, before it did anything.
  ObjectId Before(const RecordView& record) const {
    return objects.Find(record.state(wire::SectionType::kObjectBefore));
  }

  const wire::Header& header;
  Trace* trace;
  ObjectTable objects;
  ProcessTable processes;
  OpWriter ops;
  KnownAttributes attributes;
  std::set<ObjectId> created_in_flight;
  /// shared mappings whose content is nobody's promise: SQLite's -shm files
  std::set<ObjectId> volatile_maps;
};

// decode_files.cc
void DecodeOpen(Decoding& d, const RecordView& record);
void DecodeClose(Decoding& d, const RecordView& record);
void DecodeDup(Decoding& d, const RecordView& record);
void DecodeWrite(Decoding& d, const RecordView& record);
void DecodeOutput(Decoding& d, const RecordView& record, int channel);
void DecodeResize(Decoding& d, const RecordView& record);
void DecodeSync(Decoding& d, const RecordView& record);
/// The last descriptor of an open file went away.
void NoteClosed(Decoding& d, const RecordView& record, const OpenFile& file);
/// A file, directory or other name that the call made. `op`: the create, with its place.
void DecodeCreated(Decoding& d, const RecordView& record, Op op);
/// A create that never came back: an object for the case that it did happen. Its attributes are
/// those of what is there now, if that can be it.
void NameInFlight(Decoding& d, uint32_t type, uint32_t permissions, Op* op);

// decode_names.cc
void DecodeMakeNode(Decoding& d, const RecordView& record);
void DecodeLink(Decoding& d, const RecordView& record);
void DecodeUnlink(Decoding& d, const RecordView& record);
void DecodeRename(Decoding& d, const RecordView& record);

// decode_metadata.cc
void DecodeMetadata(Decoding& d, const RecordView& record);
/// Adds a kSetAttributes op when mode or owner after the call are not what they were: chmod by
/// ACL, a write that clears the set-user-id bit.
void NoteAttributes(Decoding& d, const RecordView& record, ObjectId object, bool always);
/// Ops for the ACLs that a new file gets from the default ACL of its directory (acl(5)).
void InheritAcl(Decoding& d, const RecordView& record, const Op& create);

// decode_other.cc
void DecodeExit(Decoding& d, const RecordView& record);
void DecodeMapShared(Decoding& d, const RecordView& record);
void DecodeUnsupported(Decoding& d, const RecordView& record);
void DecodeRefused(Decoding& d, const RecordView& record);
void DecodeFileCall(Decoding& d, const RecordView& record);

}  // namespace oldornew
