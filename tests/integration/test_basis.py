"""What goes out without the person's consent: on a mental-health professional's word, on
a best-interests determination, and, where the agreement allows it, on other vital
interest. It leaves at once; a second person signs in 4 hours and reviews in 72; what is
not upheld is asked back; it is listed apart, for the office and for oversight. Who holds
no health key sees none of it."""

import unittest
from datetime import datetime, timezone

from google.protobuf.json_format import ParseDict

import harness
import hub_notices
import people
import stages
import test_interop as interop
from harness import wait_for
from identity import CATEGORIES, REFERENCES, SECOND_PASSPHRASE
from protocol_bytes import CODES, pb

HOST, ORIGIN, KINDIA = people.HOST, people.ORIGIN, people.KINDIA
FIRST, SECOND = {"user": "amina"}, {"user": "moussa", "passphrase": SECOND_PASSPHRASE}
SIGNATURE, REVIEW, ERASURE = "COUNTER_SIGNATURE", "REVIEW", "ERASURE_ANSWER"
HOUR = 3600 * 1000


def determination(now):
    return people.decision(now, decidedBy="BEST_INTERESTS_PANEL", deciderName=None, professionalId=None,
                    obstacle="CHILD_WITHOUT_GUARDIAN", bidReference="BID-0001", bidDate="2026-02-20",
                    bidPanel=["case manager", "guardian of the court", "psychologist"])


def text(ms):
    return datetime.fromtimestamp(ms // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class BasisTest(harness.ClusterTest):
    def case(self):
        """Registered; she has agreed to nothing."""
        return stages.reach(self.c, "registered")

    def send(self, case, code=0, who=FIRST, basis="LIFE_AT_RISK", **change):
        """A health part to Conakry; its message id, or the refusal."""
        stated = {"basisDecision": people.decision(self.c.now()), **change}
        body = people.health(case.reference, **{k: v for k, v in stated.items() if v is not None})
        request = {"type": "CaseFile", "to": ORIGIN, "case": case.handle, "body": {"health": body}}
        answer = self.c.corridor(HOST, "send", "-", "--wait", "10", **who,
                                 input={**request, **({"basis": basis} if basis else {})})
        self.assertEqual(answer.code, code, answer)
        if code:
            self.assertNotIn("Testina", answer.err)
            return answer.error
        return answer.json["messages"][0]["messageId"]

    def state(self, verb, message, *words, code=0, who=SECOND, office=HOST):
        answer = self.c.corridor(office, verb, message, "--wait", "10", *words, **who)
        self.assertEqual(answer.code, code, answer)
        return answer.error if code else answer.json

    def duties(self, message):
        """{duty: state} of what the message opened."""
        return dict(self.c.query("SELECT duty, state FROM oversight.obligation WHERE message = %s", message))

    def owed(self, office, case, **who):
        listed = self.c.must(self.c.corridor(office, "due", **who))["obligations"]
        return sorted(d["name"].split(" ")[0] for d in listed if d["case"] == case.handle)

    def at_conakry(self, message, **who):
        listed = self.c.must(self.c.corridor(ORIGIN, "inbox", **who))["messages"]
        return message in [m["messageId"] for m in listed]

    def arrived(self, message):
        wait_for(lambda: self.at_conakry(message, user=True), 20, "Conakry holds it")

    def exceptions(self, *words, who=FIRST):
        listed = self.c.must(self.c.corridor(HOST, "exceptions", *words, **who))["exceptions"]
        return {e["messageId"]: e for e in listed}

    def audited(self, message):
        answer = self.c.must(self.c.run([self.c.program("corridor"), "--json", "audit", "exceptions", "--db",
                                         self.c.database.conninfo(user="corridor_oversight")]))
        rows = [row for row in answer["exceptions"] if row["message"] == message]
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def asked_back(self, case):
        """Of whom, and with what notice; parties that are only informed left out."""
        return [(office, notice) for office, handle, notice in hub_notices.told(self.c.query, pb.WITHDRAWAL_NOTICE)
                if bytes(handle).hex() == case.handle and notice.message_ids]


class LifeAtRisk(BasisTest):
    # --- before it leaves ---

    def refused(self, case, code, path, exit_code, **change):
        error = self.send(case, code=exit_code, **change)
        self.assertEqual((error["code"], error["path"]), (code, path))
        self.assertTrue(error["sentence"] and error["rule"])
        self.assertEqual(self.c.query("SELECT count(*) FROM corridor.message WHERE handle = %s AND type = 10",
                                      bytes.fromhex(case.handle)), [(0,)])
        return error

    def test_without_the_decision(self):
        self.refused(self.case(), "MISSING_FIELD", "/body/health/basisDecision", 3, basisDecision=None)

    def test_on_an_officers_own_word(self):
        told = self.refused(self.case(), "NOT_THEIRS_TO_DECIDE", "/body/health/basisDecision/decidedBy", 4,
                            basisDecision=people.decision(self.c.now(), decidedBy="OFFICE_STAFF"))
        self.assertIn("mental-health professional", told["sentence"])

    def test_by_nobody_named(self):
        case = self.case()
        self.refused(case, "NOT_PERMITTED", "", 6, who={})
        self.refused(case, "WRONG_PASSPHRASE", "", 6, who={"user": "amina", "passphrase": "not hers at all"})

    def test_with_a_decision_and_no_basis(self):
        self.refused(self.case(), "BAD_INPUT", "/body/health/basisDecision", 3, basis=None)

    def test_the_rest_of_the_file_does_not_go(self):
        case = self.case()
        answer = self.c.corridor(HOST, "send", "-", **FIRST, input={
            "type": "CaseFile", "to": ORIGIN, "case": case.handle, "basis": "LIFE_AT_RISK",
            "body": {"casework": people.casework(case.reference)}})
        self.assertEqual((answer.code, answer.error["code"]), (4, "BASIS_NOT_ALLOWED"))

    def test_other_vital_interest_is_off(self):
        self.refused(self.case(), "BASIS_NOT_ALLOWED", "basis", 4, basis="VITAL_INTEREST_OTHER")

    # --- it leaves, and is accounted for ---

    def test_at_once_and_signed_by_a_second_person(self):
        case = self.case()
        message = self.send(case)
        self.arrived(message)
        shown = self.c.must(self.c.corridor(ORIGIN, "show", message, user=True))
        self.assertEqual(shown["content"]["basisDecision"]["professionalId"], "PSY-0001")
        self.assertEqual(shown["header"]["basis"], "LIFE_AT_RISK")
        self.assertEqual(self.duties(message), {SIGNATURE: "OPEN", REVIEW: "OPEN"})
        self.assertEqual(self.c.query(
            "SELECT kind, responsible, counterpart, (due_at - opened_at) / %s FROM corridor.obligation WHERE"
            " message_id = %s ORDER BY kind", HOUR, bytes.fromhex(message.replace("-", ""))),
            [(9, HOST, HOST, 4), (10, HOST, HOST, 72)])
        wait_for(lambda: self.owed(HOST, case, **FIRST) == ["Counter-signature", "Review"], 20, "owed in Niamey")
        self.assertEqual((self.owed(HOST, case), self.owed(ORIGIN, case, user=True)), ([], []))
        listed = self.exceptions()[message]
        self.assertEqual((listed["sentBy"], listed["basis"], listed["counterSignature"], listed["review"]),
                         ("amina", "LIFE_AT_RISK", None, None))
        self.assertNotIn(message, self.exceptions(who={}))

        self.assertEqual(self.state("countersign", message, code=6, who=FIRST)["code"], "SAME_PERSON")
        self.assertEqual(self.state("review", message, code=6, who=FIRST)["code"], "SAME_PERSON")
        self.assertEqual(self.duties(message), {SIGNATURE: "OPEN", REVIEW: "OPEN"})
        self.state("countersign", message)
        self.assertEqual(self.duties(message), {SIGNATURE: "MET", REVIEW: "OPEN"})
        self.assertIn(message, self.exceptions())
        self.state("review", message)
        self.assertEqual(self.duties(message), {SIGNATURE: "MET", REVIEW: "MET"})
        self.assertNotIn(message, self.exceptions())
        kept = self.exceptions("--all")[message]
        self.assertEqual((kept["review"]["by"], kept["review"]["result"]), ("moussa", "UPHELD"))
        row = self.audited(message)
        self.assertEqual((row["result"], row["late"], row["basis"], row["recipient"]),
                         ("UPHELD", False, "LIFE_AT_RISK", ORIGIN))
        self.assertTrue(row["counterSigned"] and row["reviewed"] and row["claimed"])
        self.assertEqual(self.asked_back(case), [])

    def test_no_name_leaves_the_office(self):
        case = self.case()
        message = self.send(case)
        self.state("countersign", message)
        dump = self.c.database.dump()
        for name in ("moussa", "amina", b"moussa".hex(), b"amina".hex(), "Mentalis", b"Mentalis".hex()):
            self.assertNotIn(name, dump)
        self.assertEqual(self.c.query("SELECT DISTINCT result FROM oversight.exception WHERE message = %s", message),
                         [("UPHELD",)])

    def test_nobody_signs_and_nothing_is_held_up(self):
        case = self.case()
        message = self.send(case)
        self.arrived(message)
        self.c.set_clock(text(self.c.now() + 4 * HOUR + 60000))
        wait_for(lambda: self.duties(message) == {SIGNATURE: "OVERDUE", REVIEW: "OPEN"}, 30, "overdue")
        self.assertTrue(self.audited(message)["late"])
        self.c.set_clock(text(self.c.now() + 80 * HOUR))
        wait_for(lambda: self.duties(message) == {SIGNATURE: "ESCALATED", REVIEW: "OVERDUE"}, 30, "escalated")
        again = self.send(case)  # late or not, the next one goes
        self.arrived(again)
        self.state("countersign", message)
        self.assertEqual(self.duties(message)[SIGNATURE], "MET_LATE")
        self.assertTrue(self.audited(message)["late"])

    # --- it was not right ---

    def test_not_upheld_it_is_asked_back(self):
        case = self.case()
        message = self.send(case)
        self.arrived(message)
        self.state("review", message, "--not-upheld")
        (office, notice), = self.asked_back(case)
        self.assertEqual((office, notice.not_upheld, notice.consent_id), (ORIGIN, pb.LIFE_AT_RISK, b""))
        self.assertEqual([id.hex() for id in notice.message_ids], [message.replace("-", "")])
        told = case.received(ORIGIN, "WithdrawalNotice", user=True)[0]
        self.assertEqual(told["compartment"], "HEALTH")
        seen = self.c.must(self.c.corridor(ORIGIN, "inbox"))["messages"]
        self.assertEqual([m for m in seen if m["case"] == case.handle], [], "who holds no health key")
        self.state("countersign", message, "--not-upheld")
        self.assertEqual(len(self.asked_back(case)), 1, "nobody is asked twice")
        self.c.must(self.c.corridor(ORIGIN, "send", "-", user=True, input={
            "type": "ErasureStatement", "case": case.handle, "inReplyTo": told["messageId"],
            "body": {"messageIds": [message.replace("-", "")], "ground": "ERASED"}}))
        self.assertEqual(self.c.query("SELECT state FROM oversight.obligation WHERE duty = %s AND handle = %s",
                                      ERASURE, case.handle), [("MET",)])
        self.assertEqual(self.audited(message)["result"], "NOT_UPHELD")
        case.consented()  # and the case goes on, here and there
        case.filed()
        known = [k for k in self.c.must(self.c.corridor(ORIGIN, "case", "list"))["cases"] if k["handle"] == case.handle]
        self.assertEqual([k["withdrawn"] for k in known], [False])

    def test_not_upheld_before_it_left(self):
        case = self.case()
        self.c.stop(ORIGIN)
        try:
            message = self.send(case)
            self.state("countersign", message, "--not-upheld")
        finally:
            self.c.start_process(ORIGIN)
        self.c.wait_ready([ORIGIN])
        self.assertEqual(self.c.query("SELECT state FROM oversight.delivery WHERE message = %s", message), [("stopped",)])
        self.assertEqual(self.asked_back(case), [])
        self.arrived(self.send(case))
        self.assertFalse(self.at_conakry(message, user=True))

    def test_a_withdrawal_makes_the_account_no_less_due(self):
        case = self.case()
        message = self.send(case)
        self.arrived(message)
        self.c.must(self.c.corridor(HOST, "withdraw", case.handle))
        wait_for(lambda: len(self.asked_back(case)) == 1, 20, "Conakry is asked to erase it, like everything")
        self.assertEqual(self.duties(message), {SIGNATURE: "OPEN", REVIEW: "OPEN"})
        self.state("countersign", message)
        self.state("review", message, "--not-upheld")
        self.assertEqual(self.duties(message), {SIGNATURE: "MET", REVIEW: "MET"})
        self.assertEqual(len(self.asked_back(case)), 1)

    # --- she has consented since ---

    def test_consent_obtained_since(self):
        case = self.case()
        message = self.send(case)
        self.arrived(message)
        case.consented(health=False)
        self.assertEqual(self.state("review", message, "--consent", case.consent_id, code=4)["code"], "NO_CONSENT")
        self.assertEqual(self.duties(message)[REVIEW], "OPEN")
        self.assertIsNone(self.exceptions("--all")[message]["review"], "what the hub refused was not said")
        case.consented(health=True)
        self.state("review", message, "--consent", case.consent_id)
        self.assertEqual(self.audited(message)["result"], "CONSENT_OBTAINED")
        self.c.must(self.c.corridor(HOST, "withdraw", case.handle, "--consent", case.consent_id))
        (_, notice), = wait_for(lambda: self.asked_back(case), 20, "what rests on it is asked back with it")
        self.assertEqual((notice.not_upheld, [id.hex() for id in notice.message_ids]),
                         (0, [message.replace("-", "")]))

    # --- whose word counts ---

    def test_of_a_message_that_is_none(self):
        case = stages.reach(self.c, "filed")
        ordinary = next(m["messageId"] for m in self.c.must(self.c.corridor(HOST, "inbox", "--sent"))["messages"]
                        if m["type"] == "CaseFile" and m["case"] == case.handle)
        for message in ("00" * 16, ordinary):
            self.assertEqual(self.state("countersign", message, code=3)["code"], "NO_SUCH_MESSAGE")
        self.assertEqual(self.state("countersign", ordinary, code=6, who={})["code"], "NOT_PERMITTED")

    def test_its_recipient_has_no_say(self):
        message = self.send(self.case())
        self.arrived(message)
        error = self.state("countersign", message, code=3, office=ORIGIN,
                           who={"user": "sekou", "passphrase": SECOND_PASSPHRASE})
        self.assertEqual(error["code"], "NO_SUCH_MESSAGE")

    # --- a child, a referral ---

    def test_a_determination_is_reviewed_only(self):
        message = self.send(self.case(), basis="CHILD_BEST_INTERESTS",
                            basisDecision=determination(self.c.now()))
        self.arrived(message)
        self.assertEqual(self.duties(message), {REVIEW: "OPEN"})
        self.state("review", message)
        self.assertEqual(self.duties(message), {REVIEW: "MET"})
        self.assertNotIn(message, self.exceptions())

    def refer(self, case, code=0, **more):
        answer = self.c.corridor(HOST, "refer", "-", input={
            "case": case.handle, "candidates": [KINDIA], "offer": people.offer(urgency="IMMEDIATE_LIFESAVING"),
            "categories": ["BIODATA", "CONTACT", "HEALTH_DATA"], **more})
        self.assertEqual(answer.code, code, answer)
        return answer.error if code else answer.json["offers"][0]

    def test_a_referral_for_who_cannot_be_asked(self):
        case = self.case()
        self.assertEqual(self.refer(case, code=4)["code"], "NO_CONSENT")
        self.assertEqual(self.refer(case, code=3, basis="NO_PERSONAL_DATA")["path"], "/basis")
        self.assertEqual(self.refer(case, code=4, basis="VITAL_INTEREST_OTHER")["code"], "BASIS_NOT_ALLOWED")
        handle = self.refer(case, basis="LIFE_AT_RISK")["handle"]
        offer = case.received(KINDIA, "Referral", handle=handle)[0]
        self.c.must(self.c.corridor(KINDIA, "answer", offer["messageId"], "--accept", "--first-contact",
                                    "2026-03-24T09:00:00Z", "--contact-function", "reception desk"))
        case.received(HOST, "ReferralAck", handle=handle)
        body = people.handover("", basisDecision=people.decision(self.c.now()))
        request = {"type": "ReferralHandover", "to": KINDIA, "case": handle, "body": body}
        refused = self.c.corridor(HOST, "send", "-", **FIRST, input=request)
        self.assertEqual((refused.code, refused.error["path"]), (3, "/body/basisDecision"))
        sent = self.c.must(self.c.corridor(HOST, "send", "-", **FIRST, input={**request, "basis": "LIFE_AT_RISK"}))
        message = sent["messages"][0]["messageId"]
        case.received(KINDIA, "ReferralHandover", handle=handle)
        self.assertEqual(self.duties(message), {SIGNATURE: "OPEN", REVIEW: "OPEN"})
        self.state("countersign", message, "--not-upheld")
        notice = case.received(KINDIA, "WithdrawalNotice", handle=handle)[0]
        told = self.c.must(self.c.corridor(KINDIA, "show", notice["messageId"]))["content"]
        self.assertEqual(told["notUpheld"], "LIFE_AT_RISK")


class OtherVitalInterest(BasisTest):
    """Where the programme's agreement says so."""

    cluster = {"agreements": [{
        "id": "JI-2026", "programme": "JI", "offices": [HOST, ORIGIN, KINDIA, people.LABE], "categories": CATEGORIES,
        "validFrom": "2026-01-01", "validUntil": "2028-01-01", "otherVitalInterest": True,
        **REFERENCES}]}

    def test_on_a_physicians_word(self):
        message = self.send(self.case(), basis="VITAL_INTEREST_OTHER",
                            basisDecision=people.decision(self.c.now(), decidedBy="PHYSICIAN"))
        self.arrived(message)
        self.assertEqual(self.duties(message), {SIGNATURE: "OPEN", REVIEW: "OPEN"})
        self.assertEqual(self.audited(message)["basis"], "VITAL_INTEREST_OTHER")


class Unstated(interop.InteropTest):
    """From an office whose agent seals what ours would not."""

    def test_no_decision_inside_the_seal(self):
        case = self.case("registration")
        header, body = self.agent.compose(
            ParseDict(people.health(case.reference), pb.CaseFileHealth()), type=pb.CASE_FILE, recipient=ORIGIN,
            compartment=pb.HEALTH, handle=case.handle, purpose=pb.CONTINUITY_OF_CARE, basis=pb.LIFE_AT_RISK,
            categories=[pb.BIODATA, pb.HEALTH_DATA])
        (sent,), _ = self.send((header, body))

        def held():
            listed = self.c.corridor(ORIGIN, "inbox", "--case", case.handle.hex(), user=True).json or {}
            return [m["messageId"] for m in listed.get("messages", []) if m["type"] == "CaseFile"]
        kept, = wait_for(held, 20, "Conakry holds it")
        answer = self.c.corridor(ORIGIN, "show", kept, user=True)
        self.assertEqual((answer.code, answer.error["code"], answer.error["path"]),
                         (3, "MISSING_FIELD", "/content/basisDecision"))
        while True:
            notice = self.agent.open(self.session.receive(pb.END_NOTICE), pb.EndNotice)
            if (notice.message_id, notice.state) == (sent.id, pb.CONTENT_REFUSED):
                break
        self.assertEqual(CODES[notice.reason], "MISSING_FIELD")
        self.assertEqual(self.c.query("SELECT kind, state FROM corridor.obligation WHERE message_id = %s ORDER BY kind",
                                      sent.id), [(9, pb.OPEN), (10, pb.OPEN)], "it left, and is accounted for")


del BasisTest

if __name__ == "__main__":
    unittest.main()
