"""What the figures were measured on."""

import os
import platform
import subprocess
from pathlib import Path

from servers import first_line, package_version

PACKAGES = ["postgresql-15", "libzmq5", "libssl3", "libprotobuf-c1"]


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown processor"


def cores():
    return len(os.sched_getaffinity(0))


def load():
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def revision(source):
    done = subprocess.run(["git", "-C", str(source), "describe", "--always", "--dirty"], capture_output=True,
                          text=True, check=False)
    return done.stdout.strip() or "unknown"


def describe(source, peers=None):
    """peers: those of servers.ALL that are there, None where they play no part."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [f"processor  {processor()}, {cores()} cores, {memory:.0f} GiB",
             f"system     {platform.system()} {platform.release()}, load {load()}",
             f"versions   corridor {revision(source)}, {first_line(['gcc', '--version'])}",
             "           " + ", ".join(f"{name} {package_version(name)}" for name in PACKAGES)]
    if peers is not None:
        lines.append("peers      " + (", ".join(peer.version() for peer in peers) or "none installed"))
    return lines
