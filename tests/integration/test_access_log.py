"""Each opening of health or protection content is told to the hub and stands in the
audit report, without a name; nobody in the office learns more than before; and no one
waits for the hub in order to read. What leaves the two missions needs two people."""

import json
import unittest

import people
import stages
from access_cases import FATOU, AccessTest
from identity import PASSPHRASE, SECOND_PASSPHRASE
from protocol_bytes import pb

class AccessLog(AccessTest):
    def test_each_opening_is_told_once_and_without_a_name(self):
        case, message = self.health_case()
        self.assertEqual(self.show(message)["content"]["knownConditions"], ["asthma"])
        self.assertEqual(self.told(message, 1), [(people.ORIGIN, "OPENED")])
        self.show(message)
        self.told(message, 2)
        self.assertEqual(self.logged(message), [(people.ORIGIN, "", pb.OPENED)] * 2)
        stored = self.c.query("SELECT record FROM corridor.log_record")
        self.assertNotIn(b"fatou", b"".join(bytes(raw) for raw, in stored))
        events = self.c.must(self.c.corridor(people.ORIGIN, "timeline", case.handle, **FATOU))["events"]
        self.assertEqual([e["detail"] for e in events if e["event"] == "opened"], ["fatou", "fatou"])

    def test_the_sender_opens_its_own_copy(self):
        case, message = self.health_case()
        self.show(message, people.HOST)
        self.assertEqual(self.told(message, 1), [(people.HOST, "OPENED")])

    def test_the_audit_report_shows_it(self):
        case, message = self.health_case()
        self.show(message)
        self.told(message, 1)
        audit = lambda *more: self.c.run([self.c.program("corridor"), *more, "audit", "report", "--case", case.reference,
                                          "--db", self.c.database.conninfo(user="corridor_oversight")])
        report = self.c.must(audit("--json"))
        self.assertEqual([(a["office"], a["kind"], a["message"]) for a in report["accesses"]],
                         [(people.ORIGIN, "OPENED", message)])
        self.assertIn("HEALTH_DATA", report["accesses"][0]["categories"])
        self.assertNotIn("fatou", json.dumps(report))
        text = audit()
        self.assertIn("Mission in Conakry", text.out)
        self.assertIn("BY SOMEONE AT", text.out)

    def test_ordinary_content_is_not_told(self):
        case = stages.reach(self.c, "filed")
        message = case.received(people.ORIGIN, "CaseFile", count=2)[0]["messageId"]
        self.show(message)  # a statement would stand in the outbox from this moment on
        sent = self.c.must(self.c.corridor(people.ORIGIN, "inbox", "--sent", "--case", case.handle, **FATOU))
        self.assertEqual(sent["messages"], [])

    def test_nobody_without_the_key_sees_a_difference(self):
        case, message = self.health_case()
        before = self.view(case, people.ORIGIN)
        self.show(message)
        self.told(message, 1)
        self.assertEqual(self.view(case, people.ORIGIN), before)
        sent = self.c.must(self.c.corridor(people.ORIGIN, "inbox", "--sent", "--case", case.handle, **FATOU))
        self.assertIn("AccessStatement", [m["type"] for m in sent["messages"]])

    def test_after_a_withdrawal(self):
        case, message = self.health_case()
        self.c.must(self.c.corridor(people.HOST, "withdraw", case.handle))
        self.show(message)
        self.told(message, 1)

    def test_reading_does_not_wait_for_the_hub(self):
        case, message = self.health_case()
        before = self.view(case, people.ORIGIN)[4:6]
        self.c.stop("door")
        try:
            self.assertIn("content", self.show(message))
            self.assertEqual(self.accesses(message), [])
            self.assertEqual(self.view(case, people.ORIGIN)[4:6], before)  # not even as something that waits
        finally:
            self.c.start_process("door")
        self.c.wait_ready()
        self.told(message, 1)


class TwoPeople(AccessTest):
    def reach_handover(self):
        """A provider has accepted a need that will carry health data."""
        case = stages.reach(self.c, "registered")
        scopes = people.consent()
        scopes["scopes"].append(people.scope("REFERRAL_SHARING", "REINTEGRATION", ["HEALTH_DATA"],
                                             recipientRole="ROLE_SERVICE_PROVIDER"))
        case.consent_id = self.c.must(self.c.corridor(people.HOST, "consent", "-", input={
            "case": case.handle, "consent": scopes}))["consentId"]
        case.stage = "consented"
        stages.reach(self.c, "filed", case)
        case.referral = self.c.must(self.c.corridor(people.ORIGIN, "refer", "-", input={
            "case": case.handle, "candidates": [people.LABE], "offer": people.offer(),
            "categories": ["BIODATA", "CONTACT", "EDUCATION", "HEALTH_DATA"], "consent": case.consent_id}))
        offer = case.offer(people.LABE)
        self.c.must(self.c.corridor(people.LABE, "answer", offer["messageId"], "--accept", "--first-contact",
                                    "2026-03-24T09:00:00Z", "--contact-function", "reception desk"))
        case.received(people.ORIGIN, "ReferralAck", handle=offer["case"])
        case.provider_handle = offer["case"]
        return case

    def together(self, office, first, second, words, secrets, input=None):
        argv = [self.c.program("corridor"), "--agent", self.c.socket(office), "--json", "--user", first, "--passphrase-fd",
                "FD", *(["--second", second] if second else []), *words]
        return self.c.run(argv, json.dumps(input) if input is not None else None, secrets)

    def handover(self, case, first="fatou", second="sekou", secrets=(PASSPHRASE, SECOND_PASSPHRASE), **more):
        request = {"type": "ReferralHandover", "to": people.LABE, "case": case.provider_handle,
                   "body": people.handover(case.consent_id), "consent": case.consent_id, **more}
        return self.together(people.ORIGIN, first, second, ["send", "-"], secrets, request)

    def test_medical_data_goes_on_with_two_people_only(self):
        case = self.reach_handover()
        sent = lambda: self.c.must(self.c.corridor(people.ORIGIN, "inbox", "--sent", "--case", case.provider_handle))
        before = sent()
        for first, second, secrets, code in (
                ("fatou", None, (PASSPHRASE,), "SECOND_PERSON_NEEDED"),
                ("fatou", "fatou", (PASSPHRASE, PASSPHRASE), "SECOND_PERSON_NEEDED"),
                ("fatou", "sekou", (PASSPHRASE, "not his at all"), "WRONG_PASSPHRASE"),
                ("fatou", "amina", (PASSPHRASE, SECOND_PASSPHRASE), "WRONG_PASSPHRASE")):
            with self.subTest(first=first, second=second):
                answer = self.handover(case, first, second, secrets)
                self.assertEqual((answer.code, answer.error["code"]), (6, code))
                self.assertTrue(answer.error["sentence"])
        self.assertEqual(sent(), before)
        message = self.c.must(self.handover(case))["messages"][0]
        self.assertEqual(message["state"], "admitted")
        events = self.c.must(self.c.corridor(people.ORIGIN, "timeline", case.handle))["events"]
        self.assertEqual([e["detail"] for e in events if e["event"] == "released"], ["fatou, sekou"])

    def test_an_officer_and_the_professional_are_enough_for_a_life(self):
        """One officer sends at once: the basis is the mental-health professional's decision."""
        case = self.reach_handover()
        self.c.must(self.c.corridor(people.ORIGIN, "send", "-", **FATOU, input={
            "type": "ReferralHandover", "to": people.LABE, "case": case.provider_handle, "basis": "LIFE_AT_RISK",
            "body": {**people.handover(case.consent_id), "basisDecision": people.decision(self.c.now())}}))

    def test_between_the_missions_one_is_enough(self):
        self.health_case()  # sent without anybody's passphrase

    def test_export_needs_two_and_reading_one(self):
        case, message = self.health_case()
        out = self.c.dir / "copy.json"
        self.assertIn("content", self.show(message))
        words = ["export", message, "--out", out]
        answer = self.together(people.ORIGIN, "fatou", None, words, (PASSPHRASE,))
        self.assertEqual((answer.code, answer.error["code"]), (6, "SECOND_PERSON_NEEDED"))
        self.assertFalse(out.exists())
        self.c.must(self.together(people.ORIGIN, "fatou", "sekou", words, (PASSPHRASE, SECOND_PASSPHRASE)))
        self.assertEqual(json.loads(out.read_text())["content"]["knownConditions"], ["asthma"])
        self.assertEqual(out.stat().st_mode & 0o777, 0o600)
        again = self.together(people.ORIGIN, "fatou", "sekou", words, (PASSPHRASE, SECOND_PASSPHRASE))
        self.assertEqual((again.code, again.error["code"]), (4, "CONFLICT"))
        events = self.c.must(self.c.corridor(people.ORIGIN, "timeline", case.handle, **FATOU))["events"]
        self.assertEqual([e["detail"] for e in events if e["event"] == "exported"], ["fatou, sekou"])
        self.told(message, 2)  # the reading, and the export

    def test_ordinary_content_is_exported_by_one(self):
        case = stages.reach(self.c, "filed")
        message = case.received(people.ORIGIN, "CaseFile", count=2)[0]["messageId"]
        out = self.c.dir / "ordinary.json"
        self.c.must(self.together(people.ORIGIN, "fatou", None, ["export", message, "--out", out], (PASSPHRASE,)))
        self.assertEqual(json.loads(out.read_text())["type"], "CaseFile")


del AccessTest

if __name__ == "__main__":
    unittest.main()
