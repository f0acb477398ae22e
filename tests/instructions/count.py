"""Counts the instructions of our own functions in hot.c's drives, and judges them.

    count.py PROGRAM EXPECTED            compares; exit 1 if any moved too far
    count.py PROGRAM EXPECTED --write    writes what was counted into EXPECTED

callgrind writes one profile per drive. Of each, only functions defined in our
sources (proto, broker, agent, include) count, and only what they spend themselves:
libcrypto, libc, jansson and protobuf-c choose their code by CPU, and change with
their versions; generated code and hot.c itself are not ours to make faster.

The counts hold for one compiler on one kind of machine. EXPECTED names them; on
any other the comparison is refused. Run again, from elsewhere, with another
environment, load or CPU features, they are the same to the last instruction (only
the clock differs, by one in a thousand): the tolerance is for changes of the source
that are not worth a word, not for noise.
"""

import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOT = Path(__file__).with_name("hot.c")
OURS = tuple(f"{ROOT}/{name}/" for name in ("proto", "broker", "agent", "include"))
REWRITE = "tests/checks/instructions.sh --write"
SHOWN = 4
HEAD = f"""\
# Instructions of our own functions in one turn of each drive of hot.c (count.py).
# Checked by tests/checks/instructions.sh. When a change is meant:
#     {REWRITE}
"""


def run(program, scratch):
    """callgrind's profiles, and how many turns each drive took."""
    # Each by its name: valgrind 3.19 takes patterns, but only one option for a pattern.
    drives = re.findall(r"^DRIVE\((\w+)\)", HOT.read_text(), re.M)
    per_drive = [f"--{option}=drive_{drive}" for drive in drives for option in ("zero-before", "dump-after")]
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", *per_drive, "--compress-strings=no", "--compress-pos=no",
         f"--callgrind-out-file={scratch / 'profile'}", program],
        capture_output=True, text=True, check=False, cwd=scratch)
    turns = re.search(r"^turns (\d+)$", done.stdout, re.M)
    if done.returncode != 0 or not turns:
        sys.exit(f"{program} under callgrind: status {done.returncode}\n{done.stderr}")
    profiles = sorted(scratch.glob("profile.*"), key=lambda path: int(path.suffix[1:]))
    if len(profiles) != len(drives):
        sys.exit(f"{len(drives)} drives in {HOT.name}, but {len(profiles)} profiles of them: is {program} of now?")
    return profiles, int(turns[1])


def read_profile(path):
    """(drive, {function: its own instructions}) of one profile."""
    drive, file, function, is_call, cost = None, "", "", False, {}
    for line in path.read_text().splitlines():
        key, equals, value = line.partition("=")
        if line.startswith("desc: Trigger: --dump-after=drive_"):
            drive = line.rpartition("drive_")[2]
        elif not equals:
            words = line.split()
            if is_call:  # what a callee spent, said again on the caller's side
                is_call = False
            elif len(words) == 2 and words[0].isdigit() and file.startswith(OURS):
                name = f"{file.rpartition('/')[2]}:{function}"
                cost[name] = cost.get(name, 0) + int(words[1])
        elif key == "fl":  # fi and fe: inlined lines of other files, spent by this function
            file = value
        elif key == "fn":
            function = value
        elif key == "calls":
            is_call = True
    return drive, cost


def count(program):
    """{drive: {function: instructions of one turn}}"""
    with tempfile.TemporaryDirectory() as scratch:
        profiles, turns = run(Path(program).resolve(), Path(scratch))
        counted = {drive: {name: spent / turns for name, spent in cost.items()}
                   for drive, cost in map(read_profile, profiles)}
    for drive, cost in counted.items():
        if not cost:
            sys.exit(f"{drive}: nothing of {ROOT} was run; was {program} built from other sources?")
    return counted


def circumstances():
    version = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True)
    return {"compiler": f"gcc-{version.stdout.strip()}", "machine": platform.machine()}


def write(path, counted):
    facts = {**circumstances(), "tolerance": read(path)["tolerance"]}
    lines = [f"{name:<20} {value}" for name, value in facts.items()]
    lines += [f"{drive:<20} {round(sum(cost.values()))}" for drive, cost in counted.items()]
    path.write_text(HEAD + "\n".join(lines) + "\n")


def read(path):
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {name: value for name, value in lines}


def compare(expected, counted):
    """What is wrong, one line each."""
    tolerance, wrong = float(expected.pop("tolerance").rstrip("%")), []
    for drive in sorted(expected.keys() | counted.keys()):
        if drive not in counted or drive not in expected:
            wrong.append(f"{drive}: only {'expected' if drive in expected else 'counted'}")
            continue
        cost, was = counted[drive], int(expected[drive])
        now = round(sum(cost.values()))
        moved = 100.0 * (now - was) / was
        if abs(moved) <= tolerance:
            continue
        dearest = sorted(cost, key=cost.get, reverse=True)[:SHOWN]
        wrong.append(f"{drive}: {was} -> {now} instructions ({moved:+.1f}%); now spent in "
                     + ", ".join(f"{name} {cost[name]:.0f}" for name in dearest))
    return wrong


def sees_what_it_should():
    """A judge that lets everything pass would never be noticed."""
    profile = (f"desc: Trigger: --dump-after=drive_x\nfl={OURS[0]}a.c\nfn=ours\n7 100\nfi=/usr/include/b.h\n8 3\n"
               f"cob=/lib/c.so\ncfl=???\ncfn=theirs\ncalls=1 0 \n9 5000\n9 1\n\nfl=???\nfn=theirs\n0 5000\n")
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(profile)
        file.flush()
        if read_profile(Path(file.name)) != ("x", {"a.c:ours": 104}):
            return False
    bound = {"tolerance": "3%", "x": "100"}
    return (compare(dict(bound), {"x": {"a.c:ours": 103}}) == []
            and all(compare(dict(bound), other) for other in
                    ({"x": {"a.c:ours": 104}}, {"x": {"a.c:ours": 96}}, {}, {"y": {"a.c:ours": 100}})))


def main(program, expected_path, *options):
    if not sees_what_it_should():
        print("this check does not see a function that became slower")
        return 1
    path = Path(expected_path)
    if options == ("--write",):
        write(path, count(program))
        return 0
    expected = read(path)
    for name, here in circumstances().items():
        written = expected.pop(name)
        if here != written:
            print(f"{path.name} was counted with {name} {written}, this is {here}: the counts say nothing here.",
                  f"If the supported {name} has changed: {REWRITE}", sep="\n")
            return 1
    wrong = compare(expected, count(program))
    if wrong:
        print(*wrong, f"If that is meant: {REWRITE}", sep="\n")
        return 1
    print(f"{len(expected)} drives within tolerance")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
