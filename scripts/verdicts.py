"""Runs `oldornew check --json` and reads its answer. Shared by scripts/puzzles and scripts/quickstart."""

import json
import os
import subprocess
import time

# Every row of the profile table that a gate uses (oracles.md 18): oldornew's "mainstream" set.
MAINSTREAM = [
    "ext4", "ext4,noauto_da_alloc", "ext4,dioread_lock", "ext4,nodelalloc", "ext4,data=writeback",
    "ext4,data=writeback,dioread_lock", "ext4,data=journal", "ext4@<6.5",
    "xfs", "btrfs", "btrfs,flushoncommit", "btrfs,notreelog", "btrfs,nodatacow"]


class Failure(Exception):
    """oldornew itself did not give an answer."""


class Answer:
    """One report. `findings` are those of the JSON; `seconds` is the wall time of the whole command."""

    def __init__(self, report, exit_code, seconds):
        self.verdict = report["verdict"]
        self.reasons = report["reasons"]
        self.exit_code = exit_code
        self.findings = report["findings"]
        self.seconds = seconds

    def outcomes(self):
        """{(oracle, outcome): set of profiles} over all findings."""
        result = {}
        for finding in self.findings:
            for outcome, profiles in finding["outcomes"].items():
                result.setdefault((finding["oracle"], outcome), set()).update(profiles)
        return result

    def worst(self):
        """The finding that a person should read first, or None."""
        order = {"error": 0, "warning": 1}
        return min(self.findings, key=lambda f: (f.get("pedantic", False), order.get(f["severity"], 2)), default=None)


def find_binary(build):
    """The oldornew program below a build directory, or None."""
    for path in (os.path.join(build, "harness", "oldornew"), os.path.join(build, "oldornew")):
        if os.access(path, os.X_OK):
            return os.path.abspath(path)
    return None


def check(binary, command, directory, options=(), timeout=120, environment=None):
    """Runs the check in `directory`. Raises Failure when there is no readable report."""
    start = time.monotonic()
    try:
        done = subprocess.run([binary, "check", "--json", *options, "--", *command], cwd=directory, timeout=timeout,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              env=environment, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"no answer within {timeout} s") from error
    seconds = time.monotonic() - start
    try:
        return Answer(json.loads(done.stdout), done.returncode, seconds)
    except (ValueError, KeyError) as error:
        text = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise Failure(f"exit {done.returncode}, no report: {text}") from error
