"""What the hub gives back to a store that went backwards: the office's own erasure
statements, in its own signature, before any body; each once while it is unreceipted,
and only those that the store may lack."""

import unittest

from protocol_bytes import pb
from wire_offices import HOST, ORIGIN, Store, WireTest


class Replay(WireTest):
    def answered(self):
        """A case withdrawn whose file the origin says it erased: (case, statement)."""
        self.at(ORIGIN)
        case = self.case()
        self.delivered(case.filed)
        before = self.store(ORIGIN).sequence
        self.at(HOST).withdraw(case.handle)
        notice, = self.received(ORIGIN, pb.WITHDRAWAL_NOTICE, case)
        statement = self.at(ORIGIN).record_one(pb.ERASURE_STATEMENT, pb.ErasureStatement(
            message_ids=[case.filed.id], ground=pb.ERASED), case.handle, in_reply_to=notice.id)
        self.received(ORIGIN, pb.OBLIGATION_NOTICE, case, 2)
        return case, statement, before

    def back_at(self, sequence, receipting=True):
        self.sessions.pop(ORIGIN).cut()
        type(self).stores[ORIGIN] = store = Store(self.c.dir / ORIGIN / f"store-{len(list(self.c.dir.glob('*/*')))}")
        store.sequence = sequence
        party = self.at(ORIGIN)
        party.receipting = receipting
        self.assertTrue(party.welcome.quarantined)

    def answers(self, case):
        return [body for body in self.notices(ORIGIN, pb.WITHDRAWAL_NOTICE, case) if body.HasField("answer")]

    def test_the_answer_comes_back_in_the_offices_own_signature_and_first(self):
        case, statement, before = self.answered()
        self.assertEqual(self.answers(case), [])
        self.back_at(before)
        self.wait(lambda: any(m.header.type == pb.WITHDRAWAL_NOTICE
                              and pb.WithdrawalNotice.FromString(m.body).HasField("answer")
                              for m in self.at(ORIGIN).deliveries), "the answer is given back")
        answer, = self.answers(case)
        self.assertEqual((answer.answer.header, answer.answer.signature, answer.answer_body),
                         (statement.envelope.header, statement.envelope.signature, statement.body))
        self.assertEqual(answer.answer_due, 0, "nothing is owed for it again")
        self.assertEqual(list(answer.message_ids), [case.filed.id])

    def test_not_twice_while_it_is_unreceipted_and_not_when_the_store_has_it(self):
        case, _, before = self.answered()
        self.delivered(self.case().filed)
        later = self.store(ORIGIN).sequence
        self.delivered(self.case().filed)
        self.back_at(later)  # lacks the last file only, and holds one that came after the statement
        self.assertEqual(self.answers(case), [])
        for receipting in (False, False, True):
            self.back_at(before, receipting)
            self.assertEqual(len(self.answers(case)), 1)


if __name__ == "__main__":
    unittest.main()
