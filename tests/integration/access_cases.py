"""What the tests of openings and of two-person release share: missions with a
protection key, a case with a health part, and what anybody can see of it."""

import harness
import people
import stages
from harness import wait_for
from protocol_bytes import pb

FATOU = dict(user=True)


def offices():
    made = harness.standard_offices()
    for office in made[:2]:
        office.compartments = [*office.compartments, "protection"]
    return made


class AccessTest(harness.ClusterTest):
    cluster = {"offices": offices()}

    def health_case(self):
        """Filed, with a health part that Conakry holds; (case, its message)."""
        case = stages.reach(self.c, "registered")
        case.consented(health=True)
        case.stage = "consented"
        stages.reach(self.c, "filed", case)
        case.send(people.HOST, "CaseFile", people.ORIGIN, {"health": people.health(case.reference)})
        held = case.received(people.ORIGIN, "CaseFile", count=3, user=True)
        return case, next(m["messageId"] for m in held if m["compartment"] == "HEALTH")

    def show(self, message, office=people.ORIGIN, **who):
        return self.c.must(self.c.corridor(office, "show", message, **(who or FATOU)))

    def accesses(self, message):
        """(office, kind) of each opening that oversight sees of the message."""
        return self.c.query("SELECT office, kind FROM oversight.access WHERE message = %s ORDER BY record", message)

    def logged(self, message):
        records = [pb.LogRecord.FromString(bytes(raw)) for raw, in self.c.query("SELECT record FROM corridor.log_record")]
        return [(r.sender, r.recipient, r.code) for r in records
                if r.kind == pb.LOG_ACCESSED and r.message_id.hex() == message.replace("-", "")]

    def told(self, message, count):
        return wait_for(lambda: len(self.accesses(message)) == count and self.accesses(message), 20,
                        f"{count} openings at the hub")

    def view(self, case, office):
        """All that somebody without a key is shown of the case, counts and queue included."""
        run = lambda *words: self.c.must(self.c.corridor(office, *words))
        status = {k: v for k, v in run("status").items() if k in ("queued", "inbox", "receivedSince")}
        cases = [c for c in run("case", "list")["cases"] if c["handle"] == case.handle]
        metrics = [line for line in self.c.http(office, "/metrics")[1].splitlines()
                   if "_submitted_" in line or "_admitted_" in line or "_postponed_" in line]
        return (run("inbox", "--case", case.handle), run("timeline", case.handle), cases, run("due", "--all"),
                run("inbox", "--sent", "--case", case.handle), status, metrics)
