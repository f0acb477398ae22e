"""Both sides of a door under test: a core that echoes, agents, and neighbours.

EchoCore is the door's peer on the channel (broker/channel.h): it lists keys and
sends every MESSAGE back as a SEND. Neighbour is an agent that minds its own
business during somebody else's attack and notices when it is disturbed.
"""

import os
import struct
import threading
import time
import urllib.request
from collections import deque
from pathlib import Path

import zmq
from zmq.utils import z85

from processes import Process, free_ports, wait_for

BUILD = Path(os.environ.get("CORRIDOR_BUILD", Path(__file__).resolve().parents[2] / "build" / "dev"))
PING, PONG, SEND = b"\x01\x09", b"\x01\x0a", b"\x01\x03"
MIB = 1024 * 1024
BODY_MAX = (1024 + 16) * 1024
WINDOW = 32 * MIB  # CHANNEL_BYTES_MAX


def head(kind, connection=0, number=0):
    return kind + struct.pack(">QQ", connection, number)


class EchoCore(threading.Thread):
    def __init__(self, endpoint):
        super().__init__(daemon=True)
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.rcvhwm = self.socket.sndhwm = 0
        self.socket.bind(endpoint)
        self.keys, self.outgoing, self.stopped = {}, deque(), threading.Event()
        self.listening = threading.Event()
        self.listening.set()
        self.echo = True
        self.generation = int.from_bytes(os.urandom(7), "big") + 1
        self.taken = self.taken_before = 0
        self.doors, self.messages, self.closed = [], [], []

    def tell(self, *parts):
        self.outgoing.append(parts)

    def list_keys(self):
        self.tell(head(b"K"), b"".join(z85.decode(public) + bytes([len(office)]) + office.encode()
                                       for office, public in self.keys.items()))

    def from_office(self, office):
        return [frames for _, name, frames in list(self.messages) if name == office]

    def connections(self, office):
        return [number for number, name, _ in list(self.messages) if name == office]

    def run(self):
        while not self.stopped.is_set():
            self.listening.wait()
            while self.outgoing:
                self.socket.send_multipart(self.outgoing.popleft())
            if self.socket.poll(10):
                self.take(self.socket.recv_multipart())
        self.socket.close()
        self.context.term()

    def take(self, parts):
        kind = parts[0][:1]
        connection, number = struct.unpack(">QQ", parts[0][1:17])
        if kind == b"U":
            self.doors.append(number)
            self.taken = self.taken_before
            self.tell(head(b"u", number=self.generation))
            self.tell(head(b"T", number=self.taken))
            self.list_keys()
        elif kind == b"C":
            self.closed.append(connection)
        elif kind == b"M":
            office, frames = parts[0][17:].decode(), parts[1:]
            self.messages.append((connection, office, frames if len(frames[-1]) < 4096 else frames[:1]))
            self.taken += sum(map(len, frames))
            self.tell(head(b"T", number=self.taken))
            if self.echo:
                self.tell(head(b"S", connection), PONG, frames[1])

    def end(self):
        self.stopped.set()
        self.listening.set()
        self.join(10)


class Agent:
    """A ZeroMQ client with a CURVE key of its own, as an office's agent has."""

    def __init__(self, side, office, address="127.0.0.1", curve=True, listed=True, **options):
        self.side, self.office = side, office
        self.public, self.secret = zmq.curve_keypair()
        if listed:
            side.core.keys[office] = self.public
            side.core.list_keys()
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.reconnect_ivl, self.socket.reconnect_ivl_max = 50, 200
        if curve:
            self.socket.curve_serverkey = side.public
            self.socket.curve_publickey, self.socket.curve_secretkey = self.public, self.secret
        for name, value in options.items():
            self.socket.setsockopt(getattr(zmq, name), value)
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.socket.connect(f"tcp://{address}:0;127.0.0.1:{side.port}")

    def send(self, *frames, **how):
        self.socket.send_multipart(frames, **how)

    def ask(self, text, seconds=10.0):
        """One echo; True if it came back whole."""
        self.send(PING, text)
        return self.receive(seconds) == [PONG, text]

    def receive(self, seconds=10.0):
        return self.socket.recv_multipart() if self.socket.poll(int(seconds * 1000)) else None

    def disconnected(self, seconds=10.0):
        if not self.monitor.poll(int(seconds * 1000)):
            return False
        self.monitor.recv_multipart()
        return True

    def close(self):
        self.socket.disable_monitor()
        self.socket.close()
        self.context.destroy(0)


class Neighbour(threading.Thread):
    """Asks without pause, one question at a time, on one connection."""

    def __init__(self, side, office="neighbour"):
        super().__init__(daemon=True)
        self.agent, self.over = Agent(side, office), threading.Event()
        self.answers, self.disturbed, self.slowest = 0, [], 0.0

    def run(self):
        while not self.over.is_set():
            text, began = b"question %d" % self.answers, time.monotonic()
            if not self.agent.ask(text, 5):
                self.disturbed.append(text)
                return
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.answers += 1
            self.over.wait(0.002)

    def goes_on(self, more=20):
        """Waits for that many more answers."""
        wanted = self.answers + more
        wait_for(lambda: self.answers >= wanted or self.disturbed, 15, "the neighbour's answers")
        return not self.disturbed

    def end(self):
        self.over.set()
        self.join(10)
        self.agent.close()


class Side:
    """A door with its core; options go over the test's own configuration."""

    def __init__(self, folder, **options):
        self.folder = Path(folder)
        self.port, self.status = free_ports(2)
        self.public, self.secret = zmq.curve_keypair()
        (self.folder / "core").mkdir(mode=0o700)
        key = self.folder / "curve.key"
        key.touch(mode=0o600)
        key.write_bytes(self.secret + b"\n")
        channel = f"ipc://{self.folder}/core/channel"
        self.options = {"listen": f"127.0.0.1:{self.port}", "core": channel, "curve_secret": key,
                        "run_dir": self.folder / "door", "status": f"127.0.0.1:{self.status}",
                        "handshake_seconds": 2, "stall_seconds": 2, "log_level": "debug", **options}
        self.config = self.folder / "door.conf"
        self.config.write_text("".join(f"{name} = {value}\n" for name, value in self.options.items()))
        self.core = EchoCore(channel)
        # A sanitizer keeps freed memory for a while; the bounds below are about the door's own.
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
        self.door = Process("door", [BUILD / "corridor-broker", "door", "--config", self.config],
                            self.folder / "door.log", env={**os.environ, "ASAN_OPTIONS": sanitizer.strip(":")})

    def start(self):
        self.core.start()
        self.door.start()
        wait_for(lambda: self.healthy() and self.core.doors, 20, "the door to listen")
        return self

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status}{path}", timeout=5) as answer:
            return answer.read().decode()

    def healthy(self):
        assert self.door.running(), self.door.tail()
        return self.get("/healthz") is not None

    def metric(self, name):
        for line in self.get("/metrics").splitlines():
            if line.startswith(f"corridor_door_{name} "):
                return int(float(line.split()[1]))
        raise LookupError(name)

    def memory(self):
        """Resident, in MiB."""
        for line in Path(f"/proc/{self.door.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
        raise LookupError("VmRSS")

    def end(self):
        try:
            self.door.stop()
        finally:
            self.core.end()
