#include "interpose/funnel/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "interpose/funnel/account.h"
#include "interpose/funnel/hole.h"
#include "interpose/funnel/memory.h"
#include "interpose/funnel/stack.h"

namespace oldornew::preload {

using wire::Record;
using wire::RecordState;

wire::Header* g_header = nullptr;
#ifndef OLDORNEW_HOSTED
char g_path[kPathMax];
char g_path2[kPathMax];
char g_scratch[kPathMax];
#endif

namespace {

uint64_t g_mapped = 0;  // bytes of the file that this process has mapped
Record g_sink;          // where records go that found no room; nobody reads it

void ToState(const struct stat& st, wire::FileState* state) {
  state->dev = st.st_dev;
  state->ino = st.st_ino;
  state->rdev = st.st_rdev;
  state->size = (uint64_t)st.st_size;
  state->mode = st.st_mode;
  state->uid = st.st_uid;
  state->gid = st.st_gid;
  state->nlink = (uint32_t)st.st_nlink;
}

}  // namespace

void UseRecording(wire::Header* header, uint64_t mapped) {
  g_mapped = mapped;
  g_header = header;
}

const void* RecordingMapping(uint64_t* size) {
  *size = g_header == nullptr ? 0 : g_mapped;
  return g_header;
}

uint64_t TakeTicket() { return __atomic_fetch_add(&g_header->ticket, 1, __ATOMIC_SEQ_CST); }

BeginTicket::~BeginTicket() {
  if (!used_) __atomic_fetch_add(&g_header->tickets_dropped, 1, __ATOMIC_RELAXED);
}

// Fresh pages of the recording are had in steps: one question for many is cheaper than a fault for
// each.
constexpr uint64_t kStep = 65536;
// The step done last; room that was given back may be reserved across it again.
uint64_t g_populated = 0;

void Populate(uint64_t from, uint64_t room) {
  if (UnderProgramFilter()) return;
  // MADV_POPULATE_WRITE of Linux 5.14; elsewhere nothing happens
  constexpr long kPopulateWrite = 23;
  uint64_t start = (from + 4095) / 4096 * 4096;
  uint64_t end = from / kStep * kStep + kStep;
  if (__atomic_exchange_n(&g_populated, end, __ATOMIC_RELAXED) == end) return;
  if (end <= room)
    Gate(SYS_madvise, (char*)g_header + wire::kHeaderSize + start, end - start, kPopulateWrite);
}

RecordWriter::RecordWriter(wire::RecordKind kind, const Call& call, uint64_t begin, uint64_t extra,
                           int tid) {
  uint64_t size = wire::AlignUp(sizeof(Record) + extra, wire::kAlign);
  uint64_t room = g_mapped - wire::kHeaderSize;
  uint64_t at = room;
  if (size < room) at = __atomic_fetch_add(&g_header->tail, size, __ATOMIC_RELAXED);
  if (at + size > room || size > UINT32_MAX) {
    __atomic_store_n(&g_header->overflowed, 1, __ATOMIC_RELAXED);
    record_ = &g_sink;
  } else {
    if (at / kStep != (at + size) / kStep) Populate(at + size, room);
    record_ = (Record*)((char*)g_header + wire::kHeaderSize + at);
    capacity_ = size;
    __atomic_store_n(&record_->size, (uint32_t)size, __ATOMIC_RELEASE);
  }

  touched_ = sizeof(Record);
  record_->begin = begin;
  record_->used = sizeof(Record);
  record_->kind = (uint16_t)kind;
  record_->route = (uint16_t)call.via;
  record_->pid = ProcessId();
  record_->tid = tid;
  record_->thread = ThreadNumber(tid);
  record_->nr = (int32_t)call.nr;
  for (int i = 0; i < 6; i++) record_->args[i] = (uint64_t)call.args[i];
  record_->ip = call.ip;
  record_->stack_pointer = call.sp;
  record_->frame_pointer = call.bp;
  record_->account = AccountNumber();
  record_->descriptor = -1;
  if (call.fault == nullptr) return;
  record_->injection = call.fault->injection;
  record_->told = call.fault->told;
}

RecordWriter::RecordWriter(const FileLock& lock, wire::RecordKind kind, const Call& call,
                           uint64_t begin, uint64_t extra)
    : RecordWriter(kind, call, begin, extra + kStackRoom, lock.tid()) {
  AddStack(*this, call.ip, call.sp);
}

char* RecordWriter::Open(wire::SectionType type, uint64_t length) {
  uint64_t at = wire::AlignUp(record_->used, 8);
  if (capacity_ == 0 || at + wire::SectionSize(length) > capacity_) return nullptr;
  auto* section = (wire::Section*)((char*)record_ + at);
  section->type = (uint16_t)type;
  section->length = (uint32_t)length;
  uint64_t end = at + wire::SectionSize(length);
  if (at + sizeof *section > touched_) touched_ = at + sizeof *section;
  __atomic_store_n(&record_->used, (uint32_t)end, __ATOMIC_RELEASE);
  return (char*)(section + 1);
}

void RecordWriter::ShrinkTo(char* bytes, uint64_t length, uint64_t dirty) {
  if (bytes == nullptr) return;
  auto* section = (wire::Section*)bytes - 1;
  section->length = (uint32_t)length;
  uint64_t touched = (uint64_t)(bytes - (char*)record_) + (dirty > length ? dirty : length);
  if (touched > touched_) touched_ = touched;
  uint64_t end = (uint64_t)(bytes - (char*)record_) + wire::AlignUp(length, 8);
  __atomic_store_n(&record_->used, (uint32_t)end, __ATOMIC_RELEASE);
}

void RecordWriter::DropLast(char* bytes) {
  if (bytes == nullptr) return;
  uint64_t at = (uint64_t)(bytes - (char*)record_) - sizeof(wire::Section);
  __atomic_store_n(&record_->used, (uint32_t)at, __ATOMIC_RELEASE);
}

void RecordWriter::Add(wire::SectionType type, const void* bytes, uint64_t length) {
  uint64_t used = record_->used;
  char* to = Open(type, length);
  if (to == nullptr) {
    record_->used = (uint32_t)used;
    if (capacity_ != 0) __atomic_fetch_add(&g_header->unrecorded, 1, __ATOMIC_RELAXED);
    return;
  }

  memcpy(to, bytes, length);
  ShrinkTo(to, length);
}

void RecordWriter::AddText(wire::SectionType type, const char* text) {
  Add(type, text, strlen(text));
}

void RecordWriter::AddState(wire::SectionType type, const wire::FileState& state) {
  if (state.mode != 0) Add(type, &state, sizeof state);
}

void RecordWriter::Begun() {
  __atomic_store_n(&record_->state, (uint32_t)RecordState::kBegun, __ATOMIC_RELEASE);
}

void RecordWriter::Abandon() {
  ForgetStack(record_->begin, record_->ip, record_->stack_pointer);
  record_->kind = (uint16_t)wire::RecordKind::kPad;
  record_->used = sizeof(Record);
  __atomic_store_n(&record_->state, (uint32_t)RecordState::kDone, __ATOMIC_RELEASE);
}

long RecordWriter::Done(long result) {
  record_->ret = result;
  record_->end = TakeTicket();
  __atomic_store_n(&record_->state, (uint32_t)RecordState::kDone, __ATOMIC_RELEASE);
  NoteRecord(record_, wire::AlignUp(record_->used, wire::kAlign));
  GiveBack();
  return result;
}

wire::Record* RecordWriter::Leave() {
  const bool somewhere = ok();
  Begun();
  GiveBack();
  return somewhere ? record_ : nullptr;
}

void RecordWriter::GiveBack() {
  uint64_t needed = wire::AlignUp(record_->used, wire::kAlign);
  if (capacity_ == 0 || needed >= capacity_) return;

  // Give back what was not needed. A reader must find zeros there, and whoever reserves it next
  // relies on them.
  if (touched_ > needed) memset((char*)record_ + needed, 0, touched_ - needed);
  uint64_t at = (uint64_t)((char*)record_ - (char*)g_header) - wire::kHeaderSize;
  uint64_t tail = at + capacity_;
  __atomic_store_n(&record_->size, (uint32_t)needed, __ATOMIC_RELEASE);
  if (!__atomic_compare_exchange_n(&g_header->tail, &tail, at + needed, false, __ATOMIC_RELAXED,
                                   __ATOMIC_RELAXED)) {
    __atomic_store_n(&record_->size, (uint32_t)capacity_, __ATOMIC_RELEASE);
  }

  capacity_ = 0;
}

long StatDescriptor(int fd, wire::FileState* state) {
  struct stat st;
  long result = Gate(SYS_fstat, fd, &st);
  if (result == 0) {
    ToState(st, state);
  } else {
    memset(state, 0, sizeof *state);
  }
  return result;
}

long StatAt(int dirfd, const char* path, int flags, wire::FileState* state) {
  struct stat st;
  long result = Gate(SYS_newfstatat, dirfd, path, &st, flags);
  if (result == 0) {
    ToState(st, state);
  } else {
    memset(state, 0, sizeof *state);
  }
  return result;
}

const char* ProcFdPath(int fd, char* out) {
  memcpy(out, "/proc/self/fd/", 14);
  char digits[12];
  int count = 0;
  unsigned value = (unsigned)fd;
  do {
    digits[count++] = (char)('0' + value % 10);
    value /= 10;
  } while (value != 0);
  for (int i = 0; i < count; i++) out[14 + i] = digits[count - 1 - i];
  out[14 + count] = 0;
  return out;
}

void RecordUnsupported(const Call& call, const char* reason, int fd, const char* path) {
  // No lock: this is also called while one is held. The path goes straight into the record.
  RecordWriter record(wire::RecordKind::kUnsupported, call, TakeTicket(),
                      wire::SectionSize(kPathMax) * 2 + 256);
  record.AddText(wire::SectionType::kReason, reason);
  if (fd >= 0) {
    wire::FileState state;
    StatDescriptor(fd, &state);
    record.AddState(wire::SectionType::kObjectBefore, state);
    char link[32];
    char* to = record.Open(wire::SectionType::kPath, kPathMax);
    long length = to != nullptr ? Gate(SYS_readlink, ProcFdPath(fd, link), to, kPathMax) : 0;
    record.ShrinkTo(to, length > 0 ? (uint64_t)length : 0);
  } else if (path != nullptr) {
    record.AddText(wire::SectionType::kPath, path);
  }

  record->descriptor = fd;

  record.Begun();
  record.Done(0);
}

}  // namespace oldornew::preload
