"""A whole Corridor for one test: private PostgreSQL, demo CA, hub, offices.

    class Booking(harness.ClusterTest):
        def test_late(self):
            case = stages.reach(self.c, "filed")

Cluster starts real processes built in CORRIDOR_BUILD and talks to them the way a
person does: through the corridor command (corridor()), the agents' sockets, the
database. Nothing is mocked. Each cluster has its own folder, ports and demo clock,
so that files run side by side. Leaving it checks every process (processes.py,
crimes) and stops only what it started.
"""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import people
from database import Database
from identity import CATEGORIES, PASSPHRASE, REFERENCES, Identity, Office
from processes import NotInTime, Process, free_ports, wait_for  # noqa: F401 (for the tests)

SOURCE = Path(os.environ.get("CORRIDOR_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("CORRIDOR_BUILD", SOURCE / "build" / "dev"))
MISSION = ["operations", "casework", "health"]
HUB = Office("hub", "HUB", "NE", "Hub of the demonstration", [])


def standard_offices():
    """The four offices of the quickstart, with the same people."""
    return [Office(people.HOST, "HOST_MISSION", "NE", "Mission in Niamey", MISSION, ("amina", "moussa")),
            Office(people.ORIGIN, "ORIGIN_MISSION", "GN", "Mission in Conakry", MISSION, ("fatou", "sekou")),
            Office(people.KINDIA, "SERVICE_PROVIDER", "GN", "Training centre, Kindia", ["casework"],
                   ("kadia", "ibrahima")),
            Office(people.LABE, "SERVICE_PROVIDER", "GN", "Training centre, Labe", ["casework"],
                   ("aissatou", "oumar"))]


class Answer:
    """What the corridor command said: code, JSON (or None), standard error."""

    def __init__(self, code, out, err, argv):
        self.code, self.out, self.err, self.argv = code, out, err, argv
        self.json = self.parse(out)
        self.error = self.parse(err)

    @staticmethod
    def parse(text):
        try:
            return json.loads(text)
        except ValueError:
            return None

    def __iter__(self):
        return iter((self.code, self.json, self.err))

    def __str__(self):
        return f"{' '.join(self.argv)}\n  exit {self.code}\n  {self.out.strip()}\n  {self.err.strip()}"


class Cluster:
    def __init__(self, offices=None, clock=people.BEGIN, agreements=None, build=BUILD, log_level="debug",
                 core=None, door=None, agent=None):
        """core, door, agent: configuration options over the harness's own."""
        self.offices = {office.name: office for office in offices or standard_offices()}
        self.build, self.began, self.log_level = Path(build), clock, log_level
        self.agreements = agreements or [self.agreement()]
        self.more = {"core": core or {}, "door": door or {}, "agent": agent or {}}
        self.dir = Path(tempfile.mkdtemp(prefix="c-"))
        os.chmod(self.dir, 0o711)
        self.env = {**os.environ, "HOME": str(self.dir), "TZ": "UTC"}
        self.database = Database(self.dir / "pg")
        self.identity = Identity(self.dir, self.program("corridor"), self.run, self.must)
        self.ports = dict(zip(["door", "door-status", "core-status", *self.offices],
                              free_ports(3 + len(self.offices))))
        self.processes = {}

    def agreement(self, **change):
        return {"id": "JI-2026", "programme": "JI", "offices": list(self.offices), "categories": CATEGORIES,
                "validFrom": "2026-01-01", "validUntil": "2028-01-01", **REFERENCES, **change}

    # --- life ---

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.end(failed=True)
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.end(failed=kind is not None)

    def start(self):
        self.prepare()
        for name in ("core", "door", *self.offices):
            self.start_process(name)
        self.wait_ready()

    def prepare(self):
        """Everything but the daemons."""
        self.database.make()
        self.processes["postgres"] = self.database.process
        self.database.start()
        self.identity.make([HUB, *self.offices.values()], self.began, self.agreements)
        self.broker("migrate", "--db", self.database.conninfo(), "--sql", SOURCE / "broker" / "sql")
        self.import_cards()
        self.write_configs()

    def import_cards(self):
        self.broker("cards", "import", self.identity.cardlist, "--db", self.database.conninfo(),
                    "--ca", self.identity.ca_crt)

    def publish(self):
        """After identity.ca("suspend", ...) and the like: signs the next list, tells the hub."""
        self.identity.publish()
        self.import_cards()

    def write_configs(self):
        hub = self.dir / "hub"
        (hub / "core").mkdir(mode=0o700)
        channel = f"ipc://{hub}/core/channel"
        keys = self.identity.keys("hub")
        self.add("core", "corridor-broker", ["core"], {
            "db": self.database.conninfo(user="corridor_broker"), "office_dir": keys, "channel": channel,
            "status": self.address("core-status")})
        self.add("door", "corridor-broker", ["door"], {
            "listen": self.address("door"), "core": channel, "curve_secret": keys / "curve.key",
            "run_dir": hub / "door", "status": self.address("door-status"),
            "memory_max": 0})  # the sanitizers reserve terabytes of addresses
        for name in self.offices:
            self.add(name, "corridor-agent", [], {
                "office_dir": self.identity.keys(name), "store": self.dir / name / "store.db",
                "socket": self.socket(name), "brokers": f"tcp://{self.address('door')}",
                "hub_key": self.hub_key(), "status": self.address(name),
                "catalogue": SOURCE / "deploy" / "catalogue", "names": SOURCE / "deploy" / "names"}, kind="agent")

    def add(self, name, program, words, options, kind=None):
        options = {**options, "demo_clock": self.identity.clock, "log_level": self.log_level,
                   **self.more[kind or name]}
        config = self.dir / f"{name}.conf"
        config.write_text("".join(f"{key} = {value}\n" for key, value in options.items()))
        self.processes[name] = Process(
            name, [self.program(program), *words, "--config", config], self.dir / f"{name}.log", env=self.env)

    def address(self, name):
        return f"127.0.0.1:{self.ports[name]}"

    def hub_key(self):
        return (self.identity.keys("hub") / "curve.pub").read_text().strip()

    def end(self, failed=False):
        """Stops all that runs, newest first; raises if a process did wrong."""
        crimes = []
        for process in reversed(list(self.processes.values())):
            try:
                if process is self.database.process:
                    self.database.stop()
                else:
                    process.stop()
            except NotInTime as error:
                crimes.append(str(error))
                process.kill()
            crimes += process.crimes()
        if failed or crimes:
            print(self.tails())
            self.keep_logs()
        shutil.rmtree(self.dir, ignore_errors=True)
        if crimes and not failed:
            raise AssertionError("\n".join(crimes))

    def keep_logs(self):
        kept = self.build.parent / "test-logs" / self.dir.name
        kept.mkdir(parents=True, exist_ok=True)
        for log in self.dir.glob("*.log"):
            shutil.copyfile(log, kept / log.name)
        print(f"  all logs: {kept}")

    def tails(self):
        return "\n".join(process.tail() for process in self.processes.values() if process.text())

    # --- processes ---

    def start_process(self, name):
        return self.processes[name].start()

    def stop(self, name):
        return self.processes[name].stop()

    def kill(self, name):
        return self.processes[name].kill()

    def restart(self, name):
        self.stop(name)
        self.start_process(name)

    def wait_ready(self, names=None, seconds=60):
        for name in names or self.offices:
            wait_for(lambda: self.connected(name), seconds, f"{name} connected to the hub")

    def connected(self, name):
        if not self.processes[name].running():
            raise RuntimeError(f"{name} has ended")
        return self.status(name).get("connected")

    def status(self, office):
        return self.corridor(office, "status").json or {}

    # --- programs ---

    def program(self, name):
        return self.build / name

    def run(self, argv, stdin=None, secrets=(), seconds=60):
        """Runs to the end; each secret is one line on the descriptor FD in argv."""
        argv = [str(a) for a in argv]
        reader, fds = None, ()
        if secrets:
            reader, writer = os.pipe()
            os.write(writer, "".join(f"{secret}\n" for secret in secrets).encode())
            os.close(writer)
            argv, fds = [str(reader) if a == "FD" else a for a in argv], (reader,)
        try:
            done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=seconds,
                                  env=self.env, cwd=self.dir, pass_fds=fds)
        finally:
            if reader is not None:
                os.close(reader)
        return Answer(done.returncode, done.stdout, done.stderr, argv)

    def must(self, answer, code=0):
        if answer.code != code:
            raise AssertionError(f"expected exit {code}: {answer}")
        return answer.json

    def broker(self, *args, code=0):
        return self.must(self.run([self.program("corridor-broker"), *args]), code)

    def corridor(self, office, *args, input=None, user=None, passphrase=PASSPHRASE, json_out=True):
        """The corridor command at an office. input: an object for operand "-".
        user: True = the office's own holder; then passphrase opens what is sealed."""
        argv = [self.program("corridor"), "--agent", self.socket(office)]
        argv += ["--json"] if json_out else []
        secrets = ()
        if user:
            argv += ["--user", self.offices[office].user if user is True else user, "--passphrase-fd", "FD"]
            secrets = (passphrase,)
        stdin = json.dumps(input) if input is not None else None
        return self.run([*argv, *args], stdin, secrets)

    def socket(self, office):
        return self.dir / office / "agent.sock"

    # --- time and database ---

    def db(self, user=None):
        """A connection that commits by itself; the caller closes it."""
        connection = self.database.connect(user=user)
        connection.autocommit = True
        return connection

    def query(self, sql, *values):
        connection = self.db()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def set_clock(self, text):
        """Moves the demo clock forward; the running processes follow within 50 ms."""
        self.identity.demo_clock("set", text)

    def now(self):
        """Demo time in milliseconds."""
        return people.at(self.identity.demo_clock()["time"])

    # --- the daemons' own faces ---

    def http(self, name, path):
        """(status, text) of a daemon's /healthz or /metrics; name: core, door or an office."""
        port = self.ports.get(f"{name}-status", self.ports.get(name))
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, process, name):
        for line in self.http(process, "/metrics")[1].splitlines():
            if line.split(" ")[0] == name:
                return float(line.split(" ")[1])
        raise LookupError(name)


class ClusterTest(unittest.TestCase):
    """One cluster per class, in self.c; options for Cluster in `cluster`."""

    cluster = {}

    @classmethod
    def setUpClass(cls):
        cls.c = Cluster(**cls.cluster)
        cls.failures = 0
        cls.c.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.c.end(failed=cls.failures > 0)

    def run(self, result=None):
        before = len(result.errors) + len(result.failures)
        super().run(result)
        type(self).failures += len(result.errors) + len(result.failures) - before
        return result
