#include "trace/format.h"

#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "trace/body_reader.h"
#include "trace/body_writer.h"

namespace oldornew {
namespace {

// 16 bytes; \x1a stops `type` and shows transfer damage.
constexpr std::string_view kMagic = "OLDORNEW.TRACE\n\x1a";
constexpr size_t kHeaderSize = 16 + 4 + 8 + 16;
constexpr uint64_t kMaxBody = uint64_t{16} << 30;

void PutFixed(std::string* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t GetFixed(std::string_view bytes, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[static_cast<size_t>(i)]))
             << (8 * i);
  }

  return value;
}

// Streams, so that memory grows with what really decompresses, not with what a header claims.
Result<std::string> Decompress(std::string_view compressed, uint64_t size) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                        ZSTD_freeDStream);
  std::string out;
  std::string chunk(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};

  size_t left = 1;
  while (left != 0) {
    ZSTD_outBuffer buffer{chunk.data(), chunk.size(), 0};
    left = ZSTD_decompressStream(stream.get(), &buffer, &in);
    if (ZSTD_isError(left))
      return FailWith(ExitCode::kUsage, "damaged data: {}", ZSTD_getErrorName(left));

    out.append(chunk.data(), buffer.pos);
    if (out.size() > size)
      return FailWith(ExitCode::kUsage, "damaged data: longer than its header says");
    if (buffer.pos == 0 && in.pos == in.size && left != 0) {
      return FailWith(ExitCode::kUsage, "truncated at byte {}", kHeaderSize + compressed.size());
    }
  }

  if (out.size() != size)
    return FailWith(ExitCode::kUsage, "damaged data: shorter than its header says");
  if (in.pos != in.size)
    return FailWith(ExitCode::kUsage, "bytes after the end, at byte {}", kHeaderSize + in.pos);
  return out;
}

Digest Checksum(uint64_t size, std::string_view compressed) {
  return Hasher().Add(size).Add(compressed).Finish();
}

}  // namespace

std::string EncodeTrace(const Trace& trace) {
  const std::string body = EncodeBody(trace);

  // The bound is as large as the body; only what is written of it is touched.
  const size_t bound = ZSTD_compressBound(body.size());
  const std::unique_ptr<char[]> room(new char[bound]);
  const size_t n = ZSTD_compress(room.get(), bound, body.data(), body.size(), 1);
  CHECK(ZSTD_isError(n) == 0);
  const std::string_view compressed(room.get(), n);

  std::string out(kMagic);
  PutFixed(&out, kTraceFormatVersion, 4);
  PutFixed(&out, body.size(), 8);
  const Digest digest = Checksum(body.size(), compressed);
  PutFixed(&out, digest.high, 8);
  PutFixed(&out, digest.low, 8);
  out += compressed;
  return out;
}

Result<Trace> DecodeTrace(std::string_view bytes) {
  if (bytes.substr(0, kMagic.size()) != kMagic.substr(0, std::min(bytes.size(), kMagic.size()))) {
    return FailWith(ExitCode::kUsage, "not a trace file (bad magic at byte 0)");
  }
  if (bytes.size() < kHeaderSize)
    return FailWith(ExitCode::kUsage, "truncated at byte {}", bytes.size());

  const uint64_t version = GetFixed(bytes.substr(16), 4);
  if (version != kTraceFormatVersion) {
    return FailWith(ExitCode::kUsage, "trace format version {}, this program reads version {}",
                    version, kTraceFormatVersion);
  }

  const uint64_t size = GetFixed(bytes.substr(20), 8);
  if (size > kMaxBody) return FailWith(ExitCode::kUsage, "implausible length {} at byte 20", size);
  const std::string_view compressed = bytes.substr(kHeaderSize);
  if (Checksum(size, compressed) !=
      Digest{GetFixed(bytes.substr(28), 8), GetFixed(bytes.substr(36), 8)}) {
    return FailWith(ExitCode::kUsage, "damaged or truncated: the checksum of its {} does not match",
                    ByteSize(bytes.size()));
  }

  ASSIGN_OR_RETURN(const std::string body, Decompress(compressed, size));
  return DecodeBody(body);
}

Status WriteTrace(const Trace& trace, const std::string& path) {
  return WriteFile(path, EncodeTrace(trace));
}

Result<Trace> ReadTrace(const std::string& path) {
  const Result<std::string> bytes = ReadFile(path);
  if (!bytes) return FailWith(ExitCode::kUsage, "{}", bytes.error().message);
  Result<Trace> trace = DecodeTrace(*bytes);
  if (!trace) return FailWith(ExitCode::kUsage, "{}: {}", path, trace.error().message);
  return trace;
}

}  // namespace oldornew
