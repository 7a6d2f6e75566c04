"""Compares the findings of faults, kills and next runs with what the heads of puzzles say. Shared by scripts/puzzles."""

import fnmatch
import re

# How a report says what went wrong -> the word of a head. Errors stand as they are.
WAYS = [("a short count and then", "filling"), ("a short count", "short"), ("on a disk with", "full"), ("a kill", "kill")]


class Expected:
    """`ORACLE:OUTCOME,... CALL[+CALL...] [ERROR,...]`, with a ? at the end when it is optional."""

    def __init__(self, axis, text):
        self.axis, self.text, self.optional = axis, text, text.endswith("?")
        finding, call, *errors = text.rstrip(" ?").split()
        self.oracle, _, outcomes = finding.partition(":")
        self.outcomes, self.wanted = set(outcomes.split(",")), call.split("+")
        self.errors = set(errors[0].split(",")) if errors else set()

    def matches(self, seen):
        return (self.oracle == seen.oracle and self.outcomes == seen.outcomes and self.errors <= seen.errors and
                all(any(fnmatch.fnmatchcase(call, one) for call in seen.calls) for one in self.wanted))


class Seen:
    """A finding of the report, as far as heads speak of it."""

    def __init__(self, finding):
        self.message = finding["message"]
        self.oracle, self.outcomes = finding["oracle"], set(finding["outcomes"])
        text = finding["message"] + " " + finding.get("scene", "")
        self.calls = {re.sub(r"\s+|, \d+ B|, 0[0-7]+", "", call)
                      for call in re.findall(r"\b[a-z_0-9]+\([^()]*\)", text)}
        self.errors = set(re.findall(r"\b(?:E[A-Z0-9]{2,}|SIG[A-Z]+)\b", text)) - {"EMPTY"}
        self.errors |= {word for phrase, word in WAYS if re.search(phrase + (r"(?! and then)" if word == "short" else ""), text)}
        self.errors |= {"done"} if ", though done" in text else set()


def compare(expected, findings):
    """Sentences on what differs: each expectation stands for one finding."""
    seen = [Seen(finding) for finding in findings]
    problems = []
    for one in sorted(expected, key=lambda e: e.optional):
        match = next((finding for finding in seen if one.matches(finding)), None)
        if match is not None:
            seen.remove(match)
        elif not one.optional:
            problems.append(f"{one.axis}: missed {one.text}")
    return problems + [f"false {finding.oracle}:{','.join(sorted(finding.outcomes))}: {finding.message}" for finding in seen]
