"""Carries out what the SHOWS lines of the puzzles say, without the harness: what a program does when a call of it fails.

A line is `INJECTION: CLAIM, CLAIM...`. INJECTION is what `oldornew record --inject` takes, and strace too but for its path=,
or `limit=BYTES`: no file can grow beyond that, so that the kernel itself gives a short count and then the error for ever.
A claim is `exit N` (-15: killed by SIGTERM), `PATH old|new|missing|empty|truncated|torn`, or `left PATH`: a file that neither
the old state nor a run without injection has. What is left and not claimed is a difference.
"""

import os
import resource
import shutil
import signal
import subprocess

NO_TOOL = "strace is not installed"


def read_tree(directory):
    tree = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                with open(path, "rb") as stream:
                    tree[os.path.relpath(path, directory)] = stream.read()
    return tree


def state(path, now, old, new):
    if path not in now:
        return "missing"
    content = now[path]
    for name, tree in (("new", new), ("old", old)):
        if content == tree.get(path):
            return name
    if not content:
        return "empty"
    whole = [tree[path] for tree in (old, new) if path in tree]
    return "truncated" if any(text.startswith(content) for text in whole) else "torn"


def can_inject(injection):
    """strace has no patterns for paths and no short counts that are real."""
    return "*" not in injection and ":short=" not in injection


def command_for(injection, command, directory):
    """The command under strace, and what to do in the child first."""
    if injection.startswith("limit="):
        size = int(injection.removeprefix("limit="))

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return command, limit
    parts = injection.split(":")
    paths = [part.removeprefix("path=") for part in parts if part.startswith("path=")]
    rest = ":".join(part for part in parts if not part.startswith("path="))
    options = ["-f", "-qq", "-o", os.devnull, "-e", "inject=" + rest]
    for path in paths:
        options += ["-P", path, "-P", os.path.normpath(os.path.join(os.path.realpath(directory), path))]
    return ["strace", *options, *command], None


def differences(injection, claims, command, directory, old, new):
    """Sentences on what differs from the claims after one run of the command in the directory."""
    arguments, first = command_for(injection, command, directory)
    done = subprocess.run(arguments, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          check=False, preexec_fn=first)
    now = read_tree(directory)
    left = {path for path in now if path not in old and path not in new}
    problems = []
    for claim in claims.split(", "):
        subject, _, word = claim.rpartition(" ")
        if subject == "exit":
            if done.returncode != int(word):
                problems.append(f"{injection}: exit {done.returncode}, not {word}: {done.stderr.strip()}")
        elif subject == "left":
            if word not in left:
                problems.append(f"{injection}: did not leave {word}")
            left.discard(word)
        elif not (word == "old" and subject in old and now.get(subject) == old[subject]):
            found = state(subject, now, old, new)
            problems += [f"{injection}: {subject} is {found}, not {word}"] if found != word else []
    return problems + [f"{injection}: left {path}" for path in sorted(left)]


def available():
    return shutil.which("strace") is not None and subprocess.run(
        ["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0
