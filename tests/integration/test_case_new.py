"""A registration answers at the agent's own commit: whoever is cut off while the
command waits for the hub holds the reference number and the withdrawal code, and
they work."""

import json
import signal
import subprocess
import unittest

import people
from agent_alone import AgentAlone
from processes import wait_for

MEMBERS = ("handle", "reference", "withdrawalCode", "messageId")


class CaseNew(unittest.TestCase):
    def run(self, result=None):
        self.result, self.before = result, len(result.errors) + len(result.failures)
        return super().run(result)

    def setUp(self):
        self.c = AgentAlone()  # its hub starts only when a test says so
        self.c.__enter__()
        self.addCleanup(lambda: self.c.end(len(self.result.errors) + len(self.result.failures) > self.before))

    def begin(self, *words, wait=30):
        """Starts `case new`; its output goes to files, so that a cut leaves what was flushed."""
        self.out, self.err = self.c.dir / "out", self.c.dir / "err"
        with open(self.out, "w", encoding="utf-8") as out, open(self.err, "w", encoding="utf-8") as err:
            command = subprocess.Popen(
                [self.c.program("corridor"), "--agent", self.c.socket(people.HOST), *words, "case", "new",
                 "--origin", people.ORIGIN, "--programme", "JI", "--return-type", "AVRR",
                 "--declared-on", "2026-03-02", "--wait", str(wait)], stdout=out, stderr=err, env=self.c.env)
        self.addCleanup(command.wait)
        self.addCleanup(command.kill)
        return command

    def printed(self, text):
        return wait_for(lambda: text in self.out.read_text() and self.out.read_text(), 20, f"{text} is printed")

    def assert_known(self, reference, handle):
        told = self.c.corridor(people.HOST, "timeline", reference)
        self.assertEqual((told.code, told.json["handle"]), (0, handle), told)
        self.assertEqual([event["type"] for event in told.json["events"]], ["Registration"])

    def test_interrupted_while_the_hub_is_away(self):
        command = self.begin()
        self.printed("withdraw consent at any office")
        command.send_signal(signal.SIGINT)
        self.assertEqual(command.wait(20), 5)
        lines = dict(line.split("  ", 1) for line in self.out.read_text().splitlines() if "  " in line)
        lines = {title: value.strip() for title, value in lines.items()}
        self.assertEqual(lines["State"], "queued")
        self.assertTrue(lines["Withdrawal code"])
        self.assertIn("KEPT_NOT_SENT", self.err.read_text())
        self.assert_known(lines["Reference number"], lines["Case handle"])

    def test_json_stays_one_document_when_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                command = self.begin("--json")
                self.printed('"messageId"')
                command.send_signal(number)
                self.assertEqual(command.wait(20), 5)
                told = json.loads(self.out.read_text())
                self.assertEqual((told["state"], told["code"]), ("queued", "KEPT_NOT_SENT"))
                self.assertNotIn(told["withdrawalCode"], self.err.read_text())
                self.assert_known(told["reference"], told["handle"])

    def test_json_of_a_killed_command_holds_what_it_began_with(self):
        command = self.begin("--json")
        self.printed('"messageId"')
        command.kill()
        command.wait(20)
        told = json.loads(self.out.read_text() + "}")
        self.assertEqual(sorted(told), sorted(MEMBERS))
        self.assert_known(told["reference"], told["handle"])

    def test_the_agent_ends_while_the_command_waits(self):
        command = self.begin("--json")
        self.printed('"messageId"')
        self.c.stop(people.HOST)
        self.assertEqual(command.wait(20), 5)
        self.assertTrue(json.loads(self.out.read_text())["reference"])

    def test_the_outcome_follows_when_the_hub_answers(self):
        command = self.begin("--json", wait=60)
        self.printed('"messageId"')
        self.c.hub.start()
        self.assertEqual(command.wait(60), 0, self.err.read_text())
        told = json.loads(self.out.read_text())
        self.assertEqual(told["state"], "admitted")
        self.assertTrue(told["receipt"])
        self.assertEqual(self.err.read_text(), "")


if __name__ == "__main__":
    unittest.main()
