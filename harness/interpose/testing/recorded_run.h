// For tests: runs a command under the preload library in a directory of its own and gives back the
// decoded trace.
#pragma once

#include <stdlib.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "interpose/decode.h"
#include "interpose/recording.h"
#include "trace/trace.h"

namespace oldornew {

class RecordedRun {
 public:
  RecordedRun();
  /// The judged directory, empty at first. Fill it before Run.
  const std::string& directory() const { return directory_; }
  /// A directory outside the judged one.
  const std::string& outside() const { return outside_; }
  const std::string& recording() const { return recording_; }

  RecordingOptions options;              ///< for CreateRecordingFile
  std::vector<std::string> environment;  ///< added to the child's
  std::string library;                   ///< to preload; empty: PreloadLibrary()
  /// the run's own pipe is stdout; false: descriptors 1 and 2 by number
  bool channels_by_identity = true;

  bool traced = getenv("OLDORNEW_TEST_TRACED") != nullptr;  ///< by the ptrace backend
  std::function<void()> before_exec;                        ///< runs in the child
  /// Runs `command` in the judged directory, decodes, captures the new tree. Wait status in
  /// `wait_status`.
  void Run(const std::vector<std::string>& command);
  /// Decodes the recording as it lies there now.
  void Decode();

  Trace trace;
  DecodeStatistics statistics;
  CapturedTree old_tree;
  std::string output;
  int wait_status = -1;

  /// "create a", "write a 5", "rename a -> b": one line per op, failed ones with their errno.
  std::vector<std::string> Summary() const;
  /// Sentences: obstacles and mismatches. Empty means the recording explains the tree.
  std::vector<std::string> Problems() const;

 private:
  std::unique_ptr<TempDir> work_;
  std::string directory_;
  std::string outside_;
  std::string recording_;
};

/// Path of a program built beside the tests.
std::string TestProgram(const std::string& name);
std::string PreloadLibrary();
/// The library that can be told to miss something (funnel/hole.h).
std::string PreloadLibraryWithHoles();

}  // namespace oldornew
