"""What durable, signed, consent-checked exchange costs here: tests/bench/run.

Every run measures the machine's limits, the load on a private hub and the peers
one after the other, so that ratios are of one run; several runs give medians.
Nothing is asserted.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import hub
import machine
import servers
import targets
from table import Book, show, spread

OUT = hub.SOURCE / "tests" / "bench" / "out"
BODY, BATCH, MANY, SEVERAL = 4096, 256, 1000, 16
# Messages of one load; fewer where each takes longer.
MESSAGES = {"admitted": {1: 500, 100: 4000, MANY: 10000}, "delivered": {1: 200, 100: 2000, MANY: 5000}}
LARGE = {65536: 0.25, 1048576: 0.04}
# Bounded by what is registered before each load, which is not timed.
CASES_MAX = 2000


class Point:
    """One load: who, how many in flight, how large, how signed."""

    def __init__(self, mode, offices=SEVERAL, in_flight=MANY, body=BODY, batch=BATCH):
        self.mode, self.offices, self.in_flight, self.body, self.batch = mode, offices, in_flight, body, batch

    def key(self):
        return {"offices": self.offices, "in_flight": self.in_flight, "body": self.body, "batch": self.batch}

    def __eq__(self, other):
        return vars(self) == vars(other)

    def messages(self, scale):
        return max(20, int(MESSAGES[self.mode][self.in_flight] * LARGE.get(self.body, 1) * scale))

    def run(self, on, scale):
        messages = self.messages(scale)
        cases = min(CASES_MAX, max(self.in_flight, self.offices), messages)
        return on.load(self.mode, senders=self.offices, in_flight=self.in_flight, messages=messages, cases=cases,
                       body=self.body, batch=self.batch)

    def name(self):
        size = f"{self.body // 1024} KiB"
        signed = "each signed" if self.batch == 1 else f"{self.batch} to a signature"
        offices = "1 office" if self.offices == 1 else f"{self.offices} offices"
        return f"{self.mode}, {offices}, {self.in_flight} in flight, {size}, {signed}"


def points(most):
    """Around one middle, each thing varied by itself; most: hosts there are."""
    found = []
    for mode in ("admitted", "delivered"):
        for batch in (1, BATCH):
            found += [Point(mode, in_flight=n, batch=batch) for n in (1, 100, MANY)]
        found += [Point(mode, offices=n) for n in (1, 256, 1000)]
        found += [Point(mode, in_flight=100, body=n * 1024) for n in (1, 4, 64, 1024)]
    unique = [point for i, point in enumerate(found) if point not in found[:i]]
    return [point for point in unique if point.offices <= most]


class Figures:
    def __init__(self, options):
        self.options = options
        self.peers = [peer for peer in servers.ALL if peer.installed()] if options.peers else []
        self.points = points(options.offices)
        self.loads = [[] for _ in self.points]  # results of each run
        self.limits, self.idle, self.peer_runs, self.shared = [], [], [], 0.0
        self.book = Book()

    # --- measuring ---

    def run(self):
        with hub.Hub(self.options.offices) as on, tempfile.TemporaryDirectory(prefix="peers-") as folder:
            on.query("CREATE DATABASE bare")
            on.broker("migrate", "--db", on.database.conninfo("bare"), "--sql", hub.SOURCE / "broker" / "sql")
            self.note("idle sessions")
            self.idle.append(on.idle(self.options.offices))
            self.shared = on.shared()
            for number in range(self.options.runs):
                for i, point in enumerate(self.points):
                    self.note(f"run {number + 1}: {point.name()}")
                    self.loads[i].append(point.run(on, self.options.scale))
                self.note(f"run {number + 1}: limits")
                self.limits.append(hub.measured([hub.tool("limits"), on.dir, on.database.conninfo(),
                                                 on.database.conninfo("bare"), self.options.limit_ms]))
                self.peer_runs.append(self.run_peers(Path(folder) / str(number)))
            self.memory = {name: on.memory(name) for name in ("door", "core")}

    def run_peers(self, folder):
        folder.mkdir()
        results = {}
        for peer in self.peers:
            self.note(f"  peer {peer.name}")
            with peer(folder) as server:
                for kind in peer.kinds:
                    for mode in ("published", "consumed"):
                        for in_flight in (1, MANY):
                            messages = max(20, int((500 if in_flight == 1 else 20000) * self.options.scale))
                            results[peer.name, kind, mode, in_flight] = server.run(mode, in_flight, messages, BODY,
                                                                                   kind)
        return results

    @staticmethod
    def note(text):
        print(f"... {text}", file=sys.stderr, flush=True)

    # --- telling ---

    def tell(self):
        for line in machine.describe(hub.SOURCE, self.peers):
            print(line)
        print(f"           medians of {self.options.runs} runs (least-most); bodies {BODY} bytes unless said")
        self.tell_limits()
        self.tell_loads()
        self.tell_cpu()
        self.tell_peers()
        self.tell_memory()
        rows = targets.judge(self)
        show("Targets (ratios within one run)", ["figure", "measured", "target", "reached"], rows)
        OUT.mkdir(exist_ok=True)
        self.book.write(OUT / "figures.csv")
        print(f"\nall figures: {(OUT / 'figures.csv').relative_to(hub.SOURCE)}")

    def tell_limits(self):
        syncs = [one["fdatasync"]["per_second"] for one in self.limits]
        rows = [["fdatasync of 4 KiB, per second", spread(syncs)]]
        self.add(syncs, "limit", "fdatasync", "rate", "per second")
        for figure in ("p50_us", "p99_us"):
            values = [one["one_row_commit"][figure] for one in self.limits]
            rows.append([f"commit of one message row, {figure[:3]} in us", spread(values)])
            self.add(values, "limit", "one row commit", figure, "us")
        for name in self.limits[0]["parts_us"]:
            values = [one["parts_us"][name] for one in self.limits]
            rows.append([f"{name.replace('_', ' ')}, CPU us per message", spread(values, 2)])
            self.add(values, "limit", name, "cpu", "us per message")
        show("Limits of this machine", ["", "per message or second"], rows)
        self.tell_bare()

    def tell_bare(self):
        rows = []
        for i, plan in enumerate(self.limits[0]["rows"]):
            what = "rows and updates" if plan["updates"] else "rows"
            name = f"{what}, {plan['way']}, {plan['batch']} to a commit, {plan['connections']} connection(s)"
            cells = []
            for figure, digits in (("per_second", 0), ("client_us", 1), ("backend_us", 1), ("p50_us", 0), ("p99_us", 0)):
                values = [one["rows"][i][figure] for one in self.limits]
                cells.append(spread(values, digits))
                self.add(values, "bare loop", name, figure, "per second" if figure == "per_second" else "us")
            rows.append([name, *cells])
        show("The same rows by a bare libpq loop",
             ["", "messages/s", "client CPU us", "backend CPU us", "commit p50 us", "commit p99 us"], rows)

    def tell_loads(self):
        rows = []
        for point, results in zip(self.points, self.loads):
            cells = []
            for figure in ("per_second", "p50_us", "p99_us", "p999_us"):
                values = [result[figure] for result in results]
                cells.append(spread(values))
                self.add(values, "load", point.mode, figure, "per second" if figure == "per_second" else "us",
                         **point.key())
            allowed = results[0]["in_flight"]
            rows.append([point.name() + ("" if allowed == point.in_flight else f" (at most {allowed} at once)"),
                         *cells])
        show("Corridor: admitted = send to admission receipt; delivered = send to the hub's notice with the "
             "recipient's signed receipt", ["", "messages/s", "p50 us", "p99 us", "p99.9 us"], rows)

    def tell_cpu(self):
        stages = sorted({stage for results in self.loads for result in results for stage in result["cpu"]},
                        key=lambda stage: (["door", "core", "postgres", "load"].index(stage.split(":")[0]), stage))
        rows = []
        for point, results in zip(self.points, self.loads):
            cells = []
            for stage in stages:
                values = [result["cpu"].get(stage, 0) for result in results]
                cells.append(f"{statistics.median(values):.0f}")
                self.add(values, "cpu", f"{point.mode} {stage}", "cpu", "us per message", **point.key())
            rows.append([point.name(), *cells])
        show("CPU us per message, by process and, of the core, by thread", ["", *stages], rows)

    def tell_peers(self):
        rows = []
        for peer in self.peers:
            for kind in peer.kinds:
                for mode in ("published", "consumed"):
                    for in_flight in (1, MANY):
                        rows.append(self.peer_row(peer, kind, mode, in_flight))
        if not rows:
            print("\nPeers: none of their servers is installed here (tests/bench/run installs them)")
            return
        show("Peers: published = publish to confirm; consumed = publish to confirm and consumer's acknowledgement",
             ["", "messages/s", "p50 us", "p99 us", "server CPU us", "keeps a message"], rows)
        print("  None of them verifies a signature, checks a consent or standing (gate), carries a sealed body under"
              "\n  a signed header, or writes a log record; all of that is in Corridor's figures above.")

    def peer_row(self, peer, kind, mode, in_flight):
        name = " ".join(word for word in (peer.name, kind) if word)
        results = [one[peer.name, kind, mode, in_flight] for one in self.peer_runs]
        cells = []
        for figure in ("per_second", "p50_us", "p99_us"):
            values = [result[figure] for result in results]
            cells.append(spread(values))
            self.add(values, f"peer {mode}", name, figure, "per second" if figure == "per_second" else "us",
                     in_flight=in_flight, body=BODY)
        cpu = [result["cpu"]["server"] for result in results]
        self.add(cpu, f"peer {mode}", name, "server cpu", "us per message", in_flight=in_flight, body=BODY)
        return [f"{name}, {mode}, {in_flight} in flight", *cells, spread(cpu), peer.says]

    def tell_memory(self):
        rows = []
        before, after = self.idle[0]
        for name in ("door", "core"):
            rows.append([name, f"{before[name]:.1f}", f"{after[name]:.1f}", f"{self.memory[name]:.1f}"])
            self.add([after[name]], "memory", name, f"{self.options.offices} idle", "MiB", offices=self.options.offices)
            self.add([self.memory[name]], "memory", name, "after the load", "MiB")
        show("Resident memory in MiB", ["", "nobody connected", f"{self.options.offices} idle offices",
                                        "after the load"], rows)

    def add(self, values, section, what, figure, unit, **key):
        for value in values:
            self.book.add(value, section, what, figure, unit, **key)


def read_options(words):
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run with 16 offices: shows that all works")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="times as many messages in each load")
    parser.add_argument("--offices", type=int, default=1000, help="host missions in the programme")
    parser.add_argument("--limit-ms", type=int, default=1000, help="how long each limit is measured")
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--json", metavar="FILE", help="also every single result")
    options = parser.parse_args(words)
    if options.quick:
        options.runs, options.scale, options.offices, options.limit_ms = 1, 0.05, SEVERAL, 100
    return options


def main(words):
    options = read_options(words)
    figures = Figures(options)
    figures.run()
    figures.tell()
    if options.json:
        results = {"limits": figures.limits, "idle": figures.idle,
                   "loads": {point.name(): runs for point, runs in zip(figures.points, figures.loads)},
                   "peers": [{" ".join(map(str, key)): value for key, value in one.items()}
                             for one in figures.peer_runs]}
        Path(options.json).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
