"""Two brokers on one database, at the same moment (tests/race/race.c drives them).

After a race the database is asked about every case: a message that stood on a
withdrawn consent either left before the withdrawal and is on its recipient's list,
or never left and its sender was told. There is no third case, and a run in which
not both occurred, often, has proved nothing. By the database's own commit times no
claim was committed after the withdrawal of its case.

An interleaving is one withdrawal let go at a random moment of another broker's work,
against one message of that work. tests/race/long makes 100,000 and more.
"""

import collections
import hashlib
import os
import unittest

from psycopg2 import errors

import harness
import hub_notices
import people
import schema
from harness import Office, standard_offices

ROUNDS = int(os.environ.get("RACE_ROUNDS", "300"))
LABE_MISSION = "gn-labe-mission"
STOPPED = 4  # delivery.state
REFERRAL_TAKEN, SUSPENDED_CODE = "46", "70"
pb = schema.load()


def offices():
    return [*standard_offices(), Office(LABE_MISSION, "ORIGIN_MISSION", "GN", "Mission in Labe", ["casework"])]


class Raced(unittest.TestCase):
    """A cluster without daemons on which one scenario has run to its end."""

    scenario = parties = rounds = None

    @classmethod
    def setUpClass(cls):
        cls.c = harness.Cluster(offices=offices())
        cls.c.database.settings["track_commit_timestamp"] = "on"
        try:
            cls.c.prepare()
            done = cls.c.run([cls.c.build / "tests" / "race", cls.scenario, cls.rounds,
                              cls.c.database.conninfo(user="corridor_broker"), cls.c.dir,
                              cls.c.identity.clock, *cls.parties], seconds=60 + cls.rounds)
            cls.told = cls.c.must(done)
        except BaseException:
            cls.c.end(failed=True)
            raise

    @classmethod
    def tearDownClass(cls):
        cls.c.end()

    def test_nobody_waited_for_a_deadlock_to_break(self):
        self.assertEqual(self.c.query("SELECT deadlocks FROM pg_stat_database WHERE datname = 'corridor'"), [(0,)])

    def records(self, kind):
        """message id -> how often the log has a record of this kind for it."""
        return collections.Counter(record.message_id for _, record in self.log() if record.kind == kind)

    def log(self):
        return [(leaf, pb.LogRecord.FromString(bytes(record)))
                for leaf, record in self.c.query("SELECT leaf_id, record FROM corridor.log_record")]

    def ids(self, sql, *values):
        return collections.Counter(bytes(id) for id, in self.c.query(sql, *values))

    def notices(self, kind):
        """(recipient, handle, body) of the hub's notices of a kind."""
        return hub_notices.told(self.c.query, kind)


class WithdrawalAgainstClaim(Raced):
    scenario, rounds = "withdraw", ROUNDS
    parties = (people.HOST, people.ORIGIN, LABE_MISSION, people.KINDIA)

    def deliveries(self):
        return [(bytes(id), recipient, bytes(handle), state, claimed)
                for id, recipient, handle, state, claimed in self.c.query(
                    "SELECT message_id, recipient, handle, state, first_claimed_at IS NOT NULL"
                    " FROM corridor.delivery WHERE sender <> 'hub'")]

    def test_no_third_case(self):
        listed = {(office, handle, id) for office, handle, notice in
                  self.notices(pb.WITHDRAWAL_NOTICE) for id in notice.message_ids}
        ended = {end.message_id for office, _, end in self.notices(pb.END_NOTICE)
                 if office == people.HOST and end.state == pb.STOPPED}
        asked = {(office, bytes(handle)) for office, handle in self.c.query(
            "SELECT responsible, handle FROM corridor.obligation WHERE kind = 6")}
        went, wrong = collections.Counter(), []
        for id, recipient, handle, state, claimed in self.deliveries():
            went["left, and listed" if claimed else "stopped, and told"] += 1
            facts = {"left": claimed, "listed": (recipient, handle, id) in listed,
                     "owes an answer": not claimed or (recipient, handle) in asked,
                     "stopped": state == STOPPED, "sender told": id in ended}
            expected = {"left": claimed, "listed": claimed, "owes an answer": True,
                        "stopped": not claimed, "sender told": not claimed}
            if facts != expected:
                wrong.append(f"{id.hex()} to {recipient}: {facts}")
        went["refused"] = self.c.query("SELECT count(*) FROM corridor.refusal")[0][0]
        print(f"  {self.rounds} rounds, {sum(went.values())} interleavings,"
              f" {self.told['retries']} sent again: {dict(went)}")
        self.assertEqual((len(wrong), wrong[:5]), (0, []), "a third case")
        for way, count in went.items():
            self.assertGreater(count, self.rounds // 10, f"{way}: too seldom to prove anything")
        self.assertEqual(len(went), 3)

    def test_no_claim_was_committed_after_the_withdrawal(self):
        """The times at which PostgreSQL committed the log records of both."""
        at = {kind: {} for kind in (pb.LOG_CLAIMED, pb.LOG_WITHDRAWN)}
        for raw, moment in self.c.query("SELECT record, pg_xact_commit_timestamp(xmin) FROM corridor.log_record"):
            record = pb.LogRecord.FromString(bytes(raw))
            if record.kind in at and record.sender != "hub":
                at[record.kind].setdefault(record.handle, []).append(moment)
        withdrawn = {handle: moment for handle, (moment,) in at[pb.LOG_WITHDRAWN].items()}
        self.assertEqual(len(withdrawn), self.rounds)
        claimed = [(handle, moment) for handle, moments in at[pb.LOG_CLAIMED].items() for moment in moments]
        self.assertGreater(len(claimed), self.rounds // 2)
        after = [handle.hex() for handle, moment in claimed if moment >= withdrawn[handle]]
        print(f"  {len(claimed)} claims, {len(after)} after the withdrawal of their case had committed")
        self.assertEqual(after[:5], [])

    def test_every_round_withdrew(self):
        self.assertEqual(self.c.query("SELECT count(*), count(DISTINCT case_handle) FROM corridor.withdrawal"),
                         [(self.rounds, self.rounds)])
        self.assertEqual(self.c.query("SELECT count(*) FROM corridor.consent WHERE withdrawn_at IS NULL"), [(0,)])

    def test_the_withdrawal_fell_before_between_and_after(self):
        """Of what the other side sent meanwhile: in how many rounds all, some, none left."""
        rounds = self.c.query(
            "SELECT count(*) FILTER (WHERE first_claimed_at IS NOT NULL) FROM corridor.delivery"
            " WHERE recipient = %s AND sender <> 'hub' GROUP BY case_handle", LABE_MISSION)
        left = collections.Counter(count for count, in rounds)
        print(f"  messages that left, by round: {dict(sorted(left.items()))}")
        self.assertGreater(len(left), 2)

    def test_what_happened_has_one_log_record_each(self):
        happened = {
            pb.LOG_ADMITTED: "SELECT message_id FROM corridor.message WHERE sender <> 'hub'",
            pb.LOG_REFUSED: "SELECT message_id FROM corridor.refusal",
            pb.LOG_CLAIMED: "SELECT message_id FROM corridor.delivery WHERE first_claimed_at IS NOT NULL",
            pb.LOG_RECEIPTED: "SELECT message_id FROM corridor.delivery WHERE state = 3",
            pb.LOG_STOPPED: "SELECT message_id FROM corridor.delivery WHERE state = 4",
            pb.LOG_WITHDRAWN: "SELECT message_id FROM corridor.withdrawal"}
        for kind, sql in happened.items():
            with self.subTest(pb.LogKind.Name(kind)):
                self.assertGreater(len(self.records(kind)), 0)
                self.assertEqual(self.records(kind), self.ids(sql))

    def test_rows_point_at_their_own_log_records(self):
        log = dict(self.log())
        for leaf, id in self.c.query("SELECT claim_leaf, message_id FROM corridor.delivery"
                                     " WHERE first_claimed_at IS NOT NULL"):
            self.assertEqual((log[leaf].kind, log[leaf].message_id), (pb.LOG_CLAIMED, bytes(id)))
        for leaf, id, code in self.c.query("SELECT leaf_id, message_id, code FROM corridor.refusal"):
            self.assertEqual((log[leaf].kind, log[leaf].message_id, log[leaf].code),
                             (pb.LOG_REFUSED, bytes(id), code))

    def test_each_leaf_is_the_hash_of_salt_and_record(self):
        rows = self.c.query("SELECT l.leaf, r.salt, r.record FROM corridor.log_leaf l"
                            " LEFT JOIN corridor.log_record r USING (leaf_id)")
        self.assertEqual(len({bytes(salt) for _, salt, _ in rows}), len(rows))
        for leaf, salt, record in rows:
            inner = hashlib.sha256(bytes(salt) + bytes(record)).digest()
            self.assertEqual(hashlib.sha256(b"\0" + inner).digest(), bytes(leaf))

    def test_each_receipt_names_a_leaf_of_the_log(self):
        leaves = set(self.ids("SELECT leaf FROM corridor.log_leaf"))
        receipts = self.ids("SELECT receipt FROM corridor.dedupe")
        named = {pb.AdmissionReceipt.FromString(pb.SignedContent.FromString(r).content).log_leaf for r in receipts}
        self.assertEqual(len(named), len(receipts))
        self.assertLessEqual(named, leaves)

    def test_a_purged_record_leaves_its_leaf(self):
        db = self.c.db("corridor_eraser")
        self.addCleanup(db.close)
        with db.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT count(*) FROM corridor.log_leaf")
            before = cursor.fetchone()
            cursor.execute("DELETE FROM corridor.log_record WHERE leaf_id = (SELECT min(leaf_id) FROM"
                           " corridor.log_record) RETURNING leaf_id")
            leaf, = cursor.fetchone()
            cursor.execute("SELECT octet_length(leaf) FROM corridor.log_leaf WHERE leaf_id = %s", (leaf,))
            self.assertEqual(cursor.fetchone(), (32,))
            cursor.execute("SELECT count(*) FROM corridor.log_leaf")
            self.assertEqual(cursor.fetchone(), before)
            cursor.execute("ROLLBACK")
            with self.assertRaises(errors.InsufficientPrivilege):
                cursor.execute("DELETE FROM corridor.log_leaf")

    def test_each_recipient_was_asked_once_for_each_handle(self):
        asked = collections.Counter(
            (office, handle) for office, handle, _ in self.notices(pb.WITHDRAWAL_NOTICE))
        self.assertEqual(set(asked.values()), {1})


class SuspensionAgainstClaim(Raced):
    scenario, rounds = "suspend", max(20, ROUNDS // 2)
    parties = (people.HOST, people.ORIGIN, LABE_MISSION, people.KINDIA)

    def test_nothing_is_claimed_after_it_and_all_of_it_leaves_when_it_is_lifted(self):
        print(f"  messages that had left at the commit, by round: {self.told['left']}")
        self.assertEqual(self.told["late"], 0)
        self.assertGreater(sum(1 for rounds in self.told["left"] if rounds), 2, "the word fell at one moment only")
        self.assertEqual(self.c.query("SELECT count(*) FROM corridor.delivery WHERE sender <> 'hub' AND state <> 3"),
                         [(0,)])
        refused = self.c.query("SELECT code, count(*) > 0 FROM oversight.refusal GROUP BY code")
        self.assertEqual(refused, [(SUSPENDED_CODE, True)])

    def test_it_was_asked_and_answered_once_a_round(self):
        self.assertEqual(self.c.query("SELECT count(*), count(notice_id), count(ended_at) FROM corridor.suspension"),
                         [(self.rounds,) * 3])
        self.assertEqual(self.c.query("SELECT state, count(*) FROM corridor.obligation WHERE kind = 7 GROUP BY state"),
                         [(2, self.rounds)])

class NotUpheldAgainstClaim(Raced):
    """What was sent without consent, and should not have been: left and asked back, or
    stopped and told."""

    scenario, rounds = "basis", max(20, ROUNDS // 5)
    parties = (people.HOST, people.ORIGIN, LABE_MISSION, people.KINDIA)

    def test_no_third_case(self):
        asked = collections.Counter(id for _, _, notice in self.notices(pb.WITHDRAWAL_NOTICE)
                                    for id in notice.message_ids)
        ended = {end.message_id for _, _, end in self.notices(pb.END_NOTICE) if end.state == pb.STOPPED}
        rows = [(bytes(id), state, claimed) for id, state, claimed in self.c.query(
            "SELECT message_id, state, first_claimed_at IS NOT NULL FROM corridor.delivery WHERE sender <> 'hub'")]
        self.assertEqual(len(rows), self.rounds)
        went = collections.Counter(claimed for _, _, claimed in rows)
        print(f"  {self.rounds} messages, left: {dict(went)}")
        for id, state, claimed in rows:
            self.assertEqual((asked[id], id in ended, state == STOPPED), (claimed, not claimed, not claimed))
        self.assertEqual(self.c.query("SELECT count(*) FROM oversight.exception WHERE result = 'NOT_UPHELD'"),
                         [(self.rounds,)])
        self.assertEqual(set(went), {True, False}, "only ever one of the two was first")


class TwoProvidersAccept(Raced):
    scenario, rounds = "accept", max(20, ROUNDS // 5)
    parties = (people.HOST, people.KINDIA, people.LABE, people.ORIGIN)

    def test_one_holds_it_and_the_other_is_told(self):
        won = collections.Counter()
        referrals = self.c.query(
            "SELECT referral_id, array_agg(provider) FILTER (WHERE state = 2), array_agg(provider)"
            " FROM corridor.referral GROUP BY referral_id")
        self.assertEqual(len(referrals), self.rounds)
        for _, holders, asked in referrals:
            self.assertEqual(len(asked), 2)
            self.assertEqual(len(holders or []), 1, "a referral is held by exactly one provider")
            won[holders[0]] += 1
        refused = self.c.query("SELECT code, count(*), count(DISTINCT handle) FROM oversight.refusal GROUP BY code")
        self.assertEqual(refused, [(REFERRAL_TAKEN, self.rounds, self.rounds)])
        print(f"  {self.rounds} referrals, held by: {dict(won)}")
        self.assertEqual((self.told["retries"], self.told["errors"]), (0, 0), "a transaction failed on the way")
        self.assertEqual(set(won), {people.KINDIA, people.LABE}, "only ever one of the two was first")

    def test_the_asker_hears_of_one_acceptance(self):
        admitted = self.c.query("SELECT handle, count(*) FROM corridor.message WHERE type = %s GROUP BY handle",
                                pb.REFERRAL_ACK)
        self.assertEqual([count for _, count in admitted], [1] * self.rounds)


class SameMessageTwice(Raced):
    """An agent that lost its answer asks another broker, while the first still works on it."""

    scenario, rounds = "twice", max(20, ROUNDS // 5)
    parties = (people.HOST, people.ORIGIN, LABE_MISSION, people.KINDIA)

    def test_both_gave_the_same_receipt(self):
        self.assertEqual((self.told["same"], self.told["retries"]), (self.rounds, 0))

    def test_it_was_admitted_once(self):
        sent = self.c.query("SELECT count(*), count(DISTINCT message_id) FROM corridor.message WHERE type = %s",
                            pb.CASE_FILE)
        self.assertEqual(sent, [(self.rounds, self.rounds)])
        self.assertEqual(set(self.records(pb.LOG_ADMITTED).values()), {1})


del Raced

if __name__ == "__main__":
    unittest.main()
