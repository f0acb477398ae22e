"""The agent of the host mission alone, and a hub to talk to.

The hub here is a strict peer written from proto/PROTOCOL.md: a CURVE ROUTER that
believes nothing, checks every frame, and can be told to stay silent. The agent is
the real one; there is no broker and no database.
"""

import sqlite3
import threading
import unittest
from collections import deque

import zmq

import harness
import people
import protocol_client as protocol
from harness import wait_for
from protocol_client import pb

HOST = harness.Office(people.HOST, "HOST_MISSION", "NE", "Mission in Niamey", ["operations", "casework", "health"])
ORIGIN = harness.Office(people.ORIGIN, "ORIGIN_MISSION", "GN", "Mission in Conakry",
                        ["operations", "casework", "health"], ("fatou", "sekou"))
HANDLE = bytes(range(16))


class Hub(threading.Thread):
    """One session at a time. A peer that breaks a rule ends up in faults."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.port = cluster, harness.free_ports(1)[0]
        self.keys = cluster.identity.keys("hub")
        self.outgoing, self.stopped = deque(), threading.Event()
        self.hellos, self.submissions, self.receipts, self.faults, self.byes = [], [], [], [], []
        self.peer, self.expected, self.delivered = None, 1, 0
        self.silent, self.quarantined, self.refuse, self.answered = False, False, {}, {}
        self.forger, self.forgeries = None, []
        self.window, self.skew, self.flood, self.flooded = 8, 0, b"", 0

    @property
    def address(self):
        return f"tcp://127.0.0.1:{self.port}"

    def run(self):
        context = zmq.Context()
        socket = context.socket(zmq.ROUTER)
        socket.linger, socket.curve_server = 0, True
        socket.curve_secretkey = (self.keys / "curve.key").read_text().strip().encode()
        socket.bind(self.address)
        while not self.stopped.is_set():
            while self.outgoing:
                socket.send_multipart(self.outgoing.popleft())
            if self.flood:
                self.send_endless(socket)
            if socket.poll(10):
                self.take(*socket.recv_multipart())
        socket.close()
        context.term()

    def send_endless(self, socket):
        """More and more frames of one message, to a peer that is there; ROUTER drops the rest."""
        frame, self.flood, self.flooded, peer = self.flood, b"", 0, self.peer
        socket.send(peer, zmq.SNDMORE)
        while self.flooded < 256 << 20:
            socket.send(frame, zmq.SNDMORE)
            self.flooded += len(frame)
        socket.send(b"")

    def stop(self):
        self.stopped.set()
        self.join()

    # --- what comes ---

    def take(self, peer, *frames):
        try:
            self.check_frames(frames)
            {protocol.HELLO: self.on_hello, protocol.SEND: self.on_send, protocol.RECEIPTS: self.on_receipts,
             protocol.PING: self.on_ping, protocol.BYE: self.on_bye}[frames[0][1]](peer, *frames[1:])
        except (AssertionError, KeyError, protocol.Wrong) as fault:
            self.faults.append(repr(fault))

    @staticmethod
    def check_frames(frames):
        assert len(frames[0]) == 2 and frames[0][0] == protocol.VERSION, frames[0]
        assert len(frames) == (3 if frames[0][1] == protocol.SEND else 2), len(frames)
        assert len(frames[1]) <= protocol.CONTROL_MAX

    def say(self, command, message, *body):
        self.outgoing.append([self.peer, bytes([protocol.VERSION, command]), message.SerializeToString(), *body])

    def on_hello(self, peer, data):
        hello = pb.Hello.FromString(data)
        assert protocol.VERSION in hello.versions and len(hello.store_epoch) == 16
        assert hello.office == people.HOST and hello.window_messages > 0
        self.peer, self.expected, self.delivered = peer, 1, 0
        self.hellos.append(hello)
        if not self.silent:
            self.welcome()

    def welcome(self):
        self.say(protocol.WELCOME, pb.Welcome(
            version=1, hub="hub", session_epoch=len(self.hellos), hub_time=self.skew or self.cluster.now(), card_list=1,
            table_version=1, window_messages=self.window, window_bytes=1 << 20, quarantined=self.quarantined))

    def on_send(self, peer, data, body):
        assert peer == self.peer, "a SEND without HELLO"
        submission = pb.Submission.FromString(data)
        assert submission.n == self.expected, (submission.n, self.expected)
        self.expected += 1
        envelope = submission.envelope
        header = protocol.decode(pb.Header, envelope.header)
        key = self.cluster.signing_key(people.HOST)
        protocol.verify(key, "corridor/v1/header", header.sender, header.compartment, envelope.header,
                        envelope.signature)
        assert header.body_size == len(body) and header.body_sha256 == protocol.sha256(body)
        self.submissions.append(header)
        if not self.silent:
            self.answer(submission.n, header, envelope)

    def answer(self, n, header, envelope):
        result = pb.Result(n=n, message_id=header.message_id)
        code, retry, times = self.refuse.get(header.type, (0, False, 0))
        if times > 0:
            self.refuse[header.type] = (code, retry, times - 1)
            result.refusal.CopyFrom(pb.Refusal(code=code, retry=retry))
        else:
            result.receipt.CopyFrom(self.forged(header, envelope) or self.answered.setdefault(
                header.message_id, self.receipt(header, envelope, self.keys)))
        self.say(protocol.RESULTS, pb.Results(results=[result], credit=pb.Credit(
            through=n, window_messages=self.window, window_bytes=1 << 20)))

    def forged(self, header, envelope):
        """By somebody else's keys, and not remembered."""
        keys = self.forger
        if keys:
            self.forgeries.append(header)
            return self.receipt(header, envelope, keys)

    def receipt(self, header, envelope, keys):
        content = protocol.canonical(pb.AdmissionReceipt(
            message_id=header.message_id, sender=header.sender, header_hash=protocol.header_hash(envelope.header),
            admitted_at=self.cluster.now(), log_leaf=bytes(32), table_version=1))
        signature = protocol.sign_batch(keys / "signing.key", "corridor/v1/receipt", "hub", 0, [content])[0]
        return pb.SignedContent(content=content, signature=signature)

    def on_receipts(self, peer, data):
        message = pb.Receipts.FromString(data)
        for each in message.receipts:
            receipt = protocol.decode(pb.DeliveryReceipt, each.content)
            protocol.verify(self.cluster.signing_key(people.HOST), "corridor/v1/delivery", people.HOST, 0,
                            each.content, each.signature)
            self.receipts.append((receipt, each.SerializeToString()))

    def on_ping(self, peer, data):
        self.say(protocol.PONG, pb.Pong(n=pb.Ping.FromString(data).n))

    def on_bye(self, peer, data):
        self.byes.append(pb.Bye.FromString(data))

    # --- what goes ---

    def deliver(self, envelope, body, sequence, admitted_at=None):
        self.delivered += 1
        self.say(protocol.DELIVER, pb.Delivery(n=self.delivered, sequence=sequence, envelope=envelope,
                                               admitted_at=admitted_at or self.cluster.now()), body)

    def notice(self, type, message, handle, **change):
        """(envelope, body) of a notice of the hub's own."""
        body, now = protocol.canonical(message), self.cluster.now()
        header = pb.Header(version=1, message_id=protocol.uuid7(now), sender="hub", recipient=people.HOST,
                           compartment=pb.RECORD, handle=handle, type=type, purpose=pb.RECORD_KEEPING,
                           categories=[pb.OPERATIONAL], basis=pb.RECORD_DUTY, sent_at=now, expires_at=now + 86400000,
                           table_version=1, body_size=len(body), body_sha256=protocol.sha256(body), **change)
        data = protocol.canonical(header)
        signature = protocol.sign_batch(self.keys / "signing.key", "corridor/v1/header", "hub", pb.RECORD, [data])[0]
        return pb.Envelope(header=data, signature=signature), body

    def notify(self, type, message, handle, sequence, **change):
        self.deliver(*self.notice(type, message, handle, **change), sequence)

    def delivered_to(self, office, header):
        """The notice that header's recipient has signed for it."""
        content = protocol.canonical(pb.DeliveryReceipt(
            message_id=header.message_id, recipient=office, received_at=self.cluster.now(), sequence=1,
            header_hash=protocol.header_hash(protocol.canonical(header))))
        key = self.cluster.identity.keys(office) / "signing.key"
        signature = protocol.sign_batch(key, "corridor/v1/delivery", office, 0, [content])[0]
        receipt = protocol.canonical(pb.SignedContent(content=content, signature=signature))
        return pb.EndNotice(message_id=header.message_id, state=pb.DELIVERED, at=self.cluster.now(),
                            delivery_receipt=receipt)

    def cut(self):
        """A session end as a restart makes it."""
        self.say(protocol.BYE, pb.Bye(code=63, retry=True))


class AgentAlone(harness.Cluster):
    """The host mission's agent and the programme's keys; no broker."""

    def __init__(self):
        super().__init__(offices=[HOST, ORIGIN])

    def prepare(self):
        self.identity.make([harness.HUB, HOST, ORIGIN], self.began, self.agreements)
        self.hub = Hub(self)
        self.add(people.HOST, "corridor-agent", [], {
            "office_dir": self.identity.keys(people.HOST), "store": self.store(), "socket": self.socket(people.HOST),
            "brokers": self.hub.address, "hub_key": self.hub_key(), "status": self.address(people.HOST),
            "catalogue": harness.SOURCE / "deploy" / "catalogue"}, kind="agent")

    def start(self):
        self.prepare()
        self.start_process(people.HOST)
        wait_for(lambda: self.status(people.HOST), 20, "the agent's socket")

    def end(self, failed=False):
        super().end(failed)
        if self.hub.is_alive():
            self.hub.stop()

    def store(self):
        return self.dir / people.HOST / "store.db"

    def rows(self, sql):
        with sqlite3.connect(f"file:{self.store()}?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()

    def signing_key(self, office):
        """Public half, in PEM."""
        return protocol.openssl("pkey", "-in", self.identity.keys(office) / "signing.key", "-pubout")

    def envelope(self, body=b"sealed for Niamey", key=None, **change):
        """A confirmation from Conakry; the agent keeps it sealed, so any body will do."""
        fields = dict(version=1, message_id=protocol.uuid7(self.now()), sender=people.ORIGIN, recipient=people.HOST,
                      compartment=pb.OPERATIONS, handle=HANDLE, type=pb.ABN_CONFIRM, purpose=pb.TRAVEL_ARRANGEMENT,
                      categories=[pb.OPERATIONAL], basis=pb.NO_PERSONAL_DATA, sent_at=self.now(),
                      expires_at=self.now() + 86400000, table_version=1, outcome=pb.YES, body_size=len(body),
                      body_sha256=protocol.sha256(body))
        header = protocol.canonical(pb.Header(**{**fields, **change}))
        key = key or self.identity.keys(people.ORIGIN) / "signing.key"
        signature = protocol.sign_batch(key, "corridor/v1/header", people.ORIGIN, pb.OPERATIONS, [header])[0]
        return pb.Envelope(header=header, signature=signature)

    def register(self, wait):
        return self.corridor(people.HOST, "case", "new", "--origin", people.ORIGIN, "--programme", "JI",
                             "--return-type", "AVRR", "--declared-on", "2026-03-02", "--wait", str(wait))


class AgentTest(unittest.TestCase):
    def run(self, result=None):
        """Logs are told when a test failed; what the hub saw go wrong fails it."""
        self.result, self.before = result, len(result.errors) + len(result.failures)
        return super().run(result)

    def setUp(self):
        self.c = AgentAlone()
        self.c.__enter__()
        self.hub = self.c.hub

    def tearDown(self):
        failed = len(self.result.errors) + len(self.result.failures) > self.before
        self.c.end(failed)
        self.assertEqual(self.hub.faults, [])

    def meet(self):
        self.hub.start()
        wait_for(lambda: self.c.connected(people.HOST), 40, "connected")

    def state(self, message_id):
        listed = self.c.corridor(people.HOST, "inbox", "--sent").json["messages"]
        return next(m["state"] for m in listed if m["messageId"] == message_id)

    def sent_with_health(self):
        """A case file of two parts, admitted; its headers by compartment."""
        if not self.hub.is_alive():
            self.meet()
        before = len(self.hub.submissions)
        case = self.c.must(self.c.register(wait=20))
        self.c.must(self.c.corridor(people.HOST, "consent", "-", input={
            "case": case["handle"], "consent": people.consent(health=True)}))
        self.metrics = {name: self.metric(name) for name in ("submitted", "admitted", "receipted")}
        reference = case["reference"]
        self.c.must(self.c.corridor(people.HOST, "send", "-", input={
            "type": "CaseFile", "to": people.ORIGIN, "case": case["handle"],
            "body": people.case_file(reference, operations=None, health=people.health(reference))}))
        self.headers = {h.compartment: h for h in self.hub.submissions[before:] if h.type == pb.CASE_FILE}
        self.assertEqual(set(self.headers), {pb.CASEWORK, pb.HEALTH})
        return case

    def metric(self, name):
        return self.c.metric(people.HOST, f"corridor_agent_{name}_total")

    def seen(self, case, user=False):
        """All that lists, counts and metrics tell: types in the inbox, the case's timeline, numbers."""
        listed = self.c.must(self.c.corridor(people.HOST, "inbox", user=user))["messages"]
        events = self.c.must(self.c.corridor(people.HOST, "timeline", case["handle"], user=user))["events"]
        return ([m["type"] for m in listed], [(e["event"], e["type"]) for e in events],
                self.c.status(people.HOST)["inbox"])
