"""Who holds an office's keys: coming, changing, leaving, and recovery by two of three
shares, as an administrator does it with the corridor command. No agent is needed."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("CORRIDOR_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("CORRIDOR_BUILD", SOURCE / "build" / "dev"))
FATOU, SEKOU = "correct horse exemplar", "battery staple exemplar"
BINTA = "a third passphrase"
KEYS = ["operations", "casework", "health"]


class Holders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = Path(tempfile.mkdtemp(prefix="c-"))
        cls.call(["office", "make", "--dir", cls.made / "keys", "--office", "gn-conakry", "--role", "ORIGIN_MISSION",
                  "--country", "GN", "--name", "Mission in Conakry", *(w for k in KEYS for w in ("--compartment", k)),
                  "--holder", "fatou", "--holder", "sekou"], [FATOU, SEKOU])

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.made)

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="c-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.keys = self.folder / "keys"
        shutil.copytree(self.made / "keys", self.keys)

    @staticmethod
    def call(words, secrets=(), code=0, as_json=True):
        reader, writer = os.pipe()
        os.write(writer, "".join(f"{line}\n" for line in secrets).encode())
        os.close(writer)
        argv = [str(BUILD / "corridor"), *(["--json"] if as_json else []), "--passphrase-fd", str(reader),
                *(str(w) for w in words)]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=60, pass_fds=(reader,))
        finally:
            os.close(reader)
        if done.returncode != code:
            raise AssertionError(f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        told = done.stdout if code == 0 else done.stderr
        return json.loads(told) if as_json and told.startswith("{") else told

    def office(self, *words, secrets=(), code=0, by="fatou", **more):
        user = ["--user", by] if by else []
        return self.call([*user, "office", *words, "--dir", self.keys], secrets, code, **more)

    def holders(self):
        return {key["compartment"]: key["holders"] for key in self.office("holders", by=None)["keys"]}

    def opens(self, key, user, passphrase):
        """Whether the share opens the key: only its holder can change its passphrase (to the same)."""
        done = self.call(["--user", user, "office", "change-passphrase", "--dir", self.probe(), "--compartment", key],
                         [passphrase, passphrase], code=0 if user in self.holders()[key] else 6)
        return "done" in done

    def probe(self):
        """A copy, so that looking changes nothing."""
        copy = Path(tempfile.mkdtemp(prefix="c-", dir=self.folder)) / "keys"
        shutil.copytree(self.keys, copy)
        return copy

    def bytes(self):
        return {path.name: path.read_bytes() for path in (self.keys / "keys").glob("*.key")}

    # --- holders ---

    def test_a_person_comes_and_another_leaves(self):
        self.office("add-holder", "--compartment", "health", "--compartment", "casework", "--holder", "binta",
                    secrets=[FATOU, BINTA])
        self.assertEqual(self.holders(), {"operations": ["fatou", "sekou"], "casework": ["fatou", "sekou", "binta"],
                                          "health": ["fatou", "sekou", "binta"]})
        done = self.office("remove-holder", "--holder", "sekou", "--compartment", "health", secrets=[FATOU])
        self.assertEqual(done["keys"], ["health"])
        self.assertEqual(self.holders()["health"], ["fatou", "binta"])
        self.assertTrue(self.opens("health", "binta", BINTA))
        self.assertFalse(self.opens("health", "sekou", SEKOU))
        for path in (self.keys / "keys").glob("*.key"):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_two_holders_stay(self):
        before = self.bytes()
        error = self.office("remove-holder", "--holder", "sekou", secrets=[FATOU], code=4)
        self.assertEqual(error["code"], "CONFLICT")
        self.assertIn("add the successor first", error["detail"])
        self.assertEqual(self.bytes(), before)

    def test_all_keys_change_or_none(self):
        self.office("add-holder", "--compartment", "health", "--holder", "binta", secrets=[FATOU, BINTA])
        before = self.bytes()
        self.office("remove-holder", "--holder", "sekou", secrets=[FATOU], code=4)  # health would have two
        self.office("add-holder", "--compartment", "operations", "--compartment", "health", "--holder", "binta",
                    secrets=[FATOU, BINTA], code=4)  # holds health already
        self.office("add-holder", "--compartment", "operations", "--holder", "kadia", secrets=["wrong one", BINTA],
                    code=6)
        self.office("remove-holder", "--holder", "nobody", secrets=[FATOU], code=3)
        self.assertEqual(self.bytes(), before)

    def test_a_changed_passphrase(self):
        fresh = "quite another passphrase"
        done = self.office("change-passphrase", secrets=[FATOU, fresh])
        self.assertEqual(done["keys"], KEYS)
        self.office("change-passphrase", secrets=[FATOU, "yet another one"], code=6)
        self.office("change-passphrase", secrets=[fresh, FATOU])
        self.office("change-passphrase", secrets=[FATOU, "short"], code=3)

    # --- functions ---

    def staff(self):
        return {one["user"]: (one["functions"], one["keys"]) for one in self.office("staff", "list", by=None)["staff"]}

    def test_a_function_brings_its_keys(self):
        done = self.office("staff", "add", "--holder", "binta", "--function", "case-worker", secrets=[FATOU, BINTA])
        self.assertEqual(done["keys"], ["operations", "casework"])
        self.assertEqual(self.staff()["binta"], (["case-worker"], ["operations", "casework"]))
        done = self.office("staff", "add", "--holder", "binta", "--function", "medical-focal-point",
                           secrets=[FATOU, BINTA])
        self.assertEqual(done["keys"], ["health"])
        self.assertEqual(self.staff()["binta"], (["case-worker", "medical-focal-point"], KEYS))
        self.office("staff", "add", "--holder", "binta", "--function", "reception", secrets=[FATOU, BINTA], code=4)

    def test_a_function_the_office_does_not_have(self):
        before = self.bytes()
        error = self.office("staff", "add", "--holder", "binta", "--function", "protection-focal-point",
                            secrets=[FATOU, BINTA], code=3)
        self.assertIn("no protection key", error["detail"])
        self.assertEqual(self.bytes(), before)

    def test_present_holders_of_different_keys(self):
        """Nobody holds all: each key is shared by one who does."""
        self.office("add-holder", "--compartment", "casework", "--holder", "binta", secrets=[FATOU, BINTA])
        self.office("remove-holder", "--compartment", "casework", "--holder", "fatou", secrets=[FATOU])
        self.office("staff", "add", "--holder", "kadia", "--function", "case-worker", secrets=[FATOU, BINTA], code=6)
        self.office("staff", "add", "--holder", "kadia", "--function", "case-worker", "--present", "binta",
                    secrets=[FATOU, BINTA, "a fourth passphrase"])
        self.assertEqual(self.staff()["kadia"][0], ["case-worker"])

    # --- recovery ---

    def shares(self, *words):
        made = self.office("recovery", "make", *words, secrets=[FATOU])["shares"]
        return {(one["compartment"], one["number"]): one["share"] for one in made}

    def use(self, first, second, code=0, holder="successor"):
        return self.office("recovery", "use", "--holder", holder, by=None, secrets=[first, second, BINTA], code=code)

    def test_any_two_shares_let_a_successor_in(self):
        shares = self.shares()
        self.assertEqual(len(shares), 3 * len(KEYS))
        done = self.use(shares["health", 3], shares["health", 1])
        self.assertEqual((done["keys"], done["byRecovery"]), (["health"], True))
        self.assertTrue(self.opens("health", "successor", BINTA))
        listed = {key["compartment"]: key for key in self.office("holders", by=None)["keys"]}
        self.assertEqual([one["user"] for one in listed["health"]["letInByRecovery"]], ["successor"])
        self.assertEqual(listed["casework"]["letInByRecovery"], [])
        self.assertTrue(all(key["recoveryShares"] for key in listed.values()))
        self.use(shares["casework", 1].lower().replace("-", "").replace("gnconakry", "gn-conakry"),
                 shares["casework", 2])

    def test_the_leaver_took_everything_along(self):
        """Both holders are gone; the shares alone bring a successor in, who then takes them off."""
        shares = self.shares("--compartment", "health")
        self.use(shares["health", 2], shares["health", 3])
        self.use(shares["health", 1], shares["health", 3], holder="second")
        self.office("remove-holder", "--holder", "fatou", "--compartment", "health", by="successor", secrets=[BINTA])
        self.office("remove-holder", "--holder", "sekou", "--compartment", "health", by="successor", secrets=[BINTA])
        self.assertEqual(self.holders()["health"], ["successor", "second"])

    def test_what_does_not_belong_is_named(self):
        shares = self.shares()
        before = self.bytes()
        health = [shares["health", n] for n in (1, 2, 3)]
        other = health[1].replace("gn-conakry", "ne-niamey")
        slip = health[1][:-1] + ("8" if health[1][-1] != "8" else "9")
        for first, second, code, said in (
                (health[0], health[0], 3, "given twice"),
                (health[0], shares["casework", 2], 3, "different keys"),
                (health[0], other, 3, "different offices"),
                (other, health[0], 3, "not of this office"),
                (health[0], slip, 3, "second row"),
                (health[0], health[1].replace(" 2 ", " 3 "), 6, "none of the health key's present shares"),
                (health[0], "", 3, "as printed")):
            with self.subTest(said):
                self.assertIn(said, self.use(first, second, code)["detail"])
        self.shares()  # the older set is worth nothing now
        error = self.use(health[0], health[1], 6)
        self.assertIn("older set", error["detail"])
        self.assertNotEqual(self.bytes(), before)
        self.assertNotIn("successor", self.holders()["health"])

    def test_shares_stand_nowhere_but_on_the_paper(self):
        shares = self.shares()
        kept = b"".join(path.read_bytes() for path in self.keys.rglob("*") if path.is_file())
        for share in shares.values():
            for row in share.split()[3:]:
                self.assertNotIn(row.encode(), kept)
                self.assertNotIn(row.replace("-", "").encode(), kept)
        printed = self.office("recovery", "make", "--compartment", "health", secrets=[FATOU], as_json=False)
        self.assertEqual(sum("gn-conakry health" in line for line in printed.splitlines()), 3)

    def test_made_with_the_office(self):
        made = self.call(["office", "make", "--dir", self.folder / "new", "--office", "gn-labe", "--role",
                          "SERVICE_PROVIDER", "--country", "GN", "--name", "Centre", "--compartment", "casework",
                          "--holder", "aissatou", "--holder", "oumar", "--recovery"], [FATOU, SEKOU])
        self.assertEqual([one["number"] for one in made["shares"]], [1, 2, 3])
        self.keys = self.folder / "new"
        self.use(made["shares"][0]["share"], made["shares"][2]["share"])
        self.assertEqual(self.holders()["casework"], ["aissatou", "oumar", "successor"])

    def test_no_shares_were_made(self):
        shares = self.shares("--compartment", "health")
        fake = [shares["health", n].replace("health", "casework") for n in (1, 2)]
        self.assertIn("no recovery shares were made for the casework key", self.use(*fake, code=3)["detail"])


if __name__ == "__main__":
    unittest.main()
