"""Looks for bytes in a running process's memory, as a thief of its core would."""

import re

SHADOW = 1 << 36  # a sanitizer reserves terabytes that hold no data of ours
CHUNK = 1 << 20
REGION = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$")


def regions(pid):
    """(start, end, name) of what the process can write and has used."""
    region = None
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as maps:
        for line in maps:
            found = REGION.match(line)
            if found:
                start, end = int(found[1], 16), int(found[2], 16)
                region = (start, end, found[4]) if found[3].startswith("rw") and end - start < SHADOW else None
            elif region and line.startswith("Rss:") and not line.split()[1] == "0":
                yield region


def find(pid, needles):
    """{needle: [where, ...]} for those that are found. Raises PermissionError."""
    hits, overlap = {}, max(len(needle) for needle in needles) - 1
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, name in list(regions(pid)):
            at, before = start, b""
            while at < end:
                try:
                    memory.seek(at)
                    read = memory.read(min(CHUNK, end - at))
                except OSError:
                    break  # unmapped since, or a device
                if not read:
                    break
                seen = before + read
                for needle in needles:
                    if needle in seen:
                        hits.setdefault(needle, []).append(f"{at:x} {name}")
                at, before = at + len(read), read[-overlap:]
    return hits
