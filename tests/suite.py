"""Finds and runs the tests that tests/run has built, two at a time.

A task is one unit program, one integration file or one check. Each runs in a
process group of its own with its output in build/test-logs, under a time limit;
the whole run has one too. A task's results are read from what it says (Check's
summary, the lines of integration/runner.py, a check's exit status), and a task
that dies without saying anything counts as one failure.
"""

import ast
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "dev"
LOGS = ROOT / "build" / "test-logs"
AT_ONCE = 2
RUN_SECONDS = 23 * 60
TASK_SECONDS = {"unit": 120, "check": 420, "integration": 600}
TAIL_LINES = 60

CHECK_SUMMARY = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.M)
START_TEST = re.compile(r"^START_TEST\((\w+)\)", re.M)


class Task:
    """One thing to run; names() are what --list shows and NAME is matched with."""

    def __init__(self, kind, path):
        self.kind, self.path = kind, path
        self.name = f"{kind}/{path.stem}"

    def names(self):
        return [self.name]

    def command(self, words):
        return [str(self.path)]

    def matches(self, words):
        return not words or any(word in name for word in words for name in self.names())

    def results(self, status, output, seconds):
        """(passed, failed) and the lines to print."""
        return (1, 0) if status == 0 else (0, 1)


class Unit(Task):
    def __init__(self, source):
        super().__init__("unit", source)

    def names(self):
        return [f"{self.name}.{test}" for test in START_TEST.findall(self.path.read_text())]

    def command(self, words):
        return [str(BUILD / "tests" / self.path.stem)]

    def results(self, status, output, seconds):
        passed = failed = 0
        for checks, failures, errors in CHECK_SUMMARY.findall(output):
            failed += int(failures) + int(errors)
            passed += int(checks) - int(failures) - int(errors)
        if (status != 0 or passed == 0) and failed == 0:
            failed = 1  # died outside a test, leaked at exit, or ran nothing
        return passed, failed


class Integration(Task):
    def __init__(self, source):
        super().__init__("integration", source)

    def names(self):
        tree = ast.parse(self.path.read_text())
        return [f"{self.name}.{cls.name}.{test.name}"
                for cls in tree.body if isinstance(cls, ast.ClassDef)
                for test in cls.body
                if isinstance(test, ast.FunctionDef) and test.name.startswith("test")] or [self.name]

    def command(self, words):
        whole = any(word in self.name for word in words)
        return [sys.executable, "-B", str(ROOT / "tests/integration/runner.py"), str(self.path),
                *([] if whole else words)]


def find_tasks():
    tests = ROOT / "tests"
    return ([Unit(p) for p in sorted(tests.glob("unit/test_*.c"))]
            + [Task("check", p) for p in sorted(tests.glob("checks/*.sh"))]
            + [Integration(p) for p in sorted(tests.glob("integration/test_*.py"))])


class Suite:
    def __init__(self, words, scratch):
        self.words, self.scratch = words, scratch
        self.ends_at = time.monotonic() + RUN_SECONDS
        self.passed = self.failed = 0
        self.printing = threading.Lock()

    def environment(self):
        env = dict(os.environ)
        env.update(
            CORRIDOR_SOURCE=str(ROOT), CORRIDOR_BUILD=str(BUILD), TMPDIR=self.scratch,
            CORRIDOR_CACHE=self.scratch,  # what test files may share within this run
            ASAN_OPTIONS="detect_leaks=1:abort_on_error=1:strict_string_checks=1",
            UBSAN_OPTIONS="print_stacktrace=1",
            LSAN_OPTIONS=f"suppressions={ROOT / 'tests/lsan.supp'}:print_suppressions=0",
            LC_ALL="C.UTF-8", TZ="UTC")
        return env

    def say(self, good, name, seconds, note=""):
        with self.printing:
            print(f"{'ok  ' if good else 'FAIL'}  {name}{note}  {seconds:.1f}s", flush=True)

    def run(self, task):
        began = time.monotonic()
        log = LOGS / (task.name.replace("/", "-") + ".log")
        limit = min(TASK_SECONDS[task.kind], self.ends_at - began)
        if limit <= 0:
            log.write_text("not run: the whole run was out of time\n")
            return self.finish(task, log, None, 0, 0)
        if task.kind == "integration":
            status, passed, failed = self.follow(task, log, limit)
            return self.finish(task, log, status, passed, failed)
        with open(log, "wb") as out:
            process = subprocess.Popen(task.command(self.words), stdout=out, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, env=self.environment(), cwd=ROOT,
                                       start_new_session=True)
            status = self.wait(process, limit, out)
        seconds = time.monotonic() - began
        passed, failed = task.results(status, log.read_text(errors="replace"), seconds)
        note = f" ({passed + failed} tests)" if task.kind == "unit" else ""
        self.say(failed == 0, task.name, seconds, note)
        return self.finish(task, log, status, passed, failed)

    def follow(self, task, log, limit):
        """Integration files tell each result as it comes, on a pipe of their own."""
        passed = failed = 0
        reader, writer = os.pipe()
        with open(log, "wb") as out, os.fdopen(reader) as lines:
            process = subprocess.Popen(task.command(self.words), stdout=out, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True,
                                       env={**self.environment(), "CORRIDOR_RESULTS_FD": str(writer)},
                                       pass_fds=(writer,))
            os.close(writer)
            alarm = threading.Timer(limit, self.kill_group, (process, out))
            alarm.start()
            for line in lines:  # ends when the file's process has ended
                verdict, name, seconds = line.rstrip("\n").split("\t")
                self.say(verdict == "ok", f"{task.name}.{name}", float(seconds))
                passed, failed = passed + (verdict == "ok"), failed + (verdict != "ok")
            status = process.wait()
            alarm.cancel()
            self.kill_group(process)
        return status, passed, failed

    def wait(self, process, limit, out):
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill_group(process, out)
            return process.wait()

    @staticmethod
    def kill_group(process, out=None):
        """Our own task's group only: it leads the session we started it in."""
        if out is not None:
            out.write(b"\nkilled: out of time\n")
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def finish(self, task, log, status, passed, failed):
        if status is None or (status != 0 and failed == 0) or passed + failed == 0:
            failed += 1
            self.say(False, task.name, 0, f" (status {status})")
        with self.printing:
            self.passed, self.failed = self.passed + passed, self.failed + failed
            if failed:
                tail = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
                print(*(f"    | {line}" for line in tail), f"    full output: {log.relative_to(ROOT)}",
                      sep="\n", flush=True)
            else:
                log.unlink()


def main(words):
    tasks = find_tasks()
    if words == ["--list"]:
        print(*(name for task in tasks for name in task.names()), sep="\n")
        return 0
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="ct-", dir="/tmp") as scratch:
        os.chmod(scratch, 0o711)  # the database runs under an account of its own
        suite = Suite(words, scratch)
        chosen = [task for task in tasks if task.matches(words)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(suite.run, task) for task in chosen]:
                done.result()
    print(f"{suite.passed} passed, {suite.failed} failed")
    return 0 if suite.failed == 0 and suite.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
