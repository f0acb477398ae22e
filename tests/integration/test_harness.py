"""The harness itself: it must see what no test may overlook."""

import signal
import sys
import tempfile
import unittest
from pathlib import Path

from database import Database
from processes import NotInTime, Process, wait_for


class Watching(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="h-")
        self.addCleanup(folder.cleanup)
        self.log = Path(folder.name) / "p.log"

    def process(self, script):
        process = Process("p", [sys.executable, "-c", script], self.log).start()
        self.addCleanup(lambda: process.kill() if process.running() else None)
        return process

    def test_death_by_a_signal_is_a_crime(self):
        process = self.process("import os; os.abort()")
        process.wait()
        self.assertEqual(process.crimes(), [f"p ended with status {-signal.SIGABRT}"])

    def test_bad_status_after_a_stop_is_a_crime(self):
        process = self.process("import sys; sys.exit(3)")
        process.wait()
        process.stop()
        self.assertEqual(process.crimes(), ["p ended with status 3"])

    def test_a_kill_by_the_test_is_none(self):
        process = self.process("import signal; signal.pause()")
        process.kill()
        self.assertEqual(process.crimes(), [])

    def test_sanitizer_reports_are_crimes(self):
        for line in ("==1==ERROR: AddressSanitizer: heap-use-after-free",
                     "==1==ERROR: LeakSanitizer: detected memory leaks",
                     "x.c:3:4: runtime error: signed integer overflow",
                     "WARNING: ThreadSanitizer: data race"):
            with self.subTest(line):
                self.log.write_text("")
                process = self.process(f"print({line!r})")
                process.wait()
                self.assertEqual(len(process.crimes()), 1)

    def test_waiting_ends(self):
        with self.assertRaisesRegex(NotInTime, "not in 0.1 s: rain"):
            wait_for(lambda: False, 0.1, "rain")
        self.assertEqual(wait_for(lambda: 7), 7)


class PrivateDatabase(unittest.TestCase):
    def test_checksums_socket_only_and_clean_end(self):
        with tempfile.TemporaryDirectory(prefix="h-") as folder:
            Path(folder).chmod(0o711)
            database = Database(Path(folder) / "pg")
            database.make()
            try:
                database.start()
                with database.connect() as connection, connection.cursor() as cursor:
                    cursor.execute("SELECT name, setting FROM pg_settings "
                                   "WHERE name IN ('data_checksums', 'listen_addresses', 'fsync')")
                    self.assertEqual(dict(cursor.fetchall()),
                                     {"data_checksums": "on", "listen_addresses": "", "fsync": "on"})
                connection.close()
            finally:
                database.stop()
            self.assertEqual(database.process.crimes(), [])


if __name__ == "__main__":
    unittest.main()
