"""What broker/model/claim.pml takes for granted of the real thing: admission and claim
wait for the case's lock and read the consent only when they have it; a withdrawal
lists its recipients only when it has its own. Another connection holds the case
until the hub is seen to wait for it.

The hub says itself at which isolation it works: it must not be led to an earlier
snapshot by what an administrator has set for the database."""

import contextlib
import unittest

from protocol_bytes import CODES, pb
from wire_offices import HOST, ORIGIN, WireTest

CLAIMED, STOPPED = 2, 4  # delivery.state


class CaseLock(WireTest):
    @contextlib.contextmanager
    def holding(self, case, lock):
        """The case's row, in a transaction that commits at the end."""
        db = self.c.db()
        self.addCleanup(db.close)
        with db.cursor() as cursor:
            cursor.execute(f"BEGIN; SELECT FROM corridor.avrr_case WHERE handle = %s FOR {lock}", (case.handle,))
            yield cursor
            cursor.execute("COMMIT")

    def hub_waits(self):
        self.wait(lambda: self.c.query("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                       " AND application_name = 'corridor-core'"), "the hub waits for the case")

    def withdraw_in(self, cursor, case):
        cursor.execute("UPDATE corridor.consent SET withdrawn_at = %s WHERE consent_id = %s",
                       (self.c.now(), case.consent))

    def test_admission_reads_the_consent_under_the_lock(self):
        case = self.case("consented")
        host = self.at(HOST)
        message, = host.agent.sign(host.sealed(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent))
        with self.holding(case, "UPDATE") as cursor:
            number = host.submit(message)
            self.hub_waits()
            self.withdraw_in(cursor, case)
        self.assertEqual(CODES[host.result(number).refusal.code], "CONSENT_WITHDRAWN")
        self.assertEqual(self.states(message), [])

    def test_claim_reads_the_consent_under_the_lock(self):
        case = self.case()
        with self.holding(case, "UPDATE") as cursor:
            self.at(ORIGIN)
            self.hub_waits()
            self.withdraw_in(cursor, case)
        self.wait(lambda: self.states(case.filed) == [STOPPED], "it is stopped")
        self.at(ORIGIN).ping(1)
        self.assertNotIn(case.filed.id, [m.id for m in self.at(ORIGIN).deliveries])

    def test_withdrawal_lists_its_recipients_under_the_lock(self):
        case = self.case()
        host = self.at(HOST)
        withdrawal, = host.agent.sign(host.agent.record(pb.CONSENT_WITHDRAWAL, pb.ConsentWithdrawal(
            extent=pb.ONE_CONSENT, consent_id=case.consent, withdrawn_at=self.c.now()), case.handle))
        with self.holding(case, "SHARE") as cursor:  # as another broker claims
            number = host.submit(withdrawal)
            self.hub_waits()
            cursor.execute("UPDATE corridor.delivery SET state = %s, claims = 1, lease_until = %s,"
                           " lease_broker = 'another', first_claimed_at = %s WHERE message_id = %s",
                           (CLAIMED, self.c.now() + 60_000, self.c.now(), case.filed.id))
        self.assertFalse(host.result(number).HasField("refusal"))
        notice, = self.notices(ORIGIN, pb.WITHDRAWAL_NOTICE, case)
        self.assertEqual(list(notice.message_ids), [case.filed.id])


class AtAnotherIsolation(CaseLock):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.c.query("ALTER DATABASE corridor SET default_transaction_isolation = 'repeatable read'")
        cls.c.restart_core()


if __name__ == "__main__":
    unittest.main()
