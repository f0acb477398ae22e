"""Ends and steps at the hub, said message by message: who may declare a message
unreadable and when, whose confirmation unlocks a ticket, and what a departure that
did not happen leads to."""

import unittest

from protocol_bytes import pb
from wire_offices import (ARRIVAL_DUTY, DEPARTURE_DUTY, HOST, KINDIA, LABE, ORIGIN, REFERRAL_DUTY, SECOND,
                          WireTest)

REFUSED, UNREADABLE_STATE = 7, 6


def statement(message, state=pb.CONTENT_REFUSED, reason=15):
    return pb.ContentStatement(message_id=message.id, state=state, reason=reason)


class Statements(WireTest):
    parties = (HOST, ORIGIN, KINDIA, LABE)

    def say(self, office, case, message, **more):
        return self.at(office).record_code(pb.CONTENT_STATEMENT, statement(message, **more), case.handle)

    def ends(self, case, message):
        return [pb.EndState.Name(n.state) for n in self.notices(HOST, pb.END_NOTICE, case)
                if n.message_id == message.id]

    def test_once_and_only_by_its_recipient(self):
        case = self.case()
        self.at(ORIGIN)
        self.delivered(case.filed)
        self.assertEqual(self.say(HOST, case, case.filed), "NO_STANDING")
        self.assertEqual(self.say(KINDIA, case, case.filed), "NO_STANDING")
        other = self.case()
        self.delivered(other.filed)
        self.assertEqual(self.say(ORIGIN, other, case.filed), "NO_STANDING", "by another case's handle")
        self.assertEqual(self.states(case.filed), [3])
        self.assertEqual(self.say(ORIGIN, case, case.filed), "OK")
        self.assertEqual(self.say(ORIGIN, case, case.filed, state=pb.UNREADABLE), "OK")
        self.assertEqual(self.states(case.filed), [REFUSED])
        self.assertEqual(self.ends(case, case.filed), ["DELIVERED", "CONTENT_REFUSED"])
        self.assertEqual(self.log(pb.LOG_CONTENT, case.filed), 1)
        self.others_go_on()

    def test_not_before_its_receipt(self):
        """The receipt was lost: the hub asks to be told again, after the next delivery."""
        case = self.case("consented")
        self.at(ORIGIN).receipting = False
        sent = self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent)
        held, = self.received(ORIGIN, pb.CASE_FILE, case)
        self.assertEqual(self.say(ORIGIN, case, sent), "HUB_UNAVAILABLE")
        self.at(ORIGIN).receipt_held(held)
        self.delivered(sent)
        self.assertEqual(self.say(ORIGIN, case, sent), "OK")
        self.assertEqual(self.states(sent), [REFUSED])

    def test_after_a_withdrawal_it_is_still_heard(self):
        case = self.case()
        self.at(ORIGIN)
        self.delivered(case.filed)
        self.at(HOST).withdraw(case.handle)
        self.assertEqual(self.say(ORIGIN, case, case.filed, state=pb.UNREADABLE), "OK")
        self.assertEqual(self.states(case.filed), [UNREADABLE_STATE])

    def test_of_what_expired_before_its_receipt_came_the_sender_hears_too(self):
        """It had left, so its recipient may hold it; the statement alone says so."""
        case = self.case("consented")
        self.at(ORIGIN).receipting = False
        sent = self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent)
        self.received(ORIGIN, pb.CASE_FILE, case)
        self.c.set_clock("2026-03-20T12:00:00Z")  # past its expiry, and the lease's
        self.wait(lambda: self.ends(case, sent) == ["EXPIRED"], "it expired")
        self.assertEqual(self.say(ORIGIN, case, sent, state=pb.UNREADABLE), "OK")
        self.assertEqual(self.states(sent), [UNREADABLE_STATE])
        self.assertEqual(self.ends(case, sent), ["EXPIRED", "UNREADABLE"])
        self.assertEqual(self.log(pb.LOG_CONTENT, sent), 1)

    def test_nobody_takes_an_id_that_is_anothers(self):
        """Else the end of one's own message would waive what is owed for the other's."""
        case = self.case()
        origin = self.at(ORIGIN)
        self.delivered(case.filed)
        header, body = origin.sealed(pb.ABN_CONFIRM, HOST, case.handle)
        header.message_id = case.filed.id
        self.assertEqual(origin.codes(origin.agent.sign((header, body))), ["CONFLICT"])
        self.assertEqual(self.states(case.filed), [3])

    def test_an_offer_nobody_can_read_goes_to_the_next(self):
        case = self.case()
        need = bytes(range(16))
        first = self.at(HOST).offer(KINDIA, case, need=need)
        second = self.at(HOST).offer(LABE, case, rank=2, need=need)
        self.assertEqual(self.at(HOST).codes([first, second]), ["OK", "OK"])
        self.at(KINDIA)
        self.delivered(first)
        self.assertEqual(self.states(second), [0])
        code = self.at(KINDIA).record_code(pb.CONTENT_STATEMENT, statement(first, pb.UNREADABLE, 55),
                                           first.header.handle)
        self.assertEqual(code, "OK")
        self.at(LABE)
        self.delivered(second)
        self.assertEqual(self.duty(case, REFERRAL_DUTY, first), "WAIVED")
        self.assertEqual(self.duty(case, REFERRAL_DUTY, second), "OPEN")


class Openings(WireTest):
    """Statements that a body was opened: a record, and nothing else happens."""

    parties = (HOST, ORIGIN, KINDIA)

    def say(self, office, case, message_id, early=1000, kind=pb.OPENED, handle=None):
        body = pb.AccessStatement(message_id=message_id, at=self.c.now() - early, kind=kind)
        return self.at(office).record_code(pb.ACCESS_STATEMENT, body, handle or case.handle)

    def rows(self, message):
        return self.c.query("SELECT office, kind FROM corridor.access WHERE message_id = %s ORDER BY leaf_id", message.id)

    def test_each_is_a_row_and_a_record_of_the_office_that_says_so(self):
        case = self.case()
        self.at(ORIGIN)
        self.delivered(case.filed)
        self.assertEqual([self.say(ORIGIN, case, case.filed.id), self.say(ORIGIN, case, case.filed.id),
                          self.say(HOST, case, case.filed.id, kind=pb.RECOVERED_KEY)], ["OK"] * 3)
        self.assertEqual(self.rows(case.filed), [(ORIGIN, pb.OPENED)] * 2 + [(HOST, pb.RECOVERED_KEY)])
        self.assertEqual(self.log(pb.LOG_ACCESSED, case.filed), 3)
        self.assertEqual(self.states(case.filed), [3])
        self.others_go_on()

    def test_of_messages_that_are_not_the_offices(self):
        case, other = self.case(), self.case()
        self.at(ORIGIN)
        self.delivered(case.filed)
        self.delivered(other.filed)
        held = self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent)
        self.delivered(held)
        for office, message_id, handle in ((KINDIA, case.filed.id, None), (ORIGIN, other.filed.id, None),
                                           (ORIGIN, case.filed.id, other.handle), (ORIGIN, bytes(16), None),
                                           (ORIGIN, case.handle, None)):
            with self.subTest(office=office, message=message_id.hex()):
                self.assertEqual(self.say(office, case, message_id, handle=handle), "NO_STANDING")
        self.assertEqual(self.c.query("SELECT count(*) FROM corridor.access WHERE case_handle IN (%s, %s)", case.handle,
                                      other.handle), [(0,)])

    def test_not_before_it_was_released(self):
        """The second waits for the first one's receipt; the first may have been opened already."""
        case = self.case("consented")
        self.at(ORIGIN).receipting = False
        first, second = (self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent)
                         for _ in range(2))
        self.received(ORIGIN, pb.CASE_FILE, case)
        self.assertEqual(self.say(ORIGIN, case, second.id), "NO_STANDING")
        self.assertEqual(self.say(ORIGIN, case, first.id), "OK")
        self.assertEqual(self.say(HOST, case, second.id), "OK")

    def test_a_time_to_come(self):
        """Such a time would spoil every reading of the view."""
        case = self.case()
        self.at(ORIGIN)
        self.delivered(case.filed)
        for early in (-3600000, self.c.now() - (1 << 62), self.c.now() + (1 << 62)):
            with self.subTest(early=early):
                self.assertEqual(self.say(ORIGIN, case, case.filed.id, early=early), "BAD_INPUT")
        self.assertEqual(self.rows(case.filed), [])


class Steps(WireTest):
    parties = (HOST, ORIGIN, SECOND)

    def booked(self, *origins):
        case = self.case()
        for origin in origins:
            self.at(origin)
            self.at(HOST).send_one(pb.ABN, origin, case.handle, consent_id=case.consent)
            self.received(origin, pb.ABN, case)
        return case

    def ticket(self, case, origin):
        message, = self.at(HOST).agent.sign(self.at(HOST).sealed(
            pb.TICKET_ISSUED, origin, case.handle, consent_id=case.consent))
        return self.at(HOST).codes([message])[0]

    def test_each_origin_mission_speaks_for_itself(self):
        case = self.booked(ORIGIN, SECOND)
        self.at(SECOND).send_one(pb.ABN_CONFIRM, HOST, case.handle)
        self.assertEqual(self.ticket(case, ORIGIN), "PRECONDITION_MISSING")
        self.at(ORIGIN).send_one(pb.ABN_CONFIRM, HOST, case.handle, outcome=pb.NO)
        self.assertEqual(self.ticket(case, ORIGIN), "PRECONDITION_MISSING")
        self.assertEqual(self.ticket(case, SECOND), "OK")
        self.at(ORIGIN).send_one(pb.ABN_CONFIRM, HOST, case.handle)
        self.assertEqual(self.ticket(case, ORIGIN), "OK")

    def test_who_did_not_board_is_not_awaited(self):
        case = self.booked(ORIGIN)
        self.at(ORIGIN).send_one(pb.ABN_CONFIRM, HOST, case.handle)
        self.assertEqual(self.ticket(case, ORIGIN), "OK")
        at_home = self.at(HOST).send_one(pb.DEPARTURE_CONFIRMATION, ORIGIN, case.handle, consent_id=case.consent,
                                         outcome=pb.NO, event_at=0)
        self.delivered(at_home)
        self.assertEqual(self.duties(case, ARRIVAL_DUTY), {})
        self.assertEqual([state for state, _, _ in self.duties(case, DEPARTURE_DUTY).values()], ["MET"])
        arrival = self.at(ORIGIN).agent.sign(self.at(ORIGIN).sealed(pb.ARRIVAL_NOTICE, HOST, case.handle))
        self.assertEqual(self.at(ORIGIN).codes(arrival), ["PRECONDITION_MISSING"])
        left = self.at(HOST).send_one(pb.DEPARTURE_CONFIRMATION, ORIGIN, case.handle, consent_id=case.consent)
        self.delivered(left)
        self.assertEqual(self.duty(case, ARRIVAL_DUTY, left), "OPEN")
        self.at(ORIGIN).send_one(pb.ARRIVAL_NOTICE, HOST, case.handle)


if __name__ == "__main__":
    unittest.main()
