"""Nobody learns from an answer what they may not know.

At the hub: of a case that does not exist, of one in which the asker has no standing, and
of one that holds something restricted besides, the same statements are executed and the
same bytes come back, but for ids and times. At an agent: for who holds no restricted
compartment every list, count, timeline, deadline, status, metric and error is the same,
size included, whether or not a restricted message exists, and whatever became of it.
How long the answers took is printed for people to look at, and never judged."""

import base64
import json
import os
import re
import socket
import statistics
import time
import unittest

import harness
import people
import stages
import wire_offices as wire
from harness import wait_for
from identity import PASSPHRASE, SECOND_PASSPHRASE
from protocol_bytes import pb
from wire_offices import HOST, ORIGIN, PARTNER

REPEATS = 12


def spread(times):
    times = sorted(times)
    return (f"median {statistics.median(times) * 1000:.2f} ms, {times[0] * 1000:.2f} to {times[-1] * 1000:.2f} ms"
            f" ({len(times)})")


def some_id():
    return os.urandom(16).hex()


# --- the hub ---

STATEMENT = re.compile(r"^(\d+) corridor_broker LOG:  (?:execute [^:]*|statement): (.*)$", re.M)
OF_AN_ADMISSION = "corridor.dedupe"
# Every so many log records a block of numbers is fetched for them, whoever asked what.
BY_THE_HUNDREDS = "nextval('corridor.log_leaf_leaf_id_seq')"


class AtTheHub(wire.WireTest):
    parties = (HOST, ORIGIN, PARTNER)

    @classmethod
    def setUpClass(cls):
        cls.c, cls.failures, cls.stores = wire.Programme(cls.parties), 0, {}
        cls.c.database.settings.update(log_statement="all", log_parameter_max_length="0")
        cls.c.__enter__()

    def admissions(self, log):
        """The statements of each transaction that admitted or refused, in order."""
        open_now, done = {}, []
        for pid, statement in STATEMENT.findall(log):
            if statement.startswith("BEGIN"):
                open_now[pid] = []
            open_now.setdefault(pid, []).append(statement)
            if statement.startswith(("COMMIT", "ROLLBACK")):
                done.append(open_now.pop(pid))
        return [[s for s in transaction if BY_THE_HUNDREDS not in s] for transaction in done
                if any(OF_AN_ADMISSION in s for s in transaction)]

    def ask(self, make):
        """What one question costs and tells: (statements, reply), and the time it took."""
        asker = self.at(PARTNER)
        message, = asker.agent.sign(make(asker))
        before = len(self.c.processes["postgres"].text())
        began = time.perf_counter()
        result = asker.result(asker.submit(message))
        took = time.perf_counter() - began
        transactions = wait_for(lambda: self.admissions(self.c.processes["postgres"].text()[before:]), 10,
                                "its transaction is in the log")
        self.assertEqual(len(transactions), 1)
        self.assertTrue(result.HasField("refusal"), result)
        size = result.ByteSize()
        result.n, result.message_id = 0, b""
        return (tuple(transactions[0]), result.SerializeToString(deterministic=True), size), took

    def health_part(self, case):
        """Delivered to Conakry under a decision, so that the case holds something restricted."""
        return self.delivered(self.at(HOST).send_one(
            pb.CASE_FILE, ORIGIN, case.handle, compartment=pb.HEALTH, purpose=pb.CONTINUITY_OF_CARE,
            basis=pb.LIFE_AT_RISK, categories=[pb.HEALTH_DATA]))

    def cases(self, count, until="filed"):
        self.at(ORIGIN)
        return super().cases(count, until)

    def targets(self):
        """name -> (handle, a consent of it, a message of it) of what the partner may ask after."""
        plain, restricted, withdrawn, lone = *self.cases(3), self.case("registered")
        for case in (plain, restricted, withdrawn):
            self.delivered(case.filed)
        health = self.health_part(restricted)
        only = self.health_part(lone)
        self.at(HOST).withdraw(withdrawn.handle)
        return {"unknown": (os.urandom(16), os.urandom(16), os.urandom(16)),
                "not mine": (plain.handle, plain.consent, plain.filed.id),
                "not mine, and a restricted message": (restricted.handle, restricted.consent, health.id),
                "not mine, and nothing but a restricted message": (lone.handle, lone.consent, only.id),
                "not mine, withdrawn": (withdrawn.handle, withdrawn.consent, withdrawn.filed.id)}

    def questions(self):
        """name -> how it is asked of (handle, consent, message)."""
        def record(kind, body):
            return lambda asker, handle, *of: asker.agent.record(kind, body(*of), handle)
        return {
            "a case file": lambda asker, handle, consent, _: asker.sealed(
                pb.CASE_FILE, ORIGIN, handle, consent_id=consent),
            "a health part": lambda asker, handle, *_: asker.sealed(
                pb.CASE_FILE, ORIGIN, handle, compartment=pb.HEALTH, purpose=pb.CONTINUITY_OF_CARE,
                basis=pb.LIFE_AT_RISK, categories=[pb.HEALTH_DATA]),
            "a booking": lambda asker, handle, consent, _: asker.sealed(pb.ABN, ORIGIN, handle, consent_id=consent),
            "a departure": lambda asker, handle, consent, _: asker.sealed(
                pb.DEPARTURE_CONFIRMATION, ORIGIN, handle, consent_id=consent),
            "a consent": record(pb.CONSENT_RECORD, lambda consent, _: wire.Case().consent_record(consent_id=consent)),
            "an erasure": record(pb.ERASURE_STATEMENT, lambda _, message: pb.ErasureStatement(
                message_ids=[message], ground=pb.ERASED)),
            "a content statement": record(pb.CONTENT_STATEMENT, lambda _, message: pb.ContentStatement(
                message_id=message, state=pb.UNREADABLE, reason=55)),
            "a basis statement": record(pb.BASIS_STATEMENT, lambda _, message: pb.BasisStatement(
                message_id=message, step=pb.REVIEWED, result=pb.NOT_UPHELD))}

    def test_unknown_not_mine_and_restricted_are_one_answer(self):
        targets, times = self.targets(), {}
        held = self.c.query("SELECT count(*) FROM corridor.delivery")
        for what, question in self.questions().items():
            seen = {}
            for whose, of in targets.items():
                seen[whose], took = self.ask(lambda asker: question(asker, *of))
                times.setdefault(whose, []).append(took)
            statements, reply, _ = seen["unknown"]
            self.assertGreater(len(statements), 4, "the log of statements is read rightly")
            self.assertEqual(pb.Result.FromString(reply).refusal.code, 33, what)
            for whose, got in seen.items():
                self.assertEqual(got, seen["unknown"], f"{what}: {whose}")
        for whose, took in times.items():
            print(f"  {whose}: {spread(took)}")
        self.assertEqual(self.c.query("SELECT count(*) FROM corridor.delivery"), held, "nobody was told anything")

    def test_what_differs_is_seen(self):
        """With standing the hub looks further, and this test sees that it does."""
        case, other = self.cases(2)
        self.delivered(self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, other.handle, consent_id=other.consent))
        self.at(PARTNER)
        mine = wire.Case()
        self.at(PARTNER).record_one(pb.REGISTRATION, mine.registration(), mine.handle)
        asked = {whose: self.ask(lambda asker: asker.sealed(pb.CASE_FILE, ORIGIN, handle, consent_id=os.urandom(16)))[0]
                 for whose, handle in (("mine", mine.handle), ("not mine", case.handle))}
        self.assertNotEqual(asked["mine"][0], asked["not mine"][0])
        self.assertNotEqual(asked["mine"][1], asked["not mine"][1])


# --- an agent ---

BINTA = {"user": "binta", "passphrase": "staple horse exemplar"}
ASKERS = {"nobody named": None, "a holder of casework only": BINTA}
IDS = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}")
TIMES = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|(?<=Date: )[^\r]*|(?<=clockSkewMs\":)-?\d+")


def alike(answer):
    """With ids and times of one length each, so that size and content can be compared."""
    return TIMES.sub(b"(time)", IDS.sub(b"(id)", answer))


class AtAnAgent(harness.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for office in (HOST, ORIGIN):
            cls.c.must(cls.c.run(
                [cls.c.program("corridor"), "--json", "--user", cls.c.offices[office].user, "--passphrase-fd", "FD",
                 "office", "add-holder", "--dir", cls.c.identity.keys(office), "--compartment", "casework",
                 "--holder", BINTA["user"]], secrets=(PASSPHRASE, BINTA["passphrase"])))

    # --- asking ---

    def raw(self, office, method, path, body=b"", who=None):
        """The whole answer as it came over the socket, and how long it took."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        if who:
            secret = base64.b64encode(who["passphrase"].encode()).decode()
            lines += [f"Corridor-User: {who['user']}", f"Corridor-Passphrase: {secret}"]
        began = time.perf_counter()
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(60)
            link.connect(str(self.c.socket(office)))
            link.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            answer = b"".join(iter(lambda: link.recv(65536), b""))
        return answer, time.perf_counter() - began

    def paths(self, case):
        return ["/v1/status", "/v1/cases", "/v1/due", "/v1/due?all=1", "/v1/exceptions", "/v1/exceptions?all=1",
                "/v1/messages?box=in", "/v1/messages?box=out", "/v1/messages?box=in&limit=3",
                f"/v1/messages?box=in&case={case.handle}", f"/v1/messages?box=out&case={case.handle}",
                f"/v1/cases/{case.handle}/timeline", f"/v1/cases/{case.reference}/timeline"]

    def views(self, case):
        """All that people without the compartment are told, at both offices."""
        seen = {(office, whose, path): alike(self.raw(office, "GET", path, who=who)[0])
                for office in (HOST, ORIGIN) for whose, who in ASKERS.items() for path in self.paths(case)}
        for office in (HOST, ORIGIN):
            told = self.c.http(office, "/metrics")[1]
            seen[office, "the metrics", ""] = "\n".join(
                line for line in told.splitlines() if not re.match(r"#|\S*(process_|_seconds|requests|pings?_|bytes)", line))
        return seen

    def same(self, before, after):
        for key, answer in before.items():
            self.assertEqual(after[key], answer, key)
            self.assertEqual(len(after[key]), len(answer), key)

    def at(self, office, case, **who):
        listed = self.c.must(self.c.corridor(office, "inbox", "--case", case.handle, **who))["messages"]
        return [m for m in listed if m["compartment"] == "HEALTH" or m["type"] != "CaseFile"]

    def settled(self, case):
        """Everything sent is delivered and told, so that nothing moves by itself any more."""
        def quiet():
            out = self.c.must(self.c.corridor(HOST, "inbox", "--sent", user=True))["messages"]
            waits = self.c.query("SELECT count(*) FROM corridor.delivery WHERE state IN (0, 1, 2)")
            return waits == [(0,)] and {m["state"] for m in out if m["type"] == "CaseFile"} == {"delivered"}
        wait_for(quiet, 30, "all is delivered")

    # --- what there is to be seen ---

    def test_a_restricted_message_and_all_that_becomes_of_it_changes_no_answer(self):
        case = stages.Case(self.c)
        case.registered()
        case.consented(health=True)
        case.filed()
        self.settled(case)
        before = self.views(case)
        self.assertTrue(any(b"CaseFile" in answer for (_, who, _), answer in before.items() if who in ASKERS))

        case.send(HOST, "CaseFile", ORIGIN, {"health": people.health(case.reference)})
        self.settled(case)
        self.same(before, self.views(case))

        sent = self.c.must(self.c.corridor(HOST, "send", "-", user=True, input={
            "type": "CaseFile", "to": ORIGIN, "case": case.handle, "basis": "LIFE_AT_RISK",
            "body": {"health": people.health(case.reference, basisDecision=people.decision(self.c.now()))}}))
        message = sent["messages"][0]["messageId"]
        self.settled(case)
        self.assertEqual(len(self.c.must(self.c.corridor(HOST, "due", user=True))["obligations"]), 2)
        self.same(before, self.views(case))

        self.c.must(self.c.corridor(HOST, "review", message, "--not-upheld", user="moussa",
                                    passphrase=SECOND_PASSPHRASE))
        notice = case.received(ORIGIN, "WithdrawalNotice", user=True)[0]["messageId"]
        self.settled(case)
        self.same(before, self.views(case))

        self.c.must(self.c.corridor(ORIGIN, "show", message, user=True))
        self.c.must(self.c.corridor(ORIGIN, "send", "-", user=True, input={
            "type": "ErasureStatement", "case": case.handle, "inReplyTo": notice,
            "body": {"messageIds": [message.replace("-", "")], "ground": "ERASED"}}))
        self.settled(case)
        self.same(before, self.views(case))

    def test_what_waited_for_an_office_that_was_away_tells_nothing(self):
        case = stages.Case(self.c)
        case.registered()
        case.consented(health=True)
        case.filed()
        self.settled(case)
        before = {key: answer for key, answer in self.views(case).items() if key[2] not in ("", "/v1/status")}
        self.c.stop(ORIGIN)
        self.c.must(self.c.corridor(HOST, "send", "-", user=True, input={
            "type": "CaseFile", "to": ORIGIN, "case": case.handle, "basis": "LIFE_AT_RISK",
            "body": {"health": people.health(case.reference, basisDecision=people.decision(self.c.now()))}}))
        self.c.start_process(ORIGIN)
        self.c.wait_ready([ORIGIN])
        self.settled(case)
        self.same(before, self.views(case))

    def test_an_id_that_somebody_heard_of_tells_nothing(self):
        case = stages.Case(self.c)
        case.registered()
        case.consented(health=True)
        message = case.send(HOST, "CaseFile", ORIGIN, {"health": people.health(case.reference)})["messages"][0]["messageId"]
        wait_for(lambda: self.at(ORIGIN, case, user=True), 20, "Conakry holds it")
        statement = b'{"step": "REVIEWED", "result": "UPHELD"}'
        for office in (HOST, ORIGIN):
            for whose, who in ASKERS.items():
                for method, path, body in (("GET", "/v1/messages/%s", b""), ("GET", "/v1/messages/%s/outcome", b""),
                                           ("POST", "/v1/exceptions/%s/statement", statement)):
                    with self.subTest(office, asker=whose, path=path):
                        known, unknown = (alike(self.raw(office, method, path % id, body, who)[0])
                                          for id in (message, some_id()))
                        self.assertEqual(known, unknown)
                        self.assertNotIn(b"200 OK", known)
        shown = self.raw(ORIGIN, "GET", f"/v1/messages/{message}", who={"user": "fatou", "passphrase": PASSPHRASE})[0]
        self.assertIn(b"asthma", shown, "and who holds the key reads it")

    def test_nobody_speaks_of_a_message_they_may_not_know(self):
        """Nor erases it, nor has it said that it was opened."""
        case = stages.Case(self.c)
        case.registered()
        case.consented(health=True)
        case.filed()
        message = case.send(HOST, "CaseFile", ORIGIN, {"health": people.health(case.reference)})["messages"][0]["messageId"]
        wait_for(lambda: len(self.at(ORIGIN, case, user=True)) == 1, 20, "Conakry holds it")
        bodies = [("ErasureStatement", {"messageIds": [None], "ground": "ERASED"}, None),
                  ("DataStatement", {"messageIds": [None], "outcome": "DONE"}, None),
                  ("DataRequest", {"messageIds": [None], "action": "RESTRICTED"}, None),
                  ("DataRequest", {"messageIds": [case.sent["CaseFile"][0]["messageId"].replace("-", "")],
                                   "action": "RECTIFIED", "replacementId": None}, None),
                  ("ContentStatement", {"messageId": None, "state": "UNREADABLE", "reason": 55}, None),
                  ("AccessStatement", {"messageId": None, "at": self.c.now(), "kind": "OPENED"}, None),
                  ("SuspensionAnswer", {"outcome": "CONFIRMED"}, "inReplyTo")]
        for office in (HOST, ORIGIN):
            for whose, who in ASKERS.items():
                for kind, body, reply in bodies:
                    with self.subTest(office, asker=whose, kind=kind):
                        def answer(ident):
                            request = {"type": kind, "case": case.handle, "body": body, **({reply: None} if reply else {})}
                            text = json.dumps(request).replace("null", f'"{ident}"').encode()
                            return alike(self.raw(office, "POST", "/v1/messages?wait=10", text, who)[0])
                        known = answer(message.replace("-", ""))
                        self.assertEqual(known, answer(some_id()))
                        self.assertIn(b"nothing was kept", known)
            shown = self.raw(office, "GET", f"/v1/messages/{message}", who={"user": "fatou" if office == ORIGIN else "amina",
                                                                           "passphrase": PASSPHRASE})[0]
            self.assertIn(b"asthma", shown)

    def test_a_case_of_which_nothing_else_is_here(self):
        case = stages.Case(self.c)
        case.registered()
        case.consented(health=True)
        case.send(HOST, "CaseFile", ORIGIN, {"health": people.health(case.reference)})
        wait_for(lambda: self.at(ORIGIN, case, user=True), 20, "Conakry holds it")
        confirm = b'{"type": "AbnConfirm", "to": "%s", "case": "%s", "body": {"abnId": "A", "available": "NO", "confirmedAt": 1}}'
        for whose, who in ASKERS.items():
            for handle in (case.handle, case.reference):
                for method, path in (("GET", "/v1/cases/%s/timeline"), ("GET", "/v1/messages?box=in&case=%s")):
                    with self.subTest(asker=whose, path=path):
                        other = some_id() if handle == case.handle else stages.reach(self.c, "registered").reference
                        known, unknown = (alike(self.raw(ORIGIN, method, path % h, who=who)[0]) for h in (handle, other))
                        self.assertEqual(known, unknown)
                        self.assertIn(b"NO_SUCH_CASE", known)
            known, unknown = (alike(self.raw(ORIGIN, "POST", "/v1/messages?wait=0",
                                             confirm % (HOST.encode(), h.encode()), who)[0])
                              for h in (case.handle, some_id()))
            self.assertEqual(known, unknown)

    def test_how_long_the_answers_take(self):
        plain, restricted = stages.reach(self.c, "consented"), stages.Case(self.c)
        restricted.registered()
        restricted.consented(health=True)
        for case, parts in ((plain, {}), (restricted, {"health": people.health(restricted.reference)})):
            case.send(HOST, "CaseFile", ORIGIN, people.case_file(case.reference, **parts))
            case.received(ORIGIN, "CaseFile", count=2)
        for what, case in (("no restricted message", plain), ("one besides", restricted)):
            times = [self.raw(ORIGIN, "GET", f"/v1/cases/{case.handle}/timeline")[1] for _ in range(REPEATS)]
            print(f"  timeline, {what}: {spread(times)}")


if __name__ == "__main__":
    unittest.main()
