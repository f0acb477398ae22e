"""The year 2020 through a real hub: PostgreSQL, core and door as everywhere, and
`caseload` as all the offices' agents.

    with Year(cases=500, seed=2020, build=...) as year:
        counts = year.replay()
        tables = year.tables(counts)

Nothing is mocked. Door, core, database and replay share this machine's cores.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = Path(os.environ.get("CORRIDOR_SOURCE", HERE.parents[2]))
sys.path.insert(0, str(SOURCE / "tests" / "integration"))
import cells  # noqa: E402
import harness  # noqa: E402

SECONDS_PER_TICK = 1 / os.sysconf("SC_CLK_TCK")
# Settings that matter at this size; fsync and synchronous_commit stay on.
POSTGRES = {"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "15min", "max_connections": "40"}
OFFICES_MAX = 700  # four to a country; the door wants ten open files for each


def cpu_seconds(pid):
    """Of the process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) * SECONDS_PER_TICK


def children(pid):
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                yield int(folder.name)
        except OSError:  # it ended meanwhile
            continue


class Year(harness.Cluster):
    def __init__(self, cases, seed, options=(), postgres=POSTGRES, **more):
        limits = {"connections_max": OFFICES_MAX, "connections_per_address": OFFICES_MAX}
        super().__init__(door=limits, **more)
        self.offices, self.cases, self.seed, self.postgres = {}, cases, seed, postgres
        self.options, self.load = list(options), None

    def argv(self, verb, *words):
        return [str(word) for word in [self.build / "tests" / "caseload", verb, "--data", HERE / "data",
                                       "--cases", self.cases, "--seed", self.seed, *words]]

    def plan(self):
        return json.loads(subprocess.run(self.argv("plan"), check=True, capture_output=True, text=True).stdout)

    def prepare(self):
        self.database.make()
        self.database.process.argv += [f"--{name}={value}" for name, value in self.postgres.items()]
        self.processes["postgres"] = self.database.process
        self.database.start()
        words = ["--dir", self.dir, "--connect", f"tcp://{self.address('door')}",
                 "--db", self.database.conninfo(), *self.options]
        self.load = subprocess.Popen(self.argv("replay", *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True, env=self.env)
        if self.load.stdout.readline().strip() != "ready":
            raise RuntimeError("the caseload could not be prepared")
        self.broker("migrate", "--db", self.database.conninfo(), "--sql", SOURCE / "broker" / "sql")
        self.import_cards()
        self.write_configs()

    def import_cards(self):
        self.broker("cards", "import", self.identity.cardlist, "--db", self.database.conninfo(),
                    "--ca", self.identity.ca_crt, "--demo-clock", self.identity.clock)

    def start(self):
        self.prepare()
        for name in ("core", "door"):
            self.start_process(name)
            harness.wait_for(lambda process=name: self.healthy(process), 60, f"{name} is healthy")

    def healthy(self, name):
        return self.http(name, "/healthz")[0] == 200

    def end(self, failed=False):
        if self.load is not None:
            if self.load.poll() is None:
                self.load.kill()
            self.load.communicate()
        super().end(failed)

    def replay(self):
        """Counts and times of the whole year, with the processes' CPU seconds."""
        before = self.cpu()
        out, _ = self.load.communicate("go\n")
        if self.load.returncode != 0:
            raise RuntimeError(f"the replay ended with status {self.load.returncode}")
        counts = json.loads(out)
        counts["cpu"] = {name: used - before[name] for name, used in self.cpu().items()}
        preparation = counts.pop("prepare_cpu_s")
        counts["cpu"]["replay"] = counts.pop("cpu_s") - preparation
        counts["cpu"]["preparation"] = preparation
        counts["database_bytes"] = self.query("SELECT pg_database_size('corridor')")[0][0]
        return counts

    def cpu(self):
        postmaster = self.database.process.pid
        return {"door": cpu_seconds(self.processes["door"].pid), "core": cpu_seconds(self.processes["core"].pid),
                "postgres": sum(map(cpu_seconds, [postmaster, *children(postmaster)]))}

    def sizes(self):
        """Bytes of each of the hub's tables with its indexes, partitions together, largest first."""
        return self.query("SELECT coalesce(pg_partition_root(oid), oid)::regclass::text, sum(pg_total_relation_size(oid))"
                          " FROM pg_class WHERE relkind = 'r' AND relnamespace = 'corridor'::regnamespace"
                          " GROUP BY 1 ORDER BY 2 DESC")

    def memory(self, name):
        """Peak resident memory in MiB."""
        status = Path(f"/proc/{self.processes[name].pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024

    def tables(self, counts):
        return list(cells.compare(cells.Plan(self.dir), cells.Hub(self.query), counts))
