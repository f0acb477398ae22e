"""A wire with somebody listening: passes TCP connections on and writes down every
byte of both directions."""

import socket
import threading
from pathlib import Path

CHUNK = 1 << 16


class Wiretap(threading.Thread):
    """Listens on port, passes on to target. One file for each connection and way."""

    def __init__(self, port, target, folder):
        super().__init__(daemon=True)
        self.target, self.folder, self.count = target, Path(folder), 0
        self.folder.mkdir(exist_ok=True)
        self.listener = socket.create_server(("127.0.0.1", port))

    def run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return  # stopped
            self.count += 1
            try:
                far = socket.create_connection(self.target)
            except OSError:
                near.close()
                continue
            for one, other, way in ((near, far, "up"), (far, near, "down")):
                threading.Thread(target=self.listen, args=(one, other, f"{self.count}-{way}"), daemon=True).start()

    def listen(self, one, other, name):
        with open(self.folder / name, "wb", buffering=0) as tape:
            try:
                while data := one.recv(CHUNK):
                    tape.write(data)
                    other.sendall(data)
            except OSError:
                pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def heard(self):
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def stop(self):
        """Ends listening; the ends close what is open."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()
