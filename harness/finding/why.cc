#include "finding/why.h"

#include <algorithm>

#include "base/text.h"

namespace oldornew {

namespace {

struct Words {
  std::string text;
  std::string source;
};

// What of the shown case the reasons depend on.
struct Circumstances {
  bool live = false;        // nothing needs to be lost
  bool data_lost = false;   // bytes or sizes
  bool name_first = false;  // the name is on disk and its data is not
  bool replaces = false;    // ... and it replaced an older file
  bool tail = false;        // the lost bytes begin inside a block that the file had
  bool truncates = false;   // a size was cut
  bool overwrites = false;  // bytes that were there were written over
};

Circumstances Examine(const Trace& trace, const Finding& finding) {
  constexpr uint64_t kBlock = 4096;
  Circumstances c;
  c.live = finding.shown.lost.empty();
  c.name_first = NameBeforeData(trace, finding);
  for (const uint32_t named : finding.shown.on_disk) {
    const Op& op = trace.ops[named];
    c.replaces |= op.kind == OpKind::kRename && op.replaced != kNoObject;
  }
  for (const Effect& effect : finding.shown.lost) {
    const Op& op = trace.ops[effect.op];
    c.data_lost |= ChangesData(op.kind);
    c.truncates |= op.kind == OpKind::kTruncate && op.size_after < op.size_before;
    if (op.kind != OpKind::kWrite) continue;
    c.tail |= op.size_before % kBlock != 0 && op.offset / kBlock == op.size_before / kBlock;
    c.overwrites |= op.offset < op.size_before;
  }
  return c;
}

Words WhyEmpty(const Profile& p) {
  if (p.new_data == NewData::kAfterIo) {
    return {
        "The name is recorded at once, the size only when the data has arrived on the disk. In "
        "between the "
        "file is "
        "there, under its new name, without a byte.",
        "3 (e), 7.4 NEWDATA=after_io, L07"};
  }
  if (p.delalloc != Delalloc::kNo) {
    return {
        "New data gets its place on the disk, and the file its size, only when it is written back, "
        "up to "
        "half a "
        "minute later (delayed allocation). The name is recorded long before.",
        "3 (e) and (f), 7.4 DELALLOC=y, L08, L37"};
  }
  return {"Nothing obliges the file system to write the data before the name.",
          "7.4 META_ORDER=none"};
}

Words WhyZeros(const Profile& p, const Circumstances& c) {
  if (c.tail && p.tail_append == NewData::kZero) {
    return {
        "Bytes were added in a block that the file already had. The new size is recorded at once, "
        "the bytes "
        "follow "
        "later; until they do, that part reads as zeros.",
        "1.3, 7.4 TAILAPPEND=zero, L09s"};
  }
  if (p.new_data == NewData::kZero) {
    std::string text =
        "The new size is recorded when the data is sent to the disk, not when it has arrived "
        "there. If the "
        "record is on disk first, the file has its full size and reads as zeros.";
    if (c.replaces && p.replace == Writeback::kStart)
      text +=
          " A rename over an old file makes the file system send the data early, but it does not "
          "wait for "
          "it.";
    return {text, "1.1, 1.2, 7.4 NEWDATA=zero, L07d"};
  }
  return {
      "A place on the disk belongs to the file before its data is there, and reads as zeros or as "
      "anything.",
      "7.4 NEWDATA=stale"};
}

Words WhyTorn(const Profile& p, const Circumstances& c) {
  if (c.truncates && p.trunc == TruncRule::kTorn) {
    return {
        "When a file is shortened, the rest of its last block is filled with zeros first and the "
        "size "
        "changed later: "
        "two steps.",
        "1.4, 7.4 TRUNC=torn, L13"};
  }
  if (c.tail && !c.overwrites) return WhyZeros(p, c);
  if (p.overwrite == Overwrite::kInPlace) {
    return {
        "Bytes that are written over go to their place on the disk whenever the system finds time, "
        "page by "
        "page and in "
        "any order, and a page by sectors of 512 bytes.",
        "1.11, 3 (g), 7.4 OVERWRITE=inplace, L10"};
  }
  return {
      "Each part that is written back is replaced as a whole, but several of them, or several "
      "calls, are "
      "several "
      "steps.",
      p.overwrite == Overwrite::kCow ? "3 (g), 7.4 OVERWRITE=cow" : "3 (g), 7.4 OVERWRITE=journal"};
}

Words WhyNames(const Profile& p) {
  switch (p.meta_order) {
    case MetaOrder::kNone:
      return {
          "Two changes of names are two changes: nothing says which of them is on the disk first.",
          "7.4 META_ORDER=none, 7.6.6"};
    case MetaOrder::kTxLog:
      return {
          "Changes of names reach the disk in transactions; what a sync logs ahead of them goes "
          "without the "
          "others.",
          "1.6, 7.4 META_ORDER=txlog, 7.6.4"};
    case MetaOrder::kPrefix:
      break;
  }
  return {
      "Changes of names reach the disk in their order, but a power cut can fall between any two of "
      "them.",
      "3 (c), 7.4 META_ORDER=prefix"};
}

Words WhyOld(const Profile& p, const Circumstances& c) {
  if (c.data_lost) {
    return {
        "write() only fills the memory of the system; without a sync it is written back up to half "
        "a minute "
        "later.",
        "3 (f), 7.3 E5"};
  }
  if (p.meta_order == MetaOrder::kNone) {
    return {"A name is on the disk for certain only when a sync of its directory has returned.",
            "3 (a), 7.4 FSYNC_DIR=OWN"};
  }
  return {
      "A rename, a new or a removed name is recorded with the next journal commit, or when a sync "
      "asks for "
      "it. Until "
      "then a power cut takes it back.",
      "3 (f), 7.3 E5, 7.4 FSYNC_DIR"};
}

Words WhyAttributes(const Profile& p) {
  if (p.meta_order == MetaOrder::kPrefix) {
    return {
        "Mode, owner and attributes are changes of their own, in the order of the calls: a power "
        "cut can "
        "fall between "
        "them and the change of the content.",
        "3 (m), 7.4 META_ORDER=prefix"};
  }
  return {
      "Mode, owner and attributes are changes of their own and reach the disk for certain only "
      "with a sync "
      "of the file.",
      "3 (m), 7.4 DATASYNC_META, 7.6.4"};
}

Words WhyOne(const Finding& finding, Outcome outcome, const Profile& p, const Circumstances& c) {
  if (finding.oracle == Oracle::kAttrs) return WhyAttributes(p);
  if (finding.oracle == Oracle::kDurable) return WhyOld(p, c);
  switch (outcome) {
    case Outcome::kEmpty:
      return WhyEmpty(p);
    case Outcome::kZeros:
      return WhyZeros(p, c);
    case Outcome::kGarbage:
      return {
          "The place on the disk belongs to the file before its data is there: what it held "
          "before, perhaps "
          "of another "
          "file, shows through.",
          "1.12, 7.4 NEWDATA=stale, L07d"};
    case Outcome::kTorn:
    case Outcome::kForeign:
      return WhyTorn(p, c);
    case Outcome::kTruncated:
      return {"The data reaches the disk piece by piece, and the size grows with it.",
              "3 (f), 7.6.1"};
    case Outcome::kMixed:
      return {"Several files are several changes: a power cut can fall between them.",
              "3 (c), 7.4 META_ORDER"};
    case Outcome::kMissing:
    case Outcome::kDangling:
      return WhyNames(p);
    default:
      return c.data_lost ? WhyTorn(p, c) : WhyNames(p);
  }
}

}  // namespace

std::vector<Reason> WhyPossible(const Trace& trace, const Finding& finding, const Profile* row) {
  if (finding.axis == Finding::kRunAxis) {
    return {{finding.profiles,
             "No crash is needed: this is so while the program runs, on every file system.",
             finding.oracle == Oracle::kPrivate ? "oracles.md 13" : "oracles.md 14"}};
  }
  if (finding.shown.which.As<Kill>() != nullptr) {
    return {{finding.profiles,
             "No file system is to blame: the program itself leaves it like this between two of "
             "its calls, or "
             "within "
             "one, and it can be killed there (kill -9, the OOM killer, the end of a container or "
             "a session).",
             "oracles.md 1"}};
  }
  const Circumstances c = Examine(trace, finding);
  std::vector<Reason> out;
  const auto add = [&](const Words& words, const std::string& profile) {
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const Reason& r) { return r.text == words.text; });
    if (same == out.end()) {
      out.push_back({{profile}, words.text, "persistence-model.md " + words.source});
    } else if (std::find(same->profiles.begin(), same->profiles.end(), profile) ==
               same->profiles.end()) {
      same->profiles.push_back(profile);
    }
  };
  if (c.live && finding.oracle != Oracle::kDurable) {
    out.push_back(
        {finding.profiles,
         "No file system is to blame: the program itself leaves it like this between two of its "
         "calls, and the "
         "power can go there.",
         "oracles.md 1"});
  }
  for (const auto& [outcome, profiles] : finding.outcomes) {
    // What the shown case does not lack, other outcomes may; but without anything lost there is
    // nothing to explain.
    if (c.live && outcome == finding.shown.outcome) continue;
    for (const std::string& name : profiles) {
      const Profile* profile = row != nullptr && row->name == name ? row : FindProfile(name);
      if (profile != nullptr) add(WhyOne(finding, outcome, *profile, c), name);
    }
  }
  return out;
}

}  // namespace oldornew
