"""A body that cannot be opened, or may not be held, where it arrives: quarantined
before anything is shown, told once to the hub, and by the hub to the sender. The
sender is the Python office, which can seal what no C agent would."""

import os
import unittest

from google.protobuf.json_format import ParseDict

import people
import test_interop as interop
from harness import wait_for
from protocol_bytes import CODES, pb, sha256

ORIGIN, FATOU = people.ORIGIN, dict(user=True)
CODE = {name: code for code, name in CODES.items()}


class Refusals(interop.InteropTest):
    """What the hub and its parties tell of a message that may not be held."""

    def inbox(self, case, **who):
        """Empty while Conakry does not know the case."""
        answer = self.c.corridor(ORIGIN, "inbox", "--case", case.handle.hex(), **who).json
        return (answer or {}).get("messages", [])

    def held(self, case, kind, **who):
        def found():
            return [m for m in self.inbox(case, **who) if m["type"] == kind]
        return wait_for(found, 20, f"Conakry holds {kind}")[0]["messageId"]

    def ended(self, message):
        """The last end of our message, as the hub tells it."""
        while True:
            notice = self.agent.open(self.session.receive(pb.END_NOTICE), pb.EndNotice)
            if notice.message_id == message.id and notice.state != pb.DELIVERED:
                return pb.EndState.Name(notice.state), CODES[notice.reason]

    def shown(self, message_id, exit_code):
        answer = self.c.corridor(ORIGIN, "show", message_id, **FATOU)
        self.assertEqual(answer.code, exit_code, answer)
        self.assertNotIn("Testina", str(answer.error))
        return answer.error["code"]

    def delivery(self, message):
        return self.c.query("SELECT state, stop_code FROM corridor.delivery WHERE message_id = %s", message.id)

    def statements(self, case):
        return self.c.query("SELECT count(*) FROM corridor.message WHERE type = %s AND handle = %s",
                            pb.CONTENT_STATEMENT, case.handle)[0][0]

    def logged(self, message):
        records = [pb.LogRecord.FromString(bytes(raw))
                   for raw, in self.c.query("SELECT record FROM corridor.log_record")]
        return [CODES[r.code] for r in records if (r.kind, r.message_id) == (pb.LOG_CONTENT, message.id)]

    def fields(self, case, **change):
        return {**dict(type=pb.CASE_FILE, recipient=ORIGIN, compartment=pb.CASEWORK, handle=case.handle,
                       purpose=pb.RETURN_PREPARATION, basis=pb.CONSENT, consent_id=case.consent,
                       categories=[pb.OPERATIONAL, pb.BIODATA]), **change}


class ContentRefused(Refusals):
    def test_missing_content_is_refused_and_told_once(self):
        case = self.case("consent_record")
        content = ParseDict(people.casework(case.reference, name=""), pb.CaseFileCasework())
        header, body = self.agent.compose(content, **self.fields(case))
        (sent,), _ = self.send((header, body))
        kept = self.held(case, "CaseFile")
        self.assertEqual(self.shown(kept, 3), "MISSING_FIELD")
        self.assertEqual(self.ended(sent), ("CONTENT_REFUSED", "MISSING_FIELD"))
        self.assertEqual(self.delivery(sent), [(7, CODE["MISSING_FIELD"])])
        self.assertEqual(self.logged(sent), ["MISSING_FIELD"])
        self.assertEqual(self.shown(kept, 3), "MISSING_FIELD")
        good, _ = self.send(case.case_file())  # the next one of the case goes its way
        self.assertEqual(self.c.must(self.c.corridor(
            ORIGIN, "show", self.next_file(case, kept), **FATOU))["content"]["name"], "Testina Exemplar")
        self.assertEqual(self.delivery(good[0]), [(3, None)])
        self.assertEqual(self.statements(case), 1)

    def next_file(self, case, before):
        def found():
            return [m["messageId"] for m in self.inbox(case) if m["type"] == "CaseFile" and m["messageId"] != before]
        return wait_for(found, 20, "Conakry holds the next file")[0]

    def test_it_is_compared_with_nobody(self):
        """Not before its first opening, which finds out, and not after it."""
        case, other = self.case("consent_record"), self.case("case_file")
        content = ParseDict(people.casework(case.reference, birthPlace=""), pb.CaseFileCasework())
        self.send(self.agent.compose(content, **self.fields(case)))
        bad, good = self.held(case, "CaseFile"), self.held(other, "CaseFile")

        def compared():
            found = self.c.must(self.c.corridor(ORIGIN, "duplicates", "check", good, **FATOU))
            self.assertNotIn(case.handle.hex(), str(found["candidates"]))
            return found["leftOut"]
        before = compared()
        self.assertEqual(self.statements(case), 0, "a comparison tells the hub nothing")
        self.shown(bad, 3)
        after = compared()
        self.assertEqual([after[why] - before[why] for why in ("unreadable", "quarantined")], [-1, 1])

    def test_bytes_that_are_no_seal(self):
        case = self.case("consent_record")
        header, _ = self.agent.compose(case.casework(), **self.fields(case))
        body = os.urandom(2048)
        header.body_size, header.body_sha256 = len(body), sha256(body)
        (sent,), _ = self.send((header, body))
        code = self.shown(self.held(case, "CaseFile"), 3)
        self.assertEqual(code, "BAD_SEAL")
        self.assertEqual(self.ended(sent), ("UNREADABLE", code))
        self.assertEqual(self.delivery(sent), [(6, CODE[code])])

    def test_wrong_passphrase_declares_nothing_bad(self):
        case = self.case("case_file")
        kept = self.held(case, "CaseFile")
        answer = self.c.corridor(ORIGIN, "show", kept, user=True, passphrase="not hers at all")
        self.assertEqual(answer.code, 6, answer)
        self.assertNotIn("content", self.c.must(self.c.corridor(ORIGIN, "show", kept)))
        self.c.must(self.c.corridor(ORIGIN, "show", kept, **FATOU))
        self.assertEqual((self.statements(case), self.delivery(case.sent)), (0, [(3, None)]))

    def test_a_refused_booking_is_owed_no_answer(self):
        case = self.case("case_file")
        header, body = self.agent.compose(
            ParseDict(people.abn(case.reference, carrierNumber="", route=""), pb.Abn()), type=pb.ABN, recipient=ORIGIN,
            handle=case.handle, compartment=pb.OPERATIONS, purpose=pb.TRAVEL_ARRANGEMENT, basis=pb.CONSENT,
            consent_id=case.consent, categories=[pb.OPERATIONAL, pb.BIODATA, pb.TRAVEL],
            event_at=people.at(people.DEPARTS), safeguards_met=True)
        (sent,), _ = self.send((header, body))
        kept = self.held(case, "ABN")
        owed = lambda: self.c.query("SELECT state FROM corridor.obligation WHERE message_id = %s AND kind = 2", sent.id)
        wait_for(lambda: owed() == [(pb.OPEN,)], 20, "the confirmation is owed")
        self.shown(kept, 3)
        self.assertEqual(self.ended(sent)[0], "CONTENT_REFUSED")
        self.assertEqual(owed(), [(pb.WAIVED,)])

    def test_a_health_part_is_refused_out_of_sight(self):
        """Who holds no health key sees neither the message nor what became of it."""
        case = self.case("registration")
        record = ParseDict({"scopes": people.consent(health=True)["scopes"]}, pb.ConsentRecord())
        record.consent_id, record.version = case.consent, 1
        record.valid_from, record.valid_until = people.at("2026-03-02T00:00:00Z"), people.at("2027-04-01T00:00:00Z")
        record.evidence_sha256 = sha256(b"a form")
        self.send(self.agent.record(pb.CONSENT_RECORD, record, case.handle))
        self.send(case.case_file())
        self.held(case, "CaseFile")
        unseen = self.view(case)
        header, body = self.agent.compose(
            ParseDict(people.health(case.reference, fitnessToTravel=""), pb.CaseFileHealth()),
            **self.fields(case, compartment=pb.HEALTH, purpose=pb.CONTINUITY_OF_CARE,
                          categories=[pb.BIODATA, pb.HEALTH_DATA]))
        (sent,), _ = self.send((header, body))

        def health_parts():
            return [m["messageId"] for m in self.inbox(case, **FATOU) if m["compartment"] == "HEALTH"]
        self.shown(wait_for(health_parts, 20, "the health part")[0], 3)
        self.assertEqual(self.ended(sent)[0], "CONTENT_REFUSED")
        self.assertEqual(self.view(case), unseen)
        self.assertIn("quarantined", str(self.c.corridor(ORIGIN, "timeline", case.handle.hex(), **FATOU).json))

    def view(self, case):
        """All that somebody without a key is shown of the case."""
        run = lambda *words: self.c.must(self.c.corridor(ORIGIN, *words))
        cases = [c for c in run("case", "list")["cases"] if c["handle"] == case.handle.hex()]
        return (run("inbox", "--case", case.handle.hex()), run("timeline", case.handle.hex()), cases,
                run("inbox", "--sent", "--case", case.handle.hex()))


if __name__ == "__main__":
    unittest.main()
