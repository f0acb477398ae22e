"""A Corridor whose missions reach the hub over lines of their own (slow_line.py)."""

import sqlite3

import harness
import people
from slow_line import SlowLine

PART = 16  # MessageType ATTACHMENT_CHUNK


class LinedCluster(harness.Cluster):
    """c.lines[office]: as fast as they come until a test says otherwise."""

    lines = {}

    def write_configs(self):
        super().write_configs()
        self.lines = {}
        for office in (people.HOST, people.ORIGIN):
            line = self.lines[office] = SlowLine(self.ports["door"])
            line.start()
            config = self.dir / f"{office}.conf"
            config.write_text(config.read_text().replace(
                f"brokers = tcp://{self.address('door')}", f"brokers = tcp://127.0.0.1:{line.port}"))

    def end(self, failed=False):
        try:
            super().end(failed)
        finally:
            for line in self.lines.values():
                line.stop()

    def attach(self, office, case, to, data, *words, title="SIGNED_SCAN", compartment="casework", wait=0, code=5):
        """corridor attach; the answer's JSON, of standard error when it was refused."""
        path = self.dir / "outgoing"
        path.write_bytes(data)
        answer = self.corridor(office, "attach", path, "--case", case, "--to", to, "--compartment", compartment,
                               "--title", title, "--wait", str(wait), *words)
        if answer.code != code:
            raise AssertionError(f"expected exit {code}: {answer}")
        return answer.json if answer.json else answer.error

    def attachment(self, office, ident, sent=False, **who):
        """The line of an attachment in its list, or None."""
        listed = self.corridor(office, "attachments", *(["--sent"] if sent else []), **who).json["attachments"]
        return next((one for one in listed if one["attachmentId"] == ident), None)

    def save(self, office, ident, **who):
        """(exit code, the bytes or None, what was said)."""
        path = self.dir / f"saved-{ident}"
        answer = self.corridor(office, "attachment", "save", ident, path, **{"user": True, **who})
        data = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        return answer.code, data, answer

    def store(self, office, sql, *values):
        """Rows of an agent's store, read beside it."""
        db = sqlite3.connect(f"file:{self.dir / office / 'store.db'}?mode=ro", uri=True, timeout=10)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def parts_at_hub(self, handle):
        """(sequence, state, claims) of the parts admitted under a handle, in order."""
        return self.query("SELECT d.sequence, d.state, d.claims FROM corridor.delivery d JOIN corridor.message m"
                          " USING (message_id, admitted_at) WHERE m.type = %s AND d.handle = %s ORDER BY 1",
                          PART, bytes.fromhex(handle))
