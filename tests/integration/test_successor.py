"""The successor drill of deploy/docs/successor-drill.md, step by step: both holders of
an office are gone, two recovery shares let a successor in, who opens what they left;
the leavers are taken off; and each step can be read afterwards, by the office and by
oversight."""

import unittest

import people
from access_cases import AccessTest
from identity import PASSPHRASE, SECOND_PASSPHRASE

SUCCESSOR, SECOND = "the successor's passphrase", "another new passphrase"


class SuccessorDrill(AccessTest):
    def office(self, *words, by=None, secrets=(), code=0):
        more = [*(["--passphrase-fd", "FD"] if secrets else []), *(["--user", by] if by else [])]
        return self.c.must(self.c.run([self.c.program("corridor"), "--json", *more, "office", *words, "--dir",
                                       self.c.identity.keys(people.ORIGIN)], secrets=secrets), code)

    def let_in(self, who, passphrase, shares):
        """Two shares of each key; dated by the demonstration's clock, as all of it is."""
        for key in ("casework", "health"):
            self.office("recovery", "use", "--holder", who, "--demo-clock", self.c.identity.clock,
                        secrets=[shares[key, 1], shares[key, 3], passphrase])

    def test_drill(self):
        # 1. Before: shares are made, a case arrives, the holders work.
        made = self.office("recovery", "make", by="fatou", secrets=[PASSPHRASE])["shares"]
        shares = {(one["compartment"], one["number"]): one["share"] for one in made}
        case, health = self.health_case()
        casework = next(m["messageId"] for m in case.received(people.ORIGIN, "CaseFile", count=3, user=True)
                        if m["compartment"] == "CASEWORK")
        self.show(health)
        self.told(health, 1)
        # 2. The holders are gone. Two shares of each key let two successors in.
        self.c.set_clock("2026-03-05T09:00:00Z")
        self.let_in("binta", SUCCESSOR, shares)
        self.let_in("mariam", SECOND, shares)
        # 3. The successor opens what the leavers left: health and casework, both told.
        binta = dict(user="binta", passphrase=SUCCESSOR)
        self.assertEqual(self.show(health, **binta)["content"]["knownConditions"], ["asthma"])
        self.assertEqual(self.show(casework, **binta)["content"]["name"], "Testina Exemplar")
        self.assertEqual(self.told(health, 2), [(people.ORIGIN, "OPENED"), (people.ORIGIN, "RECOVERED_KEY")])
        self.assertEqual(self.told(casework, 1), [(people.ORIGIN, "RECOVERED_KEY")])
        # 4. The leavers come off; the shares that were used are replaced.
        for key in ("casework", "health"):
            for leaver in ("fatou", "sekou"):
                self.office("remove-holder", "--compartment", key, "--holder", leaver, by="binta", secrets=[SUCCESSOR])
        self.office("recovery", "make", "--compartment", "casework", "--compartment", "health", by="binta",
                    secrets=[SUCCESSOR])
        error = self.c.corridor(people.ORIGIN, "show", health, **dict(user="fatou", passphrase=PASSPHRASE)).error
        self.assertEqual(error["code"], "NO_SUCH_MESSAGE", "who cannot read it is not told that it exists")
        spent = self.c.run([self.c.program("corridor"), "--json", "--passphrase-fd", "FD", "office", "recovery", "use",
                            "--holder", "oumar", "--dir", self.c.identity.keys(people.ORIGIN)],
                           secrets=[shares["health", 1], shares["health", 2], SECOND_PASSPHRASE])
        self.assertEqual(spent.code, 6, spent)
        # 5. What comes from now on is the successor's own work: restricted content as ever, the rest not told.
        case.send(people.HOST, "CaseFile", people.ORIGIN, people.case_file(case.reference, operations=None))
        later = next(m["messageId"] for m in case.received(people.ORIGIN, "CaseFile", count=3)
                     if m["compartment"] == "CASEWORK" and m["messageId"] != casework)
        self.show(later, **binta)
        self.assertEqual(self.accesses(later), [])
        # 6. Afterwards: who holds what, who opened what, and what oversight sees.
        keys = {key["compartment"]: key for key in self.office("holders")["keys"]}
        self.assertEqual(keys["health"]["holders"], ["binta", "mariam"])
        self.assertEqual([one["user"] for one in keys["health"]["letInByRecovery"]], ["binta", "mariam"])
        for one in keys["health"]["letInByRecovery"]:
            self.assertLessEqual(people.at("2026-03-05T09:00:00Z"), one["recoveredAt"])
            self.assertLessEqual(one["recoveredAt"], self.c.now())
        events = self.c.must(self.c.corridor(people.ORIGIN, "timeline", case.handle, **binta))["events"]
        self.assertEqual([e["detail"] for e in events if e["event"] == "opened"], ["fatou", "binta", "binta", "binta"])


del AccessTest

if __name__ == "__main__":
    unittest.main()
