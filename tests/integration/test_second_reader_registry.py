"""Time and cards, as a second reader broke them once: a clock that leaps over
months while messages come, a suspended office, a card list older than the
suspension."""

import unittest

from harness import wait_for
from protocol_bytes import pb
from protocol_client import DAY
from wire_offices import HOST, ORIGIN, Case, WireTest, text


class Months(WireTest):
    """The list of cards is good for a year here: nothing but time passes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.c.identity.publish("--days", "400")
        cls.c.import_cards()

    def leap(self, days):
        """Forward, into another month."""
        self.c.set_clock(text(self.c.now() + days * DAY))

    def registrations(self, count):
        """Signed now, good for long: nothing is computed while time leaps."""
        agent, cases = self.at(HOST).agent, [Case() for _ in range(count)]
        return agent.sign(*(agent.record(pb.REGISTRATION, case.registration(), case.handle,
                                         expires_at=self.c.now() + 300 * DAY) for case in cases))

    def test_the_clock_leaps_over_months_while_messages_come(self):
        host = self.at(HOST)
        for days in (70, 35, 62):
            before, after = self.registrations(20), self.registrations(40)
            numbers = [host.submit(message) for message in before]
            self.leap(days)
            numbers += [host.submit(message) for message in after]
            self.assertEqual([n for n in numbers if host.result(n).HasField("refusal")], [], f"{days} days on")
            self.others_go_on()

    def test_a_row_where_a_month_should_be_stops_nothing(self):
        """As a leap may leave one: two months on, where no partition stands yet."""
        self.case("registered")
        self.c.query("INSERT INTO corridor.message SELECT message_id, %s, sender, recipient, compartment, handle,"
                     " case_handle, type, purpose, categories, basis, consent_id, expires_at, late, header_hash,"
                     " header, signature, cover, body FROM corridor.message LIMIT 1", self.c.now() + 63 * DAY)
        self.assertEqual(self.c.query("SELECT count(*) FROM corridor.message_other"), [(1,)])
        self.leap(64)
        self.others_go_on()
        self.c.restart_core()
        for party in self.sessions.values():
            party.reconnect()
        self.others_go_on()


class Suspended(WireTest):
    def tearDown(self):
        """In the end the CA has lifted it."""
        self.others_go_on()

    def standing(self, office):
        """Whether the hub holds it for suspended."""
        return self.c.query("SELECT suspended_at IS NULL FROM corridor.office WHERE id = %s", office)[0][0]

    def suspend(self, office):
        """A minute on, so that what was signed before is older."""
        self.c.set_clock(text(self.c.now() + 60000))
        self.c.suspend(office)
        self.assertFalse(self.standing(office))

    def test_hears_from_the_hub_while_its_mail_waits(self):
        case = self.case("consented")
        self.at(ORIGIN)
        first = self.delivered(self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent))
        other = self.case("consented")
        self.sessions.pop(ORIGIN).cut()
        waits = self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, other.handle, consent_id=other.consent)
        self.suspend(ORIGIN)
        self.at(HOST).withdraw(case.handle)
        notice, = self.received(ORIGIN, pb.WITHDRAWAL_NOTICE, case)
        self.assertEqual(list(pb.WithdrawalNotice.FromString(notice.body).message_ids), [first.id])
        self.wait(lambda: self.states(notice) == [3], "the notice is receipted")
        self.assertEqual(self.states(waits), [1])
        self.assertNotIn(waits.id, [m.id for m in self.at(ORIGIN).deliveries])
        self.c.publish()
        self.delivered(waits)

    def test_an_older_list_does_not_lift_it(self):
        self.c.identity.publish()  # signed now, imported after the suspension
        self.suspend(HOST)
        self.c.import_cards()
        self.assertFalse(self.standing(HOST))
        self.at(HOST)
        case = Case()
        self.assertEqual(self.at(HOST).record_code(pb.REGISTRATION, case.registration(), case.handle),
                         "CARD_SUSPENDED")
        self.c.publish()
        wait_for(lambda: self.at(HOST).record_code(pb.REGISTRATION, case.registration(), case.handle) == "OK",
                 10, "the newer list is in force")


if __name__ == "__main__":
    unittest.main()
