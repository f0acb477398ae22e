"""25 MiB over 64 kbit/s with a cut each minute: arrives once, and a booking sent
meanwhile is not held up. Takes about an hour (measured: 3,519 s with 58 cuts, a booking
in Conakry after 8.8 s); run it by hand:

    cd tests/integration && python3 long_attachment.py [MIB] [KBIT] [CUT_SECONDS]

The same three numbers, smaller, are what test_attachments.py runs.
"""

import sys
import time

import files
import people
import stages
from harness import wait_for
from lined import LinedCluster

MIB = 1024 * 1024
PART_BYTES = 64000


def say(text):
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def run(mib, kbit, cut_every):
    data = files.pdf(mib * MIB)
    parts = -(-len(data) // PART_BYTES)
    with LinedCluster(log_level="info") as c:
        case, line = stages.reach(c, "filed"), c.lines[people.HOST]
        line.rate, line.cut_every = kbit * 1000 // 8, cut_every
        ident = c.attach(people.HOST, case.handle, people.ORIGIN, data)["attachmentId"]
        began = time.monotonic()
        wait_for(lambda: len(c.parts_at_hub(case.handle)) >= min(3, parts - 4), 600, "the first parts")
        before, at = len(c.parts_at_hub(case.handle)), time.monotonic()
        stages.reach(c, "booked", case)
        say(f"a booking sent after {before} of {parts} parts was in Conakry {time.monotonic() - at:.1f} s later, "
            f"{len(c.parts_at_hub(case.handle)) - before} parts more at the hub by then")
        told = 0

        def whole():
            nonlocal told
            line.ended.wait(2)  # an hour is long; look now and then
            now = c.attachment(people.HOST, ident, sent=True)
            if now["delivered"] >= told + max(1, parts // 20):
                told = now["delivered"]
                say(f"{told} of {parts} parts delivered, {line.cuts} cuts")
            return now["delivered"] == parts
        wait_for(whole, 4 * len(data) * 8 / (kbit * 1000) + 120, "every part is delivered")
        took = time.monotonic() - began
        claims = [n for _, _, n in c.parts_at_hub(case.handle)]
        assert len(claims) == parts, f"{len(claims)} deliveries"
        code, got, answer = c.save(people.ORIGIN, ident)
        assert code == 0 and got == data, answer
        say(f"{len(data)} bytes in {parts} parts, once each: {took:.0f} s at {kbit} kbit/s with {line.cuts} cuts; "
            f"{len(data) * 8 / took / 1000:.1f} kbit/s of the file itself")


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    run(*(words + [25, 64, 60][len(words):]))
