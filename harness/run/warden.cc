#include "run/warden.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "run/packet.h"
#include "run/warden_serve.h"

namespace oldornew {
namespace {

Result<UniqueFd> PackRequest(const WardenRequest& request) {
  WardenRequestHead head;
  head.word_count = static_cast<uint32_t>(request.command.size());
  head.environment_count = static_cast<uint32_t>(request.environment.size());
  head.descriptor_count = static_cast<uint32_t>(request.descriptors.size());
  head.process_limit = request.process_limit;
  head.last_pid = request.last_pid;
  head.tracer_stands_by = request.tracer_stands_by;
  head.time_limit_ms = request.time_limit_ms;

  std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
  for (const auto& [ours, theirs] : request.descriptors) {
    const int32_t number = theirs;
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  }

  const auto add = [&](const std::string& text) { bytes.append(text.c_str()).push_back('\0'); };
  add(request.directory);
  add(request.traced_recording);
  for (const std::string& word : request.command) add(word);
  for (const std::string& entry : request.environment) add(entry);

  UniqueFd file(memfd_create("oldornew-request", MFD_CLOEXEC));
  if (!file.valid()) return Fail("cannot make a memory file: {}", ErrnoText(errno));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t put = write(file.get(), bytes.data() + done, bytes.size() - done);
    if (put <= 0) return Fail("cannot write a memory file: {}", ErrnoText(errno));
    done += static_cast<size_t>(put);
  }

  return file;
}

/// Receives one message of exactly sizeof(T) bytes. False: the other side is gone.
template <typename T>
bool ReceiveWhole(int socket, T& message) {
  ssize_t got;
  do got = recv(socket, &message, sizeof message, 0);
  while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof message);
}

}  // namespace

Result<std::unique_ptr<Warden>> Warden::Start(const ViewPlan& plan, const Filler& fill) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
    return Fail("cannot make a socket: {}", ErrnoText(errno));
  }

  UniqueFd ours(sockets[0]);
  UniqueFd theirs(sockets[1]);

  int line[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) != 0) {
    return Fail("cannot make a socket: {}", ErrnoText(errno));
  }

  UniqueFd lifeline_read(line[0]);

  std::unique_ptr<Warden> warden(new Warden);
  warden->socket_ = std::move(ours);
  warden->lifeline_.Reset(line[1]);
  warden->keeper_ = fork();
  if (warden->keeper_ == 0) RunKeeper(plan, theirs.get(), lifeline_read.get());
  if (warden->keeper_ < 0) return Fail("cannot make a process: {}", ErrnoText(errno));
  theirs.Reset();
  lifeline_read.Reset();

  if (Status stands = warden->AwaitView(fill); !stands) {
    warden->Stop(false);
    return tl::unexpected(stands.error());
  }

  return warden;
}

Status Warden::AwaitView(const Filler& fill) {
  WardenHello hello;
  do {
    // A view in memory first asks us to fill its mounts.
    std::vector<UniqueFd> mounts;
    if (ReceivePacket(socket_.get(), &hello, sizeof hello, &mounts) != sizeof hello)
      return Fail("the process that sets up the sandbox died");
    if (!hello.fill) break;
    RETURN_IF_ERROR(fill(mounts));
    const char go = 'g';
    (void)SendPacket(socket_.get(), &go, 1);  // the next receive notices a warden that is gone
  } while (true);

  if (!hello.ready) return Fail("{}", hello.problem);
  view_.home_overlay = hello.home_overlay != 0;
  view_.home_problem = hello.problem;
  return {};
}

Warden::~Warden() { Stop(false); }

Status Warden::Send(const WardenRequest& request) {
  CHECK(!request.command.empty());
  CHECK(request.descriptors.size() + 1 <= kMaxDescriptors);
  ASSIGN_OR_RETURN(UniqueFd file, PackRequest(request));

  std::vector<int> fds = {file.get()};
  for (const auto& [ours, theirs] : request.descriptors) fds.push_back(ours);
  const char byte = 'r';
  if (!SendPacket(socket_.get(), &byte, 1, fds)) {
    return Fail("the process that starts commands in the sandbox is gone: {}", ErrnoText(errno));
  }
  return {};
}

Status Warden::LimitMemory(MemoryMount which, const SpaceLimit& limit) {
  WardenLimit request;
  request.which = static_cast<uint8_t>(which);
  request.limits_bytes = limit.free_bytes.has_value();
  request.limits_inodes = limit.free_inodes.has_value();
  request.free_bytes = limit.free_bytes.value_or(0);
  request.free_inodes = limit.free_inodes.value_or(0);

  WardenAnswer answer;
  if (!SendPacket(socket_.get(), &request, sizeof request) || !ReceiveWhole(socket_.get(), answer))
    return Fail("the process that starts commands in the sandbox is gone: {}", ErrnoText(errno));
  if (answer.problem[0] != '\0') return Fail("{}", answer.problem);
  return {};
}

void Warden::EndRun() {
  const char byte = kEndRun;
  // Receive notices a warden that is gone.
  (void)!send(socket_.get(), &byte, 1, MSG_NOSIGNAL);
}

Result<WardenReply> Warden::Receive() {
  WardenReply reply;
  if (!ReceiveWhole(socket_.get(), reply))
    return Fail("the process that starts commands in the sandbox died");
  return reply;
}

void Warden::Kill() { Stop(false); }

void Warden::Stop(bool remove_work_area) {
  socket_.Reset();
  if (keeper_ <= 0) return;

  // Without this word the keeper removes the work area.
  const char word = 'k';
  if (!remove_work_area && send(lifeline_.get(), &word, 1, MSG_NOSIGNAL) != 1)
    kill(keeper_, SIGTERM);
  lifeline_.Reset();
  while (waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) {
  }

  keeper_ = -1;
}

}  // namespace oldornew
