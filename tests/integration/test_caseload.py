"""The caseload of tests/bench/year2020: the same seed plans the same messages, the
whole year's plan is the published table, and forty returns go through a real hub
with every cell of its tables equal. One message left out is told by name."""

import csv
import json
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path

import harness

sys.path.insert(0, str(harness.SOURCE / "tests" / "bench" / "caseload"))
from cells import Plan  # noqa: E402
from year import HERE, Year  # noqa: E402

CASES, SEED = 40, 7
FEW = {"shared_buffers": "32MB"}


def caseload(*words):
    argv = [harness.BUILD / "tests" / "caseload", *words, "--data", HERE / "data"]
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True, text=True).stdout


class PlanTest(unittest.TestCase):
    def plan(self, seed):
        return json.loads(caseload("plan", "--cases", CASES, "--seed", seed))

    def test_same_seed_same_messages(self):
        first = self.plan(SEED)
        self.assertEqual(first, self.plan(SEED))
        self.assertNotEqual(first["digest"], self.plan(SEED + 1)["digest"])
        self.assertEqual(first["cases"], CASES)

    def test_whole_year_is_the_published_table(self):
        with tempfile.TemporaryDirectory() as folder:
            caseload("tables", "--dir", folder)
            plan = Plan(Path(folder))
        with open(HERE / "data" / "region_weights_2020.csv", encoding="utf-8") as file:
            published = {(r["host_region"], r["origin_region"]): int(r["count_used"]) for r in csv.DictReader(file)}
        self.assertEqual(sum(published.values()), 42208)
        self.assertEqual({pair: n for pair, n in plan.regions.items() if n}, published)
        from_countries = Counter()
        for (host, origin), n in plan.cells.items():
            from_countries[plan.region_of[host], plan.region_of[origin]] += n
        self.assertEqual(dict(from_countries), published)
        for step in ("Referral", "ReferralAck", "ReferralHandover", "ServiceReport"):
            self.assertEqual(plan.of_type(step), 106230, step)
        self.assertEqual(sum(n for (sender, _, kind), n in plan.messages.items()
                             if kind == "Referral" and sender.endswith("-host")), 11074)


class ReplayTest(unittest.TestCase):
    def year(self, *options):
        year = Year(CASES, SEED, options, postgres=FEW, log_level="warn")
        self.enterContext(year)
        return year

    def test_every_cell_equal(self):
        year = self.year("--verify")
        counts = year.replay()
        for table in year.tables(counts):
            with self.subTest(table.title):
                self.assertTrue(table.found, "nothing was found")
                self.assertEqual(table.differences(), [])
        self.assertEqual(counts["messages"], sum(Plan(year.dir).messages.values()))
        self.assertEqual(counts["redeliveries"], 0)

    def test_one_message_left_out_is_seen(self):
        year = self.year("--leave-out")
        wrong = {table.title: table.differences() for table in year.tables(year.replay()) if not table.equal()}
        (sender, recipient, kind), wanted, found = wrong["messages, sender > recipient > type"][0]
        self.assertEqual((kind, found), ("ServiceReport", wanted - 1))
        self.assertTrue("provider" in sender and sender != recipient)
        self.assertIn("deliveries by state", wrong)
        self.assertIn("log records by kind", wrong)


if __name__ == "__main__":
    unittest.main()
