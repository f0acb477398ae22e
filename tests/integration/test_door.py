"""The door under attack (design 3): each test attacks, and a neighbour's
traffic must go on, on the connection it had."""

import os
import signal
import socket
import struct
import subprocess
import tempfile
import unittest


from doorside import BODY_MAX, MIB, PING, PONG, SEND, WINDOW, Agent, Neighbour, Side, head
from processes import wait_for


class DoorTest(unittest.TestCase):
    options = {}

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="d-")
        self.addCleanup(folder.cleanup)
        self.side = Side(folder.name, **self.options)
        self.addCleanup(self.finish)
        self.side.start()
        self.core = self.side.core
        self.agents = []
        self.neighbour = Neighbour(self.side)
        self.neighbour.start()
        self.assertTrue(self.neighbour.goes_on(1))
        self.connection = self.core.connections("neighbour")[0]

    def finish(self):
        self.side.end()
        self.assertEqual(self.side.door.crimes(), [], self.side.door.tail(40))

    def tearDown(self):
        for agent in self.agents:
            agent.close()
        undisturbed = self.neighbour.goes_on()
        self.neighbour.end()
        self.assertTrue(undisturbed, "the neighbour was disturbed")
        self.assertEqual(set(self.core.connections("neighbour")), {self.connection},
                         "the neighbour had to reconnect")

    def agent(self, office="attacker", **options):
        self.agents.append(Agent(self.side, office, **options))
        return self.agents[-1]

    def raw(self, address="127.0.0.1"):
        connection = socket.create_connection(("127.0.0.1", self.side.port), 5, (address, 0))
        self.addCleanup(connection.close)
        return connection

    def ended(self, reason, count=1, seconds=10):
        wait_for(lambda: self.side.metric(f"ended_{reason}_total") >= count, seconds, f"an end: {reason}")


def closed(connection, seconds=10):
    """Did the door close it (an answer of ours may come first)?"""
    connection.settimeout(seconds)
    try:
        while connection.recv(4096):
            pass
        return True
    except ConnectionError:
        return True
    except TimeoutError:
        return False


class Strangers(DoorTest):
    def test_unknown_key(self):
        stranger = self.agent("stranger", listed=False)
        stranger.send(PING, b"let me in")
        wait_for(lambda: self.side.metric("refused_total") >= 3, what="three refusals")
        self.assertEqual(self.core.from_office("stranger"), [])
        self.assertEqual({office for _, office, _ in self.core.messages}, {"neighbour"})
        # The same client gets in as soon as its key is listed: nobody told it to give up.
        self.core.keys["stranger"] = stranger.public
        self.core.list_keys()
        self.assertEqual(stranger.receive(), [PONG, b"let me in"])

    def test_no_curve(self):
        naked = self.agent("naked", curve=False)
        naked.send(PING, b"let me in")
        self.assertTrue(naked.disconnected())
        self.assertEqual(self.core.from_office("naked"), [])

    def test_garbage(self):
        greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE".ljust(54, b"\0")
        for name, text in {"random": os.urandom(3000), "zeros": bytes(3000), "cut greeting": greeting[:11],
                           "greeting, then random": greeting + os.urandom(3000),
                           "endless frame": greeting + b"\x06" + struct.pack(">Q", 2**62),
                           "http": b"GET / HTTP/1.1\r\n\r\n", "nothing": b""}.items():
            with self.subTest(name):
                connection = self.raw("127.0.0.9")
                try:
                    connection.sendall(text)
                    connection.shutdown(socket.SHUT_WR)
                except ConnectionError:
                    pass
                self.assertTrue(closed(connection))
        self.assertTrue(self.neighbour.goes_on())

    def test_a_stranger_holds_little(self):
        connection = self.raw("127.0.0.9")
        connection.settimeout(5)
        with self.assertRaises(OSError):
            connection.sendall(b"\xff" + bytes(64 * MIB))  # cut, or no longer read
        self.assertLess(self.side.metric("held_bytes"), MIB)


class Crowds(DoorTest):
    options = {"connections_max": 24, "connections_per_address": 8}

    def test_half_open_handshakes_of_one_address(self):
        crowd = [self.raw("127.0.0.9") for _ in range(12)]
        wait_for(lambda: self.side.metric("turned_away_total") >= 4, what="four turned away")
        self.assertEqual([closed(late, 1) for late in crowd[8:]], [True] * 4)
        self.assertTrue(self.agent("office").ask(b"another address gets in"))
        self.ended("handshake", 8)
        self.assertTrue(all(closed(early, 1) for early in crowd))

    def test_one_key_many_connections(self):
        first = self.agent("attacker")
        self.assertTrue(first.ask(b"first"))
        for i in range(4):
            more = self.agent("attacker", listed=False)
            more.socket.curve_publickey, more.socket.curve_secretkey = first.public, first.secret
            more.socket.connect(f"tcp://127.0.0.{20 + i}:0;127.0.0.1:{self.side.port}")
            more.send(PING, b"more")
        self.ended("crowded")


class Idle(DoorTest):
    def test_what_handshakes_left_behind_goes(self):
        offices = [self.agent(f"office-{i}") for i in range(20)]
        for office in offices:
            self.assertTrue(office.ask(b"here"))
        wait_for(lambda: self.side.metric("zap_renewed_total") >= 1, what="a renewed handler")
        refused = self.side.metric("refused_total")
        self.agent("stranger", listed=False).send(PING, b"let me in")
        wait_for(lambda: self.side.metric("refused_total") > refused, what="a refusal")
        self.assertTrue(self.agent("late").ask(b"the list is as it was"))
        for office in offices:
            self.assertTrue(office.ask(b"still here"))
            self.assertEqual(len(set(self.core.connections(office.office))), 1)
        self.assertEqual(self.core.from_office("stranger"), [])


class FullHouse(DoorTest):
    """Patient strangers in every place: no time limit frees one for an office."""

    options = {"connections_max": 24, "connections_per_address": 8, "handshake_seconds": 60}

    def test_strangers_make_room(self):
        for host in range(2, 8):
            for _ in range(8):
                self.raw(f"127.0.0.{host}")
        self.assertTrue(self.agent("office").ask(b"an office still gets in"))
        self.ended("crowded")


class Identities(DoorTest):
    def test_routing_ids_mean_nothing(self):
        for name in (b"same", b"\x00k\x8bEg", b"\x00\x00\x00\x00\x01"):
            agents = [self.agent(f"office-{i}", ROUTING_ID=name) for i in range(3)]
            for round_ in range(20):
                for i, agent in enumerate(agents):
                    agent.send(PING, b"%s %d %d" % (name, i, round_))
            for i, agent in enumerate(agents):
                for round_ in range(20):
                    self.assertEqual(agent.receive(), [PONG, b"%s %d %d" % (name, i, round_)])

    def test_revoked_on_a_live_connection(self):
        agent = self.agent("attacker")
        self.assertTrue(agent.ask(b"still welcome"))
        number = self.core.connections("attacker")[0]
        del self.core.keys["attacker"]
        self.core.list_keys()
        wait_for(lambda: number in self.core.closed, 1, "the connection to end within a second")
        self.assertTrue(agent.disconnected(1))
        agent.send(PING, b"and now?")
        self.assertIsNone(agent.receive(1))
        self.assertEqual(len(self.core.from_office("attacker")), 1)
        self.ended("revoked")

    def test_new_key_of_an_office_ends_the_old(self):
        old = self.agent("office")
        self.assertTrue(old.ask(b"old key"))
        new = self.agent("office")
        self.ended("revoked")
        self.assertTrue(new.ask(b"new key"))

    def test_core_cuts_one(self):
        agent = self.agent("attacker")
        self.assertTrue(agent.ask(b"hello"))
        self.core.tell(head(b"X", self.core.connections("attacker")[0], 61))
        self.ended("core")
        self.assertTrue(agent.ask(b"it may come back"))


class Frames(DoorTest):
    BAD = {"four frames": [SEND, b"x", b"y", b"z"], "one frame": [PING], "unknown command": [b"\x01\x7f", b"x"],
           "other version": [b"\x02\x09", b"x"], "long frame 0": [b"\x01\x09\x00", b"x"],
           "empty frame 0": [b"", b"x"], "a hub's command": [b"\x01\x02", b"x"],
           "frame 0 repeated": [PING, PING, b"x"], "body repeated": [SEND, b"x", b"y", b"y"],
           "body where none belongs": [PING, b"x", b"y"], "no body": [SEND, b"x"],
           "control too large": [PING, bytes(65537)], "hundred frames": [PING] * 100}

    def test_bad_frames_end_the_connection(self):
        agent = self.agent("attacker")
        for count, (name, frames) in enumerate(self.BAD.items(), 1):
            with self.subTest(name):
                agent.send(*frames)
                self.ended("frames", count, 5)
                self.assertTrue(agent.disconnected(1))
        self.assertEqual(self.core.from_office("attacker"), [])

    def test_largest_body_and_one_more(self):
        agent = self.agent("attacker")
        agent.send(SEND, b"largest", bytes(BODY_MAX))
        self.assertEqual(agent.receive(), [PONG, b"largest"])
        agent.send(SEND, b"too large", bytes(BODY_MAX + 1))
        self.assertTrue(agent.disconnected())
        self.assertEqual(len(self.core.from_office("attacker")), 1)

    def test_endless_more(self):
        before, blob = self.side.memory(), bytes(MIB)
        agent = self.agent("attacker")
        self.assertTrue(agent.ask(b"hello"))
        agent.send(SEND, *[blob] * 4000, copy=False)  # 4 GiB in one message
        most = 0
        for _ in range(400):
            most = max(most, self.side.memory())
            if self.side.metric("ended_endless_total"):
                break
            self.assertTrue(self.neighbour.goes_on(5))
        self.ended("endless")
        self.assertLess(most - before, 16)

    def test_endless_small_frames(self):
        before = self.side.memory()
        agent = self.agent("attacker")
        agent.send(SEND, *[b""] * 200000)
        self.ended("endless")
        self.assertLess(self.side.memory() - before, 64)


class Backpressure(DoorTest):
    def test_slow_reader(self):
        self.core.echo = True
        slow = self.agent("attacker", RCVHWM=1, RCVBUF=65536)
        slow.send(PING, b"hello")
        number = wait_for(lambda: self.core.connections("attacker"))[0]
        for _ in range(12):
            self.core.tell(head(b"S", number), PONG, bytes(MIB))
        self.ended("slow")
        wait_for(lambda: number in self.core.closed, what="the core to hear of it")
        self.core.tell(head(b"S", number), PONG, b"too late")  # no longer anybody's
        self.assertTrue(self.neighbour.goes_on())

    def test_a_large_list_to_a_good_reader(self):
        agent = self.agent("office")
        self.assertTrue(agent.ask(b"hello"))
        number = self.core.connections("office")[0]
        self.core.tell(head(b"S", number), b"\x01\x07", bytes(8 * MIB))
        self.assertEqual(len(agent.receive(20)[1]), 8 * MIB)
        wait_for(lambda: self.side.metric("held_bytes") < 4096, what="the count to fall to nothing")


class SilentCore(unittest.TestCase):
    """The core stops taking: the door stops reading, keeps what it has, cuts nobody."""

    def test_bounded_and_complete(self):
        self.run_with(taken_before=0)

    def test_core_that_served_another_door(self):
        self.run_with(taken_before=2**40)

    def run_with(self, taken_before):
        with tempfile.TemporaryDirectory(prefix="d-") as folder:
            side = Side(folder)
            side.core.taken_before = taken_before
            try:
                side.start()
                self.flood(side)
            finally:
                side.end()
            self.assertEqual(side.door.crimes(), [], side.door.tail(40))

    def flood(self, side):
        agent, blob, count = Agent(side, "office", SNDHWM=0), bytes(MIB), 100
        self.assertTrue(agent.ask(b"hello"))
        side.core.echo = False
        before = side.memory()
        side.core.listening.clear()
        for i in range(count):
            agent.send(SEND, b"%d" % i, blob, copy=False)
        wait_for(lambda: side.metric("untaken_bytes") >= WINDOW - 2 * MIB, 20, "a full window")
        settled = side.metric("bytes_in_total")
        polls = iter(range(200))  # longer than stall_seconds: nobody is to blame
        wait_for(lambda: side.memory() - before > 96 or next(polls) == 199, 20)
        self.assertLess(side.memory() - before, 96)
        self.assertLess(side.metric("bytes_in_total") - settled, 3 * MIB)
        side.core.listening.set()
        wait_for(lambda: len(side.core.from_office("office")) == count + 1, 30, "all messages")
        self.assertEqual(len(set(side.core.connections("office"))), 1, "it was cut")
        agent.close()


class Lives(DoorTest):
    def test_door_killed(self):
        office = self.agent("office")
        self.assertTrue(office.ask(b"before"))
        self.neighbour.end()
        self.side.door.kill()
        self.side.door.start()
        wait_for(lambda: len(set(self.core.doors)) == 2, what="the new door")
        wait_for(lambda: office.ask(b"after", 1) or office.receive(0), 20, "the client's return")
        self.assertGreater(len(set(self.core.connections("office"))), 1)
        self.neighbour = Neighbour(self.side, "newcomer")
        self.neighbour.start()
        self.assertTrue(self.neighbour.goes_on())
        self.connection = self.core.connections("neighbour")[0]

    def test_new_core_generation_cuts_all(self):
        self.neighbour.end()
        self.assertTrue(self.agent("office").ask(b"hello"))
        self.core.generation += 1
        self.core.tell(head(b"u", number=self.core.generation))
        self.ended("core_gone")
        self.neighbour = Neighbour(self.side, "newcomer")
        self.neighbour.start()
        self.assertTrue(self.neighbour.goes_on())

    def test_stop_is_clean(self):
        self.assertTrue(self.agent("office").ask(b"hello"))
        self.neighbour.end()
        number = self.connection
        self.assertEqual(self.side.door.stop(), 0)
        wait_for(lambda: number in self.core.closed, what="the core to hear of it")
        self.assertEqual(os.listdir(self.side.options["run_dir"]), [])
        self.side.door.start()
        self.neighbour = Neighbour(self.side, "newcomer")
        self.neighbour.start()
        self.assertTrue(self.neighbour.goes_on())

    def test_reload(self):
        self.side.door.send(signal.SIGHUP)
        wait_for(lambda: "reloaded" in self.side.door.text())


class Configuration(unittest.TestCase):
    def check(self, folder, **options):
        side = Side(folder, **options)
        side.core.socket.close()
        return subprocess.run([*side.door.argv, "--check-config"], capture_output=True, text=True, timeout=20)

    def test_check_config(self):
        rows = [({}, 0, "good"), ({"listen": "nowhere"}, 3, "listen"), ({"unread_max": 1000}, 3, "unread_max"),
                ({"log_level": "loud"}, 3, "log_level"), ({"colour": "red"}, 3, "colour"),
                ({"run_dir": "/" + "x" * 100}, 3, "run_dir")]
        for options, status, word in rows:
            with self.subTest(options), tempfile.TemporaryDirectory(prefix="d-") as folder:
                done = self.check(folder, **options)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(word, done.stderr)

    def test_exposed_key_is_refused(self):
        with tempfile.TemporaryDirectory(prefix="d-") as folder:
            side = Side(folder)
            side.core.socket.close()
            os.chmod(side.options["curve_secret"], 0o644)
            self.assertNotEqual(side.door.start().wait(), 0)
            self.assertNotIn(side.secret.decode(), side.door.text())


if __name__ == "__main__":
    unittest.main()
