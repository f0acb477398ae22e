"""The broker's PostgreSQL: what it may hold, who may touch it, how it is made.

The database is filled by the race driver, so that the views have rows to show."""

import re
import shutil
import unittest
from pathlib import Path

from psycopg2 import errors

import harness
import people
import schema

SQL = harness.SOURCE / "broker" / "sql"
COLUMNS = Path(__file__).with_name("columns.txt")
WORDS = {"id", "office", "public", "code", "time", "count", "flag", "digest", "salt", "signed", "coded", "sealed"}
BROKER, ERASER, SEQUENCER = "corridor_broker", "corridor_eraser", "corridor_sequencer"
OVERSIGHT, STATISTICS = "corridor_oversight", "corridor_statistics"
ROLES = {BROKER, ERASER, SEQUENCER, OVERSIGHT, STATISTICS}
APPEND_ONLY = {"access", "basis_statement", "dedupe", "obligation_event", "log_leaf", "log_record", "permission_change",
               "recalled", "refusal"}
TABLES = """SELECT n.nspname, c.relname, c.relkind IN ('v', 'm') FROM pg_class c JOIN pg_namespace n
  ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND %s"""
COLUMNS_NOW = """SELECT n.nspname || '.' || c.relname || '.' || a.attname,
  replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz')
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"""


cluster = harness.Cluster()


def setUpModule():
    try:
        cluster.prepare()
        for scenario, rounds in (("withdraw", 4), ("suspend", 1), ("basis", 1)):
            cluster.must(cluster.run([
                cluster.build / "tests" / "race", scenario, rounds, cluster.database.conninfo(user=BROKER),
                cluster.dir, cluster.identity.clock, people.HOST, people.ORIGIN, people.ORIGIN, people.KINDIA]))
        cluster.query("INSERT INTO corridor.access SELECT 0, admitted_at, recipient, message_id, admitted_at, handle,"
                      " case_handle, 1, admitted_at FROM corridor.message WHERE compartment <> 1 LIMIT 1")
    except BaseException:
        cluster.end(failed=True)
        raise


def tearDownModule():
    cluster.end()


class StoreTest(unittest.TestCase):
    c = cluster

    def transaction(self, user=None):
        """A cursor whose work is rolled back after the test."""
        db = self.c.database.connect(user=user)
        self.addCleanup(db.close)
        return db.cursor()

    def read(self, role, name):
        db = self.c.database.connect(user=role)
        try:
            with db.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {name}")
                return cursor.fetchall()
        finally:
            db.close()

    def dump(self):
        """Without the words that pg_dump draws anew for each of its dumps."""
        return re.sub(r"^\\(un)?restrict .*$", "", self.c.database.dump(), flags=re.M)

    def denied(self, role, statement):
        db = self.c.database.connect(user=role)
        try:
            with self.assertRaises(errors.InsufficientPrivilege, msg=f"{role}: {statement}"):
                db.cursor().execute(statement)
        finally:
            db.close()

    def tables(self, where="true"):
        return [(f"{space}.{name}", view) for space, name, view in self.c.query(TABLES % where)]


class Columns(StoreTest):
    def allowed(self):
        lines = (line.split() for line in COLUMNS.read_text().splitlines() if line and line[0] != "#")
        found = {}
        for column, kind, word in lines:
            self.assertIn(word, WORDS, column)
            self.assertNotIn(column, found)
            found[column] = kind
        return found

    def test_every_stored_column_is_allowed(self):
        self.assertEqual(dict(self.c.query(COLUMNS_NOW)), self.allowed())

    def test_an_added_column_is_seen(self):
        cursor = self.transaction()
        cursor.execute("ALTER TABLE corridor.consent ADD COLUMN giver text")
        cursor.execute("CREATE TABLE corridor.note (body text)")
        cursor.execute(COLUMNS_NOW)
        self.assertEqual({column for column, _ in cursor.fetchall()} - set(self.allowed()),
                         {"corridor.consent.giver", "corridor.note.body"})

    def test_free_text_has_no_column(self):
        """What is text is an office, a code or a word of ours."""
        words = dict((line.split()[0], line.split()[2]) for line in COLUMNS.read_text().splitlines()
                     if line and line[0] != "#")
        for column, kind in self.allowed().items():
            if kind == "text" and column.startswith("corridor."):
                self.assertIn(words[column], {"office", "code", "public", "id"}, column)


class Roles(StoreTest):
    def may(self, role, privilege, where="true"):
        return {name for name, _ in self.tables(f"{where} AND has_table_privilege('{role}', c.oid, '{privilege}')")}

    def test_nobody_is_more_than_a_role(self):
        rows = self.c.query("SELECT rolname, rolcanlogin, rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls"
                            " OR rolreplication FROM pg_roles WHERE rolname LIKE 'corridor%%'")
        self.assertEqual(sorted(rows), sorted([("corridor_owner", False, False),
                                               *((role, True, False) for role in ROLES)]))
        self.assertEqual(self.c.query("SELECT roleid::regrole::text FROM pg_auth_members"
                                      " WHERE member::regrole::text LIKE 'corridor%%'"), [])

    def test_who_may_read_what(self):
        everyone = {"public.corridor_schema"}
        corridor = {name for name, _ in self.tables("n.nspname = 'corridor' AND NOT c.relispartition")}
        expected = {BROKER: corridor - {"corridor.code_name"},
                    ERASER: {"corridor.message", "corridor.delivery", "corridor.log_record", "corridor.log_leaf"},
                    SEQUENCER: {"corridor.log_leaf"},
                    OVERSIGHT: {name for name, _ in self.tables("n.nspname = 'oversight'")},
                    STATISTICS: {name for name, _ in self.tables("n.nspname = 'statistics'")}}
        for role, names in expected.items():
            with self.subTest(role):
                self.assertEqual(self.may(role, "SELECT", "NOT c.relispartition"), names | everyone)

    def test_who_may_change_what(self):
        for privilege in ("DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
            for role in ROLES:
                with self.subTest(privilege, role=role):
                    expected = {"corridor.log_record"} if (role, privilege) == (ERASER, "DELETE") else set()
                    self.assertEqual(self.may(role, privilege), expected)
        for role in ROLES - {BROKER}:
            with self.subTest(role):
                self.assertEqual(self.may(role, "INSERT") | self.may(role, "UPDATE"), set())
        for name in APPEND_ONLY:
            self.assertNotIn(f"corridor.{name}", self.may(BROKER, "UPDATE"))

    def test_the_broker_cannot_remove_or_reshape(self):
        for name, view in self.tables("n.nspname = 'corridor'"):
            with self.subTest(name):
                self.denied(BROKER, f"DELETE FROM {name}")
                self.denied(BROKER, f"TRUNCATE {name}")
                self.denied(BROKER, f"ALTER TABLE {name} ADD COLUMN more text")
                self.denied(BROKER, f"DROP TABLE {name}")
        for statement in ("UPDATE corridor.log_leaf SET leaf = ''", "UPDATE corridor.log_record SET record = ''",
                          "UPDATE corridor.dedupe SET receipt = ''", "UPDATE corridor.refusal SET code = 0",
                          "SELECT * FROM oversight.disclosure", "SELECT * FROM statistics.case_count",
                          "CREATE TABLE corridor.mine (a int)", "CREATE TABLE public.mine (a int)",
                          "SET ROLE corridor_owner", "SELECT pg_read_file('/etc/passwd')",
                          "COPY corridor.office TO PROGRAM 'cat'"):
            with self.subTest(statement):
                self.denied(BROKER, statement)

    def test_readers_read_their_views_and_nothing_else(self):
        for role, space in ((OVERSIGHT, "oversight"), (STATISTICS, "statistics")):
            for name, _ in self.tables(f"n.nspname = '{space}'"):
                with self.subTest(role, view=name):
                    self.assertGreater(len(self.read(role, name)), 0)
            for name, _ in self.tables(f"n.nspname NOT IN ('{space}', 'public')"):
                with self.subTest(role, closed=name):
                    self.denied(role, f"SELECT * FROM {name}")

    def test_views_speak_words(self):
        rows = self.c.query("SELECT DISTINCT type, purpose, basis, categories FROM oversight.disclosure"
                            " WHERE basis = 'CONSENT'")
        self.assertEqual(rows, [("CaseFile", "RETURN_PREPARATION", "CONSENT", ["BIODATA", "CONTACT"])])
        rows = self.c.query("SELECT type, basis, categories, result FROM oversight.exception")
        self.assertEqual(rows, [("CaseFile", "LIFE_AT_RISK", ["HEALTH_DATA"], "NOT_UPHELD")])

    def test_a_stranger_has_no_way_in(self):
        cursor = self.transaction()
        cursor.execute("CREATE ROLE stranger LOGIN")
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname IN ('corridor', 'oversight', 'statistics')"
                       " AND has_schema_privilege('stranger', oid, 'USAGE')")
        self.assertEqual(cursor.fetchall(), [])
        cursor.execute("SELECT has_function_privilege('stranger', 'corridor.ensure_partitions(bigint)', 'EXECUTE')")
        self.assertEqual(cursor.fetchall(), [(False,)])

    def test_partitions_are_like_their_parent(self):
        cursor = self.transaction(BROKER)
        cursor.execute("SELECT corridor.ensure_partitions(%s)", (people.at("2027-12-15T00:00:00Z"),))
        cursor.execute("SELECT count(*) FROM corridor.message_202712, corridor.message_202801")
        for statement in ("DELETE FROM corridor.message_202712", "DROP TABLE corridor.message_202712"):
            with self.subTest(statement), self.assertRaises(errors.InsufficientPrivilege):
                cursor.execute("SAVEPOINT before")
                try:
                    cursor.execute(statement)
                finally:
                    cursor.execute("ROLLBACK TO before")


class Migrations(StoreTest):
    def migrate(self, folder):
        return self.c.run([self.c.program("corridor-broker"), "migrate", "--db", self.c.database.conninfo(),
                           "--sql", folder])

    def versions(self):
        return self.c.query("SELECT * FROM public.corridor_schema ORDER BY version")

    def changed(self, name, change):
        """A copy of the migrations in which one file reads otherwise."""
        folder = self.c.dir / self.id()
        shutil.copytree(SQL, folder)
        path = folder / name
        path.write_text(change(path.read_text() if path.exists() else ""))
        return folder

    def test_again_changes_nothing(self):
        before, dump = self.versions(), self.dump()
        answer = self.migrate(SQL)
        self.assertEqual((answer.code, answer.out), (0, ""))
        self.assertEqual(self.versions(), before)
        self.assertEqual(self.dump(), dump)
        self.assertEqual([version for version, *_ in before], list(range(1, len(list(SQL.glob("*.sql"))) + 1)))

    def test_a_changed_file_is_refused(self):
        before = self.versions()
        answer = self.migrate(self.changed("0003_case.sql", lambda text: text + "-- afterthought\n"))
        self.assertNotEqual(answer.code, 0)
        self.assertIn("0003_case.sql", answer.err)
        self.assertIn("applied with other content", answer.err)
        self.assertEqual(self.versions(), before)

    def test_a_file_that_fails_leaves_nothing(self):
        before, dump = self.versions(), self.dump()
        answer = self.migrate(self.changed(
            "0099_broken.sql", lambda text: "CREATE TABLE corridor.half (a int);\nSELECT no_such_function();\n"))
        self.assertNotEqual(answer.code, 0)
        self.assertIn("0099_broken.sql", answer.err)
        self.assertEqual((self.versions(), self.dump()), (before, dump))

    def test_the_newest_is_what_the_broker_expects(self):
        newest = max(int(path.name[:4]) for path in SQL.glob("*.sql"))
        told = re.search(r"MIGRATION_NEWEST = (\d+)", (harness.SOURCE / "broker" / "migrate.h").read_text())
        self.assertEqual(int(told[1]), newest)


class CodeNames(StoreTest):
    """corridor.code_name is what the schema and the SOP table say."""

    def stored(self, kind):
        return dict(self.c.query("SELECT code, name FROM corridor.code_name WHERE kind = %s", kind))

    def test_enumerations(self):
        pb = schema.load()
        for kind, enum in (("purpose", pb.Purpose), ("basis", pb.LegalBasis), ("category", pb.DataCategory),
                           ("obligation", pb.ObligationState), ("access", pb.AccessKind)):
            with self.subTest(kind):
                self.assertEqual(self.stored(kind), {code: name for name, code in enum.items() if code})

    def test_what_a_list_changes(self):
        pb = schema.load()
        for kind, enum in (("part", pb.ListPart), ("change", pb.ListChange)):
            with self.subTest(kind):
                self.assertEqual(self.stored(kind), {code: name.removeprefix(f"{kind.upper()}_")
                                                     for name, code in enum.items() if code})

    def test_message_types_have_the_sop_tables_names(self):
        pb = schema.load()
        rows = re.findall(r"\.type = COR_T\((\w+)\), \.name = \"(\w+)\"",
                          (harness.SOURCE / "proto" / "sop.c").read_text())
        self.assertEqual(self.stored("type"), {pb.MessageType.Value(word): name for word, name in rows})
        self.assertEqual(set(self.stored("type")), set(pb.MessageType.values()) - {0})

    def test_duties(self):
        rows = re.findall(r"COR_DUTY_(\w+) = (\d+),", (harness.SOURCE / "include/corridor/sop.h").read_text())
        self.assertEqual(self.stored("duty"), {int(code): name for name, code in rows if name != "NONE"})


del StoreTest

if __name__ == "__main__":
    unittest.main()
