"""Planted files: for each rule bad ones that it must reject, and good ones at which the lint must be silent."""

from linting.classes import MAX_CLASS_LINES, MAX_MEMBERS, MAX_METHODS
from linting.files import MAX_COLUMNS, MAX_FILE_LINES, MAX_FUNCTION_LINES

# For each rule: files that it must reject. The contents are put together so that the lint passes on itself.
LONG_BODY = "".join(f"  x += {i};\n" for i in range(MAX_FUNCTION_LINES))
ONCE = "#pragma once\n"
NAMESPACES = {"base": "oldornew", "interpose/ptrace": "oldornew::ptrace", "*": "oldornew::{room}"}
SPACE = "namespace oldornew {\n"


def members(count):
    return "".join(f"  int m{i}_;\n" for i in range(count))


def methods(count):
    return "".join(f"  void F{i}(int x = {i}) const;\n" for i in range(count))


def bodies(blank):
    """Functions with 120 lines in their bodies, `blank` of them blank."""
    body = "".join("  x += 1;\n" for _ in range(30))
    out = [f"int F{i}(int x) {{\n{body}}}\n" for i in range(4)]
    out[0] = out[0].replace("  x += 1;\n", "\n", blank)
    return "".join(out)


BAD = {
    "file-length": [("harness/base/a_main.cc", "int x;\n" * (MAX_FILE_LINES + 1)), ("bench/a.S", "nop\n" * (MAX_FILE_LINES + 1))],
    "function-length": [
        ("harness/base/a_main.cc", "namespace oldornew {\nint F(int x) {\n" + LONG_BODY + "  return x;\n}\n}\n"),
        ("targets/a_main.cc", "struct S {\n  S() : a_{1} {\n    int x = 0;\n" + LONG_BODY + "  }\n  int a_;\n};\n"),
        ("harness/tree/a_test.cc", "TEST(A, B) {\n  int x = 0;\n  for (;;) {\n" + LONG_BODY + "  }\n}\n")],
    "include-order": [
        [("harness/tree/a_main.cc", '#include "model/model.h"\n'), ("harness/tree/a.h", ONCE)],
        [("harness/odd/a_main.cc", '#include "base/check.h"\n'), ("harness/odd/a.h", ONCE)],
        ("harness/interpose/a.h", ONCE + '#include "interpose/funnel/b.h"\n'),
        ("harness/interpose/preload/a.h", ONCE + '#include "interpose/ptrace/b.h"\n'),
        ("harness/explorers/kill/a.h", ONCE + '#include "explorers/faults/b.h"\n'),
        ("harness/explorers/a.h", ONCE + '#include "explorers/power/b.h"\n'),
        ("harness/explorers/odd/a.h", ONCE + '#include "explorers/power/b.h"\n'),
        ("harness/explorers/power/a.h", ONCE + '#include "check/b.h"\n'),
        ("harness/explorers/power/a_test.cc", '#include "explorers/next_run/b.h"\n')],
    "class-length": [
        ("harness/base/a.h", ONCE + "class A {\n public:\n" + "  using T = int;\n" * MAX_CLASS_LINES + "};\n"),
        ("harness/base/a_main.cc", "namespace oldornew {\nnamespace {\nclass A final : public B<int> {\n public:\n  int X() const { return 1; }\n"
         + methods(MAX_METHODS) + "};\n}\n}\n"),
        ("harness/base/a.h", ONCE + "struct A {\n  A() : m0_{1} {}\n" + members(MAX_MEMBERS + 1) + "};\n"),
        ("harness/base/a.h", ONCE + "/// Many things.\nstruct A {\n" + members(MAX_MEMBERS + 1) + "};\n"),
        ("harness/base/a.h", ONCE + "struct A {\n  struct B {\n    void F() {}\n" + members(MAX_MEMBERS + 1) + "  };\n};\n"),
        ("harness/base/a.h", ONCE + "class A {\n  void F();\n  std::map<int, std::function<int(int)>> a_, b_ = {{1, 2}};\n" + members(MAX_MEMBERS - 1)
         + "};\n")],
    "columns": [("harness/base/a.h", ONCE + "// " + "x" * (MAX_COLUMNS - 2) + "\n"), ("targets/a.c", "int " + "x" * MAX_COLUMNS + ";\n")],
    "include-cycle": [
        [("harness/base/a.h", ONCE + '#include "base/b.h"\n'), ("harness/base/b.h", ONCE + '#include "base/c.h"\n'),
         ("harness/base/c.h", ONCE + '#include "base/a.h"\n')]],
    "doubled-name": [
        [("harness/base/a.h", ONCE + SPACE + "class Row {\n};\n}\n"), ("harness/model/a.h", ONCE + "namespace oldornew::model {\nenum class Row { kA };\n}\n")],
        [("harness/base/a_test.cc", SPACE + "struct Row {\n};\n}\n"), ("harness/cli/a_test.cc", "namespace oldornew::cli {\nclass Row : public R {\n};\n}\n")]],
    "room-namespace": [
        ("harness/model/a.h", ONCE + SPACE + "int F();\n}\n"),
        ("harness/model/a.h", ONCE + "namespace oldornew::trace {\nint F();\n}\n"),
        ("harness/base/a.h", ONCE + "namespace other {\nint F();\n}\n"),
        ("harness/interpose/ptrace/a.h", ONCE + "namespace oldornew::interpose {\nint F();\n}\n"),
        ("harness/interpose/a.h", ONCE + "namespace oldornew::ptrace {\nint F();\n}\n")],
    "cc-without-h": [("harness/base/a.cc", "int x;\n"), [("harness/base/ab_c.cc", "int x;\n"), ("harness/base/a.h", ONCE), ("harness/tree/ab.h", ONCE)],
                     ("harness/interpose/funnel/handle_x.cc", "int x;\n")],
    "blank-lines": [("harness/base/a_main.cc", bodies(5))],
    "targets-apart": [("targets/a_main.cc", '#include "base/files.h"\n')],
    "preload-freestanding": [
        ("harness/interpose/preload/a_main.cc", text) for text in (
            "#include <string>\n", "#include <stdio.h>\n", "void* p = malloc(3);\n", 'void f() { printf("x"); }\n',
            "int x = std::max(1, 2);\n", "void f() { throw 1; }\n", "int e = errno;\n", "int* p = new int;\n")],
    "no-sleep-in-tests": [
        ("harness/run/a_test.cc", text) for text in ("void f() { sleep(1); }\n", "void f() { usleep(1); }\n",
                                                     "void f() { std::this_thread::sleep_for(x); }\n")],
    "fixed-tmp-path": [("harness/run/a_main.cc", 'auto p = "/' + 'tmp/oldornew";\n'), ("scripts/a", "x=/" + "tmp/y\n")],
    "pragma-once": [("harness/base/a.h", "#ifndef A\n#define A\n#endif\n")],
    "no-open-ends": [("harness/base/a_main.cc", f"// {word}: later\n") for word in ("TO" + "DO", "FIX" + "ME", "X" * 3)]
                    + [("README.md", "TO" + "DO\n")],
    "workplace-path": [("docs/a.md", "see /" + "work/shared/x\n"), ("scripts/a", "cd /" + "root/x\n")],
    "text-hygiene": [("harness/base/a_main.cc", "int x; \n"), ("harness/base/a_main.cc", "int x;"), ("harness/base/a_main.cc", "\tint x;\n")],
}
GOOD = [
    ("harness/model/a.h", '// A comment may name malloc and std::string.\n#pragma once\n#include "trace/op.h"\n#include "model/b.h"\n'),
    ("harness/interpose/preload/a_main.cc", '#include <stdint.h>\n#include <linux/io_uring.h>\n// malloc, errno, std::\n'
                                       'const char* k = "printf";\nint free = 0;\nstruct S { S(const S&) = delete; };\n'),
    ("harness/run/a_main.cc", 'char name[] = "/' + 'tmp/oldornew-XXXXXX";\nauto d = "/tmp";\n'),
    ("harness/run/b_test.cc", "// sleep(1) in a comment\nint sleepy();\n"),
    ("harness/base/c_main.cc", 'auto p = "/' + 'tmp/x";  // lint: allow(fixed-tmp-path) because it is never opened\n'),
    ("harness/model/d_main.cc", "int F(int x) {\n" + "  x += 1;\n" * (MAX_FUNCTION_LINES - 2) + "}\n/// Plain data.\nstruct Table {\n"
     + "  int a;\n" * (MAX_CLASS_LINES - 2) + "};\n"),
    ("harness/base/e.h", ONCE + "/// Plain data: what a row says.\nstruct A {\n" + members(MAX_MEMBERS + 1) + "};\n"),
    ("harness/base/e_f.cc", '#include "base/e.h"\n' + bodies(6)),
    ("harness/base/g.h", ONCE + "class A {\n public:\n  enum class K { kA, kB };\n  A() = default;\n  A(const A&) = delete;\n"
     "  friend bool operator==(const A&, const A&) = default;\n  static constexpr int kMost = 3;\n  struct Inner;\n"
     "  std::function<void(int, int)> call_ = [](int a, int b) { return; };\n" + members(MAX_MEMBERS - 1) + methods(MAX_METHODS) + "};\n"),
    ("harness/interpose/funnel/handlers.h", ONCE + "namespace oldornew::interpose::preload {\nint F();\n}\n"),
    ("harness/interpose/funnel/handle_x.cc", '#include "interpose/funnel/handlers.h"\n#include "interpose/wire.h"\n'),
    ("harness/check/axes.cc", '#include "check/axes.h"\n#include "explorers/kill/kill.h"\n#include "explorers/power/power.h"\n'),
    ("harness/interpose/ptrace/j.h", ONCE + "namespace oldornew::ptrace {\nint F();\n}\n"),
    ("harness/check/axes.h", ONCE),
    ("harness/explorers/kill/kill.h", ONCE + '#include "explorers/explorer.h"\n'),
    # A name may be used again where nobody else sees it.
    ("harness/gate/h_test.cc", "namespace oldornew::gate {\nnamespace {\nstruct A {\n  int x;\n};\n}\n}\n"),
    ("harness/model/i.h", ONCE + "namespace oldornew::model {\nnamespace internal {\nint F();\n}\n}\nnamespace std {\ntemplate <>\n"
     "struct hash<int> {\n};\n}\n"),
    ("targets/puzzles/a.c", "// PUZZLE: " + "x" * MAX_COLUMNS + "\n"),
]
# Files with two faults, and what must be left of these under some lists of exceptions.
EXCEPTED = [("harness/base/a.h", ONCE + "// " + "x" * MAX_COLUMNS + "\nstruct A {\n" + members(MAX_MEMBERS + 1) + "};\n")]
EXCEPTIONS = [
    ({}, {"columns", "class-length"}),
    ({"columns": {"harness/base/*": "why"}}, {"class-length"}),
    ({"columns": {"harness/base/a.h": "why"}, "class-length": {"harness/base/a.h#A": "why"}}, set()),
    ({"columns": {"harness/tree/*": "why"}, "class-length": {"harness/base/a.h#B": "why"}}, {"columns", "class-length", "stale-exception"}),
]
