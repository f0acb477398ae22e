"""Withdrawals and what they open, as a second reader broke them once: who learns
what, who may withdraw, who is asked and how often, which answer closes what."""

import os
import unittest

from protocol_bytes import pb, person_hashes
from wire_offices import (ABN_CONFIRM_DUTY, DEPARTURE_DUTY, ERASURE_DUTY, HOST, KINDIA, ORIGIN, PARTIES, PARTNER,
                          REFERRAL_DUTY, SECOND, TRANSIT, WireTest, scope)


class Withdrawal(WireTest):
    parties = (HOST, ORIGIN, SECOND, TRANSIT, PARTNER, KINDIA)

    def filed(self):
        """A case whose file the origin holds."""
        self.at(ORIGIN)
        case = self.case()
        self.delivered(case.filed)
        return case

    def withdrawn(self, case):
        return self.c.query("SELECT withdrawn_at IS NOT NULL FROM corridor.avrr_case WHERE handle = %s",
                            case.handle)[0][0]

    def standing_consents(self, case):
        return {bytes(consent) for consent, in self.c.query(
            "SELECT consent_id FROM corridor.consent WHERE case_handle = %s AND withdrawn_at IS NULL", case.handle)}

    def second_consent(self, case, by=HOST, **change):
        consent = os.urandom(16)
        self.at(by).record_one(pb.CONSENT_RECORD, case.consent_record(consent_id=consent, **change), case.handle)
        return consent

    # --- who learns what ---

    def test_by_code_from_an_office_without_standing(self):
        case, partner = self.filed(), self.at(PARTNER)
        partner.withdraw(os.urandom(16), **case.hashes())
        self.assertTrue(self.withdrawn(case))
        self.received(ORIGIN, pb.WITHDRAWAL_NOTICE, case)
        self.assertEqual([duty[1:] for duty in self.duties(case, ERASURE_DUTY).values()], [(ORIGIN, HOST)],
                         "the answer is owed to who disclosed")
        others = [name.encode() for name in PARTIES if name != PARTNER]
        for header, body in self.c.query("SELECT header, body FROM corridor.message WHERE recipient = %s", PARTNER):
            told = bytes(header) + bytes(body)
            self.assertNotIn(case.handle, told)
            self.assertEqual([name for name in others if name in told], [])
        partner.ping(1)
        self.assertEqual(partner.deliveries, [])

    def test_a_known_reference_with_another_code_is_no_oracle(self):
        case, again = self.case("registered"), self.case("registered")
        body = again.registration(**person_hashes(case.reference, again.code))
        self.assertEqual(self.at(HOST).record_code(pb.REGISTRATION, body, os.urandom(16)), "OK")
        self.at(PARTNER).withdraw(os.urandom(16), **person_hashes(case.reference, case.code))
        self.assertEqual((self.withdrawn(case), self.withdrawn(again)), (True, False))

    def test_repeated_it_asks_nobody_twice(self):
        case = self.filed()
        self.at(HOST).withdraw(case.handle)
        asked = self.notices(ORIGIN, pb.WITHDRAWAL_NOTICE, case)
        self.assertEqual(len(asked), 1)
        for office, fields in ((HOST, {}), (ORIGIN, {}), (PARTNER, case.hashes()),
                               (HOST, {"extent": pb.ONE_CONSENT, "consent_id": case.consent})):
            self.at(office).withdraw(case.handle, **fields)
        self.assertEqual(self.notices(ORIGIN, pb.WITHDRAWAL_NOTICE, case), asked)
        self.assertEqual(len(self.duties(case, ERASURE_DUTY)), 1)

    # --- who may withdraw ---

    def transit_case(self):
        """A case of which the mission in transit holds a booking."""
        case = self.filed()
        self.at(TRANSIT)
        self.delivered(self.at(HOST).send_one(pb.ABN, TRANSIT, case.handle, consent_id=case.consent,
                                              categories=[pb.OPERATIONAL]))
        return case

    def test_a_mission_in_transit_may_not_without_code(self):
        case = self.transit_case()
        for extent in ({}, {"extent": pb.ONE_CONSENT, "consent_id": case.consent},
                       {"reference_hash": case.hashes()["reference_hash"]}):
            self.at(TRANSIT).withdraw(case.handle, **extent)
            self.assertFalse(self.withdrawn(case))
            self.assertEqual(self.standing_consents(case), {case.consent})
        self.at(TRANSIT).withdraw(case.handle, **case.hashes())
        self.assertTrue(self.withdrawn(case), "with the code anyone may")

    def test_host_and_origin_may(self):
        for office in (HOST, ORIGIN):
            with self.subTest(office):
                case = self.filed()
                self.at(office).withdraw(case.handle)
                self.assertTrue(self.withdrawn(case))

    def test_who_took_a_consent_may_withdraw_that_one(self):
        case = self.filed()
        self.at(SECOND)
        self.delivered(self.at(HOST).send_one(pb.CASE_FILE, SECOND, case.handle, consent_id=case.consent))
        taken = self.second_consent(case, by=SECOND)
        for fields in ({}, {"extent": pb.ONE_CONSENT, "consent_id": case.consent}):
            self.at(SECOND).withdraw(case.handle, **fields)
            self.assertEqual(self.standing_consents(case), {case.consent, taken})
        self.at(SECOND).record_code(pb.CONSENT_WITHDRAWAL, pb.ConsentWithdrawal(
            extent=pb.ALL_CONSENT, consent_id=taken, withdrawn_at=self.c.now()), case.handle)
        self.assertIn(case.consent, self.standing_consents(case), "one's own consent is no key to the others'")
        self.at(SECOND).withdraw(case.handle, extent=pb.ONE_CONSENT, consent_id=taken)
        self.assertEqual(self.standing_consents(case), {case.consent})

    def test_the_next_version_is_the_takers_alone(self):
        case = self.filed()
        later = case.consent_record(version=2, scopes=[scope(pb.RETURN_PREPARATION, [pb.OPERATIONAL],
                                                             recipient_office=ORIGIN)])
        self.assertEqual(self.at(ORIGIN).record_code(pb.CONSENT_RECORD, later, case.handle), "CONFLICT")
        self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent)
        self.assertEqual(self.at(HOST).record_code(pb.CONSENT_RECORD, later, case.handle), "OK")
        message = self.at(HOST).sealed(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent)
        self.assertEqual(self.at(HOST).codes(self.at(HOST).agent.sign(message)), ["NO_CONSENT"])

    # --- which duties end ---

    def statement(self, case, **fields):
        return self.at(ORIGIN).record_code(pb.ERASURE_STATEMENT, pb.ErasureStatement(
            message_ids=[case.filed.id], ground=pb.ERASED), case.handle, **fields)

    def test_a_statement_closes_the_duty_of_the_notice_it_names(self):
        case = self.filed()
        other = self.second_consent(case)
        self.delivered(self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, case.handle, consent_id=other))
        for consent in (case.consent, other):
            self.at(HOST).withdraw(case.handle, extent=pb.ONE_CONSENT, consent_id=consent)
        first, second = self.received(ORIGIN, pb.WITHDRAWAL_NOTICE, case, 2)
        self.assertEqual(self.statement(case), "MISSING_FIELD")
        self.assertEqual(self.statement(case, in_reply_to=os.urandom(16)), "OK")  # of no notice: closes none
        self.assertEqual([self.duty(case, ERASURE_DUTY, n) for n in (first, second)], ["OPEN", "OPEN"])
        self.assertEqual(self.statement(case, in_reply_to=second.id), "OK")
        self.assertEqual([self.duty(case, ERASURE_DUTY, n) for n in (first, second)], ["OPEN", "MET"])
        self.assertEqual(self.statement(case, in_reply_to=first.id), "OK")
        self.assertEqual([self.duty(case, ERASURE_DUTY, n) for n in (first, second)], ["MET", "MET"])

    def test_a_confirmation_closes_the_booking_it_answers(self):
        case, host = self.filed(), self.at(HOST)
        bookings = [host.send_one(pb.ABN, ORIGIN, case.handle, consent_id=case.consent) for _ in range(2)]
        self.delivered(bookings[1])
        self.assertEqual([self.duty(case, ABN_CONFIRM_DUTY, b) for b in bookings], ["OPEN", "OPEN"])
        self.at(ORIGIN).send_one(pb.ABN_CONFIRM, HOST, case.handle, in_reply_to=bookings[1].id)
        self.assertEqual([self.duty(case, ABN_CONFIRM_DUTY, b) for b in bookings], ["OPEN", "MET"])

    def test_open_duties_are_waived_with_the_case(self):
        case, host = self.filed(), self.at(HOST)
        booking = self.delivered(host.send_one(pb.ABN, ORIGIN, case.handle, consent_id=case.consent))
        host.withdraw(case.handle)
        self.assertEqual(self.duty(case, ABN_CONFIRM_DUTY, booking), "WAIVED")
        self.assertEqual([state for state, _, _ in self.duties(case, ERASURE_DUTY).values()], ["OPEN"])
        for office in (HOST, ORIGIN):
            last = self.notices(office, pb.OBLIGATION_NOTICE, case)
            self.assertIn(pb.WAIVED, {n.state for n in last if n.kind == ABN_CONFIRM_DUTY}, office)
        self.at(HOST).withdraw(case.handle)
        self.assertEqual([state for state, _, _ in self.duties(case, ERASURE_DUTY).values()], ["OPEN"])

    def test_open_duties_are_waived_with_the_message_that_is_stopped(self):
        case, host = self.filed(), self.at(HOST)
        booking = self.delivered(host.send_one(pb.ABN, ORIGIN, case.handle, consent_id=case.consent))
        self.at(ORIGIN).send_one(pb.ABN_CONFIRM, HOST, case.handle, in_reply_to=booking.id)
        other = self.second_consent(case)
        self.sessions.pop(ORIGIN).cut()
        ticket = host.send_one(pb.TICKET_ISSUED, ORIGIN, case.handle, consent_id=other)
        offer = host.offer(KINDIA, case)
        self.assertEqual(host.codes([offer]), ["OK"])
        self.assertEqual([self.duty(case, DEPARTURE_DUTY, ticket), self.duty(case, REFERRAL_DUTY, offer)],
                         ["OPEN", "OPEN"])
        host.withdraw(case.handle, extent=pb.ONE_CONSENT, consent_id=other)
        self.assertEqual(self.states(ticket, offer), [4, 1])
        self.assertEqual([self.duty(case, DEPARTURE_DUTY, ticket), self.duty(case, REFERRAL_DUTY, offer)],
                         ["WAIVED", "OPEN"])
        host.withdraw(case.handle, extent=pb.ONE_CONSENT, consent_id=case.consent)
        self.assertEqual(self.states(offer), [4])
        self.assertEqual(self.duty(case, REFERRAL_DUTY, offer), "WAIVED")
        self.assertEqual(self.duty(case, ABN_CONFIRM_DUTY, booking), "MET", "what was met stays met")


if __name__ == "__main__":
    unittest.main()
