"""Another program, in another language, written from PROTOCOL.md alone, takes an
office's place: protocol_client.py is the mission in Niamey, among C agents and
the real hub. While it works, and while it misbehaves, the neighbour's own
traffic goes on over the session it had."""

import hashlib
import os
import unittest

from google.protobuf.json_format import MessageToDict, ParseDict

import harness
import people
import protocol_client as client
from harness import Office, wait_for
from protocol_bytes import CODES, Wrong, canonical, decode, header_hash, pb, sign_batch, verify
from protocol_client import DAY, Agent, Ended, Session, Silence, Store

PYTHON, ORIGIN, NEIGHBOUR = people.HOST, people.ORIGIN, "ml-bamako"
COMPARTMENTS = [pb.OPERATIONS, pb.CASEWORK, pb.HEALTH]


class Programme(harness.Cluster):
    """C agents in Conakry and Bamako; Niamey's keys, card request and agent are ours."""

    def __init__(self):
        super().__init__(offices=[
            Office(ORIGIN, "ORIGIN_MISSION", "GN", "Mission in Conakry", harness.MISSION, ("fatou", "sekou")),
            Office(NEIGHBOUR, "HOST_MISSION", "ML", "Mission in Bamako", harness.MISSION, ("awa", "issa"))])
        self.niamey = client.Office(PYTHON, self.dir / PYTHON, COMPARTMENTS)

    def prepare(self):
        super().prepare()
        request = self.dir / f"{PYTHON}.request"
        request.write_bytes(self.niamey.card_request(pb.ROLE_HOST_MISSION, "NE", "Mission in Niamey"))
        self.identity.ca("sign", request)
        self.identity.ca("agreement", self.identity.write("agreement.json", self.agreement(
            id="JI-PY", offices=[PYTHON, ORIGIN])))
        self.publish()
        self.agent = Agent(self.niamey, Store(self.dir / PYTHON / "store"), self.identity.ca_crt.read_bytes(),
                           self.identity.cardlist.read_bytes(), self.now)

    def session(self):
        return Session(self.agent, f"tcp://{self.address('door')}", self.hub_key().encode())


class Case:
    """A case in Niamey, from its registration on, each step a composed message."""

    def __init__(self, agent):
        self.agent, self.handle, self.consent = agent, os.urandom(16), os.urandom(16)
        self.reference = f"PY-{self.handle.hex()[:8]}"

    def registration(self, **fields):
        return self.agent.record(pb.REGISTRATION, pb.Registration(
            programme="JI", return_type=pb.AVRR, origin_office=ORIGIN, declared_on=people.at(people.BEGIN) // DAY,
            reference_hash=hashlib.sha256(self.handle).digest(),
            withdrawal_hash=hashlib.sha256(self.consent).digest()), self.handle, **fields)

    def consent_record(self):
        record = ParseDict({k: v for k, v in people.consent().items() if k == "scopes"}, pb.ConsentRecord())
        record.consent_id, record.version = self.consent, 1
        record.valid_from, record.valid_until = people.at("2026-03-02T00:00:00Z"), people.at("2027-04-01T00:00:00Z")
        record.evidence_sha256 = hashlib.sha256(b"a scanned form").digest()
        return self.agent.record(pb.CONSENT_RECORD, record, self.handle)

    def casework(self):
        return ParseDict(people.casework(self.reference), pb.CaseFileCasework())

    def case_file(self, **fields):
        return self.agent.compose(self.casework(), **{**dict(
            type=pb.CASE_FILE, recipient=ORIGIN, compartment=pb.CASEWORK, handle=self.handle,
            purpose=pb.RETURN_PREPARATION, basis=pb.CONSENT, consent_id=self.consent,
            categories=[pb.OPERATIONAL, pb.BIODATA, pb.CONTACT, pb.TRAVEL, pb.FAMILY, pb.ECONOMIC]), **fields})

    def booking(self):
        return self.agent.compose(
            ParseDict(people.abn(self.reference), pb.Abn()), type=pb.ABN, recipient=ORIGIN, handle=self.handle,
            compartment=pb.OPERATIONS, purpose=pb.TRAVEL_ARRANGEMENT, basis=pb.CONSENT, consent_id=self.consent,
            categories=[pb.OPERATIONAL, pb.BIODATA, pb.TRAVEL], event_at=people.at(people.DEPARTS),
            safeguards_met=True)


class InteropTest(harness.ClusterTest):
    @classmethod
    def setUpClass(cls):
        cls.c, cls.failures = Programme(), 0
        cls.c.__enter__()

    def setUp(self):
        self.agent = self.c.agent
        self.session = self.open()
        self.connected = self.c.metric(NEIGHBOUR, "corridor_agent_sessions_total")

    def open(self):
        session = self.c.session()
        self.addCleanup(session.__exit__)
        session.reconnect()
        return session

    def tearDown(self):
        """Whatever was done here: Bamako registers a case, on the session it had."""
        self.c.must(self.c.corridor(NEIGHBOUR, "case", "new", "--origin", ORIGIN, "--programme", "JI",
                                    "--return-type", "AVRR", "--declared-on", "2026-03-02"))
        self.assertEqual(self.c.metric(NEIGHBOUR, "corridor_agent_sessions_total"), self.connected,
                         "the neighbour had to reconnect")

    def send(self, *composed):
        """One batch; every receipt verified."""
        messages = self.agent.sign(*composed)
        numbers = [self.session.submit(message) for message in messages]
        return messages, [self.answer(message, n) for message, n in zip(messages, numbers)]

    def answer(self, message, n):
        result = self.session.result(n)
        self.assertFalse(result.HasField("refusal"), result)
        self.agent.check_admission(message, result.receipt)
        return result

    def refused(self, message, code):
        with self.assertRaises(Wrong) as caught:
            self.session.send(message)
        self.assertEqual(caught.exception.code, code, caught.exception)
        return caught.exception

    def case(self, until="case_file"):
        case = Case(self.agent)
        for step in ("registration", "consent_record", "case_file", "booking"):
            (case.sent,), _ = self.send(getattr(case, step)())
            if step == until:
                return case


class Exchange(InteropTest):
    def test_case_file_to_a_c_agent(self):
        case = self.case()
        message = wait_for(lambda: self.c.corridor(ORIGIN, "inbox", "--case", case.handle.hex()).json["messages"],
                           20, "Conakry holds the case file")[0]
        shown = self.c.must(self.c.corridor(ORIGIN, "show", message["messageId"], user=True))
        self.assertEqual(shown["content"], MessageToDict(case.casework()))
        # The end notice carries Conakry's signed receipt; it verifies with Conakry's card.
        notice = self.agent.open(self.session.receive(pb.END_NOTICE), pb.EndNotice)
        while notice.message_id != case.sent.id:
            notice = self.agent.open(self.session.receive(pb.END_NOTICE), pb.EndNotice)
        self.assertEqual(notice.state, pb.DELIVERED)
        signed = pb.SignedContent.FromString(notice.delivery_receipt)
        verify(self.agent.cards.signing_key(ORIGIN), "corridor/v1/delivery", ORIGIN, 0, signed.content,
               signed.signature)
        receipt = decode(pb.DeliveryReceipt, signed.content)
        self.assertEqual((receipt.message_id, receipt.recipient, receipt.header_hash),
                         (case.sent.id, ORIGIN, header_hash(case.sent.envelope.header)))

    def confirm(self, case):
        """Conakry's C agent confirms the booking."""
        handle = case.handle.hex()
        wait_for(lambda: [m for m in self.c.corridor(ORIGIN, "inbox", "--case", handle).json["messages"]
                          if m["type"] == "ABN"], 20, "Conakry holds the booking")
        body = people.abn_confirm(self.c.now())
        answer = self.c.must(self.c.corridor(ORIGIN, "send", "-", input={
            "type": "AbnConfirm", "to": PYTHON, "case": handle, "body": body}))
        return body, answer["messages"][0]["messageId"]

    def delivered(self, case, message_id):
        events = self.c.must(self.c.corridor(ORIGIN, "timeline", case.handle.hex()))["events"]
        return [e for e in events if e["event"] == "delivered" and e["messageId"] == message_id]

    def test_message_from_a_c_agent(self):
        case = self.case("booking")
        body, message_id = self.confirm(case)
        message = self.session.receive(pb.ABN_CONFIRM)
        opened = self.agent.open(message, pb.AbnConfirm)
        self.assertEqual(opened, ParseDict(body, pb.AbnConfirm()))
        wait_for(lambda: self.delivered(case, message_id), 20, "Conakry knows that it was delivered")

    def test_delivered_again_until_receipted_and_kept_once(self):
        case = self.case("booking")
        self.session.receipting = False
        _, message_id = self.confirm(case)
        first = self.session.receive(pb.ABN_CONFIRM)
        _, kept = self.agent.store.receipt(first.header)
        self.assertEqual(self.delivered(case, message_id), [])
        self.session = self.open()
        again = self.session.receive(pb.ABN_CONFIRM, 60)
        self.assertEqual((again.envelope.header, again.body), (first.envelope.header, first.body))
        self.assertIn(kept, self.session.receipts)
        wait_for(lambda: self.delivered(case, message_id), 20, "Conakry knows that it was delivered")

    def test_batch_of_seven(self):
        cases = [Case(self.agent) for _ in range(7)]
        for step in ("registration", "consent_record", "case_file"):
            with self.subTest(step):
                messages, results = self.send(*(getattr(case, step)() for case in cases))
                self.assertEqual({m.envelope.signature.size for m in messages}, {7})
                self.assertEqual({len(r.receipt.content) > 0 for r in results}, {True})

    def test_same_bytes_same_receipt(self):
        case = Case(self.agent)
        (message,), (first,) = self.send(case.registration())
        again = self.answer(message, self.session.submit(message))
        self.session = self.open()
        after_a_cut = self.answer(message, self.session.submit(message))
        self.assertEqual({r.receipt.SerializeToString() for r in (first, again, after_a_cut)},
                         {first.receipt.SerializeToString()})

    def test_same_id_other_content(self):
        header, body = Case(self.agent).registration()
        self.send((header, body))
        header.sent_at += 1
        self.refused(*self.agent.sign((header, body)), "CONFLICT")

    def test_refused_bytes_are_admitted_later(self):
        case = Case(self.agent)
        self.send(case.registration())
        early, = self.agent.sign(case.case_file())
        self.refused(early, "NO_CONSENT")
        self.send(case.consent_record())
        self.session.send(early)


if __name__ == "__main__":
    unittest.main()
