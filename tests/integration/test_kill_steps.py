"""Core, door and agents killed at every step between a message's arrival and its
receipt: at each statement, change and frame that tests/faults/killat.c counts, one
message after the other, until a life outlasts its message. Whatever was
acknowledged is there once, in order, and the next message goes its way."""

import os
import unittest

import harness
import people
import stages
from exactly import Stream, connected, lasting
from harness import wait_for

SEND, RESULTS, DELIVER = "0103", "0104", "0105"  # PROTOCOL 2: version, command
STEPS_MAX = 150


class Steps(harness.ClusterTest):
    cluster = {"offices": harness.standard_offices()[:2]}

    def setUp(self):
        self.flag, self.log = self.c.dir / "kill-flag", self.c.dir / "killed-at.log"
        self.log.write_text("")

    def armed(self, name, arm, step):
        process = self.c.processes[name]
        process.env = {**self.c.env, "LD_PRELOAD": str(self.c.build / "tests" / "libkillat.so"),
                       "CORRIDOR_KILL_ARM": arm, "CORRIDOR_KILL_STEP": str(step),
                       "CORRIDOR_KILL_FLAG": str(self.flag), "CORRIDOR_KILL_LOG": str(self.log),
                       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        process.start()
        return process

    def one_message(self, process, stream):
        """True if the process died of it."""
        process.killed = True  # it is ours, whatever the step
        self.flag.touch()
        try:
            stream.send()
        except OSError:  # the agent itself died while it was asked: the outbox tells what it kept
            process.wait()
        settled = wait_for(lambda: not process.running() or stream.ids and stream.settled(), 40,
                           "dead, or the message and its notice are through")
        self.flag.unlink()
        assert settled
        return not process.running()

    def sweep(self, name, arm, at_least):
        case = stages.reach(self.c, "consented")
        stream = Stream(self.c, case)
        self.c.stop(name)
        for step in range(1, STEPS_MAX):
            process = self.armed(name, arm, step)
            # Losing the hub lengthens the agents' backoff; a lasting session ends that.
            lost = name in ("core", "door") and step % 3 == 0
            (lasting if lost else connected)(self.c, people.HOST, people.ORIGIN)
            if not self.one_message(process, stream):
                break
            process.wait()
        else:
            self.fail(f"{name} still dies at step {step}")
        process.stop()
        process.killed = False
        process.env = self.c.env
        process.start()
        lasting(self.c, people.HOST, people.ORIGIN)
        stream.adopt()
        print(f"{name}: {step - 1} steps, {len(stream.ids)} messages")
        self.assertGreaterEqual(step - 1, at_least, self.log.read_text())
        stream.send(wait=10)
        stream.arrived_once(self)

    def test_core(self):
        self.sweep("core", SEND, 30)

    def test_door(self):
        self.sweep("door", SEND, 8)

    def test_recipient_between_inbox_and_receipt(self):
        self.sweep(people.ORIGIN, DELIVER, 5)

    def test_sender_between_asking_and_sending(self):
        self.sweep(people.HOST, "flag", 5)

    def test_sender_between_receipt_and_keeping_it(self):
        self.sweep(people.HOST, RESULTS, 3)


if __name__ == "__main__":
    unittest.main()
