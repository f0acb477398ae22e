"""The peers' servers, each started privately: loopback, a free port, a data
directory of its own, no system service, ended with the `with` block."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from hub import harness, measured, tool
from processes import Process, free_ports, wait_for
import usage

RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_SECONDS = 90
END_SECONDS = 60


def found(name):
    """A server's program; Debian keeps servers out of a user's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def first_line(argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
        return (done.stdout + done.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "unknown version"


def package_version(name):
    return first_line(["dpkg-query", "-W", "-f", "${Version}", name])


class Server:
    """One server in a folder of its own."""

    name = client = program = package = ""
    durable = True
    says = ""      # how it keeps a message
    kinds = [""]   # of queue

    def __init__(self, folder):
        self.folder = Path(folder) / self.name
        self.folder.mkdir()
        self.ports = free_ports(3)
        self.process = Process(self.name, self.argv(), self.folder / "log", env=self.environment())

    @classmethod
    def installed(cls):
        return found(cls.program) is not None and tool(cls.client).exists()

    @classmethod
    def version(cls):
        return f"{cls.name} {package_version(cls.package)}"

    def environment(self):
        return {**os.environ, "HOME": str(self.folder)}

    def __enter__(self):
        self.process.start()
        try:
            wait_for(self.answers, START_SECONDS, f"{self.name} listens")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.process.stop(seconds=END_SECONDS)
        except harness.NotInTime:
            self.process.kill()

    def answers(self):
        if not self.process.running():
            raise SystemExit(f"{self.name} has ended:\n{self.process.tail()}")
        with socket.create_connection(("127.0.0.1", self.ports[0]), timeout=5):
            return True

    def run(self, mode, in_flight, messages, body, kind=""):
        """One load by the peer's client, with the server's CPU time per message."""
        argv = [tool(self.client), self.ports[0], mode, in_flight, messages, body, *([kind] if kind else [])]
        before = usage.family(self.process.pid)
        result = measured(argv)
        result["cpu"] = {"server": (usage.family(self.process.pid) - before) * usage.TICK_US / messages,
                         "client": result["cpu_us_per_message"]}
        return result


class Rabbit(Server):
    """Erlang's port mapper would stay behind as a daemon: it gets a private one
    that is ours to end."""

    name = "rabbitmq"
    client, program, package = "rabbit", "rabbitmq-server", "rabbitmq-server"
    kinds = ["classic", "quorum"]
    says = "syncs before it confirms"

    def __init__(self, folder):
        super().__init__(folder)
        self.mapper = Process("epmd", [found("epmd"), "-port", self.ports[1], "-address", "127.0.0.1"],
                              self.folder / "epmd.log", env=self.environment())

    def argv(self):
        return [RABBIT]

    def environment(self):
        config = self.folder / "rabbitmq.conf"
        config.write_text(f"listeners.tcp.default = 127.0.0.1:{self.ports[0]}\nlog.console.level = error\n"
                          "disk_free_limit.absolute = 50MB\n")
        plugins = self.folder / "enabled_plugins"
        plugins.write_text("[].\n")
        where = {"MNESIA_BASE": self.folder / "db", "LOG_BASE": self.folder / "log.d", "CONFIG_FILE": config,
                 "ENABLED_PLUGINS_FILE": plugins, "PID_FILE": self.folder / "pid", "LOGS": "-",
                 "CONF_ENV_FILE": "/dev/null", "NODENAME": "corridor-bench@localhost",
                 "DIST_PORT": self.ports[2],
                 "SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}"}
        return {**super().environment(), "ERL_EPMD_PORT": str(self.ports[1]), "ERL_EPMD_ADDRESS": "127.0.0.1",
                **{f"RABBITMQ_{name}": str(value) for name, value in where.items()}}

    def __enter__(self):
        self.mapper.start()
        return super().__enter__()

    def __exit__(self, *_):
        # The start script ends at once and by itself when its child, the server, does.
        for child in usage.children(self.process.pid):
            os.kill(child, signal.SIGTERM)
        try:
            self.process.wait(END_SECONDS)
        except harness.NotInTime:
            for child in usage.children(self.process.pid):
                os.kill(child, signal.SIGKILL)
            self.process.kill()
        self.mapper.stop()


class Nats(Server):
    name = "nats"
    client, program, package = "nats", "nats-server", "nats-server"
    durable = False
    says = "not durable: confirms before it syncs"

    def argv(self):
        return [found("nats-server"), "-js", "-sd", self.folder / "data", "-a", "127.0.0.1", "-p", self.ports[0]]


class Mosquitto(Server):
    name = "mosquitto"
    client, program, package = "mosquitto", "mosquitto", "mosquitto"
    durable = False
    says = "not durable: keeps in memory, writes now and then"

    def argv(self):
        config = self.folder / "mosquitto.conf"
        lines = [f"listener {self.ports[0]} 127.0.0.1", "allow_anonymous true", "persistence true",
                 f"persistence_location {self.folder}/", "max_inflight_messages 0", "max_queued_messages 0",
                 "max_queued_bytes 0", "set_tcp_nodelay true", *(["user root"] if os.getuid() == 0 else [])]
        config.write_text("\n".join(lines) + "\n")
        return [found("mosquitto"), "-c", config]


ALL = [Rabbit, Nats, Mosquitto]
