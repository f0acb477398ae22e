"""A receipt means that the message is on disk: whatever the database's default is, the
hub's own COMMIT waits for it. PostgreSQL is killed, not stopped, right after."""

import unittest

import harness
import people
import stages
from harness import wait_for


class DurableCommit(harness.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.c.query("ALTER DATABASE corridor SET synchronous_commit = off")
        cls.c.query("ALTER SYSTEM SET wal_writer_delay = '10s'")
        cls.c.query("SELECT pg_reload_conf()")
        cls.c.restart("core")
        cls.c.wait_ready()

    def kill_database(self):
        self.c.kill("postgres")
        self.c.database.start()
        wait_for(self.c.database.answers, 30, "PostgreSQL has recovered")

    def test_what_was_receipted_survives(self):
        case = stages.reach(self.c, "consented")
        self.c.stop(people.ORIGIN)
        sent = case.send(people.HOST, "CaseFile", people.ORIGIN, people.case_file(case.reference))["messages"]
        self.assertEqual({m["state"] for m in sent}, {"admitted"})
        self.kill_database()
        for message in sent:
            kept = self.c.query("SELECT count(*) FROM corridor.message WHERE message_id = %s",
                                bytes.fromhex(message["messageId"].replace("-", "")))
            self.assertEqual(kept, [(1,)])
        self.c.start_process(people.ORIGIN)
        case.received(people.ORIGIN, "CaseFile", count=2, seconds=60)

    def test_another_session_does_lose_its_commit(self):
        """The control: with the same settings a session that says nothing loses what it
        was told is committed, so the test above can fail."""
        self.c.query("CREATE TABLE lost_and_found (n integer)")
        for n in range(1, 6):  # the WAL writer wakes every 10 s, and may be in time once
            db = self.c.db()
            with db.cursor() as cursor:
                cursor.execute("SET synchronous_commit = on")
                cursor.execute("INSERT INTO lost_and_found VALUES (%s)", (n,))
                cursor.execute("SET synchronous_commit = off")
                cursor.execute("INSERT INTO lost_and_found VALUES (%s)", (-n,))
            self.kill_database()
            db.close()
            kept = {found for found, in self.c.query("SELECT n FROM lost_and_found")}
            self.assertIn(n, kept)
            if -n not in kept:
                return
        self.fail("each of them was on disk in time")


if __name__ == "__main__":
    unittest.main()
