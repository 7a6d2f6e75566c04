// close, dup and fcntl, as far as they decide when a file open for writing is closed for good (ext4
// and xfs then start to write it out: persistence-model.md 7.4, TRCLOSE). Descriptors that are not
// open for writing on a regular file cost one fcntl.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "interpose/funnel/descriptors.h"
#include "interpose/funnel/handlers.h"

namespace oldornew::preload {

using wire::RecordKind;

namespace {

bool OpenForWriting(int fd, wire::FileState* state) {
  DescriptorFacts facts;
  if (UnderProgramFilter() || LookUpDescriptor(fd, &facts) != 0) return false;
  *state = StateOf(facts);
  return S_ISREG(facts.mode) && (facts.flags & O_ACCMODE) != O_RDONLY &&
         (facts.flags & O_PATH) == 0;
}

long RecordPlain(const Call& call, RecordKind kind, int fd, const wire::FileState& state) {
  const BeginTicket begin;
  FileLock lock;
  RecordWriter record(lock, kind, call, begin.Use(), kNamesRoom);
  record->descriptor = fd;
  record.AddState(wire::SectionType::kObjectBefore, state);
  record.Begun();
  return record.Done(CarryOut(call));
}

}  // namespace

long HandleClose(Call& call) {
  wire::FileState state = {};
  if (call.nr == SYS_close_range) {
    ForgetAllDescriptors();
    long result = RecordPlain(call, RecordKind::kCloseRange, -1, state);
    ForgetAllDescriptors();
    return result;
  }

  int fd = (int)call.args[0];
  bool matters = OpenForWriting(fd, &state);
  ForgetDescriptor(fd);  // Before the number can be given to another file by another thread.
  return matters ? RecordPlain(call, RecordKind::kClose, fd, state) : PassBy(call, Pass::kNoMatter);
}

long HandleDup(Call& call) {
  wire::FileState state;
  wire::FileState over;
  bool copies = OpenForWriting((int)call.args[0], &state);
  bool closes = call.nr != SYS_dup && call.args[0] != call.args[1] &&
                OpenForWriting((int)call.args[1], &over);
  if (call.nr != SYS_dup && call.args[0] != call.args[1]) ForgetDescriptor((int)call.args[1]);
  if (!copies && !closes) return PassBy(call, Pass::kNoMatter);

  const BeginTicket begin;
  FileLock lock;

  RecordWriter record(lock, RecordKind::kDup, call, begin.Use(), kNamesRoom);
  record->descriptor = (int)call.args[0];
  if (copies) record.AddState(wire::SectionType::kObjectBefore, state);
  if (closes) record.AddState(wire::SectionType::kOtherBefore, over);  // what dup2 closes

  record.Begun();
  return record.Done(CarryOut(call));
}

long HandleFcntl(Call& call) {
  wire::FileState state;
  int command = (int)call.args[1];
  if (command == F_SETFL) {  // for all descriptors of that open file, whichever they are
    long result = CarryOut(call);
    ForgetAllDescriptors();
    return result;
  }

  bool dup = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
  if (!dup && command != F_SETFD) return CarryOut(call);
  if (!OpenForWriting((int)call.args[0], &state)) return PassBy(call, Pass::kNoMatter);
  return RecordPlain(call, dup ? RecordKind::kDup : RecordKind::kCloexec, (int)call.args[0], state);
}

}  // namespace oldornew::preload
