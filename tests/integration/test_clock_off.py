"""An office whose clock is a day off, either way: it is told so, nothing is lost, and
a withdrawal counts at once by the hub's own time."""

import re
import unittest

import harness
import people
import stages
from harness import wait_for

HOST, ORIGIN = people.HOST, people.ORIGIN
DAY = 24 * 3600 * 1000


class ADayOff(harness.ClusterTest):
    def clock_of(self, office, days):
        """The office's agent starts anew under a clock that is so many days off."""
        process, right = self.c.processes[office], self.c.identity.clock
        config, wrong = self.c.dir / f"{office}.conf", self.c.dir / f"{office}.clock"
        kept = re.fullmatch(r"(corridor-demo-clock 1 )(-?\d+)\s*", right.read_text())
        wrong.write_text(f"{kept[1]}{int(kept[2]) + days * DAY}\n")
        process.stop()
        text = re.sub(r"demo_clock = .*", f"demo_clock = {wrong if days else right}", config.read_text())
        config.write_text(text)
        process.start()
        self.c.wait_ready([office])
        if days:
            wait_for(lambda: "event=clock-skew" in process.text(), 20, "it says so")
            self.assertAlmostEqual(self.c.status(office)["clockSkewMs"], -days * DAY, delta=60000)

    def send(self, case, code):
        answer = self.c.corridor(HOST, "send", "-", "--wait", "3", input={
            "type": "CaseFile", "to": ORIGIN, "case": case.handle,
            "body": people.case_file(case.reference, casework=None)})
        self.assertEqual(answer.code, code, answer)
        return answer

    def at_conakry(self, case):
        listed = self.c.must(self.c.corridor(ORIGIN, "inbox", "--case", case.handle))["messages"]
        return [m for m in listed if m["type"] == "CaseFile"]

    def test_behind(self):
        case = stages.reach(self.c, "filed")
        self.c.set_clock("2026-03-05T09:00:00Z")  # the cards are older than a day
        self.clock_of(HOST, -1)
        self.send(case, 0)
        wait_for(lambda: len(self.at_conakry(case)) == 3, 20, "it arrives")
        self.withdrawn_at_once(case)
        self.clock_of(HOST, 0)

    def test_z_ahead(self):
        case, other = stages.reach(self.c, "filed"), stages.reach(self.c, "filed")
        self.clock_of(HOST, 1)
        message, = self.send(case, 5).error["kept"]
        self.assertEqual(len(self.at_conakry(case)), 2)
        self.withdrawn_at_once(other)
        self.clock_of(HOST, 0)
        self.c.set_clock("2026-03-06T10:00:00Z")
        wait_for(lambda: message in [m["messageId"] for m in self.at_conakry(case)], 60, "it goes out by itself")

    def withdrawn_at_once(self, case):
        self.c.must(self.c.corridor(HOST, "withdraw", case.handle))
        notice, = case.received(ORIGIN, "WithdrawalNotice")
        shown = self.c.must(self.c.corridor(ORIGIN, "show", notice["messageId"]))["content"]
        self.assertAlmostEqual(int(shown["withdrawnAt"]), self.c.now(), delta=60000)


if __name__ == "__main__":
    unittest.main()
