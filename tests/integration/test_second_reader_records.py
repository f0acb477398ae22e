"""Records and offers, as a second reader broke them once: numbers that no column
holds, content that is refused, handles and ranks in use. What stands beside the
bad message in its batch goes on."""

import os
import unittest

from protocol_bytes import pb
from wire_offices import HOST, KINDIA, LABE, ORIGIN, REFERRAL_DUTY, Case, WireTest


class Records(WireTest):
    parties = (HOST, ORIGIN, KINDIA, LABE)

    def neighbours(self, *bad):
        """The codes of bad messages (header, body) with a good registration before and after each."""
        host, before, after = self.at(HOST), Case(), Case()
        good = [host.agent.record(pb.REGISTRATION, case.registration(), case.handle) for case in (before, after)]
        codes = host.codes(host.agent.sign(good[0], *bad, good[1]))
        self.assertEqual((codes[0], codes[-1]), ("OK", "OK"), codes)
        return codes[1:-1]

    def record(self, kind, content, handle):
        return self.at(HOST).agent.record(kind, content, handle)

    def test_a_version_no_column_holds(self):
        case = self.case("registered")
        for version in (1 << 31, (1 << 32) - 1):
            code, = self.neighbours(self.record(
                pb.CONSENT_RECORD, case.consent_record(version=version), case.handle))
            self.assertIn(code, ("TOO_LARGE", "BAD_INPUT"))
        self.assertEqual(self.neighbours(self.record(
            pb.CONSENT_RECORD, case.consent_record(version=(1 << 31) - 1), case.handle)), ["OK"])

    def test_a_record_whose_content_is_refused_harms_nobody(self):
        """A consent id that an ALL_CONSENT must not carry; a hash too short; nothing at all."""
        case, now = self.case("consented"), self.c.now()
        bad = [self.record(pb.CONSENT_WITHDRAWAL, pb.ConsentWithdrawal(extent=pb.ALL_CONSENT, withdrawn_at=now,
                                                                       consent_id=case.consent), case.handle),
               self.record(pb.REGISTRATION, case.registration(reference_hash=b"short"), os.urandom(16)),
               self.record(pb.ERASURE_STATEMENT, pb.ErasureStatement(message_ids=[b"short"], ground=pb.ERASED),
                           case.handle)]
        for one in bad:
            code, = self.neighbours(one)
            self.assertIn(code, ("BAD_INPUT", "MISSING_FIELD"))
        self.assertEqual(self.c.query("SELECT count(*) FROM corridor.withdrawal WHERE case_handle = %s",
                                      case.handle), [(0,)])
        self.assertFalse(self.c.processes["core"].ends, "the core never ended")

    def test_the_same_registration_twice_under_two_handles(self):
        case = self.case("registered")
        self.assertEqual(self.neighbours(self.record(pb.REGISTRATION, case.registration(), os.urandom(16))),
                         ["CONFLICT"])

    def test_a_registration_that_no_agreement_covers(self):
        case = Case()
        for change in ({"programme": "XX"}, {"programme": ""}):
            code, = self.neighbours(self.record(pb.REGISTRATION, case.registration(**change), case.handle))
            self.assertIn(code, ("NO_AGREEMENT", "MISSING_FIELD"))
        self.assertEqual(self.c.query("SELECT count(*) FROM corridor.avrr_case WHERE handle = %s", case.handle),
                         [(0,)])

    # --- referrals ---

    def offered(self, *offers):
        return self.at(HOST).codes(offers)

    def test_a_referral_handle_in_use(self):
        host, case, other = self.at(HOST), self.case("consented"), self.case("consented")
        first = host.offer(KINDIA, case)
        self.assertEqual(self.offered(first), ["OK"])
        again = [host.offer(LABE, k, handle=first.header.handle) for k in (case, other)]
        fresh = host.offer(LABE, case)
        self.assertEqual(self.offered(*again, fresh), ["CONFLICT", "CONFLICT", "OK"])
        self.assertEqual(host.record_code(pb.REGISTRATION, Case().registration(), first.header.handle), "CONFLICT")

    def test_a_case_handle_is_no_referral_handle(self):
        host, case, other = self.at(HOST), self.case("consented"), self.case("consented")
        offers = [host.offer(KINDIA, case, handle=k.handle) for k in (case, other)]
        self.assertEqual(self.offered(*offers, host.offer(KINDIA, case)), ["CONFLICT", "CONFLICT", "OK"])
        self.assertEqual(self.c.query("SELECT count(*) FROM corridor.standing WHERE office = %s AND handle IN (%s, %s)",
                                      KINDIA, case.handle, other.handle), [(0,)])

    def test_a_rank_in_use_also_in_the_same_batch(self):
        host, case, need = self.at(HOST), self.case("consented"), os.urandom(16)
        same = [host.offer(office, case, need=need, rank=1) for office in (KINDIA, LABE)]
        self.assertEqual(self.offered(*same, host.offer(KINDIA, case)), ["OK", "CONFLICT", "OK"])
        self.assertEqual(self.offered(host.offer(LABE, case, need=need, rank=1)), ["CONFLICT"])
        self.assertEqual(self.offered(host.offer(LABE, case, need=need, rank=2)), ["OK"])

    def test_an_offer_that_comes_after_the_better_ones_were_declined_goes_out(self):
        host, case, need = self.at(HOST), self.case("consented"), os.urandom(16)
        self.at(KINDIA), self.at(LABE)
        first, second = host.offer(KINDIA, case, need=need), host.offer(LABE, case, need=need, rank=2)
        self.assertEqual(self.offered(first), ["OK"])
        self.delivered(first)
        self.at(KINDIA).send_one(pb.REFERRAL_ACK, HOST, first.header.handle, outcome=pb.NO, in_reply_to=first.id)
        self.assertEqual(self.offered(second), ["OK"])
        self.delivered(second)
        self.assertEqual(self.duty(case, REFERRAL_DUTY, second), "OPEN")
        third = host.offer(KINDIA, case, need=need, rank=3)
        self.assertEqual(self.offered(third), ["OK"])
        self.assertEqual(self.states(third), [0], "held while the second is out")


if __name__ == "__main__":
    unittest.main()
