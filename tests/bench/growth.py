"""What a message costs when much is already there: tests/bench/growth.

Log rows and waiting messages are made in SQL from the newest row the hub wrote
itself, so that they look as its own in every column but the keys. The measure is
one load, admitted and delivered, again and again at each size. Nothing is
asserted.
"""

import argparse
import os
import statistics
import sys

import hub
import machine
from figures import BATCH, BODY, MANY, OUT, SEVERAL
from table import Book, show, spread

STEP = 500_000  # rows of one INSERT

LOG = """
WITH leaves AS (INSERT INTO corridor.log_leaf (leaf, at)
                SELECT sha256(int8send(g)), 0 FROM generate_series(%s::bigint, %s::bigint) g RETURNING leaf_id)
INSERT INTO corridor.log_record (leaf_id, salt, record) SELECT leaf_id, sha256(int8send(leaf_id)), %s FROM leaves
"""
# In columns that must be fresh: 16 bytes that rise with g, as ids that begin with the time do.
FRESH_ID = "substr(int8send({first} + g) || sha256(int8send(g)), 1, 16)"
FRESH = {"message_id": FRESH_ID.format(first="(1::bigint << 56)"), "handle": "substr(sha256(int8send(g)), 1, 16)",
         "case_handle": "substr(sha256(int8send(g)), 1, 16)", "body": "substr(m.body, 1, 1024)"}


class Growth:
    def __init__(self, options):
        self.options = options
        self.book, self.rows, self.costs = Book(), [], {}

    def run(self):
        with hub.Hub(SEVERAL) as on:
            self.on = on
            self.measure("to warm up", keep=False)
            for size in self.options.log:
                self.fill_log(size)
                self.measure(f"{size:,} log rows", size)
            self.fill_waiting(self.options.waiting)
            self.measure(f"and {self.options.waiting:,} undelivered messages", "waiting")
            self.measure_held()
        self.tell()

    # --- filling ---

    def settle(self, *tables):
        for table in tables:
            self.on.query(f"VACUUM (ANALYZE) corridor.{table}")
        self.on.query("CHECKPOINT")

    def fill_log(self, size):
        there = self.on.query("SELECT count(*) FROM corridor.log_leaf")[0][0]
        record = self.on.query("SELECT record FROM corridor.log_record ORDER BY leaf_id DESC LIMIT 1")[0][0]
        if there > size:  # the loads before have written more than the least size
            self.on.query("TRUNCATE corridor.log_leaf, corridor.log_record")
            there = 0
        self.note(f"filling the log from {there:,} to {size:,} rows")
        for first in range(there, size, STEP):
            self.on.query(LOG, first + 1, min(first + STEP, size), record)
        self.settle("log_leaf", "log_record")

    def fill_waiting(self, size):
        """For the offices that never connect, each message of a case of its own."""
        self.note(f"queueing {size:,} messages")
        for first in range(0, size, STEP):
            numbers = (first + 1, min(first + STEP, size))
            self.on.query(self.copies("message", "m.type = 10 AND m.recipient LIKE 'gn-away%%'"), *numbers)
            self.on.query(self.copies("delivery", "m.state = 1 AND m.recipient LIKE 'gn-away%%'"), *numbers)
        self.settle("message", "delivery")

    def copies(self, table, like):
        """INSERT of as many copies of the newest such row as numbers, with fresh keys."""
        columns = [name for name, in self.on.query(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'corridor' AND table_name = %s"
            " AND is_identity = 'NO' ORDER BY ordinal_position", table)]
        values = ", ".join(FRESH.get(name, f"m.{name}") for name in columns)
        return (f"INSERT INTO corridor.{table} ({', '.join(columns)}) SELECT {values}"
                f" FROM (SELECT * FROM corridor.{table} m WHERE {like} ORDER BY admitted_at DESC LIMIT 1) m,"
                " generate_series(%s::bigint, %s::bigint) g")

    # --- measuring ---

    def measure(self, what, name=None, keep=True):
        for mode in ("admitted", "delivered"):
            results = []
            for number in range(self.options.runs if keep else 1):
                self.note(f"{what}: {mode}, run {number + 1}")
                results.append(self.load(mode))
            if keep:
                self.keep(what, name, mode, results)

    def load(self, mode):
        messages = self.options.messages
        return self.on.load(mode, senders=SEVERAL, in_flight=min(MANY, messages), messages=messages,
                            cases=min(messages, 2 * MANY), body=BODY, batch=BATCH)

    def keep(self, what, name, mode, results):
        wall = [1e6 / one["per_second"] for one in results]
        cpu = [one["cpu"]["core"] + one["cpu"]["postgres"] for one in results]
        self.costs[name, mode] = wall, cpu
        self.rows.append([f"{what}, {mode}", spread(wall), spread(cpu)])
        for figure, values in (("wall", wall), ("core and postgres cpu", cpu)):
            for value in values:
                self.book.add(value, "growth", f"{what}, {mode}", figure, "us per message", batch=BATCH, body=BODY)

    def measure_held(self):
        """An open transaction keeps every version of a row that changes: queues
        grow with what was delivered, until it ends and vacuum can clear up."""
        holder = self.on.database.connect()
        with holder.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT count(*) FROM corridor.gate_epoch")
        for number in range(self.options.churn):
            self.note(f"a transaction held open: load {number + 1}")
            result = self.load("delivered")
            self.keep(f"a transaction held open, load {number + 1}", f"held {number + 1}", "delivered", [result])
        holder.rollback()
        holder.close()
        self.settle("delivery", "message", "gate_time", "agent_store")
        self.measure("the transaction ended, vacuumed", "after")

    # --- telling ---

    def tell(self):
        for line in machine.describe(hub.SOURCE):
            print(line)
        show(f"Cost of a message with much there: {SEVERAL} offices, {min(MANY, self.options.messages)} in flight, "
             f"{BATCH} to a signature", ["", "wall us", "CPU us of core and postgres"], self.rows)
        least, most = self.options.log[0], self.options.log[-1]
        rows = []
        for mode in ("admitted", "delivered"):
            for i, kind in enumerate(("wall", "CPU")):
                ratio = (statistics.median(self.costs[most, mode][i]) / statistics.median(self.costs[least, mode][i]))
                reached = ("yes" if ratio <= 1.1 else "no") if (least, most) == (10**4, 10**7) else "-"
                rows.append([f"{mode}, {kind}, {most:,} log rows against {least:,}", f"{ratio:.2f}", "<= 1.1", reached])
        show("Target", ["figure", "measured", "target", "reached"], rows)
        OUT.mkdir(exist_ok=True)
        self.book.write(OUT / "growth.csv")
        print(f"\nall figures: {os.path.relpath(OUT / 'growth.csv', hub.SOURCE)}")

    @staticmethod
    def note(text):
        print(f"... {text}", file=sys.stderr, flush=True)


def numbers(text):
    return [int(float(word)) for word in text.split(",")]


def read_options(words):
    parser = argparse.ArgumentParser(prog="tests/bench/growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, one run: shows that all works")
    parser.add_argument("--log", type=numbers, default=[10**4, 10**6, 10**7], help="log rows, e.g. 1e4,1e6,1e7")
    parser.add_argument("--waiting", type=int, default=10**6, help="undelivered messages")
    parser.add_argument("--messages", type=int, default=5000, help="of each load")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--churn", type=int, default=5, help="loads while a transaction is held open")
    options = parser.parse_args(words)
    if options.quick:
        options.log, options.waiting, options.messages, options.runs, options.churn = [2000, 10000], 1000, 200, 1, 2
    return options


if __name__ == "__main__":
    Growth(read_options(sys.argv[1:])).run()
