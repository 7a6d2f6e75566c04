"""Tests of scripts/failures.py on findings written by hand."""

import sys
import unittest

sys.dont_write_bytecode = True
import failures  # noqa: E402


def injected(way, errno="", call="write", path="f.new", path2=""):
    return {"call": call, "path": path, "path2": path2, "errno": errno, "way": way, "occurrence": 1}


def finding(*ways, axis="faults", outcomes=("empty",), **more):
    return {"oracle": "honest", "axis": axis, "message": "a sentence that names fsync(g) and EROFS", "injected": list(ways),
            "outcomes": {outcome: [] for outcome in outcomes}, **more}


def differences(text, *findings):
    return failures.compare([failures.Expected("faults", text)] if text else [], list(findings))


class Failures(unittest.TestCase):
    def test_every_way_has_its_word(self):
        for way, errno, word in [("once", "EIO", "EIO"), ("from-then-on", "EROFS", "EROFS"), ("by-hand", "EXDEV", "EXDEV"),
                                 ("signal", "SIGTERM", "SIGTERM"), ("signal", "SIGKILL", "kill"),
                                 ("though-done", "EIO", "done"), ("though-done", "EIO", "EIO"),
                                 ("short", "", "short"), ("filling", "ENOSPC", "filling"), ("full-disk", "ENOSPC", "full")]:
            self.assertEqual(differences(f"honest:empty write(f.new) {word}", finding(injected(way, errno))), [], way)
            self.assertEqual(len(differences("honest:empty write(f.new) EPERM", finding(injected(way, errno)))), 2, way)

    def test_another_oracle_outcome_call_or_path_is_another_finding(self):
        for text in ("atomic:empty write(f.new) EIO", "honest:torn write(f.new) EIO", "honest:empty,torn write(f.new) EIO",
                     "honest:empty pwrite64(f.new) EIO", "honest:empty write(f) EIO"):
            self.assertEqual(len(differences(text, finding(injected("once", "EIO")))), 2, text)

    def test_sentences_are_not_read(self):
        self.assertEqual(len(differences("honest:empty fsync(g) EROFS", finding(injected("once", "EIO")))), 2)

    def test_an_error_counts_at_its_call_only(self):
        two = finding(injected("once", "EIO"), injected("once", "ENOSPC", "fsync"))
        self.assertEqual(differences("honest:empty write(f.new)+fsync(f.new) EIO,ENOSPC", two), [])
        self.assertEqual(len(differences("honest:empty write(f.new) ENOSPC", two)), 2)
        self.assertEqual(len(differences("honest:empty write(f.new)+close(f.new) EIO", two)), 2)

    def test_two_paths_and_the_directory_itself(self):
        self.assertEqual(differences("honest:empty rename(f.new→f) EIO", finding(injected("once", "EIO", "rename", "f.new", "f"))), [])
        self.assertEqual(differences("honest:empty fsync(.) EIO", finding(injected("once", "EIO", "fsync", ""))), [])

    def test_a_fault_without_data_is_a_problem(self):
        for bare in (finding(), {k: v for k, v in finding().items() if k != "injected"}):
            self.assertIn("does not say which call failed", differences("honest:empty write(f.new) EIO?", bare)[0])
        self.assertIn("unknown way", differences("", finding(injected("sometimes", "EIO")))[0])

    def test_a_kill_shows_its_call(self):
        shown = {"call": {"call": "openat", "path": "f.lock", "path2": ""}}
        self.assertEqual(differences("honest:empty openat(f.lock) kill", finding(axis="kill", shown=shown)), [])
        self.assertEqual(differences("honest:empty openat(f.lock) kill", finding(axis="next-run", shown=shown)), [])
        self.assertEqual(len(differences("honest:empty openat(f.lock) kill", finding(axis="kill", shown={}))), 2)

    def test_what_is_optional_may_be_missing_and_nothing_else(self):
        self.assertEqual(differences("honest:empty write(f.new) EIO?"), [])
        self.assertEqual(len(differences("honest:empty write(f.new) EIO")), 1)
        self.assertEqual(len(differences("", finding(injected("once", "EIO")))), 1)


if __name__ == "__main__":
    unittest.main()
