"""Runs one file of integration tests: runner.py FILE [WORD...].

Each result is one line, verdict TAB name TAB seconds, on the descriptor that
CORRIDOR_RESULTS_FD names, else on standard output. A skipped test has proved
nothing and counts as failed.
"""

import importlib.util
import os
import sys
import time
import unittest
from pathlib import Path


class Teller(unittest.TextTestResult):
    """Reports each test once, when it is over, whatever happened on the way."""

    def __init__(self, stream, out):
        super().__init__(stream, descriptions=False, verbosity=2)
        self.out = out

    def tell(self, good, name, seconds):
        self.out.write(f"{'ok' if good else 'FAIL'}\t{name}\t{seconds:.3f}\n")
        self.out.flush()

    def bad(self):
        return (len(self.errors), len(self.failures), len(self.skipped), len(self.unexpectedSuccesses))

    def startTest(self, test):
        self.began, self.before = time.monotonic(), self.bad()
        super().startTest(test)

    def stopTest(self, test):
        super().stopTest(test)
        name = ".".join(test.id().split(".")[1:])
        self.tell(self.bad() == self.before, name, time.monotonic() - self.began)

    def addError(self, test, error):
        super().addError(test, error)
        if not isinstance(test, unittest.TestCase):  # setUpClass, tearDownClass, setUpModule
            self.tell(False, str(test), 0)


def each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


def main(path, words):
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    found = list(each(unittest.defaultTestLoader.loadTestsFromModule(module)))
    chosen = unittest.TestSuite(
        test for test in found if not words or any(word in f"integration/{test.id()}" for word in words))
    out = os.fdopen(int(os.environ.get("CORRIDOR_RESULTS_FD", "1")), "w")
    # What the tests start must not hold the results pipe open.
    os.set_inheritable(out.fileno(), False)
    result = Teller(unittest.runner._WritelnDecorator(sys.stderr), out)
    chosen.run(result)
    result.printErrors()
    return 0 if result.wasSuccessful() and result.testsRun and not result.skipped else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
