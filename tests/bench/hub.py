"""A private hub for benchmarks: PostgreSQL with a server's settings, core and
door, and a programme of very many offices that exist only as the load.

It is the integration tests' Cluster without agents. Everything lies in one
folder under TMPDIR and ends with the `with` block.
"""

import collections
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

SOURCE = Path(os.environ["CORRIDOR_SOURCE"])
BUILD = Path(os.environ["CORRIDOR_BUILD"])
sys.path.insert(0, str(SOURCE / "tests" / "integration"))
import harness  # noqa: E402
from database import Database  # noqa: E402
from identity import Identity  # noqa: E402

import usage  # noqa: E402

# What an administrator of a small hub would set; durability as it comes.
SERVER = {"shared_buffers": "1GB", "max_wal_size": "4GB", "wal_buffers": "16MB", "checkpoint_timeout": "15min",
          "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
TIMEOUT_SECONDS = 1800
RECIPIENTS_MAX = 64  # programme.h
LOOKS = 150  # so many in a row about alike: some three seconds


def tool(name):
    return BUILD / "tests" / f"bench-{name}"


def measured(argv, seconds=TIMEOUT_SECONDS):
    """Runs a bench program to its end and returns the JSON it prints."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{Path(argv[0]).name} ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


class Crowd(Identity):
    """The programme is bench-crowd's: hosts, and recipients in pairs."""

    hosts = 16

    def make(self, offices, began, agreements, calendars=None):
        self.must(self.run([tool("crowd"), self.folder, began, self.hosts]))
        self.demo_clock("start", began)


class Hub(harness.Cluster):
    def __init__(self, hosts, settings=None):
        # Each connection takes the door about ten descriptors, and the load one.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        most = hosts + 2 * RECIPIENTS_MAX
        super().__init__(offices=[], build=BUILD, log_level="warn", agreements=[{}],
                         door={"connections_max": most, "connections_per_address": most})
        self.database = Database(self.dir / "pg", {**SERVER, **(settings or {})})
        self.identity = Crowd(self.dir, self.program("corridor"), self.run, self.must)
        self.identity.hosts = hosts

    def start(self):
        self.prepare()
        for name in ("core", "door"):
            self.start_process(name)
            harness.wait_for(lambda process=name: self.http(process, "/healthz")[0] == 200, 60, f"{name} is healthy")

    def pid(self, name):
        return self.processes[name].pid

    def memory(self, name):
        """Resident memory of a process in MiB."""
        return usage.status(self.pid(name), "VmRSS") / 1024

    def argv(self, mode, **options):
        flags = {"senders": "-s", "in_flight": "-f", "messages": "-n", "cases": "-c", "body": "-b", "batch": "-B"}
        words = [tool("load"), "-p", self.dir, "-e", f"tcp://{self.address('door')}", "-t", self.identity.clock,
                 "-m", mode]
        for name, value in options.items():
            words += [flags[name], value]
        return [str(word) for word in words]

    def load(self, mode, **options):
        """One load. Its result with, per message, the CPU time of each process
        and of each of the core's threads while it ran."""
        with Load(self.argv(mode, **options)) as load:
            watch = usage.Watch({name: self.pid(name) for name in ("door", "core", "postgres")})
            result = load.go()
            result["cpu"] = {stage: us / result["messages"] for stage, us in watch.spent().items()}
        result["cpu"]["load"] = result["cpu_us_per_message"]
        return result

    def settled(self):
        """Memory of door and core in MiB once it stands still: the door clears up
        after handshakes at the next tick or two."""
        looks = collections.deque(maxlen=LOOKS)

        def still():
            looks.append({name: self.memory(name) for name in ("door", "core")})
            sums = [sum(look.values()) for look in looks]
            return len(looks) == LOOKS and max(sums) - min(sums) < max(0.25, sums[-1] / 100)

        harness.wait_for(still, 60, "memory to stand still")
        return looks[-1]

    def idle(self, senders):
        """The same with nobody connected, and while so many sessions do nothing."""
        before = self.settled()
        with Load(self.argv("idle", senders=senders)):
            return before, self.settled()

    def shared(self):
        """About how many MiB of files door and core both have in memory: they are one program."""
        return min(usage.status(self.pid(name), "RssFile") for name in ("door", "core")) / 1024


class Load:
    """bench-load: ready after all that is not timed, then one line starts it."""

    def __init__(self, argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        if self.process.stdout.readline() != "ready\n":
            self.fail()
        return self

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else self.fail()

    def fail(self):
        said = self.process.stderr.read().strip()
        self.end()
        raise SystemExit(f"bench-load: {said} (ended with {self.process.returncode})")

    def end(self, kill=False):
        """Idle sessions end with their input."""
        self.process.stdin.close()
        if kill:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def __exit__(self, kind, error, trace):
        if self.process.returncode is None:
            self.end(kill=kind is not None)
