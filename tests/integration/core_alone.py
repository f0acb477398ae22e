"""One core of the real broker without its door, told what to do (tests/alone/core_alone.c).

    core.say("open", 1, ORIGIN, 64, 8 << 20)
    answer = core.say("claim")    # {"any": True, "heard": [[1, "DELIVER", 17, 1204]], "sessions": {...}}

It is a second broker on the cluster's database, and does nothing but what it is
told: a turn of the claims is one turn, and what it has counted can be made wrong.
"""

import json
import select
import subprocess

from processes import SANITIZER, NotInTime

ANSWER_SECONDS = 30


class CoreAlone:
    def __init__(self, cluster):
        self.log = cluster.dir / "core-alone.log"
        argv = [cluster.build / "tests" / "core-alone", cluster.database.conninfo(user="corridor_broker"),
                cluster.dir, cluster.identity.clock]
        with open(self.log, "wb") as errors:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                            env=cluster.env, cwd="/")

    def say(self, *words):
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], ANSWER_SECONDS)[0]:
            self.process.kill()
            raise NotInTime(f"no answer to {words}")
        answer = self.process.stdout.readline()
        if not answer:
            raise AssertionError(f"it ended at {words}: {self.log.read_text()}")
        return json.loads(answer)

    def end(self):
        """It ended well, and no sanitizer had anything to say."""
        self.process.stdin.close()
        try:
            status = self.process.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        errors = self.log.read_text()
        assert status == 0 and not SANITIZER.search(errors), f"status {status}: {errors}"
