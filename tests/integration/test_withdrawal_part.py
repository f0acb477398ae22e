"""Withdrawal in part, and how far a withdrawal reaches: one office or one purpose is
taken out and the rest stands; what was passed on, by a mission that had it from the
other, is asked back under the handle its recipient knows."""

import os
import unittest

import harness
import people
import stages
from protocol_bytes import pb
from wire_offices import (ERASURE_DUTY, HOST, KINDIA, LABE, ORIGIN, PARTNER, SECOND, WireTest, scope)

HELD, QUEUED, STOPPED = 0, 1, 4  # delivery.state


class Part(WireTest):
    parties = (HOST, ORIGIN, SECOND, PARTNER, KINDIA, LABE)

    def part(self, case, office=HOST, **fields):
        return self.at(office).withdraw(case.handle, extent=pb.PART, **fields)

    def codes(self, case, *messages):
        """messages: (type, recipient, header fields)."""
        host = self.at(HOST)
        return [host.codes(host.agent.sign(host.sealed(kind, to, case.handle, **{"consent_id": case.consent, **more})))[0]
                for kind, to, more in messages]

    def asked(self, case):
        """(office, message ids) of each notice that is owed an answer."""
        return [(office, list(notice.message_ids)) for office in (HOST, ORIGIN, SECOND, KINDIA)
                for notice in self.notices(office, pb.WITHDRAWAL_NOTICE, case) if notice.answer_due]

    def test_one_recipient(self):
        self.at(ORIGIN), self.at(SECOND)
        case, host = self.case(), self.at(HOST)
        to_second = host.send_one(pb.CASE_FILE, SECOND, case.handle, consent_id=case.consent)
        self.delivered(case.filed), self.delivered(to_second)
        for office in (ORIGIN, SECOND):
            self.sessions.pop(office).cut()
        waiting = [host.send_one(pb.CASE_FILE, to, case.handle, consent_id=case.consent) for to in (ORIGIN, SECOND)]
        self.part(case, recipient_office=SECOND)
        self.assertEqual(self.states(*waiting), [QUEUED, STOPPED])
        self.assertEqual(self.codes(case, (pb.CASE_FILE, SECOND, {}), (pb.CASE_FILE, ORIGIN, {})),
                         ["CONSENT_WITHDRAWN", "OK"])
        self.assertEqual(self.asked(case), [(SECOND, [to_second.id])])
        self.assertEqual([who for _, who, _ in self.duties(case, ERASURE_DUTY).values()], [SECOND])
        self.assertEqual(self.notices(ORIGIN, pb.WITHDRAWAL_NOTICE, case), [], "the others need not learn of it")
        self.part(case, recipient_office=SECOND)
        self.assertEqual(len(self.asked(case)), 1, "nobody is asked twice")
        later = case.consent_record(version=2)
        self.assertEqual(self.at(HOST).record_code(pb.CONSENT_RECORD, later, case.handle), "OK")
        self.assertEqual(self.codes(case, (pb.CASE_FILE, SECOND, {})), ["OK"], "the person may agree anew")

    def test_one_purpose(self):
        self.at(ORIGIN)
        case = self.case()
        self.delivered(case.filed)
        self.part(case, purpose=pb.TRAVEL_ARRANGEMENT)
        self.assertEqual(self.codes(case, (pb.ABN, ORIGIN, {}), (pb.CASE_FILE, ORIGIN, {})),
                         ["CONSENT_WITHDRAWN", "OK"])
        self.assertEqual(self.asked(case), [])

    def test_one_recipient_for_one_purpose(self):
        case = self.case("filed")
        self.part(case, purpose=pb.TRAVEL_ARRANGEMENT, recipient_office=ORIGIN)
        self.assertEqual(self.codes(case, (pb.ABN, ORIGIN, {}), (pb.CASE_FILE, ORIGIN, {}), (pb.CASE_FILE, SECOND, {})),
                         ["CONSENT_WITHDRAWN", "OK", "OK"])

    def test_one_of_a_class_of_offices(self):
        case, host, need = self.case("consented"), self.at(HOST), os.urandom(16)
        offers = [host.offer(to, case, rank=rank, need=need) for rank, to in ((1, KINDIA), (2, LABE))]
        self.assertEqual([host.codes([offer]) for offer in offers], [["OK"], ["OK"]])
        self.assertEqual(self.states(*offers), [QUEUED, HELD])
        self.part(case, recipient_office=KINDIA)
        self.assertEqual(self.states(*offers), [STOPPED, QUEUED], "it is the next candidate's turn")
        self.assertEqual(host.codes([host.offer(KINDIA, case)]), ["CONSENT_WITHDRAWN"])
        self.assertEqual(host.codes([host.offer(LABE, case)]), ["OK"])

    def test_by_code_from_any_office_and_of_one_consent(self):
        case = self.case("consented")
        other = os.urandom(16)
        self.at(HOST).record_one(pb.CONSENT_RECORD, case.consent_record(consent_id=other), case.handle)
        self.part(case, PARTNER, recipient_office=ORIGIN, consent_id=case.consent, **case.hashes())
        self.assertEqual(self.codes(case, (pb.CASE_FILE, ORIGIN, {}), (pb.CASE_FILE, ORIGIN, {"consent_id": other})),
                         ["CONSENT_WITHDRAWN", "OK"])
        told, = self.notices(HOST, pb.WITHDRAWAL_NOTICE, case)
        self.assertEqual((told.part, told.recipient_office, told.answer_due), (True, ORIGIN, 0))


class Command(harness.ClusterTest):
    def test_a_part_is_withdrawn_by_name(self):
        case = stages.reach(self.c, "filed")
        self.c.must(self.c.corridor(people.HOST, "withdraw", case.handle, "--purpose", "TRAVEL_ARRANGEMENT",
                                    "--recipient", people.ORIGIN))
        booked = self.c.corridor(people.HOST, "send", "-", input={
            "type": "ABN", "to": people.ORIGIN, "case": case.handle, "body": people.abn(case.reference)})
        self.assertEqual((booked.code, booked.error["code"]), (4, "CONSENT_WITHDRAWN"), booked)
        case.send(people.HOST, "CaseFile", people.ORIGIN, people.case_file(case.reference))
        case.received(people.ORIGIN, "CaseFile", count=4)
        for words, path in ((("--purpose", "HOLIDAYS"), "/purpose"), (("--recipient", "The Mission"), "/recipient")):
            told = self.c.corridor(people.HOST, "withdraw", case.handle, *words)
            self.assertEqual((told.code, told.error["path"]), (3, path))


class Onward(WireTest):
    parties = (HOST, ORIGIN, PARTNER, KINDIA)

    def test_what_was_passed_on_is_asked_back(self):
        """Host to origin, origin to a provider who knows neither host nor case."""
        origin, provider = self.at(ORIGIN), self.at(KINDIA)
        case = self.case()
        self.delivered(case.filed)
        handle = os.urandom(16)
        offer = origin.offer(KINDIA, case, handle=handle)
        self.assertEqual(origin.codes([offer]), ["OK"])
        self.delivered(offer)
        provider.send_one(pb.REFERRAL_ACK, ORIGIN, handle, outcome=pb.YES)
        handover = self.delivered(origin.send_one(pb.REFERRAL_HANDOVER, KINDIA, handle, consent_id=case.consent))
        self.at(PARTNER).withdraw(os.urandom(16), **case.hashes())

        notice, = self.wait(lambda: [m for m in provider.deliveries if m.header.type == pb.WITHDRAWAL_NOTICE],
                            "the provider is asked")
        body = pb.WithdrawalNotice.FromString(notice.body)
        self.assertEqual((notice.header.handle, list(body.message_ids)), (handle, [handover.id]))
        owed = {message: (state, who, other) for message, (state, who, other) in
                self.duties(case, ERASURE_DUTY).items()}
        self.assertEqual(owed[notice.id], ("OPEN", KINDIA, ORIGIN))
        self.assertEqual({(who, other) for _, who, other in owed.values()}, {(KINDIA, ORIGIN), (ORIGIN, HOST)})
        for header, told in self.c.query("SELECT header, body FROM corridor.message WHERE recipient = %s", KINDIA):
            self.assertNotIn(case.handle, bytes(header) + bytes(told))
            self.assertNotIn(HOST.encode(), bytes(header) + bytes(told))
        self.assertEqual(provider.record_code(pb.ERASURE_STATEMENT, pb.ErasureStatement(
            message_ids=[handover.id], ground=pb.ERASED), handle, in_reply_to=notice.id), "OK")
        self.assertEqual(self.duties(case, ERASURE_DUTY)[notice.id][0], "MET")


if __name__ == "__main__":
    unittest.main()
