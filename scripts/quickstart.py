"""The second half of scripts/quickstart: builds oldornew and checks the two seed algorithms, their hardened successors,
and programs that everybody has. One table; what is missing on this machine is said.

usage: scripts/quickstart [--no-install] [--no-build] [--build DIR] [--oldornew PROGRAM] [--details]
  --no-install   do not call scripts/install-deps.sh (scripts/quickstart does that)
  --no-build     use what is in the build directory
  --details      print the whole message of each finding under the table
Exit status: 0 every program got a verdict (findings are the expected answer for most), 1 one did not, or the build failed.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap

import verdicts

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


class Subject:
    """One row: a program, the old state it starts from, and how it is run."""

    def __init__(self, label, needs, setup, command, options=()):
        self.label, self.needs, self.setup, self.command, self.options = label, needs, setup, command, list(options)


def subjects(targets):
    """The rows of the table. `targets` is the directory of the programs built from targets/."""
    text = "for i in $(seq 400); do echo \"line $i = old\"; done > config.toml"
    tree = "mkdir v1 v2; echo 1 > v1/k; echo 2 > v2/k; ln -s v1 current"
    database = ("sqlite3 app.db 'pragma journal_mode=%s; create table t(k integer primary key, v text);"
                " insert into t(v) values(1)' > log && rm log")
    update = "pragma synchronous=%s; begin; update t set v=2; insert into t(v) values(3); commit;"
    view = ["--view", "sqlite3 app.db 'pragma integrity_check; select k,v from t order by k'"]

    def seed(name, *arguments):
        return [os.path.join(targets, name), *arguments]

    return [
        Subject("WriteFileAtomic (seed)", [], text,
                ["sh", "-c", f'echo "a = new" | {targets}/write-file-atomic . config.toml 0644']),
        Subject("hardened write-file", [], text,
                ["sh", "-c", f'echo "a = new" | {targets}/hardened-write-file . config.toml 0644']),
        Subject("atomicdir.Fill (seed)", [], f"{targets}/atomicdir-fill ./secrets key=old",
                seed("atomicdir-fill", "./secrets", "key=new")),
        Subject("hardened swap-directory", [], f"{targets}/hardened-swap-directory . secrets key=old",
                seed("hardened-swap-directory", ".", "secrets", "key=new"), ["--watch", "secrets"]),
        Subject("sed -i", ["sed"], text, ["sed", "-i", "s/old/new/", "config.toml"]),
        Subject("perl -i -pe", ["perl"], text, ["perl", "-i", "-pe", "s/old/new/", "config.toml"]),
        Subject("cp new old", ["cp"], text + "; sed s/old/new/ config.toml > source", ["cp", "source", "config.toml"]),
        Subject("mv new old", ["mv"], text + "; sed s/old/new/ config.toml > source", ["mv", "source", "config.toml"]),
        Subject("ln -sfn v2 current", ["ln"], tree, ["ln", "-sfn", "v2", "current"]),
        Subject("sqlite3, rollback journal, FULL", ["sqlite3"], database % "delete",
                ["sqlite3", "app.db", update % "full"], view),
        Subject("sqlite3, WAL, FULL", ["sqlite3"], database % "wal", ["sqlite3", "app.db", update % "full"], view),
        Subject("sqlite3, synchronous=OFF", ["sqlite3"], database % "delete",
                ["sqlite3", "app.db", update % "off"], view),
    ]


def run(step, command, log):
    """Runs a step of the preparation; its output goes to `log`, and to the terminal when it fails."""
    print(f"{step} ...", flush=True)
    with open(log, "wb") as stream:
        status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, check=False).returncode
    if status != 0:
        with open(log, encoding="utf-8", errors="replace") as stream:
            print("".join(stream.readlines()[-40:]))
        print(f"quickstart: failed: {' '.join(command)}")
        sys.exit(1)


def prepare(arguments):
    os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
    if not arguments.no_build:
        run("configuring", ["cmake", "--preset", "dev"], os.path.join(ROOT, "build", "dev.configure.log"))
        jobs = os.environ.get("OLDORNEW_JOBS", str(min(4, os.cpu_count() or 1)))
        run("building (a few minutes the first time)", ["ninja", "-C", "build/dev", "-j", jobs],
            os.path.join(ROOT, "build", "dev.build.log"))


def describe(finding):
    """"atomic  config.toml: zeros (ext4, ...), empty (xfs)" in one cell."""
    parts = []
    for outcome, profiles in finding["outcomes"].items():
        families = sorted({profile.split(",")[0].split("@")[0].split(":")[0] for profile in profiles} - {"posix"})
        if families:
            parts.append(f"{outcome} ({', '.join(families)})")
    return f"{finding['oracle']} {finding.get('path', '')}: {', '.join(parts)}"


def judge(subject, binary):
    """(verdict, worst finding, seconds, findings) of one row."""
    missing = [program for program in subject.needs if shutil.which(program) is None]
    if missing:
        return "skipped", f"{', '.join(missing)} is not installed", 0.0, []
    with tempfile.TemporaryDirectory(prefix="oldornew-quickstart-") as directory:
        done = subprocess.run(["sh", "-ec", subject.setup], cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            return "failed", f"setup: {done.stderr.strip()}", 0.0, []
        try:
            answer = verdicts.check(binary, subject.command, directory, ["--only", "power", *subject.options])
        except verdicts.Failure as failure:
            return "failed", str(failure), 0.0, []
        worst = answer.worst()
        if worst and worst.get("pedantic"):
            worst = None  # only where nothing holds but what POSIX says
        text = describe(worst) if worst else "; ".join(answer.reasons)
        verdict = "clean, warns" if answer.verdict == "clean" and worst else answer.verdict
        return verdict, text, answer.seconds, answer.findings


def print_table(rows, width):
    names = max(len(row[0]) for row in rows)
    kinds = max(len("verdict"), max(len(row[1]) for row in rows))
    room = max(30, width - names - kinds - 13)
    print(f"\n{'program':<{names}}  {'verdict':<{kinds}}  {'s':>5}  worst finding")
    for name, verdict, worst, seconds in rows:
        lines = textwrap.wrap(worst, room) or ["-"]
        print(f"{name:<{names}}  {verdict:<{kinds}}  {seconds:>5.2f}  {lines[0]}")
        for line in lines[1:]:
            print(" " * (names + kinds + 11) + line)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-install", action="store_true")
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "dev"))
    parser.add_argument("--oldornew")
    parser.add_argument("--details", action="store_true")
    arguments = parser.parse_args()
    prepare(arguments)
    binary = arguments.oldornew or verdicts.find_binary(arguments.build)
    if binary is None:
        print(f"quickstart: there is no oldornew program below {arguments.build}")
        return 1
    rows, details = [], []
    for subject in subjects(os.path.abspath(os.path.join(arguments.build, "targets"))):
        verdict, worst, seconds, findings = judge(subject, binary)
        rows.append((subject.label, verdict, worst, seconds))
        details += [(subject.label, finding.get("message", "")) for finding in findings]
    print_table(rows, shutil.get_terminal_size((120, 24)).columns)
    if arguments.details:
        print()
        for label, message in details:
            print(f"{label}: {message}")
    without = [row[0] for row in rows if row[1] not in ("clean", "clean, warns", "findings", "bounded", "skipped")]
    if without:
        print(f"\nno verdict for: {', '.join(without)}")
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main())
