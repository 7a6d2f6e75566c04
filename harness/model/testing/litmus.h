// Litmus tests of the persistence model: small programs whose crash states were observed on real
// file systems, or are given by the document.
//
// One file of litmus/ is one test, a line each:
//
//     # title
//     grain call|page|sector           (default: page)
//
//     old file PATH CONTENT
//     old dir PATH
//     old symlink TARGET PATH
//     old link EXISTING PATH
//     old root NAME                    a second file system; its paths are NAME:PATH
//
//     op w PATH OFFSET CONTENT [trunc] [sync] [dsync] [direct]
//                                      open(O_CREAT), write, close
//     op create PATH [MODE]
//     op mkdir|unlink|rmdir|touch PATH
//     op rename|xchg|whiteout|link A B
//     op symlink TARGET PATH
//     op truncate PATH SIZE
//     op chmod PATH MODE
//     op setxattr PATH KEY VALUE
//     op falloc PATH OFFSET LENGTH
//     op punch PATH OFFSET LENGTH SIZE
//     op tmpfile @HANDLE
//     op fsync|fdatasync|sfr|close PATH
//     op syncfs [PATH]
//     op trig                          create, write and fsync a fresh file: the journal commits,
//                                      and nobody flushed our data
//   After any op:
//     fails=EIO                        it reported this error
//     in-flight                        it never returned
//     overlap                          it had begun before the op before it returned
//
//     mark NAME                        a moment that the states below refer to; START is the first
//
//   What is said of the states, each followed by lines "  MARK: STATE || STATE ...":
//     observed ROW...                  seen on that file system
//     expected ROW...                  given by the document, and seen by nobody
//     allowed ROW...                   all that the document allows: there are no others
//     forbidden MARK | CONDITION... | ROW... | reason
//                                      (a line of its own, without states)
//
// ROW is a name or a pattern of names; !PATTERN takes rows out.
//
// CONTENT is a run-length form: "A*2p+0*100", p = 4096 bytes, 0 = zero bytes; "empty".
//
// STATE lists every name, "(none)" if there is none: "d/ f[A*2p nl2 m600 user.x=1] l[->target]";
// ? = stale bytes. "MARK: STATE" was found with the power lost after that mark and before the next.
//
// A CONDITION is PATH=CONTENT, PATH!=CONTENT (CONTENT may be "absent"), PATH~0 (it holds a zero
// byte) or PATH@MODE. A state at or after the mark in which all conditions hold must not be in the
// model (model.md, section 9).
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/crash_states.h"
#include "model/testing/trace_builder.h"

namespace oldornew {

struct Litmus {
  struct Forbidden {
    std::string mark;
    std::vector<std::string> conditions;
    std::set<std::string> rows;
    std::string reason;
  };
  std::string name;
  std::string title;
  Grain grain = Grain::kPage;
  Trace trace;
  std::vector<std::pair<std::string, uint32_t>> marks;  ///< name, crash point; START first
  /// row -> mark -> states
  using States = std::map<std::string, std::map<std::string, std::vector<std::string>>>;
  States observed;
  States expected;
  States allowed;
  std::vector<Forbidden> forbidden;
  /// The old, op and mark lines, for those who run them: words, number of ops before, and before
  /// and in each.
  struct Step {
    std::vector<std::string> words;
    uint32_t first_op = 0;
    uint32_t end_op = 0;
  };
  std::vector<Step> program;

  uint32_t PointOf(const std::string& mark) const;
  /// Crash points after the mark and before the next one.
  std::pair<uint32_t, uint32_t> IntervalOf(const std::string& mark) const;
};

/// Parses the text of one file; CHECKs that it is well formed.
Litmus ParseLitmus(const std::string& name, const std::string& text);

/// Every file of harness/model/litmus, in order of name.
const std::vector<Litmus>& AllLitmusTests();

/// The states of the row, at the test's grain. REQUIRES: they fit the usual limit.
std::vector<CrashState> StatesOf(const Litmus& test, const Profile& row);

/// Where the model, with this row, contradicts what the test says of the row of that name: a
/// sentence each. Stops after `most`.
std::vector<std::string> Contradictions(const Litmus& test, const Profile& row,
                                        size_t most = SIZE_MAX);

/// A state as the litmus files write it, without the files of "trig".
std::string DescribeState(const FileTree& tree);

/// Does this state of the model account for that observed one? Stale bytes in the model stand for
/// any.
bool Accounts(const FileTree& model, const std::string& observed);

/// Does a forbidden condition hold?
bool Holds(const FileTree& tree, const std::string& condition);

}  // namespace oldornew
