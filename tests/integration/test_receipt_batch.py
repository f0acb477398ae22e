"""The receipts of deliveries that come together bear one signature, and stand alone.

The hub is the strict peer of agent_alone.py: it verifies each receipt as it
comes, whatever others came with it.
"""

import signal
import unittest
from collections import Counter

import people
import protocol_client as protocol
import agent_alone as agent_link
from harness import wait_for
from protocol_client import pb


class ReceiptBatch(agent_link.AgentTest):
    def arrive_together(self, deliveries):
        """All wait at the agent when it wakes; returns the receipts that come of it."""
        agent, before = self.c.processes[people.HOST], len(self.hub.receipts)
        agent.send(signal.SIGSTOP)
        try:
            for envelope, body, sequence in deliveries:
                self.hub.deliver(envelope, body, sequence)
            wait_for(lambda: not self.hub.outgoing, 10, "sent")
        finally:
            agent.send(signal.SIGCONT)
        last = pb.Header.FromString(deliveries[-1][0].header).message_id
        wait_for(lambda: any(r.message_id == last for r, _ in self.hub.receipts[before:]), 10, "the last receipt")
        return [pb.SignedContent.FromString(data) for _, data in self.hub.receipts[before:]]

    def test_one_signature_for_the_receipts_of_what_came_together(self):
        """Nothing else is under it: not what was rejected, is held already or has another's id."""
        self.meet()
        body, held = b"sealed for Niamey", self.c.envelope()
        self.hub.deliver(held, body, 1)
        _, first = wait_for(lambda: self.hub.receipts[0], 10)
        taken = pb.Header.FromString(held.header).message_id
        for attempt in range(20):  # how many the agent finds at once is the scheduler's to say
            new = [self.c.envelope() for _ in range(8)]
            twin = self.c.envelope(message_id=pb.Header.FromString(new[2].header).message_id, outcome=pb.NO)
            batch = [new[0], held, new[1], self.c.envelope(message_id=taken, outcome=pb.NO), *new[2:5],
                     self.c.envelope(key=self.c.identity.keys("hub") / "signing.key"), new[5], twin, new[2], *new[6:]]
            receipts = self.arrive_together([(e, body, 100 * attempt + i) for i, e in enumerate(batch, 10)])
            self.assertEqual(len(receipts), len(new) + 2)
            self.assertEqual(receipts.pop(1).SerializeToString(), first)
            again = receipts.pop(-3)
            self.assertIn(again, receipts)
            signed = Counter(each.signature.ecdsa for each in receipts)
            for each in receipts:  # each was verified as it came
                self.assertEqual(each.signature.size, signed[each.signature.ecdsa])
            kept = dict(self.c.rows("SELECT message_id, receipt FROM inbox"))
            for each in receipts:
                message = pb.DeliveryReceipt.FromString(each.content).message_id
                self.assertEqual(kept[message], each.SerializeToString())
            if max(signed.values()) > 1:
                return
        self.fail("of eight deliveries at once no two were ever receipted under one signature")


if __name__ == "__main__":
    unittest.main()
