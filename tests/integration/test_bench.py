"""The benchmark's tools do what they say, at tiny sizes. No time is asserted.

A peer whose server is not installed is told as such and has nothing to show."""

import contextlib
import io
import os
import sys
import tempfile
import unittest
from pathlib import Path

import harness

os.environ.setdefault("CORRIDOR_SOURCE", str(harness.SOURCE))
os.environ.setdefault("CORRIDOR_BUILD", str(harness.BUILD))
sys.path.insert(0, str(harness.SOURCE / "tests" / "bench"))
import figures  # noqa: E402
import growth  # noqa: E402
import hub  # noqa: E402
import servers  # noqa: E402
import table  # noqa: E402
import targets  # noqa: E402

BARE_COUNT = ("SELECT (SELECT count(*) FROM corridor.message WHERE type = 10),"
              " (SELECT count(*) FROM corridor.message WHERE type IN (30, 33)),"
              " (SELECT count(*) FROM corridor.delivery WHERE sender <> 'hub' AND state = 3),"
              " (SELECT count(*) FROM corridor.dedupe), (SELECT count(*) FROM corridor.log_leaf),"
              " (SELECT count(*) FROM corridor.log_record)")


LIST_PIECE = 65536  # registry.c


class Loads(unittest.TestCase):
    """Three hosts and three recipients at work, one hub for all; the other offices
    make the card list longer than what the core reads at once."""

    @classmethod
    def setUpClass(cls):
        cls.hub = hub.Hub(24, {"shared_buffers": "32MB"})
        cls.hub.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.hub.end()

    def states(self, condition):
        return dict(self.hub.query(f"SELECT state, count(*) FROM corridor.delivery WHERE {condition} GROUP BY 1"))

    def test_list_is_long(self):
        self.assertGreater(self.hub.query("SELECT length(signed) FROM corridor.card_list")[0][0], LIST_PIECE)

    def test_admitted(self):
        before = self.states("recipient LIKE 'gn-away%%'").get(1, 0)
        result = self.hub.load("admitted", senders=3, in_flight=9, messages=40, cases=12, batch=5)
        self.assertEqual((result["messages"], result["in_flight"], result["offices"]), (40, 9, 3))
        self.assertEqual(self.states("recipient LIKE 'gn-away%%'"), {1: before + 40})
        self.assertLessEqual(result["p50_us"], result["p99_us"])
        self.assertLessEqual(result["p99_us"], result["p999_us"])
        self.assertLessEqual({"door", "core", "postgres", "load"}, set(result["cpu"]))

    def test_delivered_twice(self):
        """The second load is no store that went backwards, and gets no old mail."""
        for number in (1, 2):
            before = self.states("recipient ~ '^gn-[0-9]'").get(3, 0)
            result = self.hub.load("delivered", senders=2, in_flight=8, messages=30, cases=10, batch=30)
            self.assertEqual(result["messages"], 30)
            self.assertEqual(self.states("recipient ~ '^gn-[0-9]'"), {3: before + 30}, number)
        harness.wait_for(lambda: set(self.states("sender = 'hub'")) == {3}, 10, "all notices are receipted")

    def test_large_and_single(self):
        """One sender in flight of three, the largest body, each message signed."""
        result = self.hub.load("delivered", senders=3, in_flight=1, messages=3, cases=1, body=1024 * 1024, batch=1)
        self.assertEqual((result["messages"], result["in_flight"], result["body"]), (3, 1, 1048576))

    def test_idle(self):
        before, after = self.hub.idle(3)
        for name in ("door", "core"):
            self.assertGreater(before[name], 0)
            self.assertGreaterEqual(after[name] + 1, before[name])

    def test_refusal_is_fatal(self):
        """A load of refusals measures nothing."""
        self.hub.query("UPDATE corridor.office SET suspended_at = 1 WHERE id = 'ne-0003'")
        self.hub.query("UPDATE corridor.gate_epoch SET epoch = epoch + 1")
        try:
            with self.assertRaises(SystemExit) as caught:
                self.hub.load("admitted", senders=3, in_flight=3, messages=6, cases=3)
            self.assertIn("refused with code 22", str(caught.exception))
        finally:
            self.hub.query("UPDATE corridor.office SET suspended_at = NULL")
            self.hub.query("UPDATE corridor.gate_epoch SET epoch = epoch + 1")

    def test_limits(self):
        """All plans run; the last, one message to a commit with updates, leaves rows
        that count right: n messages, whose ends lag so many rounds behind."""
        self.hub.load("delivered", senders=1, in_flight=10, messages=20, cases=20)
        self.hub.load("admitted", senders=1, in_flight=10, messages=20, cases=20)
        self.hub.query("CREATE DATABASE bare")
        bare = self.hub.database.conninfo("bare")
        self.hub.broker("migrate", "--db", bare, "--sql", harness.SOURCE / "broker" / "sql")
        limits = hub.measured([hub.tool("limits"), self.hub.dir, self.hub.database.conninfo(), bare, 20])
        self.assertEqual(len(limits["parts_us"]), 6)
        self.assertEqual({plan["batch"] for plan in limits["rows"]}, {1, 16, 64, 256})
        self.assertTrue(all(plan["per_second"] > 0 for plan in limits["rows"]))
        with contextlib.closing(self.hub.database.connect("bare")) as db, db.cursor() as cursor:
            cursor.execute(BARE_COUNT)
            messages, notices, delivered, dedupe, leaves, records = cursor.fetchone()
        self.assertEqual((notices, delivered, dedupe), (max(0, messages - 2), max(0, messages - 2), messages))
        self.assertEqual(leaves, sum(max(0, messages - lag) for lag in range(5)))
        self.assertEqual(records, leaves)

    def test_growth(self):
        one = growth.Growth(growth.read_options(["--log", "500", "--waiting", "300"]))
        one.on, one.note = self.hub, lambda text: None
        self.hub.load("admitted", senders=1, in_flight=5, messages=5, cases=5)
        one.fill_log(500)
        self.assertGreaterEqual(self.hub.query("SELECT count(*) FROM corridor.log_leaf JOIN corridor.log_record"
                                               " USING (leaf_id)")[0][0], 500)
        before = self.states("recipient LIKE 'gn-away%%'").get(1, 0)
        one.fill_waiting(300)
        self.assertEqual(self.states("recipient LIKE 'gn-away%%'")[1], before + 300)
        self.assertEqual(self.hub.query(
            "SELECT count(*) FROM corridor.delivery d LEFT JOIN corridor.message m USING (message_id, admitted_at)"
            " WHERE m.message_id IS NULL")[0][0], 0)
        self.hub.load("delivered", senders=2, in_flight=4, messages=8, cases=8)


class Peers(unittest.TestCase):
    def check(self, peer):
        if not peer.installed():
            print(f"{peer.name}: not installed here, nothing to show", file=sys.stderr)
            self.assertIsNone(servers.found(peer.program) if hub.tool(peer.client).exists() else None)
            return
        with tempfile.TemporaryDirectory(prefix="p-") as folder, peer(folder) as server:
            for kind in peer.kinds:
                for mode in ("published", "consumed"):
                    result = server.run(mode, 5, 25, 512, kind)
                    self.assertEqual((result["messages"], result["mode"]), (25, mode))
        self.assertFalse(server.process.running())

    def test_rabbitmq(self):
        self.check(servers.Rabbit)

    def test_nats(self):
        self.check(servers.Nats)

    def test_mosquitto(self):
        self.check(servers.Mosquitto)


class Told(unittest.TestCase):
    """Tables and targets from figures that are made up."""

    @staticmethod
    def made_up(rate):
        one = figures.Figures(figures.read_options(["--quick", "--no-peers"]))
        load = {"per_second": rate, "p50_us": 1, "p99_us": 300, "p999_us": 3, "in_flight": 16, "messages": 10,
                "cpu": {"door": 1.0, "core": 2.0, "core:db": 1.0, "postgres": 3.0, "load": 50.0}}
        rows = {"way": "COPY", "batch": 1, "connections": 1, "per_second": 5000.0, "client_us": 10.0,
                "backend_us": 40.0, "p50_us": 90, "p99_us": 200, "p999_us": 300}
        one.loads = [[load] for _ in one.points]
        one.limits = [{"fdatasync": {"per_second": 9.0}, "one_row_commit": {"p50_us": 50, "p99_us": 100},
                       "parts_us": {"ecdsa_sign": 30.0, "ecdsa_verify": 90.0, "verify_in_batch": 5.0, "sha256": 3.0,
                                    "protobuf": 1.0, "curve": 12.0},
                       "rows": [{**rows, "updates": False}, {**rows, "updates": True}]}]
        one.peer_runs = [{("rabbitmq", "quorum", "consumed", 1000): {"per_second": 1000.0}}]
        one.idle = [({"door": 1.0, "core": 1.0}, {"door": 30.0, "core": 40.0})]
        one.memory = {"door": 1.0, "core": 1.0}
        return one

    def test_composed_limit(self):
        one = self.made_up(1000.0)
        parts, cap, limit = targets.compose(one.limits[0], one.loads[0][0], batched=False)
        self.assertEqual(sum(parts.values()), 50 + 90 + 3 + 1 + 6 + 50)
        self.assertEqual(cap, 5000)
        self.assertEqual(limit, min(5000, targets.machine.cores() * 1e6 / 200))

    def test_verdicts(self):
        for rate, verdict in ((4999.0, "yes"), (999.0, "no")):
            with contextlib.redirect_stdout(io.StringIO()) as out, tempfile.TemporaryDirectory() as folder:
                figures.OUT = Path(folder)
                figures.hub.SOURCE, kept = Path(folder), figures.hub.SOURCE
                try:
                    self.made_up(rate).tell()
                finally:
                    figures.hub.SOURCE = kept
                csv = (Path(folder) / "figures.csv").read_text()
            lines = [line.split() for line in out.getvalue().splitlines() if "against RabbitMQ quorum (1000" in line]
            self.assertEqual(lines[0][-1], verdict)
            one_bare = [line.split() for line in out.getvalue().splitlines() if "one bare commit (one row)" in line]
            self.assertEqual((one_bare[0][-4], one_bare[0][-1]), ("3.00", "no"))
            self.assertIn("load,delivered,16,1000,4096,256,per_second,per second", csv)

    def test_spread(self):
        self.assertEqual(table.spread([3, 1, 2000]), "3 (1-2,000)")


if __name__ == "__main__":
    unittest.main()
