"""How messages leave and are receipted, as a second reader broke it once: a backlog
larger than the door holds, a store made anew, an answer before the receipt of
what it answers, a queue without end, a quarantined office that goes on sending."""

import unittest

from protocol_bytes import pb
from protocol_client import Store
from wire_offices import ABN_CONFIRM_DUTY, HOST, ORIGIN, Party, WireTest

MIB = 1 << 20
DOOR_HOLDS, WINDOW = 16 * MIB, 8 * MIB  # for one connection that does not read; what the core sends it at most
BACKLOG_MAX = 256


class Delivery(WireTest):
    def in_flight(self):
        """Bytes that were sent to the origin and not receipted."""
        return self.c.query(
            "SELECT coalesce(sum(octet_length(m.body)), 0) FROM corridor.delivery d JOIN corridor.message m"
            " USING (message_id, admitted_at) WHERE d.recipient = %s AND d.state = 2", ORIGIN)[0][0]

    def files(self, count, size):
        """Of as many cases, admitted."""
        host, cases = self.at(HOST), self.cases(count, "consented")
        messages = host.agent.sign(*(host.sealed(pb.CASE_FILE, ORIGIN, case.handle, size=size,
                                                 consent_id=case.consent) for case in cases))
        for message in messages:
            host.send(message)
        return messages

    def test_more_than_the_door_holds_waits_at_the_hub_and_all_arrives(self):
        messages = self.files(20, MIB)
        self.assertGreater(sum(len(m.body) for m in messages), DOOR_HOLDS)
        origin = Party(self.c, ORIGIN, self.store(ORIGIN))
        self.addCleanup(origin.__exit__)
        origin.context.rcvhwm, origin.context.rcvbuf = 1, 64 << 10  # what it does not read stays at the door
        origin.connect().hello(window_bytes=1 << 30)
        self.wait(lambda: self.in_flight() >= 7 * MIB, "as much as may be is on its way")
        self.at(HOST).ping(1)  # the core has been round again
        self.assertLessEqual(self.in_flight(), WINDOW)
        self.sessions[ORIGIN] = origin
        self.wait(lambda: set(self.states(*messages)) == {3}, "all of it arrives", 40)
        claims = self.c.query("SELECT DISTINCT claims FROM corridor.delivery WHERE message_id = ANY(%s)",
                              [m.id for m in messages])
        self.assertEqual(claims, [(1,)], "on one connection, each sent once")

    def test_small_receipts_make_no_room_for_large_bodies(self):
        small, large = self.files(24, 512), self.files(12, MIB)
        origin = self.at(ORIGIN)
        origin.receipting = False
        self.wait(lambda: len(origin.deliveries) >= len(small) + 7, "the window is full")
        for message in [m for m in origin.deliveries if len(m.body) < MIB]:
            origin.receipt_held(message)
        self.delivered(small[-1])
        self.at(HOST).ping(1)
        self.assertLessEqual(self.in_flight(), WINDOW)
        origin.receipting = True
        for message in origin.deliveries:
            origin.receipt_held(message)
        self.wait(lambda: set(self.states(*large)) == {3}, "all of it arrives")

    def test_too_many_for_one_handle_are_refused_until_some_were_taken(self):
        host, case = self.at(HOST), self.case("consented")
        *some, last = host.agent.sign(*(host.sealed(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent)
                                        for _ in range(BACKLOG_MAX + 1)))
        self.assertEqual(set(host.codes(some)), {"OK"})
        result = host.result(host.submit(last))
        self.assertEqual(host.codes([last]), ["LIMIT_REACHED"])
        self.assertTrue(result.refusal.retry)
        self.others_go_on_to_another_case()
        self.at(ORIGIN)
        self.wait(lambda: self.states(some[0]) == [3], "the recipient has taken one")
        self.assertEqual(host.codes([last]), ["OK"])

    def others_go_on_to_another_case(self):
        host, other = self.at(HOST), self.case("consented")
        host.send_one(pb.CASE_FILE, ORIGIN, other.handle, consent_id=other.consent)

    def evidence(self, message):
        return self.c.query("SELECT delivered_at, receipt FROM corridor.delivery WHERE message_id = %s", message.id)

    def test_a_store_made_anew_hears_again_and_the_first_receipt_stays(self):
        case = self.case()
        booking = self.at(HOST).send_one(pb.ABN, ORIGIN, case.handle, consent_id=case.consent)
        self.at(ORIGIN)
        for message in (case.filed, booking):
            self.delivered(message)
        before = [self.evidence(m) for m in (case.filed, booking)]
        self.assertEqual(self.duty(case, ABN_CONFIRM_DUTY, booking), "OPEN")
        told = [len(self.notices(office, kind, case)) for office in (HOST, ORIGIN)
                for kind in (pb.END_NOTICE, pb.OBLIGATION_NOTICE)]

        self.c.set_clock("2026-03-02T12:00:00Z")  # a later receipt would bear another time
        self.sessions.pop(ORIGIN).cut()
        type(self).stores[ORIGIN] = Store(self.c.dir / ORIGIN / "new-store")
        anew = self.at(ORIGIN)
        self.assertTrue(anew.welcome.quarantined)
        for message, kind in ((case.filed, pb.CASE_FILE), (booking, pb.ABN)):
            again, = self.received(ORIGIN, kind, case)
            self.assertEqual((again.id, again.body), (message.id, message.body))
        self.wait(lambda: self.states(case.filed, booking) == [3, 3], "the hub knows")
        self.assertEqual([self.evidence(m) for m in (case.filed, booking)], before)
        self.assertEqual([len(self.notices(office, kind, case)) for office in (HOST, ORIGIN)
                          for kind in (pb.END_NOTICE, pb.OBLIGATION_NOTICE)], told)
        self.assertEqual([self.log(pb.LOG_RECEIPTED, m) for m in (case.filed, booking)], [1, 1])
        self.assertEqual([self.log(pb.LOG_CLAIMED, m) for m in (case.filed, booking)], [1, 1])
        self.sends_nothing_yet(anew, case, booking)

    def sends_nothing_yet(self, anew, case, booking):
        """While the hub brings a store up to date, what that store sends may be old."""
        answer = anew.sealed(pb.ABN_CONFIRM, HOST, case.handle, in_reply_to=booking.id)
        messages = anew.agent.sign(answer)
        self.assertEqual(anew.codes(messages), ["STORE_REGRESSED"])
        self.assertEqual(self.states(*messages), [])
        self.sessions.pop(ORIGIN).cut()
        self.assertFalse(self.at(ORIGIN).welcome.quarantined)
        self.assertEqual(self.at(ORIGIN).codes(messages), ["OK"])

    def booked(self, count):
        """A case with bookings whose deliveries the origin has on disk, not yet receipted."""
        self.at(ORIGIN)
        case = self.case()
        self.delivered(case.filed)
        self.at(ORIGIN).receipting = False
        return case, [self.at(HOST).send_one(pb.ABN, ORIGIN, case.handle, consent_id=case.consent)
                      for _ in range(count)]

    def test_an_answer_before_the_receipt_meets_the_duty(self):
        case, (booking,) = self.booked(1)
        held, = self.received(ORIGIN, pb.ABN, case)
        self.assertEqual(self.duties(case, ABN_CONFIRM_DUTY), {})
        self.at(ORIGIN).send_one(pb.ABN_CONFIRM, HOST, case.handle, in_reply_to=booking.id)
        self.at(ORIGIN).receipt_held(held)
        self.delivered(booking)
        self.assertEqual(self.duty(case, ABN_CONFIRM_DUTY, booking), "MET")

    def test_an_answer_and_the_receipt_in_one_breath(self):
        case, (booking,) = self.booked(1)
        held, = self.received(ORIGIN, pb.ABN, case)
        origin = self.at(ORIGIN)
        answer, = origin.agent.sign(origin.sealed(pb.ABN_CONFIRM, HOST, case.handle, in_reply_to=booking.id))
        n = origin.submit(answer)
        origin.receipt_held(held)
        self.assertTrue(origin.result(n).HasField("receipt"))
        self.delivered(booking)
        self.assertEqual(self.duty(case, ABN_CONFIRM_DUTY, booking), "MET")

    def test_the_answer_to_one_booking_does_not_meet_the_next(self):
        case, (first, second) = self.booked(2)
        origin = self.at(ORIGIN)
        origin.receipt_held(self.received(ORIGIN, pb.ABN, case)[0])
        self.delivered(first)
        origin.send_one(pb.ABN_CONFIRM, HOST, case.handle, in_reply_to=first.id)
        origin.receipt_held(self.received(ORIGIN, pb.ABN, case, 2)[1])
        self.delivered(second)
        self.assertEqual(self.duty(case, ABN_CONFIRM_DUTY, first), "MET")
        self.assertEqual(self.duty(case, ABN_CONFIRM_DUTY, second), "OPEN")


if __name__ == "__main__":
    unittest.main()
