"""Runs the load against a real hub and prints the table (see tests/bench/run)."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

SOURCE = Path(os.environ["CORRIDOR_SOURCE"])
sys.path.insert(0, str(SOURCE / "tests" / "integration"))
import harness  # noqa: E402
from identity import Office  # noqa: E402

BUILD = Path(os.environ["CORRIDOR_BUILD"])
HOSTS = [Office(f"ne-bench-{i}", "HOST_MISSION", "NE", f"Bench mission {i}", ["casework"]) for i in range(1, 5)]
ORIGIN = Office("gn-bench", "ORIGIN_MISSION", "GN", "Bench origin", ["casework"])
LOADS = [("1 in flight", 1, 2000), ("1000 in flight", 1000, 20000)]


class Hub(harness.Cluster):
    """Door, core and database; the missions are the load itself."""

    def start(self):
        self.prepare()
        for name in ("core", "door"):
            self.start_process(name)
            harness.wait_for(lambda process=name: self.healthy(process), 30, f"{name} is healthy")

    def healthy(self, name):
        try:
            return self.http(name, "/healthz")[0] == 200
        except OSError:
            return False

    def load(self, in_flight, messages):
        argv = [BUILD / "tests" / "bench-load", "-e", f"tcp://{self.address('door')}", "-k", self.hub_key(),
                "-o", ORIGIN.name, "-a", self.identity.ca_crt, "-t", self.identity.clock,
                "-f", in_flight, "-n", messages, "-c", 1024, *[self.identity.keys(o.name) for o in HOSTS]]
        return self.measured(argv)

    def limits(self):
        return self.measured([BUILD / "tests" / "bench-limits", self.dir])

    @staticmethod
    def measured(argv):
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=600, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{argv[0]}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def memory(self, name):
        """Peak resident memory in MiB."""
        status = Path(f"/proc/{self.processes[name].popen.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def spread(values):
    return f"{statistics.median(values):>9,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def main():
    runs = int(os.environ.get("RUNS", "3"))
    print(f"processor: {processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {runs} runs each")
    with Hub(offices=[*HOSTS, ORIGIN], build=BUILD, log_level="warn") as hub:
        limits = []
        rows = {name: [] for name, _, _ in LOADS}
        for _ in range(runs):
            limits.append(hub.limits())
            for name, in_flight, messages in LOADS:
                rows[name].append(hub.load(in_flight, messages))
        print(f"{'handovers admitted':24}{'per second':>26}{'p50 us':>24}{'p99 us':>24}")
        for name, results in rows.items():
            columns = [spread([r[key] for r in results]) for key in ("per_second", "p50_us", "p99_us")]
            print(f"{name:24}{columns[0]:>26}{columns[1]:>24}{columns[2]:>24}")
        for key, label in (("fdatasync_per_second", "fdatasync of 4 KiB /s"), ("ecdsa_verify_per_second", "ECDSA verify /s/core")):
            print(f"{label:24}{spread([one[key] for one in limits]):>26}")
        print(f"peak memory: door {hub.memory('door'):.0f} MiB, core {hub.memory('core'):.0f} MiB")


if __name__ == "__main__":
    main()
