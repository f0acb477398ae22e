"""A private PostgreSQL 15 cluster: own data directory with checksums, a unix
socket that only its owner reaches, no TCP."""

import os
import pwd
import signal
import subprocess
from pathlib import Path

import psycopg2

from processes import Process, wait_for

BIN = Path("/usr/lib/postgresql/15/bin")
SETTINGS = {
    "listen_addresses": "", "unix_socket_permissions": "0700", "max_connections": "40",
    "shared_buffers": "32MB", "log_min_messages": "warning", "log_line_prefix": "%p %q%u ",
    "logging_collector": "off", "timezone": "UTC", "lc_messages": "C",
}


class Database:
    def __init__(self, folder, settings=None):
        """settings: over SETTINGS."""
        self.folder = Path(folder)
        self.settings = {**SETTINGS, **(settings or {})}
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.process = None

    def make(self):
        self.folder.mkdir(mode=0o700)
        account = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            entry = pwd.getpwnam("postgres")
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            account = {"user": "postgres", "group": "postgres", "extra_groups": []}
        subprocess.run([BIN / "initdb", "-k", "-D", self.folder / "data", "-U", self.user, "-E", "UTF8",
                        "--locale=C.UTF-8", "-A", "trust", "--no-instructions"],
                       check=True, capture_output=True, cwd="/", **account)
        settings = [f"--{name}={value}" for name, value in self.settings.items()]
        self.process = Process(
            "postgres", [BIN / "postgres", "-D", self.folder / "data", "-k", self.folder, *settings],
            self.folder.parent / "postgres.log", user="postgres" if os.getuid() == 0 else None)

    def start(self):
        self.process.start()
        wait_for(lambda: self.answers("postgres"), 30, "PostgreSQL accepts connections")
        db = self.connect("postgres")
        db.autocommit = True
        with db.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'corridor'")
            if not cursor.fetchone():
                cursor.execute("CREATE DATABASE corridor")
        db.close()

    def stop(self):
        """A fast shutdown: connections are cut, what was committed stays."""
        if self.process is not None:
            self.process.stop(signal.SIGINT)

    def answers(self, name="corridor"):
        try:
            self.connect(name).close()
            return True
        except psycopg2.OperationalError as error:
            raise OSError(str(error)) from None

    def conninfo(self, name="corridor", user=None):
        return f"host={self.folder} dbname={name} user={user or self.user}"

    def connect(self, name="corridor", user=None):
        return psycopg2.connect(self.conninfo(name, user), connect_timeout=5)

    def dump(self):
        """Everything the database holds, as pg_dump writes it (bytes in hex)."""
        return subprocess.run([BIN / "pg_dump", "-h", self.folder, "-U", self.user, "corridor"],
                              check=True, capture_output=True, text=True).stdout
