"""Whatever fails, nothing acknowledged is missing or doubled, and order holds: the
database away, core and door killed under a stream, a full disk, a store restored
from yesterday, an orderly stop under load. And nothing of a person is left in
what the machines write beside the seals."""

import os
import random
import shutil
import sqlite3
import threading
import unittest
import uuid
from datetime import datetime, timedelta, timezone

import harness
import people
import stages
from exactly import Stream, lasting
from harness import wait_for
from protocol_bytes import pb

TWO = harness.standard_offices()[:2]


class FaultTest(harness.ClusterTest):
    cluster = {"offices": TWO}

    def stream(self):
        return Stream(self.c, stages.reach(self.c, "consented"))

    def later(self, seconds):
        """The demo clock set forward: leases run out."""
        moment = datetime.fromtimestamp(self.c.now() / 1000, timezone.utc) + timedelta(seconds=seconds)
        self.c.set_clock(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


class Outages(FaultTest):
    def test_database_away(self):
        stream = self.stream()
        stream.send(wait=10)
        self.c.stop(people.ORIGIN)
        stream.send(wait=10)  # admitted, not delivered
        self.c.database.stop()
        wait_for(lambda: self.c.http("core", "/healthz")[0] == 503, 10, "the core says so")
        answer = self.c.corridor(people.HOST, "send", "-", "--wait", "1", input={
            "type": "CaseFile", "to": people.ORIGIN, "case": stream.case.handle,
            "body": people.case_file(stream.case.reference, casework=None)})
        self.assertEqual(answer.code, 5, answer)
        self.assertEqual(answer.error["code"], "KEPT_NOT_SENT")
        stream.ids += answer.error["kept"]
        for _ in range(5):
            self.assertEqual(stream.send(), 202)
        self.c.start_process(people.ORIGIN)
        self.assertEqual(self.c.http("door", "/healthz")[0], 200)
        self.c.database.start()
        wait_for(lambda: self.c.http("core", "/healthz")[0] == 200, 20, "the core has its database again")
        stream.arrived_once(self)

    def test_core_and_door_killed_under_a_stream(self):
        stream, seed = self.stream(), random.randrange(1 << 30)
        dice = random.Random(seed)
        print(f"seed {seed}")
        for names in [("core",), ("door",), ("core", "door")] * 3 + [("core", "door", people.ORIGIN)]:
            lasting(self.c, people.HOST, people.ORIGIN)
            burst = [stream.send() for _ in range(6)]
            self.assertLessEqual(set(burst), {200, 202})
            through = len(stream.ids) - dice.randrange(1, 7)
            wait_for(lambda: len(stream.inbox()) > through, 30, f"{through} of {len(stream.ids)} are through")
            for name in names:
                self.c.kill(name)
            for name in names:
                self.c.start_process(name)
        lasting(self.c, people.HOST, people.ORIGIN)
        stream.arrived_once(self)

    def test_sigterm_drains_under_load(self):
        stream, over = self.stream(), threading.Event()

        def load():
            while not over.wait(0.05):
                try:
                    stream.send()
                except OSError:  # its own agent is the one being stopped
                    pass
        thread = threading.Thread(target=load, daemon=True)
        thread.start()
        try:
            for name in ("core", "door", people.ORIGIN, people.HOST):
                lasting(self.c, people.HOST, people.ORIGIN)
                self.assertEqual(self.c.stop(name), 0, name)
                self.c.start_process(name)
            lasting(self.c, people.HOST, people.ORIGIN)
        finally:
            over.set()
            thread.join(10)
        stream.adopt()
        stream.arrived_once(self)
        self.assertGreater(len(stream.ids), 20)


class DiskFull(FaultTest):
    """Both agents run with a disk that a file of ours fills (tests/faults/diskfull.c)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for office in (people.HOST, people.ORIGIN):
            cls.c.stop(office)
            cls.c.processes[office].env = {
                **cls.c.env, "LD_PRELOAD": str(cls.c.build / "tests" / "libdiskfull.so"),
                "CORRIDOR_DISK_FULL": str(cls.disk(office)),
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
            cls.c.start_process(office)
        cls.c.wait_ready()

    @classmethod
    def disk(cls, office):
        return cls.c.dir / f"{office}.disk-full"

    def refuses_new_work(self, office):
        answer = self.c.corridor(office, "case", "new", "--origin", people.ORIGIN, "--programme", "JI",
                                 "--return-type", "AVRR", "--declared-on", "2026-03-02")
        self.assertEqual((answer.code, answer.error["code"]), (5, "DISK_FULL"), answer)
        self.assertTrue(answer.error["sentence"])

    def test_recipient(self):
        stream = self.stream()
        stream.send(wait=10)
        wait_for(stream.delivered, 20, "the first")
        self.disk(people.ORIGIN).touch()
        self.refuses_new_work(people.ORIGIN)
        for _ in range(5):
            self.assertEqual(stream.send(wait=10), 200, "admitted: the hub keeps it")
        wait_for(lambda: "delivery-not-kept" in self.c.processes[people.ORIGIN].text(), 20, "receiving pauses")
        self.assertEqual(stream.inbox(), stream.ids[:1])
        self.disk(people.ORIGIN).unlink()
        self.later(31)
        stream.arrived_once(self)
        self.c.must(self.c.corridor(people.ORIGIN, "due"))

    def test_what_came_again_and_again_leaves_the_window_open(self):
        """Thirty notices three times over are more than the agent's window of 64."""
        stream = self.stream()
        self.c.stop(people.ORIGIN)
        for _ in range(30):
            stream.send()
        wait_for(lambda: set(stream.outbox().values()) == {"admitted"}, 30, "all wait at the hub")
        self.disk(people.HOST).touch()
        self.refuses_new_work(people.HOST)
        claimed = self.c.metric("core", "corridor_core_claimed_total")
        self.c.start_process(people.ORIGIN)
        wait_for(lambda: len(stream.inbox()) == 30, 30, "all are received")
        for again in (1, 2, 3):
            wait_for(lambda: self.c.metric("core", "corridor_core_claimed_total") >= claimed + 30 + again * 30,
                     20, f"notices sent, time {again}")
            self.later(31)
        self.assertEqual(set(stream.outbox().values()), {"admitted"}, "no notice was kept")
        self.disk(people.HOST).unlink()
        self.later(31)
        stream.arrived_once(self)
        stream.send(wait=10)
        stream.arrived_once(self)


class Restore(FaultTest):
    def copy(self, office, to):
        """The store as a backup of the stopped agent would hold it."""
        to.mkdir()
        for path in (self.c.dir / office).glob("store.db*"):
            shutil.copy2(path, to / path.name)

    def restore(self, office, kept):
        for path in (self.c.dir / office).glob("store.db*"):
            path.unlink()
        for path in kept.iterdir():
            shutil.copy2(path, self.c.dir / office / path.name)

    def test_recipient_from_a_backup_is_quarantined_and_given_what_it_lacks(self):
        stream = self.stream()
        for _ in range(2):
            stream.send(wait=10)
        wait_for(stream.delivered, 20, "the first two")
        self.c.stop(people.ORIGIN)
        self.copy(people.ORIGIN, self.c.dir / "backup-origin")
        self.c.start_process(people.ORIGIN)
        for _ in range(3):
            stream.send(wait=10)
        wait_for(stream.delivered, 20, "three more")
        self.c.stop(people.ORIGIN)
        self.restore(people.ORIGIN, self.c.dir / "backup-origin")
        self.c.start_process(people.ORIGIN)
        wait_for(lambda: self.c.status(people.ORIGIN).get("quarantined"), 20, "quarantined")
        self.assertIn("store-regressed", self.c.processes["core"].text())
        self.assertIn("level=alarm", next(line for line in self.c.processes["core"].text().splitlines()
                                          if "event=store-regressed" in line))
        wait_for(lambda: stream.inbox() == stream.ids, 20, "given again what it lacked, in order, once")
        wait_for(lambda: self.c.http(people.ORIGIN, "/healthz")[0] == 503, 10, "its health says so")
        wait_for(lambda: self.c.query("SELECT count(*) FROM corridor.delivery WHERE state <> 3") == [(0,)],
                 20, "all receipted again")
        self.c.restart(people.ORIGIN)
        self.c.wait_ready()
        self.assertTrue(self.c.status(people.ORIGIN)["quarantined"], "a restart lifts nothing")
        self.c.must(self.c.corridor(people.ORIGIN, "quarantine", "lift"))
        self.c.wait_ready()
        self.assertFalse(self.c.status(people.ORIGIN)["quarantined"])
        self.assertEqual(stream.inbox(), stream.ids)
        self.assertEqual(set(stream.outbox().values()), {"delivered"})

    def sent_after_the_backup(self, stream):
        """Three messages that stand in the backup as not yet sent, and are now admitted."""
        self.c.stop("door")
        for _ in range(3):
            stream.send()
        self.c.stop(people.HOST)
        self.copy(people.HOST, self.c.dir / f"backup-{stream.case.handle}")
        for name in ("door", people.HOST):
            self.c.start_process(name)
        wait_for(lambda: set(stream.outbox().values()) <= {"admitted", "delivered"}, 60, "all are admitted")

    def back(self, stream):
        self.c.stop(people.HOST)
        self.restore(people.HOST, self.c.dir / f"backup-{stream.case.handle}")
        self.c.start_process(people.HOST)

    def test_sender_from_a_backup_sends_the_same_bytes_again(self):
        """The replay of captured bytes, by the office's own agent: the first receipts again."""
        stream = self.stream()
        self.c.stop(people.ORIGIN)  # so that no notice betrays what was sent
        self.sent_after_the_backup(stream)
        receipts = [self.receipt(i) for i in stream.ids]
        before = self.c.metric("core", "corridor_core_duplicates_total")
        self.back(stream)
        wait_for(lambda: set(stream.outbox().values()) == {"admitted"}, 60, "all are admitted again")
        self.assertEqual(self.c.metric("core", "corridor_core_duplicates_total"), before + 3)
        self.assertEqual([self.receipt(i) for i in stream.ids], receipts)
        self.c.start_process(people.ORIGIN)
        stream.arrived_once(self)

    def test_sender_from_a_backup_that_lacks_notices_is_quarantined(self):
        stream = self.stream()
        self.sent_after_the_backup(stream)
        stream.arrived_once(self)
        self.back(stream)
        wait_for(lambda: self.c.status(people.HOST).get("quarantined"), 20, "quarantined: it sends nothing")
        wait_for(stream.delivered, 20, "but hears again what became of its messages")
        self.c.must(self.c.corridor(people.HOST, "quarantine", "lift"))
        self.c.wait_ready()
        stream.send(wait=10)
        stream.arrived_once(self)

    def erased_at(self, office, case):
        """Of the messages received under the case: those whose body is gone, and all of them."""
        with sqlite3.connect(f"file:{self.c.dir / office / 'store.db'}?mode=ro", uri=True) as db:
            rows = db.execute("SELECT message_id, length(body) FROM inbox WHERE handle = ? AND type = ?",
                              (bytes.fromhex(case.handle), pb.CASE_FILE)).fetchall()
        return {id for id, size in rows if size == 0}, {id for id, _ in rows}

    def test_what_was_erased_after_the_backup_is_erased_again(self):
        case, other = stages.reach(self.c, "filed"), stages.reach(self.c, "filed")
        self.c.must(self.c.corridor(people.HOST, "withdraw", case.handle))
        notice = case.received(people.ORIGIN, "WithdrawalNotice")[0]["messageId"]
        told = self.c.must(self.c.corridor(people.ORIGIN, "show", notice))["content"]["messageIds"]
        self.c.stop(people.ORIGIN)
        self.copy(people.ORIGIN, self.c.dir / "backup-erased")
        self.c.start_process(people.ORIGIN)
        self.c.wait_ready()
        self.c.must(self.c.corridor(people.ORIGIN, "send", "-", input={
            "type": "ErasureStatement", "case": case.handle, "body": {"messageIds": told, "ground": "ERASED"}}))
        self.assertEqual(*self.erased_at(people.ORIGIN, case))
        wait_for(lambda: case.received(people.ORIGIN, "ObligationNotice")
                 and [d["state"] for d in self.duties(case)] == ["MET"], 20, "the answer is known")
        for again in (1, 2):  # and from the same backup once more
            self.c.stop(people.ORIGIN)
            self.restore(people.ORIGIN, self.c.dir / "backup-erased")
            self.assertEqual(self.erased_at(people.ORIGIN, case)[0], set(), "back from the backup")
            self.c.start_process(people.ORIGIN)
            wait_for(lambda: self.c.status(people.ORIGIN).get("quarantined"), 20, "quarantined")
            wait_for(lambda: len(set(self.erased_at(people.ORIGIN, case)[0])) == len(told), 20, "erased again")
            self.assertEqual(*self.erased_at(people.ORIGIN, case))
            self.assertEqual(self.erased_at(people.ORIGIN, other)[0], set(), "and nothing else")
            self.assertNotIn("erasure-not-proven", self.c.processes[people.ORIGIN].text())
            self.c.must(self.c.corridor(people.ORIGIN, "quarantine", "lift"))
            self.c.wait_ready()

    def duties(self, case):
        listed = self.c.must(self.c.corridor(people.ORIGIN, "due", "--all"))["obligations"]
        return [d for d in listed if d["case"] == case.handle and "withdrawal" in d["name"]]

    def receipt(self, message):
        """The hub's receipt for it, from the dedupe memory: the same for ever."""
        (row,) = self.c.query("SELECT receipt FROM corridor.dedupe WHERE message_id = %s", uuid.UUID(message).bytes)
        return bytes(row[0])


class Files(FaultTest):
    def test_key_file_that_others_may_read(self):
        case = stages.reach(self.c, "filed")
        message = case.received(people.ORIGIN, "CaseFile")[0]
        keys = self.c.identity.keys(people.ORIGIN)
        key = keys / "keys" / f"{message['compartment'].lower()}.key"
        for mode in (0o644, 0o640):
            key.chmod(mode)
            answer = self.c.corridor(people.ORIGIN, "show", message["messageId"], user=True)
            self.assertEqual((answer.code, answer.error["code"]), (6, "KEY_FILE_EXPOSED"), answer)
            self.assertNotIn("Testina", answer.out + answer.err)
        key.chmod(0o600)
        self.c.must(self.c.corridor(people.ORIGIN, "show", message["messageId"], user=True))
        self.c.stop(people.HOST)
        for name in ("curve.key", "signing.key"):
            key = self.c.identity.keys(people.HOST) / name
            key.chmod(0o644)
            answer = self.c.run(self.c.processes[people.HOST].argv)
            self.assertNotEqual(answer.code, 0, name)
            self.assertIn("KEY_FILE_EXPOSED", answer.err)
            key.chmod(0o600)
        self.c.start_process(people.HOST)
        self.c.wait_ready()

    def test_check_config_of_the_three_daemons(self):
        spoilt = {"no_such_option = 1": "no_such_option", "log_level = loud": "log_level",
                  "status = somewhere": "status", "just words": ""}
        for name in ("core", "door", people.HOST):
            argv = self.c.processes[name].argv
            good = argv[argv.index("--config") + 1]
            self.assertEqual(self.c.run([*argv, "--check-config"]).code, 0, name)
            lines = open(good).read().splitlines()
            for bad, option in spoilt.items():
                with self.subTest(daemon=name, line=bad):
                    kept = [line for line in lines if not option or not line.startswith(f"{option} ")]
                    path = self.c.dir / "bad.conf"
                    path.write_text("\n".join([*kept, bad]) + "\n")
                    answer = self.c.run([*argv, "--check-config", "--config", path])
                    self.assertEqual(answer.code, 3, answer)
                    self.assertIn(option, answer.err)
                    if option in ("no_such_option", ""):
                        self.assertIn(f"bad.conf:{len(kept) + 1}:", answer.err)
            with self.subTest(daemon=name, line="one missing"):
                path.write_text("\n".join(line for line in lines if not line.startswith(("db ", "core ", "hub_key "))))
                answer = self.c.run([*argv, "--check-config", "--config", path])
                self.assertEqual(answer.code, 3, answer)
                self.assertRegex(answer.err, "db|core|hub_key")


class Canary(FaultTest):
    """Words that stand in the sealed content only, looked for everywhere else."""

    def test_no_personal_datum_in_what_the_machines_write(self):
        case = stages.reach(self.c, "departed")
        said = [
            case.send(people.HOST, "CaseFile", people.ORIGIN, {"health": people.health(case.reference)}, code=4),
            case.send(people.HOST, "CaseFile", people.ORIGIN, people.case_file(
                case.reference, casework=people.casework(case.reference, sex="Testina")), code=3),
            case.send(people.HOST, "ABN", people.KINDIA, people.abn(case.reference), code=4),
        ]
        message = case.received(people.ORIGIN, "CaseFile")[0]["messageId"]
        wrong = self.c.corridor(people.ORIGIN, "show", message, user=True, passphrase="not the passphrase")
        self.c.must(self.c.corridor(people.ORIGIN, "show", message, user=True))
        self.c.must(self.c.corridor(people.HOST, "withdraw", case.reference, "--code", case.code))
        case.received(people.ORIGIN, "WithdrawalNotice")
        self.c.query("CHECKPOINT")

        words = ["Testina", "Exemplar", "Agadez", "acquaintances", "tailoring", "000 000 001", "asthma",
                 "Testa Medica", "1994-08-17", "TKT-0001", "ABN-0001", "Bus to Kindia",
                 case.reference, case.reference.replace("-", ""), case.code, case.code.replace("-", "")]
        written = {"errors": (str(said) + wrong.out + wrong.err).encode()}
        for name in ("core", "door", people.HOST, people.ORIGIN):
            written[f"metrics of {name}"] = self.c.http(name, "/metrics")[1].encode()
        for pattern in ("*.log", "*/store.db*", "pg/data/base/*/*", "pg/data/pg_wal/*", "pg/data/global/*"):
            for path in self.c.dir.glob(pattern):
                if path.is_file():
                    written[str(path.relative_to(self.c.dir))] = path.read_bytes()
        handle = bytes.fromhex(case.handle)
        self.assertTrue([n for n, data in written.items() if n.startswith("pg/data/base") and handle in data],
                        "the search sees what is there")
        self.assertTrue([n for n, data in written.items() if "store.db" in n and handle in data])
        for word in words:
            for form in (word.lower().encode(), word.lower().encode().hex().encode()):
                found = [name for name, data in written.items() if form in data.lower()]
                self.assertEqual(found, [], word)


if __name__ == "__main__":
    unittest.main()
