"""One return, end to end: consent, case file, booking, confirmation, ticket,
departure, arrival, referral (one centre full, the other accepts), handover, report;
and at the end who was told what, and why. The tests of the class look at the one
finished case from different sides."""

import unittest

import harness
import people
import stages
from harness import wait_for


class OneReturn(harness.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.case = stages.reach(cls.c, "reported")
        except BaseException:
            cls.c.end(failed=True)
            raise

    def opened(self, office, kind, handle=None):
        """Contents of the office's messages of a kind, by compartment."""
        found = {}
        for message in self.case.received(office, kind, handle):
            shown = self.c.must(self.c.corridor(office, "show", message["messageId"], user=True))
            found[message["compartment"].upper()] = shown["content"]
        return found

    def test_case_file_arrives_whole_and_apart(self):
        parts = self.opened(people.ORIGIN, "CaseFile")
        self.assertEqual(set(parts), {"CASEWORK", "OPERATIONS"})
        sent = people.casework(self.case.reference)
        self.assertEqual({k: parts["CASEWORK"].get(k) for k in sent}, sent)
        self.assertNotIn("migrationExperience", parts["OPERATIONS"])

    def test_handover_reaches_only_the_centre_that_accepted(self):
        content = self.opened(people.LABE, "ReferralHandover", self.case.provider_handle)["CASEWORK"]
        self.assertEqual(content["need"], people.handover("")["need"])
        held = {m["type"] for m in self.c.corridor(people.KINDIA, "inbox").json["messages"]}
        self.assertNotIn("ReferralHandover", held)

    def test_providers_never_learn_the_case_handle(self):
        for office in (people.KINDIA, people.LABE):
            with self.subTest(office):
                told = self.c.corridor(office, "inbox").out + self.c.corridor(office, "case", "list").out
                self.assertNotIn(self.case.handle, told)
                self.assertNotIn(self.case.reference, told)

    def test_every_obligation_is_met(self):
        def settled():
            due = self.c.must(self.c.corridor(people.HOST, "due", "--all"))["obligations"]
            return due if due and all(d["state"] == "MET" for d in due) else None
        self.assertGreaterEqual(len(wait_for(settled, 20, "all obligations met")), 4)

    def test_timeline_tells_the_steps_in_order(self):
        events = self.c.must(self.c.corridor(people.HOST, "timeline", self.case.handle))["events"]
        admitted = [e["type"] for e in events if e["event"] == "admitted"]
        steps = ["Registration", "ConsentRecord", "CaseFile", "ABN", "TicketIssued", "DepartureConfirmation"]
        self.assertEqual([t for t in dict.fromkeys(admitted) if t in steps], steps)
        self.assertEqual([e["at"] for e in events], sorted(e["at"] for e in events))

    def test_disclosure_report_names_who_what_why_when(self):
        def complete():
            report = self.c.must(self.c.run(
                [self.c.program("corridor"), "--json", "audit", "report", "--case", self.case.handle,
                 "--db", self.c.database.conninfo()]))
            rows = report["disclosures"]
            return rows if rows and all(row.get("delivered") for row in rows) else None
        rows = wait_for(complete, 20, "every disclosure is receipted")
        self.assertEqual({row["recipient"] for row in rows},
                         {people.HOST, people.ORIGIN, people.KINDIA, people.LABE})
        for row in rows:
            with self.subTest(row["recipient"]):
                self.assertTrue(row["categories"] and row["purpose"] and row["basis"])
        personal = [row for row in rows if "BIODATA" in row["categories"]]
        self.assertEqual({row["recipient"] for row in personal}, {people.ORIGIN, people.LABE})

    def test_nobody_but_the_offices_can_read(self):
        words = ["Testina", "Exemplar", self.case.reference, self.case.code, "tailoring"]
        stores = {"database": self.c.database.dump().lower()}
        for path in [*self.c.dir.glob("*.log"), *self.c.dir.glob("*/store*")]:
            stores[str(path.relative_to(self.c.dir))] = path.read_bytes().decode("latin-1").lower()
        self.assertIn(self.case.handle, stores["database"], "the search would see what is there")
        self.assertGreaterEqual(sum("/store" in place for place in stores), 4)
        for place, text in stores.items():
            for word in words:
                with self.subTest(place=place, word=word):
                    self.assertNotIn(word.lower(), text)
                    self.assertNotIn(word.encode().hex(), text)


class StoryFolder(harness.ClusterTest):
    """The folder that the quickstart plays, and that a reader copies to write one."""

    def test_the_built_in_story_is_told_to_its_end(self):
        secret = self.c.dir / "passphrase"
        secret.write_text(f"{harness.PASSPHRASE}\n")
        self.c.env.update(CORRIDOR_RUN=str(self.c.dir), CORRIDOR_CA=str(self.c.identity.ca_crt))
        folder = harness.SOURCE / "tests/stories/one-return"
        told = self.c.run([harness.SOURCE / "deploy/play-story", folder, "--corridor",
                           self.c.program("corridor")], seconds=300)
        self.assertEqual(told.code, 0, told)
        self.assertIn(f"{len(list(folder.glob('*.json')))} steps", told.out)


if __name__ == "__main__":
    unittest.main()
