"""Invariants 1 and 4 of the design, checked from all sides after a fault: what was
acknowledged is neither missing nor doubled, and came in the order it was sent.

    sent = Stream(c, case, people.HOST, people.ORIGIN)
    sent.send()                # ... anything may die meanwhile
    sent.arrived_once(self)

Stream speaks to the agent's socket itself, the fastest way to keep many messages.
"""

import http.client
import json
import socket
import time
import uuid
from collections import Counter

import people
import schema
from processes import wait_for

LASTING_SECONDS = 1.05  # a little over LASTING_MS of agent/link.c
DELIVERED = 3  # corridor.delivery.state


def text(message_id):
    """A message's id as people see it; notices of the hub's records may bear none."""
    return str(uuid.UUID(bytes=bytes(message_id))) if message_id else ""


class Local(http.client.HTTPConnection):
    """HTTP on an agent's unix socket."""

    def __init__(self, path):
        super().__init__("agent", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, method, target, body=None):
    """(status, JSON) of one request."""
    connection = Local(path)
    try:
        connection.request(method, target, json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def connected(cluster, *offices):
    """Waits until the agents are."""
    wait_for(lambda: all(ask(cluster.socket(office), "GET", "/v1/status")[1]["connected"] for office in offices),
             60, f"{offices} connected")


def lasting(cluster, *offices):
    """Waits until the agents are connected and have been long enough for their backoff
    to begin anew, so that the next loss costs milliseconds and not half a minute."""
    connected(cluster, *offices)
    since = time.monotonic()
    wait_for(lambda: time.monotonic() - since > LASTING_SECONDS, 5, "the sessions last")
    connected(cluster, *offices)


class Stream:
    """Messages of one case from one office to another, each alike, in order."""

    def __init__(self, cluster, case, sender=people.HOST, recipient=people.ORIGIN):
        self.c, self.case, self.sender, self.recipient = cluster, case, sender, recipient
        self.ids = []

    def send(self, wait=0):
        """Keeps one more; returns the HTTP status. Only what the agent said it kept counts."""
        status, told = ask(self.c.socket(self.sender), "POST", f"/v1/messages?wait={wait}", {
            "type": "CaseFile", "to": self.recipient, "case": self.case.handle,
            "body": people.case_file(self.case.reference, casework=None)})
        self.ids += [message["messageId"] for message in told.get("messages", [])]
        return status

    def adopt(self):
        """Takes in what the sender kept without being able to say so. For a stream that
        is alone in its case."""
        self.ids = [m["messageId"] for m in reversed(self.box(self.sender, "out")) if m["type"] == "CaseFile"]

    def settled(self):
        """The last message is delivered, as its sender has been told."""
        return self.outbox().get(self.ids[-1]) == "delivered"

    def outbox(self):
        """The stream's messages at the sender, id -> state."""
        return {m["messageId"]: m["state"] for m in self.box(self.sender, "out") if m["messageId"] in self.ids}

    def inbox(self):
        """Ids at the recipient, oldest first."""
        return [m["messageId"] for m in reversed(self.box(self.recipient, "in")) if m["messageId"] in self.ids]

    def box(self, office, box):
        status, told = ask(self.c.socket(office), "GET",
                           f"/v1/messages?box={box}&case={self.case.handle}&limit=1000")
        assert status in (200, 404), told
        return told.get("messages", [])

    def delivered(self):
        return set(self.outbox().values()) == {"delivered"} and len(self.outbox()) == len(self.ids)

    def arrived_once(self, test, seconds=60):
        """Waits for the end of the stream and looks at every copy of the truth."""
        wait_for(self.delivered, seconds, f"{len(self.ids)} messages delivered")
        test.assertEqual(self.inbox(), self.ids, "each once, in the order of sending")
        ids = [uuid.UUID(i).bytes for i in self.ids]
        for table in ("message", "dedupe", "delivery"):
            rows = self.c.query(f"SELECT message_id FROM corridor.{table} WHERE message_id = ANY(%s)", ids)
            test.assertEqual(Counter(text(i) for (i,) in rows), Counter(self.ids), table)
        states = self.c.query("SELECT DISTINCT state FROM corridor.delivery WHERE message_id = ANY(%s)", ids)
        test.assertEqual(states, [(DELIVERED,)])
        test.assertEqual(self.log(), {kind: Counter(self.ids) for kind in ("ADMITTED", "CLAIMED", "RECEIPTED")})

    def refusals(self, message):
        """Codes with which the hub refused it so far."""
        return {code for (code,) in self.c.query("SELECT code FROM corridor.refusal WHERE message_id = %s",
                                                 uuid.UUID(message).bytes)}

    def log(self):
        """kind -> how often the log names each message of the stream."""
        pb, found = schema.load(), {kind: Counter() for kind in ("ADMITTED", "CLAIMED", "RECEIPTED")}
        for (record,) in self.c.query("SELECT record FROM corridor.log_record"):
            entry = pb.LogRecord.FromString(bytes(record))
            kind = pb.LogKind.Name(entry.kind).removeprefix("LOG_")
            if kind in found and text(entry.message_id) in self.ids:
                found[kind][text(entry.message_id)] += 1
        return found
