"""Rules of one file: lengths of files and functions, the freestanding preload library, tests, paths, text."""

import re

from linting.rooms import ROOMS
from linting.source import rule

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 80
MAX_COLUMNS = 100
# The preload library may include what holds only constants, types and intrinsics.
PRELOAD_SYSTEM_HEADERS = re.compile(
    r"(linux|asm|asm-generic)/[\w/.-]+|std(def|int|bool|arg|atomic)\.h|c(stddef|stdint|stdarg)|limits\.h|fcntl\.h|"
    r"signal\.h|ucontext\.h|elf\.h|link\.h|errno\.h|dirent\.h|poll\.h|sched\.h|time\.h|sys/(types|un|stat|mman|uio|syscall|"
    r"ucontext|auxv|prctl|resource|socket|time|file|wait|ptrace|user|epoll|eventfd|ioctl|vfs|statfs|xattr)\.h|type_traits|"
    r"immintrin\.h|cpuid\.h|x86intrin\.h")
PRELOAD_FORBIDDEN = re.compile(
    r"\b(malloc|calloc|realloc|free|v?s?n?printf|fprintf|puts|perror|dlsym|dlopen|getenv|abort|strerror|pthread_\w+)\s*\(|"
    r"\b(throw|try|catch|errno|new|delete|thread_local)\b|\bstd::")
# The lint's own files name what they forbid.
SELF = ("scripts/lint", "scripts/linting/")


@rule("file-length")
def file_length(source):
    if source.is_code and len(source.lines) > MAX_FILE_LINES:
        yield 1, f"{len(source.lines)} lines, at most {MAX_FILE_LINES}: find the second idea in it and give it a name"


@rule("function-length")
def function_length(source):
    for block in source.blocks():
        lines = block.last - block.first + 1
        if block.kind == "function" and lines > MAX_FUNCTION_LINES:
            yield block.first, f"function of {lines} lines, at most {MAX_FUNCTION_LINES}"


@rule("columns")
def columns(source):
    if not source.is_cpp:
        return
    # An include is as long as its path, and a line of a puzzle's head is one statement (scripts/puzzles).
    one_line = re.compile(r"\s*#\s*include\b|// (PUZZLE|EXPECT|SHOWS)\b")
    for number, line in enumerate(source.lines, 1):
        if len(line) > MAX_COLUMNS and not one_line.match(line):
            yield number, f"{len(line)} columns, at most {MAX_COLUMNS}"


@rule("targets-apart")
def targets_apart(source):
    if source.parts[0] != "targets" or not source.is_code:
        return
    for number, line in enumerate(source.lines, 1):
        match = re.match(r'\s*#\s*include\s+"([\w.-]+)/', line)
        if match and match.group(1) in ROOMS:
            yield number, "a program under test uses nothing of the harness: no seam, no shared code"


@rule("preload-freestanding")
def preload_freestanding(source):
    if not source.path.startswith(("harness/interpose/preload/", "harness/interpose/funnel/")) or not source.is_code or source.is_test:
        return
    for number, line in enumerate(source.bare, 1):
        include = re.match(r"\s*#\s*include\s*<([^>]+)>", line)
        if include:
            if not PRELOAD_SYSTEM_HEADERS.fullmatch(include.group(1)):
                yield number, f"<{include.group(1)}> holds more than constants and types"
            continue
        if re.match(r"\s*#", line) or source.suffix == ".S":
            continue
        match = PRELOAD_FORBIDDEN.search(re.sub(r"=\s*(delete|default)\b", "", line))
        if match:
            yield number, f"'{match.group(0)}' in the preload library, which lives without libc and the C++ runtime"


@rule("no-sleep-in-tests")
def no_sleep(source):
    if source.is_test:
        for number, line in enumerate(source.bare, 1):
            if re.search(r"\b(sleep|usleep|nanosleep|clock_nanosleep|sleep_for|sleep_until)\s*\(", line):
                yield number, "a test that sleeps is slow when it passes and flaky when it fails: wait for the event"


@rule("fixed-tmp-path")
def fixed_tmp(source):
    if source.suffix in (".md", ".txt"):
        return
    for number, line in enumerate(source.lines, 1):
        for match in re.finditer(r"""["'=\s](/(?:var/)?tmp/[^\s"'),;]+)""", line):
            if "XXXXXX" not in match.group(1):
                yield number, f"fixed path {match.group(1)}: two runs would meet there; use a fresh directory"


@rule("pragma-once")
def pragma_once(source):
    if source.is_code and source.suffix == ".h" and not any(l.strip() == "#pragma once" for l in source.lines):
        yield 1, "the header guard is #pragma once"


@rule("no-open-ends")
def no_open_ends(source):
    for number, line in enumerate(source.lines, 1):
        match = re.search(r"\b(TODO|FIXME|XXX)\b", line)
        if match and not source.path.startswith(SELF):
            yield number, f"{match.group(1)}: do it, or say in words what is missing and what follows from it"


@rule("workplace-path")
def workplace_path(source):
    for number, line in enumerate(source.lines, 1):
        match = re.search(r"(?<![\w.~}$/-])/(work|root|workspace)/[\w.]+", line)
        if match and not source.path.startswith(SELF):
            yield number, f"{match.group(0)} exists only where this was written"


@rule("text-hygiene")
def text_hygiene(source):
    if source.text and not source.text.endswith("\n"):
        yield len(source.lines), "no newline at the end of the file"
    for number, line in enumerate(source.lines, 1):
        if line.endswith((" ", "\t", "\r")) and source.suffix != ".md":
            yield number, "white space at the end of the line"
        elif "\t" in line and source.suffix in (".cc", ".h", ".c"):
            yield number, "a tab in C or C++ source"
