// exec in all its forms, with every kind of environment.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "interpose/testing/cases.h"

namespace oldornew::testing {
namespace {

/// Runs `body`, which usually does not return, in a child and says how it ended.
template <typename Body>
void InChild(const char* what, Body body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    Say("%s: came back with %d", what, errno);
    _exit(99);
  }
  SayEnd(what, child);
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

void ExecAgain(std::vector<std::string> environment, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {self, "--again"});
  execve(self, Pointers(arguments).data(), Pointers(environment).data());
}

void EmptyEnvironment() {
  InChild("empty", [] { ExecAgain({}, {"show"}); });
  InChild("null", [] {
    char* arguments[] = {const_cast<char*>(self), const_cast<char*>("--again"),
                         const_cast<char*>("show"), nullptr};
    execve(self, arguments, nullptr);
  });
  InChild("env -i", [] { execl("/usr/bin/env", "env", "-i", self, "--again", "show", nullptr); });
  InChild("some", [] {
    ExecAgain({"A=1", "B=2", "ASAN_OPTIONS=x=1", "LD_DEBUG_OUTPUT=/dev/null"}, {"show"});
  });
  InChild("foreign preload", [] { ExecAgain({"LD_PRELOAD=libm.so.6", "A=1"}, {"show"}); });
  InChild("empty preload", [] { ExecAgain({"A=1"}, {"show"}); });
  InChild("foreign, again",
          [] { ExecAgain({"LD_PRELOAD=libm.so.6:libdl.so.2", "A=1"}, {"environment", "3"}); });
}

void OwnEnvironment() {
  setenv("ADDED", "yes", 1);
  Say("LD_PRELOAD %s", getenv("LD_PRELOAD") == nullptr ? "absent" : "present");
  Say("ADDED %s", getenv("ADDED"));
  for (char** variable = environ; *variable != nullptr; ++variable) Say("%s", *variable);
  InChild("inherited", [] { execl(self, self, "--again", "show", nullptr); });
}

void HugeEnvironment() {
  std::vector<std::string> environment;
  for (int i = 0; i < 12000; ++i)
    environment.push_back("VARIABLE_" + std::to_string(i) + "=" + std::string(40, 'x'));
  InChild("many", [&] { ExecAgain(environment, {"count"}); });
  environment = {"BIG=" + std::string(100000, 'y'),
                 "LD_PRELOAD=" + std::string(50000, ' ') + "libm.so.6"};
  InChild("long", [&] { ExecAgain(environment, {"count"}); });
  environment = {"TOO_BIG=" + std::string(200000, 'y')};
  InChild("too long", [&] { ExecAgain(environment, {"count"}); });
}

void BadPointers() {
  char* pages = static_cast<char*>(
      mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mprotect(pages + 4096, 4096, PROT_NONE);
  char** last = reinterpret_cast<char**>(pages + 4096) - 1;
  char* arguments[] = {const_cast<char*>("x"), nullptr};
  char* bad[] = {reinterpret_cast<char*>(8), nullptr};
  InChild("path", [&] { execve(reinterpret_cast<char*>(8), arguments, environ); });
  InChild("arguments", [&] { execve("/bin/true", reinterpret_cast<char**>(8), environ); });
  InChild("argument", [&] { execve("/bin/true", bad, environ); });
  InChild("environment", [&] { execve("/bin/true", arguments, reinterpret_cast<char**>(8)); });
  InChild("variable", [&] { execve("/bin/true", arguments, bad); });
  InChild("unended environment", [&] {
    *last = const_cast<char*>("A=1");
    execve("/bin/true", arguments, last);
  });
  InChild("environment at the page's end", [&] {
    *last = nullptr;
    execve("/bin/true", arguments, last);
  });
  InChild("variable at the page's end", [&] {
    memcpy(pages + 4092, "A=1", 4);
    char* environment[] = {pages + 4092, nullptr};
    execve("/bin/true", arguments, environment);
  });
  InChild("unended variable", [&] {
    memcpy(pages + 4093, "LD_", 3);
    char* environment[] = {pages + 4093, nullptr};
    execve("/bin/true", arguments, environment);
  });
}

void FailedExecs() {
  char* arguments[] = {const_cast<char*>("x"), nullptr};
  char text[] = "/tmp/oldornew-noexec-XXXXXX";
  const int fd = mkostemp(text, O_CLOEXEC);
  if (write(fd, "exit 21\n", 8) != 8 || fchmod(fd, 0755) != 0) return;
  close(fd);
  for (const char* path : {"/nonexistent", "/tmp", "/etc/passwd", "", "/etc/passwd/x"}) {
    InChild(path, [&] { execve(path, arguments, environ); });
  }
  InChild("neither ELF nor script", [&] { execve(text, arguments, environ); });
  InChild("execvp falls back to sh", [&] { execvp(text, arguments); });
  unlink(text);
  for (int i = 0; i < 100; ++i) execve("/nonexistent", arguments, environ);
  Say("still here");
}

void Script(const char* first_line, const char* what) {
  char path[] = "/tmp/oldornew-script-XXXXXX";
  const int fd = mkostemp(path, O_CLOEXEC);
  const std::string text = std::string(first_line) + "\necho ran $1\nexit 13\n";
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      fchmod(fd, 0755) != 0)
    return;
  close(fd);
  InChild(what, [&] { execl(path, "script", "argument", nullptr); });
  unlink(path);
}

void Scripts() {
  Script("#!/bin/sh", "plain");
  Script("#! /bin/sh -e", "option");
  Script("#!/usr/bin/env sh", "env");
  Script("#!/usr/bin/env -i /bin/sh", "env -i");
  Script("#!/nonexistent", "missing");
  Script("#!", "nothing");
  Script("#!/etc/passwd", "no program");
}

void ByDescriptor() {
  char* arguments[] = {const_cast<char*>(self), const_cast<char*>("--again"),
                       const_cast<char*>("show"), nullptr};
  char* environment[] = {const_cast<char*>("X=1"), nullptr};
  InChild("fexecve", [&] { fexecve(open(self, O_RDONLY | O_CLOEXEC), arguments, environment); });
  InChild("fexecve, O_PATH",
          [&] { fexecve(open(self, O_PATH | O_CLOEXEC), arguments, environment); });
  InChild("execveat, empty path", [&] {
    syscall(SYS_execveat, open(self, O_RDONLY | O_CLOEXEC), "", arguments, environment,
            AT_EMPTY_PATH);
  });
  InChild("execveat, directory", [&] {
    const std::string path = self;
    const size_t slash = path.rfind('/');
    const int directory = open(path.substr(0, slash).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    syscall(SYS_execveat, directory, path.substr(slash + 1).c_str(), arguments, environment, 0);
  });
  InChild("execveat, bad descriptor",
          [&] { syscall(SYS_execveat, 77, "x", arguments, environment, 0); });
  InChild("execveat, bad flags",
          [&] { syscall(SYS_execveat, AT_FDCWD, self, arguments, environment, 0x8000000); });
}

void LongChain() {
  InChild("chain of 60", [] { ExecAgain({}, {"environment", "60"}); });
}

}  // namespace

int Again(int argc, char** argv) {
  const std::string what = argv[2];
  int variables = 0;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    ++variables;
    if (what == "show" || (what == "environment" && argc > 3 && atoi(argv[3]) == 0))
      Say("variable %s", *variable);
  }
  Say("%d variables, write %d", variables, WriteNull());
  if (what == "environment" && argc > 3 && atoi(argv[3]) > 0) {
    const std::string next = std::to_string(atoi(argv[3]) - 1);
    execl(self, self, "--again", "environment", next.c_str(), nullptr);
  }
  return 30;
}

const TortureCase kExecCases[] = {{"empty-environment", EmptyEnvironment},
                                  {"own-environment", OwnEnvironment},
                                  {"huge-environment", HugeEnvironment},
                                  {"bad-exec-pointers", BadPointers},
                                  {"failed-execs", FailedExecs},
                                  {"scripts", Scripts},
                                  {"by-descriptor", ByDescriptor},
                                  {"long-chain", LongChain},
                                  {nullptr, nullptr}};

}  // namespace oldornew::testing
