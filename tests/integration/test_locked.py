"""Two small offices on one host. Each agent has an account of its own; the keys it works
with are locked under the office's passphrase. Neither account reaches the other's files
or agent, a copy of the disk gives nothing without the passphrase, and with it the agent
works like any other."""

import os
import shutil
import unittest

import harness
import people
import stages
from harness import wait_for

OFFICE_PASSPHRASE = "the office's own passphrase"
ACCOUNT = {people.HOST: 64101, people.ORIGIN: 64102}
MISSIONS = harness.standard_offices()[:2]


class Host(harness.Cluster):
    """Both missions' agents on one machine, as corridor-agent@.service runs them."""

    def prepare(self):
        super().prepare()
        self.plain = {}
        for name, uid in ACCOUNT.items():
            keys = self.identity.keys(name)
            self.plain[name] = {(keys / file).read_bytes() for file in ("curve.key", "signing.key")}
            self.must(self.run([self.program("corridor"), "--json", "--passphrase-fd", "FD", "office", "lock", "--dir",
                                keys], secrets=[OFFICE_PASSPHRASE]))
            for path in [self.dir / name, *(self.dir / name).rglob("*")]:
                os.chown(path, uid, uid)
            self.processes[name].user = uid
        for path in (self.identity.clock, *self.dir.glob("*.conf")):
            path.chmod(0o644)

    @staticmethod
    def as_account(uid):
        return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]

    def wait_ready(self, names=None, seconds=60):
        """Locked: what there is to wait for is the socket."""
        for name in names or self.offices:
            wait_for(lambda: self.socket(name).exists(), 20, f"{name} listens")

    def unlock(self, name, passphrase=OFFICE_PASSPHRASE):
        return self.run([self.program("corridor"), "--agent", self.socket(name), "--json", "--passphrase-fd", "FD",
                         "agent", "unlock"], secrets=[passphrase])

    def works(self, name):
        super().wait_ready([name])


@unittest.skipUnless(os.geteuid() == 0, "accounts can only be changed by root")
class TwoOffices(unittest.TestCase):
    def setUp(self):
        self.c = Host(offices=MISSIONS)
        self.c.__enter__()

    def tearDown(self):
        outcome = self._outcome.result
        failed = any(test is self for test, _ in [*outcome.errors, *outcome.failures])
        self.c.end(failed)

    def unlocked(self):
        for name in ACCOUNT:
            self.c.must(self.c.unlock(name))
        for name in ACCOUNT:
            self.c.works(name)

    def test_a_locked_agent_serves_nothing_and_then_everything(self):
        for words in (("status",), ("inbox",), ("case", "list")):
            answer = self.c.corridor(people.HOST, *words)
            self.assertEqual((answer.code, answer.error["code"]), (6, "OFFICE_LOCKED"))
            self.assertTrue(answer.error["sentence"])
        wrong = self.c.unlock(people.HOST, "not the passphrase")
        self.assertEqual((wrong.code, wrong.error["code"]), (6, "WRONG_PASSPHRASE"))
        self.unlocked()
        case = stages.reach(self.c, "filed")
        message = case.received(people.ORIGIN, "CaseFile", count=2)[0]["messageId"]
        self.assertIn("content", self.c.must(self.c.corridor(people.ORIGIN, "show", message, user=True)))
        self.assertFalse(self.c.must(self.c.unlock(people.HOST))["unlocked"])  # it is not locked any more
        self.c.restart(people.HOST)
        self.c.wait_ready([people.HOST])
        self.assertEqual(self.c.corridor(people.HOST, "status").error["code"], "OFFICE_LOCKED")

    def test_one_account_does_not_reach_the_other(self):
        self.unlocked()
        other = self.c.as_account(ACCOUNT[people.HOST])
        for path in ("keys/office.json", "keys/office.lock", "keys/keys/casework.key", "store.db", "agent.sock"):
            with self.subTest(path):
                answer = self.c.run([*other, "cat", self.c.dir / people.ORIGIN / path])
                self.assertNotEqual(answer.code, 0)
                self.assertIn("Permission denied", answer.err)
        agent = [self.c.program("corridor"), "--agent", self.c.socket(people.ORIGIN), "--json", "status"]
        self.assertEqual(self.c.run([*other, *agent]).code, 1)
        # Even where the directory and the socket were opened by mistake, the agent knows its own.
        (self.c.dir / people.ORIGIN).chmod(0o711)
        self.c.socket(people.ORIGIN).chmod(0o666)
        answer = self.c.run([*other, *agent])
        self.assertEqual((answer.code, answer.error["code"]), (6, "NOT_PERMITTED"))
        self.assertEqual(self.c.run([*self.c.as_account(ACCOUNT[people.ORIGIN]), *agent]).code, 0)

    def test_a_copy_of_the_disk_gives_nothing(self):
        self.unlocked()
        case = stages.reach(self.c, "filed")
        case.received(people.ORIGIN, "CaseFile", count=2)
        for name in ACCOUNT:
            self.c.stop(name)
        for name, secrets in self.c.plain.items():
            copy = self.c.dir / f"copy-{name}"
            shutil.copytree(self.c.dir / name, copy, ignore=lambda folder, names: {"agent.sock"} & set(names))
            disk = b"".join(path.read_bytes() for path in copy.rglob("*") if path.is_file())
            for canary in self.canaries(secrets) | {b"Testina", b"Exemplar"}:
                self.assertNotIn(canary, disk)
            words = [self.c.program("corridor"), "--json", "--passphrase-fd", "FD", "office"]
            request = self.c.run([*words, "request", "--dir", copy / "keys", "--out", copy / "request"], secrets=["x"])
            self.assertEqual((request.code, request.error["code"]), (6, "OFFICE_LOCKED"))
            guess = self.c.run([*words, "unlock", "--dir", copy / "keys"], secrets=["not the passphrase"])
            self.assertEqual((guess.code, guess.error["code"]), (6, "WRONG_PASSPHRASE"))
            self.c.must(self.c.run([*words, "unlock", "--dir", copy / "keys"], secrets=[OFFICE_PASSPHRASE]))
            opened = {(copy / "keys" / file).read_bytes() for file in ("curve.key", "signing.key")}
            self.assertEqual(opened, secrets)

    @staticmethod
    def canaries(secrets):
        """Each line of the secret files that is not a frame; the last and shortest too."""
        lines = {line for secret in secrets for line in secret.splitlines() if not line.startswith(b"---")}
        assert len(lines) >= 3 and all(len(line) > 10 for line in lines), lines
        return lines

    def test_locked_keys_are_another_s_in_another_directory(self):
        """office.lock opens for its own office only."""
        shutil.copyfile(self.c.identity.keys(people.HOST) / "office.lock",
                        self.c.identity.keys(people.ORIGIN) / "office.lock")
        self.assertEqual(self.c.unlock(people.ORIGIN).error["code"], "WRONG_PASSPHRASE")


class Credential(unittest.TestCase):
    """systemd hands the passphrase over; nobody has to type it."""

    def test_an_agent_with_its_credential_starts_by_itself(self):
        with harness.Cluster(offices=MISSIONS) as c:
            c.stop(people.HOST)
            c.must(c.run([c.program("corridor"), "--json", "--passphrase-fd", "FD", "office", "lock", "--dir",
                          c.identity.keys(people.HOST)], secrets=[OFFICE_PASSPHRASE]))
            folder = c.dir / "credentials"
            folder.mkdir()
            (folder / "office-passphrase").write_text(OFFICE_PASSPHRASE + "\n")
            c.processes[people.HOST].env = {**c.env, "CREDENTIALS_DIRECTORY": str(folder)}
            c.start_process(people.HOST)
            c.wait_ready([people.HOST])


if __name__ == "__main__":
    unittest.main()
