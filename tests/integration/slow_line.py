"""A slow line between an agent and the door, that can be cut.

    with SlowLine(target_port, rate=64_000, cut_every=5) as line: ... line.port

Bytes pass in both directions, each at most `rate` a second (None: as fast as they
come). The buffers at both of its ends are small, as a modem's are: what the agent's
libzmq has been given and the line has not taken yet stays with the agent. After
cut_every seconds a connection ends with a reset in the middle of whatever was under
way; cut() does so at once.
"""

import selectors
import socket
import struct
import threading
import time

BUFFER = 4096      # what the kernel keeps of either direction
TICK = 0.02        # how long the line looks for something to carry
MOST = 2048        # carried in one piece
RESET = struct.pack("ii", 1, 0)


class Way:
    """One direction of one connection."""

    def __init__(self, source, sink):
        self.source, self.sink, self.held, self.allowed = source, sink, b"", 0.0

    def carry(self, allowance):
        """False at the end of either side."""
        self.allowed = min(self.allowed + allowance, MOST)
        try:
            if not self.held and self.allowed >= 1:
                self.held = self.source.recv(int(self.allowed))
                if not self.held:
                    return False
                self.allowed -= len(self.held)
            if self.held:
                self.held = self.held[self.sink.send(self.held):]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True


class SlowLine(threading.Thread):
    def __init__(self, target, rate=None, cut_every=None):
        super().__init__(daemon=True)
        self.target, self.rate, self.cut_every = target, rate, cut_every
        self.cuts = self.carried = 0
        self.ended, self.cut_now = threading.Event(), threading.Event()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(8)
        self.listener.settimeout(TICK)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.ended.set()
        self.join()
        self.listener.close()

    def cut(self):
        self.cut_now.set()

    def run(self):
        while not self.ended.is_set():
            try:
                near, _ = self.listener.accept()
            except OSError:
                continue
            with near, socket.socket() as far:
                try:
                    self.connection(near, far)
                except OSError:
                    pass  # nobody at the other end: the agent tries again

    def connection(self, near, far):
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        far.connect(("127.0.0.1", self.target))
        for end in (near, far):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.setblocking(False)
        self.cut_now.clear()
        if self.carry([Way(near, far), Way(far, near)]):
            self.cuts += 1
            for end in (near, far):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def carry(self, ways):
        """True: it was cut; False: one side ended."""
        began = last = time.monotonic()
        with selectors.DefaultSelector() as selector:
            for way in ways:
                selector.register(way.source, selectors.EVENT_READ)
            while not self.ended.is_set():
                selector.select(TICK)
                now = time.monotonic()
                if self.cut_now.is_set() or (self.cut_every and now - began >= self.cut_every):
                    return True
                for way in ways:
                    before = len(way.held)
                    if not way.carry(MOST if self.rate is None else self.rate * (now - last)):
                        return False
                    self.carried += max(0, len(way.held) - before)
                last = now
                if self.rate is not None:
                    self.ended.wait(TICK)  # the line's own pace: readable bytes wait for their turn
                elif any(way.held for way in ways):
                    self.ended.wait(TICK / 20)
        return False
