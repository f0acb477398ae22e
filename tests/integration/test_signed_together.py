"""What an office makes in one act is signed together where only the hub reads it, and
tells nobody else that there is more.

A referral is written while the hub is away, so that all of it lies in the outbox
as it will be sent; then the hub comes back. The envelopes are read and verified
with Python's own code for the protocol, not with ours.
"""

import sqlite3
import unittest
import uuid

import harness
import people
import protocol_client as protocol
import stages
from harness import wait_for
from protocol_client import pb

MAMOU = "gn-tvet-mamou"
CANDIDATES = [people.KINDIA, people.LABE, MAMOU]


class SignedTogether(harness.ClusterTest):
    cluster = {"offices": [*harness.standard_offices(), harness.Office(
        MAMOU, "SERVICE_PROVIDER", "GN", "Training centre, Mamou", ["casework"], ("binta", "alpha"))]}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.case = stages.reach(cls.c, "filed")
        except BaseException:
            cls.c.end(failed=True)
            raise
        cls.key = protocol.openssl("pkey", "-in", cls.c.identity.keys(people.HOST) / "signing.key", "-pubout")

    # --- stores ---

    def store(self, office, sql, *values):
        with sqlite3.connect(self.c.dir / office / "store.db") as db:
            return db.execute(sql, values).fetchall()

    def envelope(self, office, box, message_id):
        (data,), = self.store(office, f"SELECT envelope FROM {box} WHERE message_id = ?",
                              uuid.UUID(message_id).bytes)
        return protocol.decode(pb.Envelope, data)

    def verify(self, domain, context, content, signature):
        protocol.verify(self.key, f"corridor/v1/{domain}", people.HOST, context, content, signature)

    # --- acts ---

    def refer(self, candidates, wait=0):
        """The offers as the agent tells of them; with wait 0 the hub has none yet."""
        answer = self.c.must(self.c.corridor(people.HOST, "refer", "-", "--wait", str(wait), input={
            "case": self.case.handle, "candidates": candidates, "offer": people.offer(),
            "categories": ["BIODATA", "CONTACT", "EDUCATION"], "consent": self.case.consent_id}), 0 if wait else 5)
        return answer["offers"]

    def refer_while_the_hub_is_away(self):
        self.c.stop("door")
        offers = self.refer(CANDIDATES)
        self.assertEqual({offer["state"] for offer in offers}, {"queued"})
        return offers, [self.envelope(people.HOST, "outbox", offer["messageId"]) for offer in offers]

    def hub_comes_back(self, offers):
        """Waits until each offer is answered; their states."""
        self.c.start_process("door")
        self.c.wait_ready()

        def states():
            listed = self.c.corridor(people.HOST, "inbox", "--sent").json["messages"]
            now = {m["messageId"]: m["state"] for m in listed}
            found = [now[offer["messageId"]] for offer in offers]
            return found if "queued" not in found else None
        return wait_for(states, 20, "every offer is answered")

    def arrives(self, offer):
        """The envelope as the provider holds it. Its agent has verified it."""
        self.case.received(offer["to"], "Referral", handle=offer["handle"])
        return self.envelope(offer["to"], "inbox", offer["messageId"])

    def declines(self, offer):
        self.c.must(self.c.corridor(offer["to"], "answer", offer["messageId"], "--decline", "FULL"))

    def assert_alone(self, signature):
        self.assertEqual((signature.size, signature.index, list(signature.path)), (1, 0, []))

    # --- tests ---

    def test_covers_share_one_signature_and_no_provider_sees_it(self):
        offers, sent = self.refer_while_the_hub_is_away()
        for place, envelope in enumerate(sent):
            self.verify("header", pb.CASEWORK, envelope.header, envelope.signature)
            self.verify("cover", 0, envelope.cover, envelope.cover_signature)
            self.assertEqual((envelope.cover_signature.size, envelope.cover_signature.index), (3, place))
            self.assert_alone(envelope.signature)
        self.assertEqual(len({envelope.cover_signature.ecdsa for envelope in sent}), 1)
        self.assertEqual(len({envelope.signature.ecdsa for envelope in sent}), 3)
        self.assertNotIn("refused", self.hub_comes_back(offers))
        for offer, envelope in zip(offers, sent):
            held = self.arrives(offer)
            self.assertEqual(held, pb.Envelope(header=envelope.header, signature=envelope.signature))
            self.declines(offer)

    def test_an_altered_member_is_refused_and_the_others_stand(self):
        """Between outbox and hub the second offer is given another rank."""
        offers, sent = self.refer_while_the_hub_is_away()
        self.c.stop(people.HOST)
        cover = pb.Cover.FromString(sent[1].cover)
        cover.rank = 9
        sent[1].cover = protocol.canonical(cover)
        with self.assertRaises(protocol.Wrong):
            self.verify("cover", 0, sent[1].cover, sent[1].cover_signature)
        self.store(people.HOST, "UPDATE outbox SET envelope = ? WHERE message_id = ?",
                   sent[1].SerializeToString(), uuid.UUID(offers[1]["messageId"]).bytes)
        self.c.start_process(people.HOST)
        states = self.hub_comes_back(offers)
        self.assertEqual([state == "refused" for state in states], [False, True, False])
        shown = self.c.must(self.c.corridor(people.HOST, "show", offers[1]["messageId"]))
        self.assertEqual(shown["refusal"], "BAD_SIGNATURE")
        self.arrives(offers[0])
        self.declines(offers[0])
        self.arrives(offers[2])
        self.assertEqual(self.c.corridor(people.LABE, "inbox", "--case", offers[1]["handle"]).error["code"],
                         "NO_SUCH_CASE")

    def test_one_candidate_is_signed_plainly(self):
        (offer,) = self.refer([people.KINDIA], wait=20)
        envelope = self.envelope(people.HOST, "outbox", offer["messageId"])
        self.assert_alone(envelope.signature)
        self.assert_alone(envelope.cover_signature)
        self.arrives(offer)

    def test_parts_of_a_case_file_are_signed_apart(self):
        """Whoever holds one part must not read from it that there is another."""
        parts = [self.envelope(people.HOST, "outbox", part["messageId"]) for part in self.case.sent["CaseFile"]]
        self.assertEqual(len(parts), 2)
        for part in parts:
            header = pb.Header.FromString(part.header)
            self.verify("header", header.compartment, part.header, part.signature)
            self.assert_alone(part.signature)
        self.assertNotEqual(parts[0].signature.ecdsa, parts[1].signature.ecdsa)


if __name__ == "__main__":
    unittest.main()
