// Packets: one message with descriptors over a SOCK_SEQPACKET socket, between a sandbox's owner and
// its warden.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "base/files.h"

namespace oldornew {

/// At most this many descriptors go with one packet (the kernel's SCM_MAX_FD is 253).
inline constexpr size_t kMaxDescriptors = 64;

/// False, with errno, when the other side is gone. REQUIRES: at most kMaxDescriptors.
bool SendPacket(int socket, const void* bytes, size_t size,
                const std::vector<int>& descriptors = {});

/// Waits for a packet and returns its size, cut at `size`; 0 when the other side is gone. Adds the
/// descriptors that came with it to `descriptors`; they are closed on exec.
ssize_t ReceivePacket(int socket, void* bytes, size_t size, std::vector<UniqueFd>* descriptors);

}  // namespace oldornew
