"""The thief's test. A canary stands in every field of text of every sealed message, in
names, in the reference number, the withdrawal code and the passphrases; one return is
played through a real hub, from registration to the service report, a duplicate
question and a withdrawal by code. Then everything is taken that a thief could take:
memory of every process (what a core dump holds), the database's files with their
write-ahead log, a dump, a base backup, logs, metrics, what went over the wire, and the
agents' disks with their key files. No canary is in any of it; and each way of looking
finds one where it was planted."""

import os
import shutil
import socket
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

import canaries
import database
import harness
import memory
import people
import stages
from harness import wait_for
from identity import CA_PASSPHRASE, PASSPHRASE, SECOND_PASSPHRASE
from processes import Process, free_ports
from protocol_client import pb
from wiretap import Wiretap

BODIES = {"casework": pb.CaseFileCasework, "operations": pb.CaseFileOperations, "health": pb.CaseFileHealth,
          "abn": pb.Abn, "abn_confirm": pb.AbnConfirm, "ticket": pb.TicketIssued,
          "departure": pb.DepartureConfirmation, "arrival": pb.ArrivalNotice,
          "duplicate_question": pb.DuplicateQuestion, "handover": pb.ReferralHandover,
          "service_report": pb.ServiceReport}
# Of the sealed bodies, those that hold no free text, or whose text a verb gives; files are
# looked for in test_memory.
ELSEWHERE = {"ReferralOffer", "ReferralAnswer", "DuplicateAnswer", "AttachmentChunk"}


class TappedCluster(harness.Cluster):
    """The agents reach the door over a wire that is listened to."""

    def __init__(self):
        super().__init__()
        self.tap = Wiretap(free_ports(1)[0], ("127.0.0.1", self.ports["door"]), self.dir / "wire")
        self.tap.start()

    def add(self, name, program, words, options, kind=None):
        if kind == "agent":
            options = {**options, "brokers": "tcp://127.0.0.1:%d" % self.tap.listener.getsockname()[1]}
        super().add(name, program, words, options, kind)

    def end(self, failed=False):
        self.tap.stop()
        super().end(failed)


class Play(stages.Case):
    """One person's return, a canary wherever there is text."""

    def __init__(self, cluster, birds):
        super().__init__(cluster)
        self.birds = birds

    def consented(self, **choices):
        super().consented(health=True)

    def filed(self):
        self.send(self.host, "CaseFile", self.origin,
                  people.case_file(self.reference, health=people.health(self.reference)))
        self.received(self.origin, "CaseFile", count=3, user=True)
        self.decided()
        self.asked()

    def decided(self):
        """The health part once more, on somebody's decision in place of consent."""
        texts = {name: self.birds.word(f"BasisDecision.{name}") for name in ("deciderName", "professionalId", "reason")}
        health = {**people.health(self.reference), "basisDecision": people.decision(self.c.now(), **texts)}
        self.c.must(self.c.corridor(self.host, "send", "-", user=True, input={
            "type": "CaseFile", "to": self.origin, "case": self.handle, "basis": "LIFE_AT_RISK",
            "body": {"health": health}}))
        self.received(self.origin, "CaseFile", count=4, user=True)

    def asked(self):
        self.send(self.host, "DuplicateQuestion", self.origin, people.duplicate_question())
        question = self.received(self.origin, "DuplicateQuestion")[0]["messageId"]
        self.c.must(self.c.corridor(self.origin, "duplicates", "answer", question, "--possible", "--contact-function",
                                    self.birds.word("DuplicateAnswer.contact_function"), user=True))
        self.received(self.host, "DuplicateAnswer")

    def accepted(self):
        self.provider = people.KINDIA
        offer = self.offer(self.provider)
        self.provider_handle = offer["case"]
        self.c.must(self.c.corridor(
            self.provider, "answer", offer["messageId"], "--accept", "--first-contact", "2026-03-24T09:00:00Z",
            "--contact-function", self.birds.word("ReferralAnswer.contact_function")))
        self.received(self.origin, "ReferralAck", handle=self.provider_handle)


def consent(**choices):
    """Wide enough for every field of the case file."""
    given = people_consent(**choices)
    given["scopes"][0]["categories"] = sorted({*given["scopes"][0]["categories"], "CHILD_BID"},
                                              key=pb.DataCategory.Value)
    return given


people_consent = people.consent


class Thief(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.birds = canaries.Canaries()
        cls.c = TappedCluster()
        cls.failed = False
        cls.c.__enter__()
        try:
            cls.play()
        except BaseException:
            cls.c.end(failed=True)
            raise

    @classmethod
    def tearDownClass(cls):
        cls.c.end(failed=cls.failed)

    def run(self, result=None):
        before = len(result.errors) + len(result.failures)
        super().run(result)
        type(self).failed |= len(result.errors) + len(result.failures) > before
        return result

    @classmethod
    def filled(cls, name, message):
        plain = getattr(people, name)
        return lambda *args, **change: cls.birds.fill(message(), plain(*args, **change))

    @classmethod
    def play(cls):
        changed = {name: cls.filled(name, message) for name, message in BODIES.items()}
        with mock.patch.multiple(people, consent=consent, **changed):
            cls.case = stages.reach(cls.c, "reported", Play(cls.c, cls.birds))
        cls.opened = cls.open_everything()
        # By the person's code, at an office that has not got the case.
        cls.c.must(cls.c.corridor(people.LABE, "withdraw", cls.case.reference, "--code", cls.case.code))
        cls.case.received(people.ORIGIN, "WithdrawalNotice")

    @classmethod
    def open_everything(cls):
        """What holders read of it: the texts of every message opened."""
        texts = []
        for office in cls.c.offices:
            for message in cls.c.must(cls.c.corridor(office, "inbox", "--limit", "1000", user=True))["messages"]:
                shown = cls.c.must(cls.c.corridor(office, "show", message["messageId"], user=True))
                texts.append(str(shown.get("content")))
        return "\n".join(texts)

    def secrets(self):
        return {"a canary": self.birds.mark, "the birth date": canaries.FORMS["birth_date"],
                "the reference": self.case.reference, "the reference, closed up": self.case.reference.replace("-", ""),
                "the code": self.case.code, "a passphrase": PASSPHRASE, "another": SECOND_PASSPHRASE,
                "the CA's": CA_PASSPHRASE}

    def needles(self):
        return [way for secret in self.secrets().values() for way in canaries.ways(secret)]

    def needles_of_memory(self):
        """Gigabytes are looked through: each as it is, and what requests carry otherwise."""
        plain = [secret.encode() for secret in self.secrets().values()]
        return [*plain, *canaries.ways(self.birds.mark)[1:], *canaries.ways(PASSPHRASE)[3:]]

    def planted(self):
        return canaries.ways(self.plant)

    def setUp(self):
        self.plant = "geplant" + os.urandom(9).hex()

    # --- there is something to steal ---

    def test_every_field_of_text_was_filled_and_arrived(self):
        unread = [where for canary, where in self.birds.sung.items() if canary not in self.opened]
        self.assertEqual(unread, [], "not opened by any holder")
        self.assertGreater(len(self.birds.sung), 70)
        sealed = {message.DESCRIPTOR.name for message in BODIES.values()} | ELSEWHERE
        source = (harness.SOURCE / "proto" / "sop.c").read_text()
        table = {line.split("corridor__v1__")[1].split("__descriptor")[0].replace("_", "")
                 for line in source.splitlines() if "__descriptor}" in line and "COR_C(RECORD)" not in line}
        self.assertEqual(table, {name.lower() for name in sealed}, "a sealed body that this test does not fill")

    # --- what a thief takes ---

    def test_memory_of_every_process(self):
        for name, process in self.c.processes.items():
            with self.subTest(name):
                try:
                    hits = [taken(pid, self.needles_of_memory()) for pid in family(process.pid)]
                except PermissionError as error:
                    self.skipTest(f"this account may not read a process that is not dumpable: {error}")
                self.assertEqual([hit for hit in hits if hit], [])

    def test_memory_is_looked_through(self):
        script = f"import signal; kept = 'geplant' + '{self.plant[7:]}'; print('ready', flush=True); signal.pause()"
        holder = Process("holder", [sys.executable, "-c", script], self.c.dir / "holder.out").start()
        try:
            wait_for(lambda: "ready" in holder.text(), 20, "the other process")
            self.assertTrue(memory.find(holder.pid, self.planted()))
        finally:
            holder.kill()

    def test_database_files_log_dump_and_backup(self):
        self.c.query("CREATE TABLE public.planted (word text, raw bytea)")
        self.c.query("INSERT INTO public.planted VALUES (%s, %s)", self.plant, self.plant.encode())
        self.c.query("CHECKPOINT")
        data = self.c.database.folder / "data"
        backup = self.c.dir / "backup"
        subprocess.run([database.BIN / "pg_basebackup", "-h", self.c.database.folder, "-U", self.c.database.user,
                        "-D", backup, "-Ft", "-X", "stream", "-c", "fast"], check=True, capture_output=True, cwd="/")
        dump = self.c.dir / "dump.sql"
        dump.write_text(self.c.database.dump())
        try:
            for what in (data / "base", data / "pg_wal", backup, dump):
                with self.subTest(what.name):
                    look = self.look_into(what)
                    self.assertEqual(look(self.needles()), {})
                    self.assertTrue(look(self.planted()), "what was planted there is found")
        finally:
            self.c.query("DROP TABLE public.planted")
            shutil.rmtree(backup)
            dump.unlink()

    @staticmethod
    def look_into(what):
        if what.is_dir():
            return lambda needles: canaries.in_folder(what, needles)[0]
        return lambda needles: {name: True for name in canaries.in_file(what, needles)}

    def test_the_whole_disk_of_hub_and_offices(self):
        """Databases, logs, keys, stores with their logs, and the tape of the wire."""
        hits, size = canaries.in_folder(self.c.dir, self.needles())
        self.assertEqual(hits, {})
        self.assertGreater(size, 32 << 20, "a hub's database is larger than that by itself")
        for office in self.c.offices:  # stores are looked at while open, log and all
            self.assertTrue((self.c.dir / office / "store.db").exists())
        planted = self.c.dir / people.ORIGIN / "planted"
        planted.write_text(f"a line with {self.plant} in it")
        try:
            self.assertEqual(list(canaries.in_folder(self.c.dir, self.planted())[0]), [str(planted)])
        finally:
            planted.unlink()

    def test_the_wire(self):
        """CURVE from the greeting on; and the tape does run."""
        tape, size = canaries.in_folder(self.c.tap.folder, self.needles())
        self.assertEqual(tape, {})
        self.assertGreater(size, 64 << 10)
        self.assertTrue(canaries.in_folder(self.c.tap.folder, [b"CURVE"])[0])
        with socket.create_connection(self.c.tap.listener.getsockname()) as line:
            line.sendall(self.plant.encode())
            wait_for(lambda: canaries.in_folder(self.c.tap.folder, self.planted())[0], 20, "it is on the tape")

    def test_metrics_and_health(self):
        for name in ("core", "door", *self.c.offices):
            for path in ("/metrics", "/healthz"):
                with self.subTest(name, path=path):
                    told = self.c.http(name, path)[1].encode()
                    self.assertTrue(told)
                    self.assertEqual([needle for needle in self.needles() if needle in told], [])


def family(pid):
    """A process and its children; PostgreSQL has one for each connection."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def taken(pid, needles):
    """What memory.find finds; nothing where the process has ended meanwhile."""
    try:
        return memory.find(pid, needles)
    except (FileNotFoundError, ProcessLookupError):
        return {}


if __name__ == "__main__":
    unittest.main()
