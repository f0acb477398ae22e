"""What an agent has answered is gone from its memory: content it opened or sent,
the passphrase, the reference number and the withdrawal code."""

import base64
import unittest

import files
import harness
import memory
import people
import stages
from identity import PASSPHRASE
from processes import wait_for

CANARY = "canary Testina Exemplar sang to nobody"


class Memory(harness.ClusterTest):
    def look(self, office, *texts):
        """Raises unless none of the texts is in the agent's memory before long:
        the answer may reach its reader before the agent has put its copy away."""
        pid = self.c.processes[office].popen.pid
        needles = [text.encode() for text in texts]
        hits = {}
        def none_left():
            hits.clear()
            hits.update(memory.find(pid, needles))
            return not hits
        try:
            wait_for(none_left, 5)
        except AssertionError:
            self.fail(f"in the memory of {office}: {hits}")

    def setUp(self):
        try:
            pid = self.c.processes[people.HOST].popen.pid
            found = memory.find(pid, [people.HOST.encode()])
        except PermissionError as error:
            self.skipTest(f"this account may not read a process that is not dumpable: {error}")
        self.assertTrue(found, "this test sees what is in memory: the office's own name")

    def test_what_was_opened_sent_and_told(self):
        case = stages.reach(self.c, "consented")
        body = people.casework(case.reference, draftPlan=CANARY)
        case.send(people.HOST, "CaseFile", people.ORIGIN, people.case_file(case.reference, casework=body))
        held = case.received(people.ORIGIN, "CaseFile", count=2)
        message = next(m["messageId"] for m in held if m["compartment"] == "CASEWORK")
        secrets = (PASSPHRASE, base64.b64encode(PASSPHRASE.encode()).decode()[:-4])
        opened = self.c.corridor(people.ORIGIN, "show", message, user=True)
        self.assertEqual(opened.json["content"]["draftPlan"], CANARY)
        self.look(people.ORIGIN, CANARY, case.reference, *secrets)
        told = self.c.corridor(people.HOST, "timeline", case.reference)
        self.assertEqual(told.code, 0, told)
        self.look(people.HOST, CANARY, case.reference, case.code)

    def test_a_file_that_was_sent_and_saved(self):
        case, canary = stages.reach(self.c, "filed"), "a scan in which a canary sings"
        data = files.pdf(150000)
        data = data[:90000] + canary.encode() + data[90000 + len(canary):]
        path, saved = self.c.dir / "scan", self.c.dir / "saved"
        path.write_bytes(data)
        sent = self.c.must(self.c.corridor(people.HOST, "attach", path, "--case", case.handle, "--to", people.ORIGIN,
                                           "--compartment", "casework", "--title", "SIGNED_SCAN", "--wait", "30"))
        self.look(people.HOST, canary)
        wait_for(lambda: self.c.corridor(people.ORIGIN, "attachment", "save", sent["attachmentId"], saved,
                                         user=True).code == 0, 30, "the scan is in Conakry")
        self.assertEqual(saved.read_bytes(), data)
        self.look(people.ORIGIN, canary, PASSPHRASE)


if __name__ == "__main__":
    unittest.main()
