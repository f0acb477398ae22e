"""CPU time and memory of processes, from /proc: ours are children of the test,
PostgreSQL's are its postmaster's. Times are in microseconds and as coarse as the
kernel's ticks, so they are only ever divided by many messages."""

import os
import re
from pathlib import Path

TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")


def fields(path):
    """(name in parentheses, the fields after it) of a stat file."""
    text = Path(path).read_text()
    name, rest = re.match(r"\d+ \((.*)\) (.*)", text, re.S).groups()
    return name, rest.split()


def ticks(path, ended_children=False):
    _, rest = fields(path)
    return sum(int(rest[i]) for i in ((11, 12, 13, 14) if ended_children else (11, 12)))


def status(pid, name):
    """A line of /proc/PID/status in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise LookupError(name)


def children(pid):
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int(fields(entry / "stat")[1][1]) == pid:
                    found.append(int(entry.name))
            except (OSError, AttributeError):
                pass  # it ended meanwhile
    return found


def thread_stage(name):
    """verify-1 and verify-2 are one stage, as are libzmq's threads."""
    if name.startswith("ZMQbg"):
        return "zmq"
    return re.sub(r"[-/]?\d+$", "", name)


def threads(pid):
    spent = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            stage = thread_stage(fields(task / "stat")[0])
            spent[stage] = spent.get(stage, 0) + ticks(task / "stat")
        except OSError:
            pass
    return spent


def tree(pid):
    """A process with its children, those included that have ended."""
    total = ticks(f"/proc/{pid}/stat", ended_children=True)
    for child in children(pid):
        try:
            total += ticks(f"/proc/{child}/stat")
        except OSError:
            pass
    return total


def family(pid):
    """A process with all its descendants that live."""
    return ticks(f"/proc/{pid}/stat") + sum(family(child) for child in children(pid))


class Watch:
    """What a hub's processes spend from now on."""

    def __init__(self, pids):
        self.pids = pids
        self.before = self.now()

    def now(self):
        spent = {"door": ticks(f"/proc/{self.pids['door']}/stat"), "core": ticks(f"/proc/{self.pids['core']}/stat"),
                 "postgres": tree(self.pids["postgres"])}
        spent.update({f"core:{name}": used for name, used in threads(self.pids["core"]).items()})
        return spent

    def spent(self):
        return {stage: (used - self.before.get(stage, 0)) * TICK_US for stage, used in self.now().items()}
