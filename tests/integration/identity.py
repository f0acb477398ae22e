"""The demo programme of a test cluster: its CA, agreement, calendars, cards.

Made through `corridor ca` and `corridor office`, in the folders
  ca/               the programme's CA
  <office>/keys/    each office's own keys, the hub's among them
"""

import fcntl
import hashlib
import json
import os
import shutil
from pathlib import Path

CA_PASSPHRASE = "programme authority exemplar"
PASSPHRASE = "correct horse exemplar"
SECOND_PASSPHRASE = "battery staple exemplar"
CATEGORIES = ["OPERATIONAL", "BIODATA", "CONTACT", "TRAVEL", "HEALTH_DATA", "MENTAL_HEALTH",
              "PROTECTION_RISK", "CHILD_BID", "FAMILY", "ECONOMIC", "EDUCATION", "LEGAL",
              "MONITORING_DATA", "INSTRUCTION"]
# What an agreement names besides its offices and categories, so that all of them may pass.
REFERENCES = {"dpiaReference": "DPIA-2026-001", "childDataProtocol": "CDP-NE-GN-2025",
              "recordTransferMou": "MOU-MED-2025"}
PERMISSIONS = Path(__file__).resolve().parents[2] / "deploy" / "permissions" / "default.json"
CALENDARS = [
    {"country": "NE", "weekend": [6, 7], "offsets": {"2020-01-01T00:00Z": 60}},
    {"country": "GN", "weekend": [6, 7], "offsets": {"2020-01-01T00:00Z": 0}},
]


class Office:
    """One office and the two people who hold its compartments."""

    def __init__(self, name, role, country, title, compartments, holders=("amina", "moussa")):
        self.name, self.role, self.country, self.title = name, role, country, title
        self.compartments = compartments
        self.user, self.second = holders


class Identity:
    """Everything that `corridor ca` and `corridor office` do for a cluster.
    run(argv, secrets=...) and must(answer) are the cluster's."""

    def __init__(self, folder, corridor, run, must):
        self.folder, self.corridor, self.run, self.must = folder, corridor, run, must
        self.ca_dir, self.clock = folder / "ca", folder / "clock"
        self.dated = ["--demo-clock", self.clock]
        self.ca_crt, self.cardlist = self.ca_dir / "ca.crt", self.ca_dir / "cardlist"

    def keys(self, office):
        return self.folder / office / "keys"

    def make(self, offices, began, agreements, calendars=CALENDARS):
        """The same programme is made once for a whole test run and then copied:
        wrapping keys under passphrases is slow on purpose."""
        wanted = [[vars(office) for office in offices], began, agreements, calendars, PERMISSIONS.read_text()]
        cache = os.environ.get("CORRIDOR_CACHE")
        if cache is None:
            self.make_new(offices, began, agreements, calendars)
        else:
            name = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:16]
            kept = Path(cache) / name
            with open(f"{kept}.lock", "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not kept.exists():
                    self.make_new(offices, began, agreements, calendars)
                    shutil.copytree(self.folder, f"{kept}.part", ignore=shutil.ignore_patterns("pg", "*.log"))
                    os.rename(f"{kept}.part", kept)
            shutil.copytree(kept, self.folder, dirs_exist_ok=True)
            self.folder.chmod(0o711)
        self.demo_clock("start", began)

    def make_new(self, offices, began, agreements, calendars):
        self.dated = ["--at", began]
        self.ca("make", "--name", "Demonstration", "--demo", "--at", began)
        for office in offices:
            self.make_office(office)
            self.sign(office)
        self.ca("permissions", PERMISSIONS)
        for agreement in agreements:
            self.ca("agreement", self.write("agreement.json", agreement))
        for calendar in calendars:
            self.ca("calendar", self.write("calendar.json", calendar))
        self.publish()
        for office in offices:
            self.install(office)
        self.dated = ["--demo-clock", self.clock]

    def write(self, name, content):
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path

    def ca(self, verb, *args, code=0):
        """corridor ca VERB, dated by the demo clock once there is one."""
        dated = ("sign", "suspend", "revoke", "reinstate", "publish", "region", "asylum")
        clock = self.dated if verb in dated else []
        secrets = () if verb == "list" else (CA_PASSPHRASE,)
        words = ["--passphrase-fd", "FD"] if secrets else []
        return self.must(self.run([self.corridor, "--json", *words, "ca", verb, "--dir", self.ca_dir, *clock,
                                   *args], secrets=secrets), code)

    def publish(self, *args):
        return self.ca("publish", *args)

    def make_office(self, office):
        self.keys(office.name).parent.mkdir(mode=0o700, exist_ok=True)
        compartments = [word for name in office.compartments for word in ("--compartment", name)]
        holders = ["--holder", office.user, "--holder", office.second] if compartments else []
        self.must(self.run(
            [self.corridor, "--json", "--passphrase-fd", "FD", "office", "make", "--dir", self.keys(office.name),
             "--office", office.name, "--role", office.role, "--country", office.country,
             "--name", office.title, *compartments, *holders],
            secrets=(PASSPHRASE, SECOND_PASSPHRASE)))

    def sign(self, office):
        request = self.folder / f"{office.name}.request"
        self.must(self.run([self.corridor, "--json", "office", "request", "--dir", self.keys(office.name),
                            "--out", request]))
        self.ca("sign", request)

    def install(self, office):
        self.must(self.run([self.corridor, "--json", "office", "install", "--dir", self.keys(office.name),
                            "--ca", self.ca_crt, "--cardlist", self.cardlist]))

    def demo_clock(self, *words, code=0):
        return self.must(self.run([self.corridor, "--json", "demo", "clock", *words, "--file", self.clock,
                                   "--ca", self.ca_crt]), code)
