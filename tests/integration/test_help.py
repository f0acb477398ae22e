"""--help of every verb of the three programs: ends with 0, names its options and no
other verb's, gives an example whose words the program takes, and the exit codes."""

import os
import re
import shlex
import subprocess
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("CORRIDOR_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("CORRIDOR_BUILD", SOURCE / "build" / "dev"))
DAEMON = {"config", "check-config", "sample-config"}
BROKER = {"door": DAEMON, "core": DAEMON, "migrate": {"db", "sql", "demo-clock"},
          "cards import": {"db", "ca", "demo-clock"}, "suspend": {"db", "demo-clock"}}
EVERYWHERE = {"corridor": {"agent", "json", "user", "passphrase-fd", "lang", "help", "version"},
              "corridor-broker": {"help", "version"}}


def run(program, *words):
    return subprocess.run([BUILD / program, *words], capture_output=True, text=True, timeout=60)


def listed_verbs(program):
    """The verbs that the program's own --help lists: words in small letters."""
    lines = run(program, "--help").stdout.splitlines()
    found = [re.match(r"  ([a-z][a-z-]*(?: [a-z-]+){0,2})(?= |$)", line) for line in lines]
    return [match[1] for match in found if match]


def options_of(text):
    return set(re.findall(r"^  --([a-z-]+)", text, re.M))


class Help(unittest.TestCase):
    def helps(self, program):
        for verb in listed_verbs(program):
            with self.subTest(f"{program} {verb}"):
                told = run(program, *verb.split(), "--help")
                self.assertEqual((told.returncode, told.stderr), (0, ""))
                self.assertTrue(told.stdout.startswith(f"{program} {verb} - "), told.stdout)
                for part in (f"usage: {program} {verb}", "Exit codes: 0 done", "example: "):
                    self.assertIn(part, told.stdout)
                self.assertLessEqual(EVERYWHERE[program], options_of(told.stdout))
                example = re.search(r"^example: (.*)$", told.stdout, re.M)[1]
                again = run(*shlex.split(example), "--help")
                self.assertEqual((again.returncode, again.stdout), (0, told.stdout), again.stderr)
                yield verb, told.stdout

    def test_corridor(self):
        verbs = dict(self.helps("corridor"))
        self.assertEqual(len(verbs), 67)
        self.assertIn("wait", options_of(verbs["case new"]))
        self.assertNotIn("wait", options_of(verbs["case list"]))

    def test_broker(self):
        options = {verb: options_of(text) - EVERYWHERE["corridor-broker"]
                   for verb, text in self.helps("corridor-broker")}
        self.assertEqual(options, BROKER)

    def test_agent(self):
        told = run("corridor-agent", "--help")
        self.assertEqual(told.returncode, 0)
        self.assertLessEqual({"config", "check-config", "sample-config", "help", "version"}, options_of(told.stdout))
        self.assertIn("Exit codes: 0 done", told.stdout)

    def test_broker_takes_no_word_that_it_does_not_use(self):
        for words, said in ((("suspend", "ne-niamey", "--ca", "x"), "--ca"), (("suspend", "--db", "x"), "OFFICE"),
                            (("migrate",), "--db"), (("cards", "import", "x", "--db", "y"), "--ca"),
                            (("cards", "imprt", "x"), "no such verb"), (("door", "core", "--sample-config"), "core"),
                            (("door",), "--config"), (("suspend", "a", "b", "c", "d"), "one word too many"), ((), "usage")):
            with self.subTest(words):
                done = run("corridor-broker", *words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()
