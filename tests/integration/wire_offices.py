"""Every office of a cluster played from Python, so that a test says exactly what
reaches the hub and when: receipts held back, one batch, an answer before the
receipt of what it answers. No agent of ours stands between.

    class Late(WireTest):
        def test_two_bookings(self):
            case = self.case("filed")
            self.at(HOST).send_one(pb.ABN, ORIGIN, case.handle, consent_id=case.consent)
            self.received(ORIGIN, pb.ABN, case)

Sealed bodies are random bytes: the hub never opens one, nor does anybody here.
"""

import hashlib
import os
import time
from datetime import datetime, timezone
from types import SimpleNamespace

import harness
import hub_notices
import people
import protocol_client as client
from harness import wait_for
from protocol_bytes import (CODE_SYMBOLS, CODES, REFERENCE_SYMBOLS, canonical, checked, header_hash, pb,
                            person_hashes, sha256, sign_batch, uuid7)
from protocol_client import DAY, VERSION, Agent, Session, Store

HOST, ORIGIN, KINDIA, LABE = people.HOST, people.ORIGIN, people.KINDIA, people.LABE
SECOND, TRANSIT, PARTNER = "gn-labe-mission", "bj-cotonou", "ne-partner"
UNHCR, AGENCY = "ne-unhcr", "ne-un-agency"
MISSION = [pb.OPERATIONS, pb.CASEWORK, pb.HEALTH]
PARTIES = {HOST: (pb.ROLE_HOST_MISSION, "NE", MISSION), ORIGIN: (pb.ROLE_ORIGIN_MISSION, "GN", MISSION),
           SECOND: (pb.ROLE_ORIGIN_MISSION, "GN", MISSION), TRANSIT: (pb.ROLE_TRANSIT_MISSION, "NE", MISSION),
           PARTNER: (pb.ROLE_PARTNER, "NE", MISSION), KINDIA: (pb.ROLE_SERVICE_PROVIDER, "GN", [pb.CASEWORK]),
           LABE: (pb.ROLE_SERVICE_PROVIDER, "GN", [pb.CASEWORK]),
           UNHCR: (pb.ROLE_UN_AGENCY, "NE", [pb.CASEWORK]), AGENCY: (pb.ROLE_UN_AGENCY, "NE", [pb.CASEWORK])}
ABN_CONFIRM_DUTY, DEPARTURE_DUTY, ARRIVAL_DUTY, REFERRAL_DUTY, ERASURE_DUTY = 2, 3, 4, 5, 6
SUSPENSION_DUTY, DATA_DUTY = 7, 8

# What the header of a type says besides its parties, its handle and its times.
IN_OPERATIONS = dict(compartment=pb.OPERATIONS, purpose=pb.TRAVEL_ARRANGEMENT, categories=[pb.OPERATIONAL])
IN_CASEWORK = dict(compartment=pb.CASEWORK, purpose=pb.REINTEGRATION, categories=[pb.OPERATIONAL])
PERSONAL = dict(basis=pb.CONSENT, categories=[pb.OPERATIONAL, pb.BIODATA, pb.TRAVEL])
SHAPES = {
    pb.CASE_FILE: {**IN_CASEWORK, **PERSONAL, "purpose": pb.RETURN_PREPARATION},
    pb.ABN: {**IN_OPERATIONS, **PERSONAL, "event_at": people.at(people.DEPARTS), "safeguards_met": True},
    pb.ABN_CONFIRM: {**IN_OPERATIONS, "basis": pb.NO_PERSONAL_DATA, "outcome": pb.YES},
    pb.TICKET_ISSUED: {**IN_OPERATIONS, "basis": pb.CONSENT, "event_at": people.at(people.DEPARTS)},
    pb.DEPARTURE_CONFIRMATION: {**IN_OPERATIONS, "basis": pb.CONSENT, "event_at": people.at(people.DEPARTS),
                                "outcome": pb.YES},
    pb.ARRIVAL_NOTICE: {**IN_OPERATIONS, "purpose": pb.RECEPTION, "basis": pb.NO_PERSONAL_DATA},
    pb.REFERRAL: {**IN_CASEWORK, "basis": pb.NO_PERSONAL_DATA, "event_at": people.at(people.ANSWER_BY)},
    pb.REFERRAL_ACK: {**IN_CASEWORK, "basis": pb.NO_PERSONAL_DATA},
    pb.REFERRAL_HANDOVER: {**IN_CASEWORK, "basis": pb.CONSENT, "categories": [pb.BIODATA, pb.CONTACT, pb.EDUCATION]},
}


def text(moment):
    """Milliseconds as people write them, in whole seconds."""
    return datetime.fromtimestamp(moment // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Programme(harness.Cluster):
    """A hub, and offices of PARTIES with keys of their own."""

    def __init__(self, names, **more):
        super().__init__(**more)
        self.names, self.offices, self.agreements, self.parties = names, {}, [], {}
        self.ahead = None  # of the monotonic clock, once it was asked: asking takes a process

    def prepare(self):
        super().prepare()
        for name in self.names:
            role, country, compartments = PARTIES[name]
            self.parties[name] = client.Office(name, self.dir / name, compartments)
            request = self.dir / f"{name}.request"
            request.write_bytes(self.parties[name].card_request(role, country, f"Office {name}"))
            self.identity.ca("sign", request)
        self.identity.ca("agreement", self.identity.write("agreement.json", self.agreement(offices=list(self.names))))
        self.publish()

    def start(self):
        super().start()
        self.core_seen(1)

    def restart_core(self):
        """The door cuts everyone when it sees the new one."""
        seen = self.processes["door"].text().count("event=core-up")
        self.restart("core")
        self.core_seen(seen + 1)

    def core_seen(self, times):
        def open_for_all():
            told = self.processes["door"].text()
            return told.count("event=core-up") == times and "event=listening" in told
        wait_for(open_for_all, 30, "the door has its core")

    def set_clock(self, moment):
        super().set_clock(moment)
        self.ahead = None

    def now(self):
        monotonic = time.monotonic_ns() // 1000000
        if self.ahead is None:
            self.ahead = super().now() - monotonic
        return self.ahead + monotonic

    def suspend(self, office):
        """By the hub itself, at once."""
        self.must(self.run([self.program("corridor-broker"), "suspend", office, "--db", self.database.conninfo(),
                            "--demo-clock", self.identity.clock]))

    def import_cards(self):
        self.must(self.run([self.program("corridor-broker"), "cards", "import", self.identity.cardlist, "--db",
                            self.database.conninfo(), "--ca", self.identity.ca_crt, "--demo-clock",
                            self.identity.clock]))


class Trusting(Agent):
    """Takes what the hub says unverified, and is quick: test_interop.py verifies."""

    def __init__(self, office, store, signed_cards, clock):
        self.office, self.store, self.clock = office, store, clock
        self.take_cards(signed_cards)

    def take_cards(self, signed):
        self.cards = SimpleNamespace(list=pb.CardList.FromString(pb.SignedContent.FromString(signed).content))

    def check(self, message):
        pass

    def check_admission(self, message, signed):
        return pb.AdmissionReceipt.FromString(signed.content)


class Party(Session):
    """One office and its session."""

    def __init__(self, cluster, name, store):
        agent = Trusting(cluster.parties[name], store, cluster.identity.cardlist.read_bytes(), cluster.now)
        super().__init__(agent, f"tcp://{cluster.address('door')}", cluster.hub_key().encode())
        self.name, self.now = name, cluster.now

    def pump(self):
        """Hears all that has come."""
        while self.socket.poll(0):
            self.hear()

    def sealed(self, kind, recipient, handle, size=1024, **fields):
        """(header, body) of a message for another office."""
        now, body = self.now(), os.urandom(size)
        header = pb.Header(version=VERSION, message_id=uuid7(now), sender=self.name, recipient=recipient,
                           handle=handle, type=kind, sent_at=now, expires_at=now + 14 * DAY, table_version=1,
                           **{**SHAPES[kind], **fields})
        header.body_size, header.body_sha256 = len(body), sha256(body)
        return header, body

    def send_one(self, kind, recipient, handle, **fields):
        """One message, admitted."""
        message, = self.agent.sign(self.sealed(kind, recipient, handle, **fields))
        self.send(message)
        return message

    def record_one(self, kind, content, handle, **fields):
        """One record for the hub, admitted."""
        message, = self.agent.sign(self.agent.record(kind, content, handle, **fields))
        self.send(message)
        return message

    def codes(self, messages):
        """Submits all before it reads an answer: the code of each, or "OK"."""
        numbers = [self.submit(message) for message in messages]
        results = [self.result(n) for n in numbers]
        return [CODES[r.refusal.code] if r.HasField("refusal") else "OK" for r in results]

    def record_code(self, kind, content, handle, **fields):
        return self.codes(self.agent.sign(self.agent.record(kind, content, handle, **fields)))[0]

    def withdraw(self, case, **fields):
        """Without code, unless fields say otherwise. The hub's reply is always the same."""
        return self.record_one(pb.CONSENT_WITHDRAWAL, pb.ConsentWithdrawal(
            **{**dict(extent=pb.ALL_CONSENT, withdrawn_at=self.now()), **fields}), case)

    def without_code(self, case, **fields):
        """A person's word, brought with the reference alone."""
        return self.withdraw(os.urandom(16), **{"reference_hash": case.hashes()["reference_hash"], **fields})

    def offer(self, recipient, case, rank=1, need=None, handle=None, categories=(pb.BIODATA, pb.CONTACT, pb.EDUCATION)):
        """A signed offer with its cover, not yet sent."""
        header, body = self.sealed(pb.REFERRAL, recipient, handle or os.urandom(16))
        message, = self.agent.sign((header, body))
        cover = canonical(pb.Cover(
            header_hash=header_hash(message.envelope.header), case_handle=case.handle, consent_id=case.consent,
            referral_id=need or os.urandom(16), rank=rank, categories=categories))
        message.envelope.cover = cover
        message.envelope.cover_signature.CopyFrom(
            sign_batch(self.agent.office.key(), "corridor/v1/cover", self.name, 0, [cover])[0])
        return message

    def receipt_held(self, message):
        """Says now what was held back while receipting was False."""
        _, receipt = self.agent.store.receipt(message.header)
        self.say(client.RECEIPTS, pb.Receipts(receipts=[pb.SignedContent.FromString(receipt)]))


def scope(purpose, categories, **to):
    code = pb.REFERRAL_SHARING if purpose == pb.REINTEGRATION else pb.RETURN_AND_DATA
    return pb.ConsentScope(scope=code, purpose=purpose, categories=categories, **to)


class Case:
    """A case of the host mission: what was chosen for it at random."""

    def __init__(self):
        self.handle, self.consent = os.urandom(16), os.urandom(16)
        self.reference, self.code = (checked([byte % 32 for byte in os.urandom(n)])
                                     for n in (REFERENCE_SYMBOLS, CODE_SYMBOLS))

    def hashes(self):
        return person_hashes(self.reference, self.code)

    def registration(self, **change):
        return pb.Registration(**{**dict(programme="JI", return_type=pb.AVRR, origin_office=ORIGIN,
                                         declared_on=people.at(people.BEGIN) // DAY, **self.hashes()), **change})

    def consent_record(self, **change):
        personal = PERSONAL["categories"]
        return pb.ConsentRecord(**{**dict(
            consent_id=self.consent, version=1, valid_from=people.at("2026-03-02T00:00:00Z"),
            valid_until=people.at("2027-04-01T00:00:00Z"), evidence_sha256=hashlib.sha256(b"a scanned form").digest(),
            scopes=[*(scope(purpose, personal, recipient_office=office)
                      for purpose in (pb.RETURN_PREPARATION, pb.TRAVEL_ARRANGEMENT) for office in (ORIGIN, SECOND)),
                    scope(pb.REINTEGRATION, [pb.OPERATIONAL, pb.BIODATA, pb.CONTACT, pb.EDUCATION],
                          recipient_role=pb.ROLE_SERVICE_PROVIDER)]), **change})


class WireTest(harness.ClusterTest):
    """One Programme per class, in self.c. Sessions open when first asked for and
    end with the test; the stores stay."""

    parties = (HOST, ORIGIN)

    @classmethod
    def setUpClass(cls):
        cls.c, cls.failures, cls.stores = Programme(cls.parties, **cls.cluster), 0, {}
        cls.c.__enter__()

    def setUp(self):
        self.sessions = {}

    def store(self, office):
        return self.stores.setdefault(office, Store(self.c.dir / office / "store"))

    def at(self, office):
        if office not in self.sessions:
            self.sessions[office] = party = Party(self.c, office, self.store(office))
            self.addCleanup(party.__exit__)
            party.reconnect()
        return self.sessions[office]

    def wait(self, condition, what, seconds=20):
        """Lets every open session hear until the condition holds."""
        def heard():
            for party in list(self.sessions.values()):
                party.pump()
            return condition()
        return wait_for(heard, seconds, what)

    # --- cases ---

    def case(self, until="filed"):
        return self.cases(1, until)[0]

    def cases(self, count, until="filed"):
        """New cases, each step one batch: registered, consented, filed."""
        host, cases = self.at(HOST), [Case() for _ in range(count)]
        steps = {"registered": lambda k: host.agent.record(pb.REGISTRATION, k.registration(), k.handle),
                 "consented": lambda k: host.agent.record(pb.CONSENT_RECORD, k.consent_record(), k.handle),
                 "filed": lambda k: host.sealed(pb.CASE_FILE, ORIGIN, k.handle, consent_id=k.consent)}
        for name, step in steps.items():
            messages = host.agent.sign(*map(step, cases))
            self.assertEqual(set(host.codes(messages)), {"OK"}, name)
            for case, message in zip(cases, messages):
                setattr(case, name, message)
            if name == until:
                return cases

    def delivered(self, message):
        """At its recipient, by the hub's own book."""
        self.wait(lambda: self.states(message) == [3], "it is delivered")
        return message

    def received(self, office, kind, case, count=1):
        """The office's messages of a kind on the case's handle."""
        def found():
            mine = [m for m in self.at(office).deliveries if (m.header.type, m.header.handle) == (kind, case.handle)]
            return mine if len(mine) >= count else None
        return self.wait(found, f"{office} holds {count} of type {kind}")

    # --- the hub's books ---

    def states(self, *messages):
        """Of their deliveries, in order of sequence."""
        return [state for state, in self.c.query(
            "SELECT state FROM corridor.delivery WHERE message_id = ANY(%s) ORDER BY sequence",
            [m.id for m in messages])]

    def duties(self, case, kind):
        """{message that opened it: (state, responsible, counterpart)}"""
        return {bytes(message): (pb.ObligationState.Name(state), who, other)
                for message, state, who, other in self.c.query(
                    "SELECT message_id, state, responsible, counterpart FROM corridor.obligation"
                    " WHERE case_handle = %s AND kind = %s", case.handle, kind)}

    def duty(self, case, kind, message):
        return self.duties(case, kind).get(message.id, (None,))[0]

    def notices(self, office, kind, case):
        """Bodies of the hub's notices to an office about a handle."""
        return [body for recipient, handle, body in hub_notices.told(self.c.query, kind)
                if (recipient, handle) == (office, case.handle)]

    def log(self, kind, message):
        """How many log records of a kind name the message."""
        records = [pb.LogRecord.FromString(bytes(raw))
                   for raw, in self.c.query("SELECT record FROM corridor.log_record")]
        return sum((r.kind, r.message_id) == (kind, message.id) for r in records)

    def others_go_on(self):
        """A new case, from its registration to the delivery of its file."""
        self.at(ORIGIN)
        self.delivered(self.case().filed)
