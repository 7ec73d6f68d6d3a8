# SPDX-License-Identifier: GPL-2.0-only
"""Test results as lines that tests/run counts: `ok - name`, `not ok - name`, `ok - name # skip reason`, and at the end `1..N`.

Shared by the suites here. Without that last line, tests/run takes a suite for one that died early.
"""
import sys
import traceback


class Skip(Exception):
    """What the test needs is not there."""


def tests_of(module):
    """The tests among the globals() of a module, in their order."""
    return [value for name, value in module.items() if name.startswith("test_")]


class Results:
    def __init__(self, prefix):
        self.prefix = prefix
        self.count = 0
        self.failed = 0

    def line(self, ok, name, comment=""):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} - {self.prefix}: {name}{comment}", flush=True)

    def run(self, test, *args):
        """Run one test: it passes unless it raises."""
        name = (test.__doc__ or test.__name__).strip().rstrip(".")
        try:
            comment = test(*args)
            self.line(True, name, f" ({comment})" if comment else "")
        except Skip as skip:
            self.line(True, name, f" # skip {skip}")
        except Exception as error:  # a test may fail in any way
            self.line(False, name)
            text = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
            print("\n".join(f"    {line}" for line in text.splitlines()), flush=True)

    def run_chosen(self, tests, names, *args):
        """Run those of the tests that the names mean, which are without "test_"; all of them for no names."""
        for test in tests:
            if not names or test.__name__.removeprefix("test_") in names:
                self.run(test, *args)

    def exit(self):
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed else 0)
