"""A key in other hands: what it signed is stopped at the hub however it is dated."""

import unittest

from protocol_bytes import CODES, pb
from wire_offices import HOST, ORIGIN, WireTest, text

MINUTE = 60000


class Compromised(WireTest):
    def send_file(self, case, sent_at):
        host = self.at(HOST)
        header, body = host.sealed(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent)
        header.sent_at = sent_at
        message, = host.agent.sign((header, body))
        host.send(message)
        return message

    def test_backdated_message_of_a_stolen_key_is_stopped_and_an_earlier_one_is_not(self):
        now = self.c.now()
        earlier, later = self.cases(2, "consented")
        files = [self.send_file(earlier, now - 30 * MINUTE)]
        self.c.set_clock("2026-03-02T10:00:00Z")
        files.append(self.send_file(later, now - 30 * MINUTE))
        self.c.identity.ca("revoke", HOST, "--compromised-since", text(now + 30 * MINUTE))
        self.c.publish()
        self.at(ORIGIN)
        self.wait(lambda: self.states(*files) == [3, 4], "one delivered, one stopped")
        codes = self.c.query("SELECT stop_code FROM corridor.delivery WHERE message_id = %s", files[1].id)
        self.assertEqual([CODES[code] for code, in codes], ["CARD_REVOKED"])
        self.assertEqual([m.id for m in self.at(ORIGIN).deliveries if m.header.type == pb.CASE_FILE], [files[0].id])


if __name__ == "__main__":
    unittest.main()
