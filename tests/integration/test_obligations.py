"""Deadlines pass: what is met, met late, overdue and escalated, and who is told.

One story on the demo clock, told once and then looked at from each side. Mission
in Niamey is UTC+1, Conakry UTC. Travel is Thursday 12 March: the booking must be
admitted by the end of Thursday 5 March in Niamey, 23:00 UTC; its confirmation is
due by the end of Conakry's next working day, Friday 6 March. The core is killed
while a deadline passes: nothing may be lost by that, nothing told twice."""

import collections
import unittest

import harness
import hub_notices
import people
import schema
import stages
from harness import wait_for

ABN_NOTICE, ABN_CONFIRM, ERASURE_ANSWER = "ABN_NOTICE", "ABN_CONFIRM", "ERASURE_ANSWER"
BOTH = {people.HOST, people.ORIGIN}
HOUR = 3600 * 1000


class Deadlines(harness.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.seen = {}  # moment -> {(case, duty): (state, level)}
        try:
            cls.story()
        except BaseException:
            cls.c.end(failed=True)
            raise

    @classmethod
    def story(cls):
        c = cls.c
        cls.cases = {name: stages.reach(c, "filed") for name in
                     ("prompt", "silent", "belated", "forgotten", "withdrawn")}
        c.set_clock("2026-03-05T22:50:00Z")
        for name in ("prompt", "silent"):
            stages.reach(c, "booked", cls.cases[name])
        cls.cases["prompt"].confirmed()
        cls.look("at the limit", {("prompt", ABN_CONFIRM): ("MET", 0), ("silent", ABN_CONFIRM): ("OPEN", 0)})

        c.set_clock("2026-03-05T23:00:00Z")
        for name in ("belated", "forgotten"):
            stages.reach(c, "booked", cls.cases[name])
        c.must(c.corridor(people.HOST, "withdraw", cls.cases["withdrawn"].handle))
        cls.withdrawn_at = c.now()
        cls.look("past the limit", {("withdrawn", ERASURE_ANSWER): ("OPEN", 0)})

        c.set_clock("2026-03-06T23:30:00Z")
        cls.look("half an hour before", {("silent", ABN_CONFIRM): ("OPEN", 0)})
        c.kill("core")
        c.set_clock("2026-03-07T00:00:00Z")
        c.start_process("core")
        c.wait_ready()
        cls.look("one day after", {("silent", ABN_CONFIRM): ("OVERDUE", 0), ("belated", ABN_CONFIRM): ("OVERDUE", 0)})
        c.set_clock("2026-03-08T00:00:00Z")
        cls.look("level 1", {("silent", ABN_CONFIRM): ("ESCALATED", 1), ("belated", ABN_CONFIRM): ("ESCALATED", 1)})
        stages.reach(c, "confirmed", cls.cases["belated"])
        cls.look("answered late", {("belated", ABN_CONFIRM): ("MET_LATE", 1)})
        c.set_clock("2026-03-10T12:00:00Z")  # past every other level at once
        cls.look("level 2", {("silent", ABN_CONFIRM): ("ESCALATED", 2), ("forgotten", ABN_CONFIRM): ("ESCALATED", 2),
                             ("withdrawn", ERASURE_ANSWER): ("ESCALATED", 2)})
        c.restart("core")
        c.wait_ready()
        c.set_clock("2026-03-20T12:00:00Z")  # and nothing is left that time could change
        # A duty opened after this moment would be ticked in the same turn as any older one.
        last = stages.reach(c, "filed")
        c.must(c.corridor(people.HOST, "withdraw", last.handle))
        wait_for(lambda: cls.obligations(last), 20, "the hub works on")
        cls.look("at the end", {})

    @classmethod
    def obligations(cls, case):
        return {duty: (state, level) for duty, state, level in cls.c.query(
            "SELECT duty, state, level FROM oversight.obligation WHERE handle = %s", case.handle)}

    @classmethod
    def look(cls, moment, expected):
        """Waits for what time must have brought by now, then keeps all there is."""
        def now():
            found = {(name, duty): status for name, case in cls.cases.items()
                     for duty, status in cls.obligations(case).items()}
            if all(found.get(key) == status for key, status in expected.items()):
                return found
            raise AssertionError({key: found.get(key) for key in expected})
        cls.seen[moment] = wait_for(now, 30, moment)

    def handle(self, name):
        return bytes.fromhex(self.cases[name].handle)

    def events(self, name, duty_code):
        return self.c.query("SELECT e.state, e.level, e.at FROM corridor.obligation_event e JOIN corridor.obligation o"
                            " USING (obligation_id) WHERE o.handle = %s AND o.kind = %s ORDER BY e.state, e.level",
                            self.handle(name), duty_code)

    def told(self, name, duty_code):
        """(office, state, level) -> how many notices of it there were."""
        pb = schema.load()
        return collections.Counter((office, pb.ObligationState.Name(n.state), n.level)
                                   for office, handle, n in hub_notices.told(self.c.query, pb.OBLIGATION_NOTICE)
                                   if (bytes(handle), n.kind) == (bytes(self.handle(name)), duty_code))

    # --- the booking itself ---

    def test_booking_at_the_limit_is_in_time_and_a_minute_later_late(self):
        states = {name: self.seen["past the limit"][(name, ABN_NOTICE)] for name in self.cases if name != "withdrawn"}
        self.assertEqual(states, {"prompt": ("MET", 0), "silent": ("MET", 0),
                                  "belated": ("MET_LATE", 0), "forgotten": ("MET_LATE", 0)})

    def test_late_is_judged_by_admission_and_signed_by_the_hub(self):
        pb = schema.load()
        rows = self.c.query("SELECT m.handle, m.late, d.receipt FROM corridor.message m JOIN corridor.dedupe d"
                            " USING (sender, message_id) WHERE m.type = %s", pb.ABN)
        self.assertEqual(len(rows), 4)
        for handle, late, receipt in rows:
            told = pb.AdmissionReceipt.FromString(pb.SignedContent.FromString(bytes(receipt)).content)
            self.assertEqual((told.late, told.judged_due_at), (late, people.at("2026-03-05T23:00:00Z") - 1))
            self.assertEqual(late, bytes(handle) in (self.handle("belated"), self.handle("forgotten")))

    # --- the confirmation ---

    def test_due_at_the_end_of_conakrys_next_working_day(self):
        due = self.c.query("SELECT DISTINCT due_at FROM corridor.obligation WHERE kind = 2 AND handle <> %s",
                           self.handle("withdrawn"))
        self.assertEqual(due, [(people.at("2026-03-07T00:00:00Z") - 1,)])

    def test_not_a_minute_too_early(self):
        self.assertEqual(self.seen["half an hour before"][("silent", ABN_CONFIRM)], ("OPEN", 0))
        self.assertEqual(self.seen["one day after"][("forgotten", ABN_CONFIRM)], ("OVERDUE", 0))

    def test_each_state_and_level_is_one_event_however_time_passed(self):
        pb = schema.load()
        opened, overdue, escalated = (pb.OPEN, 0), (pb.OVERDUE, 0), [(pb.ESCALATED, 1), (pb.ESCALATED, 2)]
        expected = {("prompt", 2): [opened, (pb.MET, 0)],
                    ("silent", 2): [opened, overdue, *escalated],
                    ("belated", 2): [opened, (pb.MET_LATE, 1), overdue, escalated[0]],
                    ("forgotten", 2): [opened, overdue, *escalated],
                    ("withdrawn", 6): [opened, overdue, *escalated]}
        for (name, duty), states in expected.items():
            with self.subTest(name):
                self.assertEqual([(state, level) for state, level, _ in self.events(name, duty)], states)

    def test_both_offices_hear_of_each_once(self):
        for name, duty, states in (
                ("prompt", 2, [("OPEN", 0), ("MET", 0)]),
                ("silent", 2, [("OPEN", 0), ("OVERDUE", 0), ("ESCALATED", 1), ("ESCALATED", 2)]),
                ("belated", 2, [("OPEN", 0), ("OVERDUE", 0), ("ESCALATED", 1), ("MET_LATE", 1)]),
                ("forgotten", 2, [("OPEN", 0), ("OVERDUE", 0), ("ESCALATED", 1), ("ESCALATED", 2)]),
                ("withdrawn", 6, [("OPEN", 0), ("OVERDUE", 0), ("ESCALATED", 1), ("ESCALATED", 2)])):
            with self.subTest(name):
                self.assertEqual(self.told(name, duty), {(office, *state): 1 for office in BOTH for state in states})

    def test_the_agents_show_what_the_hub_holds(self):
        want = ("ESCALATED", 2)
        for office in BOTH:
            with self.subTest(office):
                def shown():
                    due = self.c.must(self.c.corridor(office, "due"))["obligations"]
                    return [d for d in due if d["case"] == self.cases["silent"].handle
                            and (d["state"], d.get("level", 0)) == want]
                wait_for(shown, 20, f"{office} shows the escalation")

    # --- the answer to a withdrawal ---

    def test_erasure_is_due_in_72_hours(self):
        rows = self.c.query("SELECT responsible, counterpart, opened_at, due_at - opened_at FROM corridor.obligation"
                            " WHERE kind = 6 AND handle = %s", self.handle("withdrawn"))
        self.assertEqual([(who, other, hours) for who, other, _, hours in rows],
                         [(people.ORIGIN, people.HOST, 72 * HOUR)])
        self.assertLessEqual(abs(rows[0][2] - self.withdrawn_at), 60 * 1000)

    # --- all of them ---

    def test_none_is_lost_and_none_is_open_past_its_time(self):
        end = self.seen["at the end"]
        self.assertEqual({key: status for key, status in end.items() if status[0] in ("OPEN", "OVERDUE")}, {})
        rows = self.c.query("SELECT count(*) FROM corridor.obligation o WHERE NOT EXISTS (SELECT FROM"
                            " corridor.obligation_event e WHERE (e.obligation_id, e.state, e.level)"
                            " = (o.obligation_id, o.state, o.level))")
        self.assertEqual(rows, [(0,)])


if __name__ == "__main__":
    unittest.main()
