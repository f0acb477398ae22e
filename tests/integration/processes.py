"""Processes a test starts, and waiting for what they do.

Every process is a direct child in the test's own process group, so that nothing
outlives the test even when the test itself is killed. Its output goes to a file.
At the end crimes() tells what no test may overlook: a death by a signal that the
test did not send, an exit status that is not 0 after SIGTERM, a sanitizer's report.
"""

import itertools
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

SANITIZER = re.compile(
    r"ERROR: (Address|Leak|Undefined)\w*Sanitizer|runtime error: |WARNING: ThreadSanitizer")
POLL_SECONDS = 0.02


class NotInTime(AssertionError):
    pass


def wait_for(condition, seconds=10.0, what=None):
    """Polls until condition() is true and returns its value. A condition that
    raises is not yet true; its last error is told when time is up."""
    polls = max(1, int(seconds / POLL_SECONDS))
    ends_at, last = time.monotonic() + seconds, None
    for _ in range(polls):
        try:
            value = condition()
            if value:
                return value
        except (OSError, LookupError, ValueError, AssertionError) as error:
            last = error
        if time.monotonic() > ends_at:
            break
        time.sleep(POLL_SECONDS)  # the poll's pause
    named = what or getattr(condition, "__name__", "the condition")
    raise NotInTime(f"not in {seconds:g} s: {named}" + (f" (last: {last!r})" if last else ""))


class Process:
    """A program with a name; it may be started, stopped and killed repeatedly."""

    def __init__(self, name, argv, log, env=None, user=None):
        self.name, self.argv, self.log = name, [str(a) for a in argv], Path(log)
        self.env, self.user = env, user
        self.popen = None
        self.killed = False  # by the test, with a signal that leaves no exit status
        self.ends = []       # (how, exit status) of every life so far

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def start(self):
        assert not self.running(), f"{self.name} runs already"
        self.killed = False
        account = {} if self.user is None else {
            "user": self.user, "group": self.user, "extra_groups": []}
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=subprocess.STDOUT, env=self.env, cwd="/", **account)
        return self

    def send(self, number):
        self.popen.send_signal(number)

    def wait(self, seconds=20.0):
        try:
            status = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise NotInTime(f"{self.name} did not end in {seconds:g} s\n{self.tail()}") from None
        how = "killed" if self.killed else "ended"
        if not self.ends or self.ends[-1][2] != self.pid:
            self.ends.append((how, status, self.pid))
        return status

    def stop(self, number=signal.SIGTERM, seconds=20.0):
        """Asks the process to end; returns its exit status, None if it was not running."""
        if self.popen is None:
            return None
        if self.running():
            self.send(number)
        return self.wait(seconds)

    def kill(self):
        """As a power cut would: no warning, no clean-up."""
        if self.running():
            self.killed = True
            self.popen.kill()
        return self.wait()

    def pause(self):
        self.send(signal.SIGSTOP)

    def resume(self):
        self.send(signal.SIGCONT)

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines=25):
        return "\n".join(f"  {self.name}: {line}" for line in self.text().splitlines()[-lines:])

    def crimes(self):
        """What went wrong that no test may overlook, as sentences."""
        found = [f"{self.name} ended with status {status}"
                 for how, status, _ in self.ends if how == "ended" and status != 0]
        if SANITIZER.search(self.text()):
            found.append(f"{self.name}: a sanitizer's report in {self.log}")
        return found


PORTS = 100  # to each test file
next_port = itertools.count()


def free_ports(count):
    """TCP ports on loopback that nobody listens on, below the range the kernel
    hands out, from a slice of our own so that two test files never pick the same."""
    base, found = 15000 + (os.getpid() % 150) * PORTS, []
    for _ in range(PORTS):
        port = base + next(next_port) % PORTS
        with socket.socket() as probe:
            # As the daemons do: connections that linger from a test before do not matter.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports from {base} on")
