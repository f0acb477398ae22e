"""The README's first command, as a newcomer types it, on data of its own
(CORRIDOR_HOME) so that a demonstration somebody left running is not touched."""

import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from harness import SOURCE

QUICKSTART = SOURCE / "deploy" / "quickstart"
OFFICES = ["ne-niamey", "gn-conakry", "gn-tvet-kindia", "gn-tvet-labe"]


class Quickstart(unittest.TestCase):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="q-"))
        os.chmod(self.home, 0o711)
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS")}
        self.env["CORRIDOR_HOME"] = str(self.home)
        self.addCleanup(self.clean)

    def clean(self):
        self.quickstart("--stop", code=None)
        left = self.processes()
        for cluster in self.home.glob("run-*/cluster"):
            shutil.rmtree(cluster.resolve(), ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)
        self.assertEqual(left, [], "--stop left these running")

    def quickstart(self, *args, code=0, seconds=480):
        done = subprocess.run([QUICKSTART, *args], env=self.env, cwd="/", stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout[-4000:])
        return done.stdout

    def processes(self):
        """Command lines of living processes that name our folder."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().replace(b"\0", b" ").decode("latin-1")
            except OSError:
                continue
            if str(self.home) in line and "quickstart" not in line:
                found.append(line)
        return found

    def variables(self):
        found = {}
        for line in self.quickstart("--env").splitlines():
            words = shlex.split(line)
            if words[:1] == ["export"] and "=" in words[1]:
                name, value = words[1].split("=", 1)
                found[name] = value
        return found

    def corridor(self, *args):
        env = {**self.env, **{k: v for k, v in self.variables().items() if k != "PATH"}}
        done = subprocess.run([SOURCE / "build/release/corridor", "--json", *args], env=env, text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_once_plays_the_story_and_leaves_nothing(self):
        told = self.quickstart("--once")
        for part in ("The story is told", "corridor timeline", "corridor due --all", "corridor audit report",
                     "NO_CONSENT"):
            self.assertIn(part, told)
        self.assertEqual(self.processes(), [])

    def test_a_run_stays_and_is_handled_by_name(self):
        own = self.home / "own-story"
        own.mkdir()
        (own / "01.json").write_text(json.dumps({
            "title": "A case of the reader's own.", "office": "ne-niamey", "save": {"case": "/handle"},
            "do": ["case", "new", "--origin", "gn-conakry", "--programme", "JI", "--return-type", "AVRR",
                   "--declared-on", "2026-05-04"]}))
        told = self.quickstart("--clock", "2026-05-04T08:00Z", "--story", str(own))
        self.assertIn("A case of the reader's own.", told)
        self.assertNotIn("Testina", told)

        env = self.variables()
        self.assertLessEqual({"CORRIDOR_DB", "CORRIDOR_ENDPOINT", "CORRIDOR_SERVER_KEY", "CORRIDOR_CA",
                              "CORRIDOR_RUN"}, set(env))
        sockets = [f"{env['CORRIDOR_RUN']}/{office}/agent.sock" for office in OFFICES]
        for socket in sockets:
            status = self.corridor("--agent", socket, "status")
            self.assertTrue(status["connected"] and status["demo"])
        self.assertTrue(self.corridor("demo", "clock")["time"].startswith("2026-05-04T08:"))

        running = len(self.processes())
        self.quickstart("--stop", "gn-tvet-labe")
        self.assertLess(len(self.processes()), running)
        self.quickstart("--start", "gn-tvet-labe")
        self.assertTrue(self.corridor("--agent", sockets[3], "status")["connected"])

        first = env["CORRIDOR_RUN"]
        began = time.monotonic()
        self.quickstart("--clock", "2026-05-04T08:00Z", "--story", str(own))
        print(f"second run: {time.monotonic() - began:.1f} s")
        self.assertNotEqual(self.variables()["CORRIDOR_RUN"], first)
        cases = self.corridor("--agent", f"{self.variables()['CORRIDOR_RUN']}/ne-niamey/agent.sock",
                              "case", "list")["cases"]
        self.assertEqual(len(cases), 1, "fresh data for each run")

        self.quickstart("--stop")
        self.assertEqual(self.processes(), [])

    def test_wrong_use_is_said(self):
        for args, word in ((["--clock", "yesterdayish"], "yesterdayish"), (["--story", "/nonexistent"], "/nonexistent"),
                           (["--story", str(self.home)], "no steps"), (["--once", "--what"], "--what"),
                           (["--start"], "needs a name"), (["--clock"], "needs a value")):
            with self.subTest(args):
                self.assertIn(word, self.quickstart(*args, code=2))


if __name__ == "__main__":
    unittest.main()
