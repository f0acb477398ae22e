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
import protocol_wire as wire
from harness import Office, wait_for
from protocol_bytes import (CODE_SYMBOLS, REFERENCE_SYMBOLS, Wrong, canonical, checked, decode, header_hash, pb,
                            person_hashes, sign_batch, verify)
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
        self.reference, self.code = (checked([byte % 32 for byte in os.urandom(n)])
                                     for n in (REFERENCE_SYMBOLS, CODE_SYMBOLS))

    def registration(self):
        return self.agent.record(pb.REGISTRATION, pb.Registration(
            programme="JI", return_type=pb.AVRR, origin_office=ORIGIN, declared_on=people.at(people.BEGIN) // DAY,
            **person_hashes(self.reference, self.code)), self.handle)

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

    def code(self, message):
        with self.assertRaises(Wrong) as caught:
            self.session.send(message)
        return caught.exception.code

    def refused(self, message, code):
        self.assertEqual(self.code(message), code)

    def inbox(self, case):
        """At Conakry; empty while it does not know the case."""
        answer = self.c.corridor(ORIGIN, "inbox", "--case", case.handle.hex()).json
        return (answer or {}).get("messages", [])

    def case(self, until="case_file"):
        case = Case(self.agent)
        for step in ("registration", "consent_record", "case_file", "booking"):
            (case.sent,), _ = self.send(getattr(case, step)())
            if step == until:
                return case


class Exchange(InteropTest):
    def test_case_file_to_a_c_agent(self):
        case = self.case()
        message = wait_for(lambda: self.inbox(case), 20, "Conakry holds the case file")[0]
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
        wait_for(lambda: [m for m in self.inbox(case) if m["type"] == "ABN"], 20, "Conakry holds the booking")
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

    def test_reference_and_code_withdraw_from_a_c_agent(self):
        case = self.case()
        self.c.must(self.c.corridor(NEIGHBOUR, "withdraw", case.reference, "--code", case.code))
        refusals = [self.code(*self.agent.sign(composed)) for composed in (case.case_file(), case.consent_record())]
        self.assertTrue(set(refusals) <= {"CASE_WITHDRAWN", "CONSENT_WITHDRAWN"}, refusals)

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


def flipped(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]


class Refusals(InteropTest):
    """The hub refuses with the page's code, the session stays, nothing is kept."""

    def setUp(self):
        super().setUp()
        self.case = Case(self.agent)
        self.header, self.body = self.case.registration()

    def tearDown(self):
        """The session survived, and what was refused is admitted in its right form."""
        self.session.send(*self.agent.sign((self.header, self.body)))
        super().tearDown()

    def signed(self, header, body=None, context=pb.RECORD):
        """A message over any header bytes."""
        signature, = sign_batch(self.agent.office.key(), "corridor/v1/header", PYTHON, context, [header])
        return client.Message(self.header, pb.Envelope(header=header, signature=signature),
                              self.body if body is None else body)

    def changed(self, **fields):
        header = pb.Header()
        header.CopyFrom(self.header)
        for name, value in fields.items():
            setattr(header, name, value)
        return self.signed(header.SerializeToString(deterministic=True))

    def test_header_that_is_not_canonical(self):
        for why, header, code in wire.spoilt(self.header):
            with self.subTest(why):
                self.refused(self.signed(header), code)

    def test_unknown_fields_above_the_highest_are_kept(self):
        later = canonical(self.header) + wire.field(40, b"of a later version")
        receipt = self.session.send(self.signed(later))
        self.assertEqual(receipt.header_hash, header_hash(later))
        self.header, self.body = Case(self.agent).registration()

    def test_one_altered_byte(self):
        whole, = self.agent.sign((self.header, self.body))
        places = [client.Message(self.header, pb.Envelope(
            header=flipped(whole.envelope.header, place), signature=whole.envelope.signature), self.body)
            for place in range(len(whole.envelope.header))]
        self.assertTrue({self.code(message) for message in places} <= {
            "BAD_ENCODING", "BAD_SIGNATURE", "NOT_YOUR_NAME", "UNKNOWN_ENUM", "BAD_INPUT", "BODY_MISMATCH",
            "UNSUPPORTED_VERSION", "MISSING_FIELD", "TOO_LARGE"})
        for place in range(0, len(whole.envelope.signature.ecdsa), 8):
            signature = pb.Signature(size=1, ecdsa=flipped(whole.envelope.signature.ecdsa, place))
            self.refused(client.Message(self.header, pb.Envelope(
                header=whole.envelope.header, signature=signature), self.body), "BAD_SIGNATURE")
        for place in (0, len(self.body) - 1):
            self.refused(client.Message(self.header, whole.envelope, flipped(self.body, place)), "BODY_MISMATCH")
        self.refused(client.Message(self.header, whole.envelope, self.body + b"\0"), "BODY_MISMATCH")

    def test_altered_batch(self):
        batch = self.agent.sign(*(Case(self.agent).registration() for _ in range(3)))
        for name, change in (("size", {"size": 2}), ("index", {"index": 0}), ("size 0", {"size": 0}),
                             ("too large", {"size": 4097}),
                             ("path", {"path": [bytes(32), *batch[1].envelope.signature.path[1:]]}),
                             ("short path", {"path": batch[1].envelope.signature.path[:1]}),
                             ("long path", {"path": [*batch[1].envelope.signature.path, bytes(32)]}),
                             ("short hash", {"path": [bytes(31), *batch[1].envelope.signature.path[1:]]})):
            whole = batch[1].envelope.signature
            parts = {"size": whole.size, "index": whole.index, "path": whole.path, "ecdsa": whole.ecdsa, **change}
            with self.subTest(name):
                self.refused(client.Message(batch[1].header, pb.Envelope(
                    header=batch[1].envelope.header, signature=pb.Signature(**parts)), batch[1].body),
                    "BAD_SIGNATURE")
        for message in batch:
            self.session.send(message)

    def test_batch_across_compartments(self):
        """The context in the signed input is one compartment's: the other's header fails."""
        self.send((self.header, self.body))
        self.send(self.case.consent_record())
        mixed = self.agent.sign(Case(self.agent).registration(), self.case.case_file())
        self.session.send(mixed[0])
        self.refused(mixed[1], "BAD_SIGNATURE")

    def test_signed_for_another_purpose(self):
        header = canonical(self.header)
        for name, domain, signer, context in (("domain", "corridor/v1/cover", PYTHON, pb.RECORD),
                                              ("signer", "corridor/v1/header", ORIGIN, pb.RECORD),
                                              ("context", "corridor/v1/header", PYTHON, 0)):
            with self.subTest(name):
                signature, = sign_batch(self.agent.office.key(), domain, signer, context, [header])
                self.refused(client.Message(self.header, pb.Envelope(header=header, signature=signature),
                                            self.body), "BAD_SIGNATURE")

    def test_another_offices_name(self):
        self.refused(self.changed(sender=ORIGIN), "NOT_YOUR_NAME")
        self.refused(self.changed(sender=NEIGHBOUR), "NOT_YOUR_NAME")

    def test_times(self):
        now = self.c.now()
        self.refused(self.changed(sent_at=now - 2 * DAY, expires_at=now - DAY), "EXPIRED")
        self.refused(self.changed(sent_at=now + 10 * 60000, expires_at=now + DAY), "CLOCK_SKEW")
        self.refused(self.changed(expires_at=self.header.sent_at), "BAD_INPUT")

    def test_header_rules(self):
        for code, fields in (("UNSUPPORTED_VERSION", {"version": 2}), ("BAD_INPUT", {"message_id": bytes(16)}),
                             ("MISSING_FIELD", {"message_id": b""}), ("BAD_INPUT", {"handle": bytes(15)}),
                             ("MISSING_FIELD", {"basis": 0}), ("BAD_INPUT", {"compartment": pb.HEALTH}),
                             ("BAD_INPUT", {"recipient": ORIGIN}), ("BAD_INPUT", {"purpose": pb.RECEPTION}),
                             ("BAD_INPUT", {"event_at": self.header.sent_at}), ("BAD_INPUT", {"outcome": pb.YES}),
                             ("BAD_INPUT", {"consent_id": bytes(16)}), ("TABLE_VERSION", {"table_version": 9}),
                             ("UNKNOWN_ENUM", {"type": 99}), ("UNKNOWN_ENUM", {"purpose": 99})):
            with self.subTest(fields):
                self.refused(self.changed(**fields), code)


class Sessions(InteropTest):
    """What breaks the session's rules is told by BYE with the page's code."""

    def end(self, *say, hello=True, **changes):
        """How a new session ends after what is said: BYE's code, or None when it is only cut."""
        with self.c.session().connect() as session:
            try:
                if hello:
                    session.hello(**changes)
                for frames in say:
                    session.frames(*frames)
                session.until(lambda: False, 10)
            except Ended as bye:
                return bye.code
            except Silence as silence:
                self.assertEqual(str(silence), "cut")
                return None

    def submission(self, n):
        header, body = Case(self.agent).registration()
        message, = self.agent.sign((header, body))
        return [b"\1\3", pb.Submission(n=n, envelope=message.envelope).SerializeToString(), body]

    def test_hello(self):
        for code, changes in (("NOT_YOUR_NAME", {"office": NEIGHBOUR}), ("NOT_YOUR_NAME", {"office": "hub"}),
                              ("UNSUPPORTED_VERSION", {"versions": [2]}), ("UNSUPPORTED_VERSION", {"versions": []}),
                              ("BAD_INPUT", {"store_epoch": bytes(15)}), ("BAD_INPUT", {"window_messages": 0}),
                              ("BAD_INPUT", {"window_bytes": 0})):
            with self.subTest(changes):
                self.assertEqual(self.end(**changes), code)

    def test_no_hello(self):
        for name, frames in (("ping", [b"\1\x08", wire.field(1, 7)]), ("submission", self.submission(1))):
            with self.subTest(name):
                self.assertEqual(self.end(frames, hello=False), "HELLO_EXPECTED")

    def test_wrong_n(self):
        for numbers in ([2], [1, 3], [1, 1], [0]):
            with self.subTest(numbers):
                self.assertEqual(self.end(*map(self.submission, numbers)), "LIMIT_REACHED")

    def test_frames(self):
        for name, frames in (("version", [b"\2\x08", b""]), ("command", [b"\1\x63", b""]),
                             ("the hub's command", [b"\1\2", b""]), ("too few", [b"\1\x08"]),
                             ("too many", [b"\1\x08", b"", b""]), ("no body", self.submission(1)[:2]),
                             ("empty body", [*self.submission(1)[:2], b""]),
                             ("long first frame", [b"\1\x08\0", b""])):
            with self.subTest(name):
                self.assertIn(self.end(frames), ("BAD_FRAMES", None))  # BYE is not promised here

    def test_a_newer_hello_ends_the_older_session(self):
        newer = self.open()
        with self.assertRaises(Ended) as caught:
            self.session.until(lambda: False)
        self.assertEqual((caught.exception.code, caught.exception.retry), ("SESSION_FENCED", True))
        newer.ping(7)

    def test_ping_and_a_hello_of_a_later_version(self):
        self.session.ping(2 ** 63)
        self.session = self.c.session()
        self.addCleanup(self.session.__exit__)
        self.session.connect()
        known = pb.Hello(versions=[1, 2], office=PYTHON, store_epoch=self.agent.store.epoch, table_version=1,
                         store_sequence=self.agent.store.sequence, window_messages=1, window_bytes=1 << 21)
        self.session.frames(b"\1\1", known.SerializeToString() + wire.field(90, b"unheard of"))
        self.session.until(lambda: self.session.welcome)
        self.assertEqual(self.session.welcome.version, 1)

    def test_new_card_list(self):
        number = self.agent.cards.list.number
        self.c.publish()
        self.session.until(lambda: self.agent.cards.list.number == number + 1)

    def test_store_that_went_backwards_is_quarantined(self):
        self.case()
        self.session.receive(pb.END_NOTICE)
        held = self.agent.store.sequence
        wait_for(lambda: self.c.query("SELECT sequence FROM corridor.agent_store WHERE office = %s",
                                      self.agent.office.name)[0][0] == held, 10, "the hub has our receipt")
        with self.c.session().connect() as restored:
            self.assertTrue(restored.hello(store_sequence=self.agent.store.sequence - 1).quarantined)
        self.session = self.open()
        self.assertFalse(self.session.welcome.quarantined)


if __name__ == "__main__":
    unittest.main()
