"""Compares the findings of faults, kills and next runs with what the heads of puzzles say. Shared by scripts/puzzles.

What went wrong is taken from the data of a report, never from its sentences: `injected` lists each call that was made to fail
{call, path, path2, errno, way, occurrence}; of a kill, and of a run after one, `shown.call` is the call {call, path, path2}.
"""

import fnmatch

# `way` of an injection -> the words of a head that it stands for; "" is its error, or for a signal the signal's name.
WORDS = {"once": [""], "from-then-on": [""], "by-hand": [""], "signal": [""], "though-done": ["", "done"], "short": ["short"],
         "filling": ["filling"], "full-disk": ["full"]}


class Expected:
    """`ORACLE:OUTCOME,... CALL[+CALL...] [ERROR,...]`, with a ? at the end when it is optional."""

    def __init__(self, axis, text):
        self.axis, self.text, self.optional = axis, text, text.endswith("?")
        finding, call, *errors = text.rstrip(" ?").split()
        self.oracle, _, outcomes = finding.partition(":")
        self.outcomes, self.wanted = set(outcomes.split(",")), call.split("+")
        self.errors = set(errors[0].split(",")) if errors else set()

    def matches(self, seen):
        """Whether it is that finding: each call is there, and each error at one of these calls."""
        words = set()
        for pattern in self.wanted:
            at_call = [words for call, words in seen.calls if fnmatch.fnmatchcase(call, pattern)]
            if not at_call:
                return False
            words = words.union(*at_call)
        return self.oracle == seen.oracle and self.outcomes == seen.outcomes and self.errors <= words


class Seen:
    """A finding of the report, as far as heads speak of it."""

    def __init__(self, finding):
        self.message = finding["message"]
        self.oracle, self.outcomes = finding["oracle"], set(finding["outcomes"])
        self.calls, self.problems = [], []  # calls: (call, words)
        if finding["axis"] == "faults" and not finding.get("injected"):
            self.problems.append(f"injected: the finding does not say which call failed: {self.message}")
        for one in finding.get("injected", []):
            words = WORDS.get(one["way"])
            if words is None:
                self.problems.append(f"injected: unknown way {one['way']!r}: {self.message}")
            words = {word or one["errno"] for word in words or []} - {""}
            # One process killed while the others live on.
            self.calls.append((text_of(one), words | {"kill"} if "SIGKILL" in words else words))
        shown = finding.get("shown", {}).get("call")
        if shown and not finding.get("injected"):
            self.calls.append((text_of(shown), {"kill"}))


def text_of(call):
    """The call as heads write it: write(f), rename(f.new→f), fsync(.)."""
    second = call.get("path2", "")
    return f"{call['call']}({call['path'] or '.'}{'→' + second if second else ''})"


def compare(expected, findings):
    """Sentences on what differs: each expectation stands for one finding."""
    seen = [Seen(finding) for finding in findings]
    problems = [problem for finding in seen for problem in finding.problems]
    for one in sorted(expected, key=lambda e: e.optional):
        match = next((finding for finding in seen if one.matches(finding)), None)
        if match is not None:
            seen.remove(match)
        elif not one.optional:
            problems.append(f"{one.axis}: missed {one.text}")
    return problems + [f"false {finding.oracle}:{','.join(sorted(finding.outcomes))}: {finding.message}" for finding in seen]
