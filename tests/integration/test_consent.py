"""Consent at the hub itself, where it counts: missing, expired, of another case,
withdrawn. A withdrawal stops what waits, tells who was told, opens their duty to
answer and closes it by their statement; without standing it needs reference and
code, and a wrong code gets the same reply and suspends (test_suspension.py)."""

import unittest
import uuid

import harness
import people
import stages
from exactly import Stream
from harness import Office, wait_for
from protocol_client import pb

PARTNER = "ne-partner"
ERASURE_ANSWER = "Answer to the withdrawal due"
NO_CONSENT = 34


class ConsentTest(harness.ClusterTest):
    def post(self, case, code=0, **more):
        """One case file of one part from the host, by `corridor send`."""
        answer = self.c.corridor(people.HOST, "send", "-", "--wait", "10", input={
            "type": "CaseFile", "to": people.ORIGIN, "case": case.handle,
            "body": people.case_file(case.reference, casework=None), **more})
        self.assertEqual(answer.code, code, answer)
        return answer.json if code == 0 else answer.error

    def refused(self, case, code, **more):
        error = self.post(case, code=4, **more)
        self.assertEqual(error["code"], code)
        self.assertTrue(error["rule"] and error["sentence"])
        self.assertNotIn("Testina", str(error))

    def record(self, case, **change):
        answer = self.c.must(self.c.corridor(people.HOST, "consent", "-", input={
            "case": case.handle, "consent": {**people.consent(), **change}}))
        case.consent_id = answer["consentId"]

    def inbox(self, office, case):
        return [m["type"] for m in self.c.must(self.c.corridor(office, "inbox", "--case", case.handle))["messages"]]

    def owed(self, office, case, *words):
        listed = self.c.must(self.c.corridor(office, "due", *words))["obligations"]
        return [d for d in listed if d["case"] == case.handle and d["name"] == ERASURE_ANSWER]

    def others_go_on(self):
        stream = Stream(self.c, stages.reach(self.c, "consented"))
        stream.send(wait=10)
        stream.arrived_once(self)


class Missing(ConsentTest):
    def test_none_at_all(self):
        case = stages.reach(self.c, "registered")
        self.refused(case, "NO_CONSENT")
        self.others_go_on()

    def test_of_another_case(self):
        """The host's own gate lets a consent id given by hand pass; the hub does not."""
        other, case = stages.reach(self.c, "consented"), stages.reach(self.c, "registered")
        before = self.c.query("SELECT count(*) FROM corridor.refusal WHERE code = %s", NO_CONSENT)
        self.refused(case, "NO_CONSENT", consent=other.consent_id)
        case_two = stages.reach(self.c, "consented")
        self.refused(case_two, "NO_CONSENT", consent=str(uuid.uuid4().hex))
        after = self.c.query("SELECT count(*) FROM corridor.refusal WHERE code = %s", NO_CONSENT)
        self.assertGreater(after, before, "it was the hub that refused")
        self.assertEqual(self.c.query("SELECT count(*) FROM corridor.delivery WHERE case_handle IN (%s, %s)",
                                      bytes.fromhex(case.handle), bytes.fromhex(case_two.handle)), [(0,)])
        self.post(case_two)
        self.others_go_on()

    def test_expired_before_and_while_it_waits(self):
        case = stages.reach(self.c, "registered")
        self.record(case, validFrom="2026-03-01T00:00:00Z", validUntil="2026-04-01T00:00:00Z")
        stream = Stream(self.c, case)
        stream.send(wait=10)
        stream.arrived_once(self)
        self.c.stop(people.ORIGIN)
        stream.send(wait=10)
        self.c.set_clock("2026-04-01T00:00:01Z")
        self.refused(case, "CONSENT_EXPIRED")
        self.c.start_process(people.ORIGIN)
        wait_for(lambda: stream.outbox().get(stream.ids[1]) == "stopped", 30, "the hub stops what it held")
        shown = self.c.must(self.c.corridor(people.HOST, "show", stream.ids[1]))
        self.assertEqual(shown["refusal"], "CONSENT_EXPIRED")
        self.assertEqual(stream.inbox(), stream.ids[:1])
        self.others_go_on()


class Withdrawn(ConsentTest):
    def told_apart(self):
        """No two offices can see from what the hub signed that they were told in one act."""
        readers = {}
        for office, signature in self.c.query("SELECT recipient, signature FROM corridor.message WHERE sender = 'hub'"):
            readers.setdefault(pb.Signature.FromString(bytes(signature)).ecdsa, set()).add(office)
        self.assertEqual(set().union(*readers.values()), {people.HOST, people.ORIGIN})
        self.assertEqual({len(offices) for offices in readers.values()}, {1})

    cluster = {"offices": [*harness.standard_offices(),
                           Office(PARTNER, "PARTNER", "NE", "A partner in Niamey", [])]}

    def test_stops_what_waits_tells_who_was_told_and_is_answered(self):
        case = stages.reach(self.c, "filed")
        stream = Stream(self.c, case)
        self.c.stop(people.ORIGIN)
        for _ in range(3):
            stream.send(wait=10)
        self.c.must(self.c.corridor(people.HOST, "withdraw", case.handle))
        wait_for(lambda: set(stream.outbox().values()) == {"stopped"}, 20, "what waited is stopped")
        self.refused(case, "CASE_WITHDRAWN")
        self.c.start_process(people.ORIGIN)
        case.received(people.ORIGIN, "WithdrawalNotice")
        self.told_apart()
        self.others_go_on()
        self.assertEqual(stream.inbox(), [], "nothing of the case after its withdrawal")
        self.assertEqual([m for m in self.inbox(people.ORIGIN, case) if m == "CaseFile"], ["CaseFile"] * 2)

        for office in (people.ORIGIN, people.HOST):  # who owes and who waits
            wait_for(lambda: [d["state"] for d in self.owed(office, case)] == ["OPEN"], 10, f"owed, at {office}")
        notice = case.received(people.ORIGIN, "WithdrawalNotice")[0]["messageId"]
        told = self.c.must(self.c.corridor(people.ORIGIN, "show", notice))["content"]
        self.assertEqual(len(told["messageIds"]), 2)
        self.c.must(self.c.corridor(people.ORIGIN, "send", "-", input={
            "type": "ErasureStatement", "case": case.handle,
            "body": {"messageIds": told["messageIds"], "ground": "ERASED"}}))
        for office in (people.ORIGIN, people.HOST):
            wait_for(lambda: [d["state"] for d in self.owed(office, case, "--all")] == ["MET"], 20,
                     f"answered, at {office}")
            self.assertEqual(self.owed(office, case), [])

    def test_a_health_part_is_asked_back_out_of_sight(self):
        """A notice and a duty of its own, seen by who holds health, at both ends."""
        case = stages.Case(self.c)
        case.registered()
        case.consented(health=True)
        parts = people.case_file(case.reference, health=people.health(case.reference))
        case.send(people.HOST, "CaseFile", people.ORIGIN, parts)
        case.received(people.ORIGIN, "CaseFile", count=3, user=True)
        self.c.must(self.c.corridor(people.HOST, "withdraw", case.handle))
        whole = case.received(people.ORIGIN, "WithdrawalNotice", count=2, user=True)
        seen = case.received(people.ORIGIN, "WithdrawalNotice")
        self.assertEqual(len(seen), 1)
        for office in (people.ORIGIN, people.HOST):
            wait_for(lambda: len(self.owed_to(office, case, user=True)) == 2, 20, f"both owed, at {office}")
            self.assertEqual(len(self.owed_to(office, case)), 1, "who holds no health key sees the other only")
        for notice in sorted(whole, key=lambda m: m["messageId"] != seen[0]["messageId"]):
            told = self.c.must(self.c.corridor(people.ORIGIN, "show", notice["messageId"], user=True))["content"]
            erased = {"type": "ErasureStatement", "case": case.handle,
                      "body": {"messageIds": told["messageIds"], "ground": "ERASED"}}
            if notice["compartment"] == "HEALTH":
                error = self.c.corridor(people.ORIGIN, "send", "-", input=erased)
                self.assertEqual((error.code, error.error["code"]), (3, "NO_SUCH_MESSAGE"), "its holder's to say")
            self.c.must(self.c.corridor(people.ORIGIN, "send", "-", user=True, input=erased))
            for office in (people.ORIGIN, people.HOST):
                wait_for(lambda: not self.owed_to(office, case), 20, f"the ordinary one is answered, at {office}")
        for office in (people.ORIGIN, people.HOST):
            wait_for(lambda: not self.owed_to(office, case, user=True), 20, f"both are answered, at {office}")
        sent = self.c.must(self.c.corridor(people.ORIGIN, "inbox", "--sent", "--case", case.handle))["messages"]
        self.assertEqual([m["type"] for m in sent], ["ErasureStatement"])

    def owed_to(self, office, case, user=None):
        listed = self.c.must(self.c.corridor(office, "due", user=user))["obligations"]
        return [d for d in listed if d["case"] == case.handle and d["name"] == ERASURE_ANSWER]

    def test_one_consent_stops_only_what_stood_on_it(self):
        case = stages.reach(self.c, "consented")
        first = case.consent_id
        self.record(case)
        self.c.stop(people.ORIGIN)
        on_first = self.post(case, consent=first)["messages"][0]["messageId"]
        on_second = self.post(case, consent=case.consent_id)["messages"][0]["messageId"]
        self.c.must(self.c.corridor(people.HOST, "withdraw", case.handle, "--consent", first))
        self.refused(case, "CONSENT_WITHDRAWN", consent=first)
        self.c.start_process(people.ORIGIN)
        stream = Stream(self.c, case)
        stream.ids = [on_second]
        stream.arrived_once(self)
        stream.ids = [on_first]
        self.assertEqual((stream.outbox()[on_first], stream.inbox()), ("stopped", []))

    def reply(self, office, reference, code):
        """Everything the asker can see, with ids and times made alike."""
        answer = self.c.corridor(office, "withdraw", reference, "--code", code)
        shape = {key: value if key not in ("messageId", "case", "sentAt", "settledAt", "receipt") else type(value)
                 for key, value in (answer.json or {}).items()}
        receipt = {key: type(value) for key, value in (answer.json or {}).get("receipt", {}).items()}
        return answer.code, shape, receipt, answer.err

    def test_without_standing_by_reference_and_code_and_not_by_a_wrong_code(self):
        case, other = stages.reach(self.c, "filed"), stages.reach(self.c, "filed")
        wrong = self.reply(PARTNER, case.reference, other.code)
        absent = stages.reach(self.c, "registered")  # its code fits nothing but itself
        unknown = self.reply(PARTNER, absent.reference, other.code)
        self.assertEqual(self.post(case, code=5)["code"], "CASE_SUSPENDED")
        self.assertEqual(self.owed(people.ORIGIN, case, "--all"), [])
        self.assertNotIn("WithdrawalNotice", self.inbox(people.ORIGIN, case))

        right = self.reply(PARTNER, case.reference, case.code)
        self.assertEqual(right[0], 0)
        self.assertEqual(wrong, right)
        self.assertEqual(unknown, right)
        self.refused_soon(case)
        case.received(people.ORIGIN, "WithdrawalNotice")
        # The host received nothing and owes nothing, but hears of it.
        case.received(people.HOST, "WithdrawalNotice")
        self.assertNotIn("ERASURE_ANSWER", str(self.owed(people.HOST, case, "--all")))
        self.post(other)  # and of the other case nothing was touched
        self.assertEqual(self.owed(people.ORIGIN, other, "--all"), [])
        # The partner got no standing by it, and learned no handle.
        self.assertEqual(self.c.must(self.c.corridor(PARTNER, "case", "list"))["cases"], [])
        self.assertNotIn(case.handle, self.c.processes[PARTNER].text())

    def refused_soon(self, case):
        """The host's own agent did not withdraw it, so the hub must be the one to refuse."""
        error = self.post(case, code=4)
        self.assertIn(error["code"], ("CASE_WITHDRAWN", "CONSENT_WITHDRAWN"))


if __name__ == "__main__":
    unittest.main()
