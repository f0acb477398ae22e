"""An office's agent in Python, written from proto/PROTOCOL.md alone: its keys and
store, its messages, its session with the hub. § numbers are the page's; bytes,
signatures and seals are in protocol_bytes.py. What the agent cannot accept raises
Wrong with the page's code; a BYE raises Ended; a hub that says nothing, Silence.
"""

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import zmq
from zmq.utils import z85

from protocol_bytes import (CODES, REPEATED, Cards, Wrong, canonical, decode, header_hash, open_seal, openssl,
                            pad, pb, seal, sha256, sign_batch, unit, unpad, uuid7, verify)

HELLO, WELCOME, SEND, RESULTS, DELIVER, RECEIPTS, CARDS, PING, PONG, BYE = range(1, 11)
VERSION, TABLE_VERSION = 1, 1
CONTROL_MAX, CARDS_MAX = 65536, 8 << 20
SILENCE_SECONDS, BACKOFF_SECONDS = 30, 30
DAY = 86400 * 1000
NEVER = 2 ** 31 - 1  # milliseconds


class Ended(Exception):
    """BYE."""

    def __init__(self, bye):
        super().__init__(CODES[bye.code])
        self.code, self.retry = CODES[bye.code], bye.retry


class Silence(Exception):
    """Nothing came in time, or the connection was cut."""


# --- an office, its keys and its store ---

class Office:
    """Keys of its own, made with openssl: signing.key and one key per compartment."""

    def __init__(self, name, folder, compartments):
        self.name, self.folder, self.compartments = name, Path(folder), compartments
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.curve_public, self.curve_secret = zmq.curve_keypair()
        for c in [0, *compartments]:
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-out", self.key(c))

    def key(self, compartment=0):
        return self.folder / f"{unit(compartment)}.key"

    def csr(self, compartment=0):
        return openssl("req", "-new", "-sha256", "-key", self.key(compartment), "-outform", "DER",
                       "-subj", f"/CN={self.name}/OU={unit(compartment)}")

    def card_request(self, role, country, name):
        return canonical(pb.CardRequest(
            office=self.name, role=role, country=country, name=name,
            curve_key=z85.decode(self.curve_public), signing_csr=self.csr(),
            sealing_csr=[pb.SealingCert(compartment=c, cert=self.csr(c)) for c in self.compartments]))


@dataclass
class Message:
    """One handover message: header bytes, their message, the body."""
    header: object
    envelope: object
    body: bytes
    sequence: int = 0

    @property
    def id(self):
        return self.header.message_id


class Store:
    """What must outlive the process: the epoch, the highest delivery sequence, and
    for each message (sender, id) its header hash, bytes and signed receipt."""

    def __init__(self, folder):
        self.folder = Path(folder)
        if not self.folder.exists():
            self.folder.mkdir(mode=0o700, parents=True)
            self.write("epoch", os.urandom(16))
            self.write("sequence", b"0")
        self.epoch = (self.folder / "epoch").read_bytes()
        self.sequence = int((self.folder / "sequence").read_bytes())

    def write(self, name, data):
        """Whole or not at all, and on disk when it returns."""
        part = self.folder / f"{name}.part"
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(part, self.folder / name)
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def receipt(self, header):
        """(header hash, SignedContent bytes) of a message held, or None."""
        path = self.folder / f"{header.sender}.{header.message_id.hex()}.receipt"
        if not path.exists():
            return None
        data = path.read_bytes()
        return data[:32], data[32:]

    def keep(self, message, receipt):
        """The body first: a receipt never stands without its message."""
        name = f"{message.header.sender}.{message.id.hex()}"
        self.write(f"{name}.body", message.body)
        self.write(f"{name}.envelope", message.envelope.SerializeToString())
        self.write(f"{name}.receipt", header_hash(message.envelope.header) + receipt)
        self.sequence = max(self.sequence, message.sequence)
        self.write("sequence", str(self.sequence).encode())


# --- its messages ---

class Agent:
    """Composes, checks and opens messages for one office."""

    def __init__(self, office, store, ca, cards, clock):
        """ca: PEM; cards: frame 1 of CARDS as handed over with the address; clock: () -> ms."""
        self.office, self.store, self.ca, self.clock = office, store, ca, clock
        self.cards = Cards(ca, cards, clock())

    def take_cards(self, signed):
        self.cards = Cards(self.ca, signed, self.clock(), held=self.cards.list.number)

    def compose(self, content, **fields):
        """(header, body): seals content unless it is a record. fields: of the header."""
        now = self.clock()
        header = pb.Header(version=VERSION, message_id=uuid7(now), sender=self.office.name, sent_at=now,
                           expires_at=now + 14 * DAY, table_version=TABLE_VERSION)
        header.MergeFrom(pb.Header(**fields))
        body = canonical(content)
        if header.compartment != pb.RECORD:
            sealed = pb.Sealed(content=body, **{name: getattr(header, name) for name in REPEATED})
            body = seal(pad(canonical(sealed)), self.cards.certificate(header.recipient, header.compartment),
                        self.cards.certificate(self.office.name, header.compartment))
        header.body_size, header.body_sha256 = len(body), sha256(body)
        return header, body

    def record(self, kind, content, handle, **fields):
        """A record for the hub itself (§7)."""
        return self.compose(content, type=kind, recipient="hub", compartment=pb.RECORD, handle=handle,
                            purpose=pb.RECORD_KEEPING, basis=pb.RECORD_DUTY, categories=[pb.OPERATIONAL],
                            **fields)

    def sign(self, *composed):
        """Messages with one signature over all of them (§5). They share a compartment."""
        headers = [header if isinstance(header, bytes) else canonical(header) for header, _ in composed]
        context = pb.Header.FromString(headers[0]).compartment
        signatures = sign_batch(self.office.key(), "corridor/v1/header", self.office.name, context,
                                headers)
        return [Message(pb.Header.FromString(header), pb.Envelope(header=header, signature=signature), body)
                for header, signature, (_, body) in zip(headers, signatures, composed)]

    def check(self, message):
        """§4, §5: what a recipient's agent checks before it stores."""
        header = decode(pb.Header, message.envelope.header)
        if header.recipient != self.office.name:
            raise Wrong("NOT_YOUR_NAME", header.recipient)
        if message.envelope.cover:
            raise Wrong("BAD_INPUT", "a cover was delivered")
        verify(self.cards.signing_key(header.sender), "corridor/v1/header", header.sender,
               header.compartment, message.envelope.header, message.envelope.signature)
        if (header.body_size, header.body_sha256) != (len(message.body), sha256(message.body)):
            raise Wrong("BODY_MISMATCH", header.message_id.hex())

    def receipt(self, message):
        """Keeps a checked message and gives its signed receipt; the first one again
        when it is held already."""
        known, digest = self.store.receipt(message.header), header_hash(message.envelope.header)
        if known and known[0] != digest:
            raise Wrong("CONFLICT", f"{message.header.sender} {message.id.hex()}")
        if known:
            return known[1]
        content = canonical(pb.DeliveryReceipt(
            message_id=message.id, recipient=self.office.name, header_hash=digest,
            received_at=self.clock(), sequence=message.sequence))
        signature, = sign_batch(self.office.key(), "corridor/v1/delivery", self.office.name, 0,
                                [content])
        receipt = pb.SignedContent(content=content, signature=signature).SerializeToString()
        self.store.keep(message, receipt)
        return receipt

    def open(self, message, kind):
        """The content of a message, its seal compared with its header (§6)."""
        if message.header.compartment == pb.RECORD:
            return decode(kind, message.body)
        certificate = self.cards.certificate(self.office.name, message.header.compartment)
        key = self.office.key(message.header.compartment)
        sealed = decode(pb.Sealed, unpad(open_seal(message.body, certificate, key)))
        for name in REPEATED:
            if getattr(sealed, name) != getattr(message.header, name):
                raise Wrong("CANNOT_OPEN", f"the seal names another {name}")
        return decode(kind, sealed.content)

    def check_admission(self, message, signed):
        """§5: the hub's receipt for what we sent."""
        receipt = decode(pb.AdmissionReceipt, signed.content)
        verify(self.cards.signing_key("hub"), "corridor/v1/receipt", "hub", 0, signed.content, signed.signature)
        if (receipt.message_id, receipt.sender, receipt.header_hash) != (
                message.id, self.office.name, header_hash(message.envelope.header)):
            raise Wrong("BAD_INPUT", "a receipt for something else")
        return receipt


def unbundled(message):
    """§7: a bundle's notices, each as the message it would have been; else the message."""
    if message.header.type != pb.NOTICE_BUNDLE:
        return [message]
    alone = []
    for notice in decode(pb.NoticeBundle, message.body).notices:
        if notice.type not in (pb.END_NOTICE, pb.OBLIGATION_NOTICE):
            raise Wrong("BAD_INPUT", "not a notice that shares a bundle")
        header = pb.Header()
        header.CopyFrom(message.header)
        header.message_id, header.handle, header.type = notice.notice_id, notice.handle, notice.type
        header.in_reply_to = notice.in_reply_to
        header.body_size, header.body_sha256 = len(notice.body), sha256(notice.body)
        alone.append(Message(header, None, notice.body, message.sequence))
    return alone


# --- §2 and §3: the session ---

class Session:
    """One connection to the hub, from HELLO to BYE."""

    def __init__(self, agent, address, hub_key):
        self.agent, self.address, self.hub_key = agent, address, hub_key
        self.context, self.socket = zmq.Context(), None
        self.receipting = True  # a test may hold receipts back
        self.handlers = {WELCOME: self.on_welcome, RESULTS: self.on_results, DELIVER: self.on_deliver,
                         CARDS: self.on_cards, PING: self.on_ping, PONG: self.on_pong, BYE: self.on_bye}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()
        self.context.term()

    def connect(self):
        """A fresh connection; nothing has been said on it yet."""
        self.cut()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.reconnect_ivl = NEVER  # libzmq's own reconnect would not say HELLO; -1 would lose a BYE
        self.socket.curve_serverkey = self.hub_key
        self.socket.curve_publickey = self.agent.office.curve_public
        self.socket.curve_secretkey = self.agent.office.curve_secret
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.socket.connect(self.address)
        self.welcome, self.n, self.pongs = None, 0, set()
        self.results, self.credit, self.deliveries, self.receipts, self.bundles = {}, None, [], [], []
        return self

    def cut(self):
        if self.socket is not None:
            self.socket.disable_monitor()
            self.monitor.close()
            self.socket.close()
            self.socket = None

    def hello(self, **changes):
        fields = dict(versions=[VERSION], office=self.agent.office.name, software="protocol_client.py",
                      store_epoch=self.agent.store.epoch, store_sequence=self.agent.store.sequence,
                      card_list=self.agent.cards.list.number, table_version=TABLE_VERSION,
                      window_messages=64, window_bytes=16 << 20)
        self.say(HELLO, pb.Hello(**{**fields, **changes}))
        self.until(lambda: self.welcome)
        return self.welcome

    def reconnect(self, attempts=10):
        """§3.5: exponential backoff with full jitter."""
        for attempt in range(attempts):
            try:
                self.connect()
                return self.hello()
            except (Silence, Ended) as error:
                if isinstance(error, Ended) and not error.retry:
                    raise
                longest = min(BACKOFF_SECONDS, 0.1 * 2 ** attempt)
                threading.Event().wait(SystemRandom().uniform(0, longest))
        raise Silence("the hub")

    # what we say

    def say(self, command, message, *body):
        self.frames(bytes([VERSION, command]), message.SerializeToString(), *body)

    def frames(self, *frames):
        self.socket.send_multipart(frames)

    def submit(self, message, n=None):
        """Sends; the result comes under the n it returns."""
        self.until(lambda: self.n < self.answered() + self.window())
        self.n += 1
        n = self.n if n is None else n
        self.say(SEND, pb.Submission(n=n, envelope=message.envelope), message.body)
        return n

    def window(self):
        return (self.credit or self.welcome).window_messages

    def answered(self):
        return self.credit.through if self.credit else 0

    def result(self, n):
        return self.until(lambda: self.results.get(n))

    def send(self, message):
        """The whole way: the hub's verified AdmissionReceipt, or Wrong with its refusal."""
        result = self.result(self.submit(message))
        if result.HasField("refusal"):
            raise Wrong(CODES[result.refusal.code], result.refusal.field)
        return self.agent.check_admission(message, result.receipt)

    def receive(self, kind, seconds=SILENCE_SECONDS):
        """The oldest delivery of a type not yet handed out; checked, stored, receipted."""
        def first():
            return next((m for m in self.deliveries if m.header.type == kind), None)
        message = self.until(first, seconds)
        self.deliveries.remove(message)
        return message

    def ping(self, n):
        self.say(PING, pb.Ping(n=n))
        self.until(lambda: n in self.pongs)

    # what we hear

    def until(self, condition, seconds=SILENCE_SECONDS):
        while not (value := condition()):
            self.hear(seconds)
        return value

    def hear(self, seconds=SILENCE_SECONDS):
        """Takes one command."""
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        poller.register(self.monitor, zmq.POLLIN)
        ready = dict(poller.poll(seconds * 1000))
        if self.socket not in ready and not self.socket.poll(0):  # what came before the cut counts
            raise Silence("cut" if ready else f"{seconds} s")
        first, *rest = self.socket.recv_multipart()
        if len(first) != 2 or first[0] != VERSION or first[1] not in self.handlers:
            raise Wrong("BAD_FRAMES", first.hex())
        if len(rest) != (2 if first[1] == DELIVER else 1):
            raise Wrong("BAD_FRAMES", f"{len(rest) + 1} frames")
        if len(rest[0]) > (CARDS_MAX if first[1] == CARDS else CONTROL_MAX):
            raise Wrong("TOO_LARGE", f"{len(rest[0])} bytes")
        self.handlers[first[1]](*rest)

    def on_welcome(self, data):
        self.welcome = pb.Welcome.FromString(data)

    def on_cards(self, data):
        self.agent.take_cards(data)

    def on_results(self, data):
        message = pb.Results.FromString(data)
        self.results.update({result.n: result for result in message.results})
        if message.HasField("credit"):
            self.credit = message.credit

    def on_deliver(self, data, body):
        delivery = pb.Delivery.FromString(data)
        header = pb.Header.FromString(delivery.envelope.header)
        message = Message(header, delivery.envelope, body, delivery.sequence)
        self.agent.check(message)
        receipt = self.agent.receipt(message)  # on disk when it returns: now the hub may forget it
        self.deliveries += unbundled(message)
        if header.type == pb.NOTICE_BUNDLE:
            self.bundles.append(message)
        if self.receipting:
            self.receipts.append(receipt)
            self.say(RECEIPTS, pb.Receipts(receipts=[pb.SignedContent.FromString(receipt)]))

    def on_ping(self, data):
        self.say(PONG, pb.Pong(n=pb.Ping.FromString(data).n))

    def on_pong(self, data):
        self.pongs.add(pb.Pong.FromString(data).n)

    def on_bye(self, data):
        raise Ended(pb.Bye.FromString(data))
