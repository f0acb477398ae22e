"""tests/bench/year2020: runs the year, prints what it cost and every table.
Exit code 0 when all tables are equal, 1 when one is not, 2 for usage."""

import argparse
import csv
import os
import subprocess
import sys
from pathlib import Path

import cells
from year import Year

TARGET_SECONDS = 15 * 60
WHOLE_YEAR = 42208
TABLES_SHOWN = 8


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def versions():
    """One line; a program that cannot tell is left out."""
    said = []
    for argv in (["git", "-C", os.environ["CORRIDOR_SOURCE"], "describe", "--always", "--dirty"],
                 ["/usr/lib/postgresql/15/bin/postgres", "--version"], ["openssl", "version"],
                 ["pkg-config", "--modversion", "libzmq"], ["uname", "-sr"]):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        said += [f"libzmq {done.stdout.strip()}" if argv[-1] == "libzmq" else done.stdout.strip()] * (not done.returncode)
    return ", ".join(said)


def figures(year, counts):
    """(name, value) pairs; times are wall time unless they say CPU."""
    wall = counts["prepare_s"] + counts["replay_s"]
    yield "returns, services, offices", f"{counts['cases']:,}, {counts['services']:,}, {counts['offices']:,}"
    yield "working days replayed", f"{counts['days']:,}"
    yield "messages admitted", f"{counts['messages']:,}"
    yield "deliveries: messages, end notices, duty notices", (
        f"{counts['deliveries']:,}, {counts['end_notices']:,}, {counts['obligation_notices']:,}")
    yield "of the notices in bundles, bundles", (
        f"{counts['bundled_ends'] + counts['bundled_obligations']:,}, {counts['bundles']:,}")
    yield "sent again by the hub", f"{counts['redeliveries']:,}"
    yield "bytes sent, of these bodies", f"{counts['bytes']:,}, {counts['body_bytes']:,}"
    yield "receipts per signature", f"{counts['receipts'] / max(1, counts['receipt_batches']):.1f}"
    yield "waited for preparation (compose, seal, sign), s", f"{counts['prepare_s']:.1f}"
    yield "replay (send to last signed receipt), s", f"{counts['replay_s']:.1f}"
    yield "both: the wall time, s", f"{wall:.1f}"
    yield "before: programme and cards, connections, s", f"{counts['programme_s']:.1f}, {counts['connect_s']:.1f}"
    yield "messages per second of replay", f"{counts['messages'] / counts['replay_s']:,.0f}"
    yield "deliveries per second of replay", f"{counts['receipts'] / counts['replay_s']:,.0f}"
    for name, used in counts["cpu"].items():
        yield f"CPU seconds, {name}", f"{used:.1f} ({used / counts['messages'] * 1e6:,.0f} us a message)"
    yield "peak memory of door, core, MiB", f"{year.memory('door'):.0f}, {year.memory('core'):.0f}"
    yield "database, MiB", f"{counts['database_bytes'] / 2**20:,.0f}"
    yield "database per return, KiB", f"{counts['database_bytes'] / 2**10 / counts['cases']:,.1f}"
    for name, size in year.sizes()[:TABLES_SHOWN]:
        yield f"  of this {name}, MiB", f"{size / 2**20:,.1f} ({size / 2**10 / counts['cases']:,.1f} KiB a return)"
    if counts["cases"] == WHOLE_YEAR:
        yield "target: both within 900 s", "reached" if wall <= TARGET_SECONDS else "NOT reached"


def write_csv(path, rows, tables):
    """Figures as they were printed, then every cell."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["table", "cell", "input", "found"])
        out.writerows(["figures", name, "", value] for name, value in rows)
        for table in tables:
            out.writerows([table.title, " > ".join(key) if isinstance(key, tuple) else key, wanted, found]
                          for key, wanted, found in table.cells())


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/year2020", description=__doc__)
    parser.add_argument("--cases", type=int, default=WHOLE_YEAR, help="returns; 42208 is the whole year")
    parser.add_argument("--seed", type=int, default=2020)
    parser.add_argument("--verify", action="store_true",
                        help="the offices verify every signature of sender and hub, as agents do; without it"
                             " they compare header and body with what was sent")
    parser.add_argument("--in-flight", type=int, default=1000, help="submissions unanswered over all offices")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="that compose, seal and sign")
    parser.add_argument("--leave-out", action="store_true",
                        help="the last message is not sent, to see that the tables tell")
    parser.add_argument("--csv", type=Path, help="also write figures and every cell to this file")
    args = parser.parse_args()
    options = ["--in-flight", args.in_flight, "--threads", args.threads]
    options += [word for word, given in (("--verify", args.verify), ("--leave-out", args.leave_out)) if given]
    print(f"processor: {processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; seed {args.seed};"
          f" signatures {'verified' if args.verify else 'not verified'} by the offices")
    print(versions(), flush=True)
    build = Path(os.environ["CORRIDOR_BUILD"])
    with Year(args.cases, args.seed, options, build=build, log_level="warn") as year:
        counts = year.replay()
        rows = list(figures(year, counts))
        for name, value in rows:
            print(f"{name:50}{value}")
        tables = year.tables(counts)
        plan = cells.Plan(year.dir)
    if args.cases == WHOLE_YEAR:
        tables.insert(0, cells.Table("returns, published > plan", plan.published, plan.regions))
    print(f"\n{'':56}{'input':>12}{'found':>12}")
    for table in tables:
        print(*table.lines(), sep="\n")
    if args.csv:
        write_csv(args.csv, rows, tables)
    wrong = [table.title for table in tables if not table.equal()]
    print(f"\n{len(tables) - len(wrong)} of {len(tables)} tables equal")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
