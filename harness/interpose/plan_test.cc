#include "interpose/plan.h"

#include <asm/unistd.h>
#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <string.h>

#include <functional>

#include "interpose/decode.h"
#include "interpose/file_calls.h"
#include "interpose/funnel/glob.h"
#include "interpose/wire.h"

namespace oldornew {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

Injection Parsed(const std::string& text) {
  const Result<Injection> injection = ParseInjection(text);
  EXPECT_TRUE(injection.has_value()) << injection.error().message;
  return injection ? *injection : Injection();
}

TEST(Plan, EveryInjectionSurvivesItsText) {
  using Kind = Injection::Kind;
  size_t tried = 0;
  const std::vector<std::vector<int>> sets = {
      {__NR_write}, {__NR_read, __NR_rename}, {463}, Parsed("all:error=EIO").calls};
  for (const auto& calls : sets)
    for (const char* path : {"", "*.tmp", "db/**/x\\:y", "[a-z]?"})
      for (const Kind kind : {Kind::kFail, Kind::kReturn, Kind::kShorten, Kind::kSignal})
        for (const int signal : {0, SIGKILL, SIGUSR1, 40})
          for (const bool after : {false, true})
            for (const uint32_t first : {1u, 2u, UINT32_MAX})
              for (const uint32_t last : {1u, 2u, 7u, UINT32_MAX})
                for (const uint32_t step : {1u, 3u}) {
                  Injection injection;
                  injection.kind = kind;
                  injection.calls = calls;
                  injection.path = path;
                  if (kind == Kind::kFail) injection.error = EXDEV;
                  if (kind == Kind::kReturn) injection.value = 0;
                  if (kind == Kind::kShorten) injection.value = INT64_MAX;
                  injection.signal = signal;
                  injection.after = after;
                  injection.first = first;
                  injection.last = last;
                  injection.step = step;
                  const bool possible = first <= last && (kind != Kind::kSignal || signal != 0) &&
                                        !(after && (kind == Kind::kReturn ||
                                                    (kind == Kind::kShorten && signal == 0))) &&
                                        !(kind == Kind::kShorten && calls[0] == 463);
                  if (!possible) continue;
                  const std::string text = FormatInjection(injection);
                  ASSERT_EQ(Parsed(text), injection) << text;
                  ASSERT_EQ(FormatInjection(Parsed(text)), text);
                  ++tried;
                }
  EXPECT_GT(tried, 3000u);
}

TEST(Plan, EveryErrnoAndEverySignalHasItsName) {
  for (int error = 1; error < 134; ++error) {
    if (strerrorname_np(error) == nullptr) continue;  // 41 and 58 are nobody's
    EXPECT_EQ(ErrnoByName(ErrnoName(error)), error);
    EXPECT_EQ(Parsed("write:error=" + ErrnoName(error)).error, error);
    EXPECT_EQ(Parsed("write:error=" + std::to_string(error)).error, error);
  }
  EXPECT_EQ(ErrnoByName("EDQUOT"), EDQUOT);
  EXPECT_EQ(ErrnoByName("EWOULDBLOCK"), EAGAIN);
  EXPECT_EQ(ErrnoByName("ENOTSUP"), EOPNOTSUPP);
  EXPECT_EQ(ErrnoByName("EOPNOTSUPP"), EOPNOTSUPP);
  EXPECT_EQ(ErrnoByName("ENOSUCH"), 0);
  EXPECT_EQ(ErrnoByName(""), 0);
  for (int signal = 1; signal < 32; ++signal) {
    const std::string name = sigabbrev_np(signal);
    EXPECT_EQ(Parsed("write:signal=" + name).signal, signal);
    EXPECT_EQ(Parsed("write:signal=SIG" + name).signal, signal);
  }
}

TEST(Plan, SetsAreThoseOfStrace) {
  EXPECT_THAT(Parsed("rename:error=EIO").calls, ElementsAre(__NR_rename));
  EXPECT_THAT(Parsed("/^rename:error=EIO").calls,
              ElementsAre(__NR_rename, __NR_renameat, __NR_renameat2));
  EXPECT_THAT(Parsed("fsync,/^rename,fsync:error=EIO").calls,
              ElementsAre(__NR_fsync, __NR_rename, __NR_renameat, __NR_renameat2));
  const auto holds = [](const std::string& set, int nr) {
    const std::vector<int> calls = Parsed(set + ":error=EIO").calls;
    return std::count(calls.begin(), calls.end(), nr) == 1;
  };
  for (const wire::FileCallShape& shape : wire::kFileCalls) {
    const std::string name = SyscallName(shape.nr);
    EXPECT_THAT(Parsed(name + ":error=EIO").calls, ElementsAre(shape.nr));
    EXPECT_TRUE(holds("all", shape.nr)) << name;
    EXPECT_TRUE(holds("%file", shape.nr) || holds("%desc", shape.nr)) << name;
  }
  EXPECT_TRUE(holds("%file", __NR_openat) && holds("%desc", __NR_openat));
  EXPECT_TRUE(holds("%file", __NR_rename) && !holds("%desc", __NR_rename));
  EXPECT_TRUE(!holds("%file", __NR_write) && holds("%desc", __NR_write));
}

TEST(Plan, WhenIsThatOfStrace) {
  const auto when = [](const std::string& text) {
    const Injection i = Parsed("write:error=EIO:when=" + text);
    return std::vector<uint32_t>{i.first, i.last, i.step};
  };
  EXPECT_THAT(when("3"), ElementsAre(3, 3, 1));
  EXPECT_THAT(when("3+"), ElementsAre(3, UINT32_MAX, 1));
  EXPECT_THAT(when("3.."), ElementsAre(3, UINT32_MAX, 1));
  EXPECT_THAT(when("3+2"), ElementsAre(3, UINT32_MAX, 2));
  EXPECT_THAT(when("3..9"), ElementsAre(3, 9, 1));
  EXPECT_THAT(when("3..9+2"), ElementsAre(3, 9, 2));
}

TEST(Plan, EachMistakeIsOneSentenceThatNamesIt) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"", "a system call is missing"},
      {"write", "nothing is to happen: add error=, retval=, short= or signal="},
      {"write:when=2", "nothing is to happen: add error=, retval=, short= or signal="},
      {"wrote:error=EIO", "there is no system call wrote"},
      {"write,,read:error=EIO", "a system call is missing"},
      {"getpid:error=EIO", "getpid is no call on files that can be made to fail"},
      {"%net:error=EIO",
       "there is no class %net: only %file, %desc, %disk, %change, %write, %sync, %open and all"},
      {"/(:error=EIO", "/( is no regular expression"},
      {"/nope:error=EIO", "no call on files has a name in which /nope is found"},
      {"write:error=ENOSUCH", "error=ENOSUCH is no errno"},
      {"write:error=0", "error=0 is no errno"},
      {"write:error=4096", "error=4096 is no errno"},
      {"write:error=", "error= is no errno"},
      {"write:error", "\"error\" has no value: NAME=VALUE"},
      {"write:error=EIO:", "\"\" has no value: NAME=VALUE"},
      {"write:error=EIO:error=EIO", "error= stands there twice"},
      {"write:error=EIO:retval=1", "only one of error=, retval= and short= can happen to a call"},
      {"write:retval=-1", "retval=-1 is no number from 0 on"},
      {"write:short=x", "short=x is no number from 0 on"},
      {"rename:short=1", "short= is for calls that transfer bytes, and none of these does"},
      {"write:retval=1:effect=full", "effect=full goes with error= or signal=, not with retval="},
      {"write:short=1:effect=full", "effect=full goes with error= or signal=, not with short="},
      {"write:error=EIO:effect=half", "effect=half is neither none nor full"},
      {"write:signal=NOPE", "signal=NOPE is no signal"},
      {"write:signal=0", "signal=0 is no signal"},
      {"write:error=EIO:path=", "path= is empty"},
      {"write:error=EIO:delay=3",
       "delay= is none of path, error, retval, short, effect, signal and when"},
  };
  for (const auto& [text, sentence] : mistakes) {
    const Result<Injection> injection = ParseInjection(text);
    ASSERT_FALSE(injection.has_value()) << text;
    EXPECT_THAT(injection.error().message, EndsWith(std::string(": ") + sentence)) << text;
    EXPECT_EQ(injection.error().exit_code, ExitCode::kUsage);
  }
  for (const char* when :
       {"", "0", "x", "3..2", "+2", "2+0", "2..x", "2-3", "1+1+1", "99999999999"}) {
    const Result<Injection> injection = ParseInjection(std::string("write:error=EIO:when=") + when);
    ASSERT_FALSE(injection.has_value()) << when;
    EXPECT_THAT(injection.error().message, HasSubstr("is not FIRST")) << when;
  }
  EXPECT_FALSE(ParseInjection("write:error=EIO:path=" + std::string(wire::kMaxGlob, 'x')));
}

/// What the glob means, said in the plainest way.
bool Means(const std::string& glob, const std::string& path, bool component = true) {
  if (glob.empty()) return path.empty();
  if (component && glob.starts_with("**/")) {
    if (Means(glob.substr(3), path)) return true;
    for (size_t i = 0; i < path.size(); ++i) {
      if (path[i] == '/' && Means(glob.substr(3), path.substr(i + 1))) return true;
    }
    return false;
  }
  const bool stars = glob.starts_with("**");
  if (glob[0] == '*') {
    const std::string rest = glob.substr(stars ? 2 : 1);
    for (size_t i = 0; i <= path.size(); ++i) {
      if (Means(rest, path.substr(i), false)) return true;
      if (!stars && i < path.size() && path[i] == '/') return false;
    }
    return false;
  }
  return !path.empty() && (glob[0] == '?' ? path[0] != '/' : glob[0] == path[0]) &&
         Means(glob.substr(1), path.substr(1), glob[0] == '/');
}

TEST(Glob, MeansWhatTheSimplestMatcherSays) {
  std::vector<std::string> globs = {""}, paths = {""};
  const auto grow = [](std::vector<std::string>* words, const std::string& letters, size_t length) {
    for (size_t i = 0; i < words->size(); ++i) {
      const std::string word = (*words)[i];
      if (word.size() == length) continue;
      for (const char letter : letters) words->push_back(word + letter);
    }
  };
  grow(&globs, "ab/*?", 5);
  grow(&paths, "ab/", 5);
  size_t matches = 0;
  for (const std::string& glob : globs) {
    if (glob.find("***") != std::string::npos) continue;
    for (const std::string& path : paths) {
      const bool means = Means(glob, path) || Means(glob, path.substr(path.rfind('/') + 1));
      ASSERT_EQ(preload::MatchesGlob(glob.c_str(), path.c_str()), means) << glob << " " << path;
      matches += means ? 1 : 0;
    }
  }
  EXPECT_GT(matches, 10000u);
}

TEST(Glob, KnowsSetsAndBackslashes) {
  const auto matches = [](const char* glob, const char* path) {
    return preload::MatchesGlob(glob, path);
  };
  EXPECT_TRUE(matches("[a-c]x", "bx"));
  EXPECT_FALSE(matches("[a-c]x", "dx"));
  EXPECT_TRUE(matches("[!a-c]x", "dx"));
  EXPECT_FALSE(matches("a[!b]c", "a/c"));
  EXPECT_TRUE(matches("[]x]", "]"));
  EXPECT_TRUE(matches("[a-]", "-"));
  EXPECT_TRUE(matches("[x", "[x"));
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "a"));
  EXPECT_TRUE(matches("a\\:b", "a:b"));
  EXPECT_TRUE(matches("[\\]]", "]"));
  EXPECT_TRUE(matches("*.tmp", "a/b.tmp"));
  EXPECT_TRUE(matches("/var/**", "/var/a/b"));
  EXPECT_FALSE(matches("/var/*", "/var/a/b"));
}

}  // namespace
}  // namespace oldornew
