#include "realfs/observe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <thread>
#include <tuple>

#include "base/text.h"

namespace oldornew {
namespace {

// Runs the recorded part; every mark says how many ops had begun and returned.
Status RunRecorded(DiskLab* lab, const std::vector<LiveStep>& program, uint64_t delay_us) {
  LiveProgram live(lab->mount_point());
  RETURN_IF_ERROR(lab->Mark("0 0"));
  for (const LiveStep& step : program) {
    if (step.words[0] != "op") continue;
    // While it is under way some of its ops may have returned.
    RETURN_IF_ERROR(lab->Mark(fmt::format("{} {}", step.first_op, step.end_op - 1)));
    RETURN_IF_ERROR(live.Run(step.words));
    RETURN_IF_ERROR(lab->Mark(fmt::format("{} {}", step.end_op, step.end_op)));
    // A commit has overtaken the data; now let the data arrive before the next call.
    if (delay_us > 0 && step.words[1] == "trig")
      std::this_thread::sleep_for(std::chrono::microseconds(delay_us + delay_us / 4));
  }

  return lab->Mark("end");
}

Status Apply(const std::vector<BlockEvent>& log, const CrashImage& image, const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  for (uint32_t write : image.writes) {
    const BlockEvent& event = log[write];
    const ssize_t n =
        pwrite(fd.get(), event.data.data(), event.data.size(), static_cast<off_t>(event.offset));
    if (n != static_cast<ssize_t>(event.data.size()))
      return Fail("cannot write {}: {}", path, ErrnoText(errno));
  }

  return {};
}

Result<FileTree> Look(DiskLab* lab, const RealFs& fs, const std::string& image) {
  RETURN_IF_ERROR(lab->Mount(fs, image, fs.crash_options));
  ASSIGN_OR_RETURN(CapturedTree captured, Capture({lab->mount_point()}));
  RETURN_IF_ERROR(lab->Unmount());
  captured.tree.at(captured.tree.roots()[0]).entries.erase("lost+found");
  for (size_t i = 0; i < captured.tree.size(); ++i) {
    auto& xattrs = captured.tree.at(static_cast<InodeIndex>(i)).xattrs;
    std::erase_if(xattrs, [](const auto& entry) { return entry.first.rfind("user.", 0) != 0; });
  }

  return std::move(captured.tree);
}

std::pair<uint32_t, uint32_t> PointsAt(const std::vector<BlockEvent>& log, uint32_t position) {
  for (uint32_t i = position; i-- > 0;) {
    unsigned first = 0, last = 0;
    if (log[i].kind == BlockEvent::Kind::kMark &&
        std::sscanf(log[i].data.c_str(), "%u %u", &first, &last) == 2)
      return {first, last};
  }

  return {0, 0};
}

}  // namespace

Result<Observed> Observe(DiskLab* lab, const RealFs& fs, const std::vector<LiveStep>& program,
                         uint64_t delay_us, const ImageBounds& bounds) {
  const std::string base = lab->directory() + "/base", live = lab->directory() + "/live",
                    crash = lab->directory() + "/crash";
  const mode_t mask = umask(022);
  const std::string made = lab->directory() + "/made-" + fs.profile;
  if (access(made.c_str(), F_OK) != 0) RETURN_IF_ERROR(lab->Make(fs, made));
  RETURN_IF_ERROR(lab->Copy(made, base));
  RETURN_IF_ERROR(lab->Mount(fs, base, fs.options));
  {
    LiveProgram setup(lab->mount_point());
    for (const LiveStep& step : program) {
      if (step.words[0] == "old") RETURN_IF_ERROR(setup.Run(step.words));
    }
    RETURN_IF_ERROR(setup.Run({"op", "syncfs"}));
  }

  RETURN_IF_ERROR(lab->Unmount());
  RETURN_IF_ERROR(lab->Copy(base, live));
  RETURN_IF_ERROR(lab->StartRecording(live, delay_us, 60));
  RETURN_IF_ERROR(lab->Mount(fs, lab->recorded_image(), fs.options));
  RETURN_IF_ERROR(LiveProgram(lab->mount_point()).Run({"op", "syncfs"}));
  RETURN_IF_ERROR(RunRecorded(lab, program, delay_us));
  ASSIGN_OR_RETURN(std::vector<BlockEvent> log, lab->StopRecording());
  umask(mask);
  uint32_t start = 0, end = 0;
  Observed out;
  for (uint32_t i = 0; i < log.size(); ++i) {
    const bool mark = log[i].kind == BlockEvent::Kind::kMark;
    if (mark && log[i].data == "0 0" && start == 0) start = i;
    if (mark && log[i].data == "end") end = i;
    out.writes += log[i].kind == BlockEvent::Kind::kWrite;
    out.flushes += log[i].kind == BlockEvent::Kind::kFlush;
  }

  if (end == 0) return Fail("the log has no end");
  log.resize(end + 1);                              // what the unmount wrote is no power cut
  std::map<std::vector<uint32_t>, FileTree> known;  // by writes
  std::map<std::tuple<Digest, uint32_t, uint32_t>, size_t> listed;
  for (const CrashImage& image : CrashImages(log, start, bounds)) {
    auto [entry, fresh] = known.try_emplace(image.writes);
    if (fresh) {
      RETURN_IF_ERROR(lab->Copy(base, crash));
      RETURN_IF_ERROR(Apply(log, image, crash));
      ASSIGN_OR_RETURN(entry->second, Look(lab, fs, crash));
      ++out.images;
    }
    const auto [first, last] = PointsAt(log, image.position);
    const std::tuple key(entry->second.RootDigest(true), first, last);
    if (!listed.emplace(key, out.states.size()).second) continue;
    out.states.push_back({entry->second, first, last,
                          fmt::format("event {} of {}, {} writes", image.position, log.size(),
                                      image.writes.size())});
  }

  return out;
}

}  // namespace oldornew
