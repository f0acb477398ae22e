"""Signed scans, recordings and letters, end to end: found by their bytes, carried in
parts over lines that are slow and cut, once each, behind everything that is urgent;
stopped by a withdrawal in the middle; shown to nobody without the key."""

import json
import sqlite3
import unittest

import files
import harness
import people
import stages
from harness import wait_for
from lined import LinedCluster, PART
from protocol_bytes import pb

HOST, ORIGIN = people.HOST, people.ORIGIN
KIB, MIB = 1024, 1024 * 1024
PART_BYTES, MOST = 64000, 25 * MIB


class Attachments(harness.ClusterTest):
    @classmethod
    def setUpClass(cls):
        cls.c, cls.failures = LinedCluster(), 0
        cls.c.__enter__()

    def setUp(self):
        for line in self.c.lines.values():
            line.rate = line.cut_every = None

    def case(self, stage="filed", **consent):
        case = stages.reach(self.c, "registered")
        case.consented(**consent)
        case.stage = "consented"
        return stages.reach(self.c, stage, case)

    def arrived(self, ident, seconds=60, **who):
        def whole():
            sent = self.c.attachment(HOST, ident, sent=True, user=True)
            return sent and sent["delivered"] == sent["of"] and sent
        return wait_for(whole, seconds, "every part is delivered")

    def saved(self, ident, data):
        code, got, answer = self.c.save(ORIGIN, ident)
        self.assertEqual(code, 0, answer)
        self.assertEqual(got, data)

    def inbox_order(self, case, kind):
        """Numbers in Conakry's inbox, in the order of keeping."""
        return [n for n, in self.c.store(ORIGIN, "SELECT n FROM inbox WHERE handle = ? AND type = ? ORDER BY n",
                                         bytes.fromhex(case.handle), kind)]

    # --- the way there ---

    def test_each_kind_arrives_as_it_was(self):
        case = self.case()
        for data, kind, title in ((files.pdf(PART_BYTES * 2 + 1), "PDF", "SIGNED_SCAN"),
                                  (files.jpeg(PART_BYTES), "JPEG", "OTHER_ATTACHMENT"),
                                  (files.opus(), "OPUS", "VOICE_RECORDING")):
            with self.subTest(kind):
                belongs = case.sent["CaseFile"][0]["messageId"]
                sent = self.c.attach(HOST, case.handle, ORIGIN, data, "--message", belongs, title=title, wait=30,
                                     code=0)
                self.assertEqual((sent["kind"], sent["size"]), (kind, len(data)))
                ident = sent["attachmentId"]
                self.assertEqual(self.arrived(ident)["state"], "delivered")
                seen = self.c.must(self.c.corridor(ORIGIN, "attachment", "show", ident, user=True))
                self.assertEqual((seen["title"], seen["kind"], seen["size"], seen["belongsTo"], seen["complete"]),
                                 (title, kind, len(data), belongs, True))
                self.saved(ident, data)
                self.assertNotIn("data", self.c.must(self.c.corridor(ORIGIN, "show", ident, user=True))["content"])
                self.assertEqual(self.c.save(HOST, ident)[1], data, "its sender can open it too")

    def test_one_line_for_a_file(self):
        case = self.case()
        ends = lambda: [m for m in self.c.must(self.c.corridor(HOST, "inbox", "--case", case.handle))["messages"]
                        if m["type"] == "EndNotice"]
        wait_for(lambda: len(ends()) == 2, 20, "both parts of the case file are delivered")
        before = {office: self.c.status(office) for office in (HOST, ORIGIN)}
        ident = self.c.attach(HOST, case.handle, ORIGIN, files.pdf(PART_BYTES * 4), wait=30, code=0)["attachmentId"]
        self.arrived(ident)
        for office, words, box in ((HOST, ("sent", "admitted", "delivered"), ["--sent"]), (ORIGIN, ("received",), [])):
            with self.subTest(office):
                run = lambda *args: self.c.must(self.c.corridor(office, *args))
                events = [e for e in run("timeline", case.handle)["events"] if e["type"] == "Attachment"]
                self.assertEqual(tuple(e["event"] for e in events), words)
                self.assertEqual({e["messageId"] for e in events}, {ident})
                listed = run("inbox", "--case", case.handle, *box)["messages"]
                self.assertEqual([m["messageId"] for m in listed if m["type"] == "Attachment"], [ident])
                shown = run("show", ident)
                self.assertEqual((shown["type"], shown["state"]), ("Attachment", "delivered" if box else "received"))
                self.assertEqual(len(run("attachments", "--case", case.handle, *box)["attachments"]), 1)
        self.assertEqual(self.c.status(ORIGIN)["inbox"], before[ORIGIN]["inbox"] + 1)
        self.assertEqual(self.c.status(HOST)["inbox"], before[HOST]["inbox"], "ends of parts are not counted")
        self.assertEqual(len(ends()), 2, "nor listed")

    def test_over_a_line_that_is_cut_it_arrives_once_and_holds_nothing_up(self):
        """The short form of long_attachment.py."""
        case, line = self.case(), self.c.lines[HOST]
        data = files.pdf(MIB)
        parts = -(-MIB // PART_BYTES)
        line.rate, line.cut_every, cuts = 64 * KIB, 4, line.cuts
        ident = self.c.attach(HOST, case.handle, ORIGIN, data)["attachmentId"]
        wait_for(lambda: len(self.c.parts_at_hub(case.handle)) >= 2, 60, "two parts are at the hub")
        self.overtake(case, parts)
        self.assertEqual(self.arrived(ident, 120)["of"], parts)
        self.assertGreaterEqual(line.cuts - cuts, 2, "the line was cut")
        at_hub = self.c.parts_at_hub(case.handle)
        self.assertEqual([state for _, state, _ in at_hub], [3] * parts)
        kept = self.c.store(ORIGIN, "SELECT count(*), count(DISTINCT message_id) FROM inbox WHERE type = ?"
                            " AND handle = ?", PART, bytes.fromhex(case.handle))
        self.assertEqual(kept, [(parts, parts)])
        self.saved(ident, data)

    def overtake(self, case, parts):
        """A booking sent meanwhile: one part more may be before it, and one that was
        admitted while it was written; the rest comes after it, on both sides."""
        before = len(self.c.parts_at_hub(case.handle))
        self.assertLess(before, parts - 4, "too late to overtake anything")
        stages.reach(self.c, "booked", case)
        abn = self.c.query("SELECT d.sequence FROM corridor.delivery d JOIN corridor.message m"
                           " USING (message_id, admitted_at) WHERE m.type = 11 AND d.handle = %s",
                           bytes.fromhex(case.handle))[0][0]
        ahead = [n for n, _, _ in self.c.parts_at_hub(case.handle) if n < abn]
        self.assertLessEqual(len(ahead), before + 2)
        booked, = self.inbox_order(case, 11)
        self.assertLessEqual(len([n for n in self.inbox_order(case, PART) if n < booked]), before + 2)

    def test_a_slow_recipient_hears_what_is_urgent_first(self):
        case, line = self.case(), self.c.lines[ORIGIN]
        data, parts = files.jpeg(PART_BYTES * 9), 9
        line.rate, line.cut_every = 64 * KIB, 3
        ident = self.c.attach(HOST, case.handle, ORIGIN, data, wait=30, code=0)["attachmentId"]
        wait_for(lambda: len(self.inbox_order(case, PART)) >= 2, 60, "two parts are in Conakry")
        before = len(self.inbox_order(case, PART))
        stages.reach(self.c, "booked", case)
        booked, = self.inbox_order(case, 11)
        self.assertLessEqual(len([n for n in self.inbox_order(case, PART) if n < booked]), before + 2)
        self.assertEqual(self.arrived(ident)["of"], parts)
        self.assertGreaterEqual(line.cuts, 1)
        self.saved(ident, data)

    def test_what_is_here_so_far_is_said_and_nothing_is_written(self):
        case, line = self.case(), self.c.lines[HOST]
        line.rate = 32 * KIB
        data = files.pdf(PART_BYTES * 6)
        ident = self.c.attach(HOST, case.handle, ORIGIN, data)["attachmentId"]
        wait_for(lambda: len(self.inbox_order(case, PART)) >= 1, 60, "a part is in Conakry")
        code, got, answer = self.c.save(ORIGIN, ident)
        self.assertEqual((code, got), (5, None), answer)
        self.assertIn("of 6 parts are here", answer.err)
        self.assertEqual((answer.json["complete"], answer.json["of"]), (False, 6))
        line.rate = None
        self.arrived(ident)
        self.saved(ident, data)

    def test_it_survives_whoever_is_killed(self):
        case, line = self.case(), self.c.lines[HOST]
        line.rate = 96 * KIB
        data, parts = files.pdf(PART_BYTES * 10), 10
        ident = self.c.attach(HOST, case.handle, ORIGIN, data)["attachmentId"]
        for n, victim in ((1, HOST), (3, ORIGIN), (5, "core"), (6, "door")):
            wait_for(lambda: len(self.inbox_order(case, PART)) >= n, 60, f"{n} parts are in Conakry")
            self.c.kill(victim)
            self.c.start_process(victim)
        line.rate = None
        self.c.wait_ready((HOST, ORIGIN))
        self.assertEqual(self.arrived(ident, 90)["of"], parts)
        self.assertEqual([state for _, state, _ in self.c.parts_at_hub(case.handle)], [3] * parts)
        self.assertEqual(len(self.inbox_order(case, PART)), parts)
        self.saved(ident, data)

    def test_nothing_of_it_lies_about(self):
        case = self.case()
        data = files.pdf(PART_BYTES * 3)
        ident = self.c.attach(HOST, case.handle, ORIGIN, data, wait=30, code=0)["attachmentId"]
        self.arrived(ident)
        self.saved(ident, data)
        outgoing = self.c.dir / "outgoing"  # the officer's own
        self.assertIn(b"Testina Exemplar", outgoing.read_bytes())
        outgoing.unlink()
        self.c.query("CHECKPOINT")
        looked = 0
        for path in self.c.dir.rglob("*"):
            if path.is_file():
                looked += 1
                self.assertNotIn(b"Testina Exemplar", path.read_bytes(), path)
        self.assertGreater(looked, 100, "the database, both stores, logs and keys")

    # --- consent ---

    def test_a_withdrawal_in_the_middle_stops_the_rest(self):
        case, line = self.case(), self.c.lines[HOST]
        line.rate = 32 * KIB
        parts = 12
        ident = self.c.attach(HOST, case.handle, ORIGIN, files.pdf(PART_BYTES * parts))["attachmentId"]
        wait_for(lambda: len(self.inbox_order(case, PART)) >= 2, 60, "two parts are in Conakry")
        self.c.must(self.c.corridor(HOST, "withdraw", case.handle, "--wait", "30"))
        line.rate = None

        def stopped():
            sent = self.c.attachment(HOST, ident, sent=True)
            return sent["state"] in ("refused", "stopped") and not self.c.store(
                HOST, "SELECT 1 FROM outbox WHERE state IN (1, 2) AND type = ?", PART) and sent
        sent = wait_for(stopped, 30, "the rest is stopped")
        self.assertLess(sent["delivered"], parts)
        self.assertIn(sent["refusal"], ("CASE_WITHDRAWN", "CONSENT_WITHDRAWN"))
        self.assertFalse([state for _, state, _ in self.c.parts_at_hub(case.handle) if state in (0, 1, 2)])
        self.erased(case, ident)

    def erased(self, case, ident):
        """Conakry is asked for all that came, answers, and holds nothing any more."""
        asked = set()
        def every_part_is_asked_for():
            for m in self.c.corridor(ORIGIN, "inbox", "--case", case.handle).json["messages"]:
                if m["type"] == "WithdrawalNotice":
                    shown = self.c.must(self.c.corridor(ORIGIN, "show", m["messageId"]))
                    asked.update(shown["content"].get("messageIds", []))
                    self.notice = m["messageId"], shown["content"]["messageIds"]
            return asked
        wait_for(every_part_is_asked_for, 30, "the notice of the withdrawal")
        notice, ids = self.notice
        self.assertEqual(len(ids), len(self.inbox_order(case, PART)) + 2, "the parts, and the case file")
        case.send(ORIGIN, "ErasureStatement", "hub", {"messageIds": ids, "ground": "ERASED"}, inReplyTo=notice)
        code, got, answer = self.c.save(ORIGIN, ident)
        self.assertEqual((code, got, answer.error["code"]), (4, None, "CANNOT_OPEN"), answer)
        left = self.c.store(ORIGIN, "SELECT count(*) FROM inbox WHERE type = ? AND handle = ? AND length(body) > 0",
                            PART, bytes.fromhex(case.handle))
        self.assertEqual(left, [(0,)])
        events = [e["event"] for e in self.c.must(self.c.corridor(ORIGIN, "timeline", case.handle))["events"]
                  if e["type"] == "Attachment"]
        self.assertEqual(events.count("erased"), 1)

    def test_nothing_leaves_without_a_consent_that_covers_it(self):
        case = self.case()
        for compartment, words, code in (("health", ["--categories", "HEALTH_DATA"], "NO_CONSENT"),
                                         ("casework", ["--categories", "CHILD_BID"], "NO_CONSENT"),
                                         ("operations", ["--categories", "HEALTH_DATA"], "CATEGORY_NOT_ALLOWED")):
            with self.subTest(compartment):
                error = self.c.attach(HOST, case.handle, ORIGIN, files.pdf(), *words, compartment=compartment, code=4)
                self.assertEqual(error["code"], code)
        # By another name it would need no consent, agreement or permission for health.
        error = self.c.attach(HOST, case.handle, ORIGIN, files.pdf(), "--categories", "BIODATA", title="MEDICAL_LETTER",
                              compartment="health", code=3)
        self.assertEqual((error["code"], error["path"]), ("BAD_INPUT", "/categories"))
        self.assertEqual(self.c.corridor(HOST, "attachments", "--case", case.handle, "--sent", user=True).json,
                         {"attachments": []})

    # --- who may see it ---

    def test_a_letter_for_health_is_there_for_its_holders_alone(self):
        case = self.case(health=True)
        view = lambda: [self.c.must(self.c.corridor(ORIGIN, *words)) for words in (
            ("inbox", "--case", case.handle), ("attachments", "--case", case.handle), ("timeline", case.handle),
            ("attachments",), ("case", "list"))] + [self.c.status(ORIGIN)["inbox"],
                                                    self.c.metric(ORIGIN, "corridor_agent_receipted_total")]
        unseen = view()
        data = files.pdf(PART_BYTES + 5)
        ident = self.c.attach(HOST, case.handle, ORIGIN, data, title="MEDICAL_LETTER", compartment="health", wait=30,
                              code=0)["attachmentId"]
        wait_for(lambda: self.c.attachment(ORIGIN, ident, user=True), 30, "its holder sees it")
        self.arrived(ident)
        self.assertEqual(view(), unseen)
        for words in (("attachment", "show", ident), ("attachment", "save", ident, self.c.dir / "nowhere")):
            answer = self.c.corridor(ORIGIN, *words)
            self.assertEqual((answer.code, answer.error["code"]), (3, "NO_SUCH_MESSAGE"), answer)
        # Nor does a file that is said to belong to it tell whether it is there.
        belongs = lambda message: self.c.attach(HOST, case.handle, ORIGIN, files.pdf(), "--message", message, code=3)
        self.assertEqual(belongs(ident), belongs("019cadfd-899b-7a07-8547-945d85d86c9f"))
        self.saved(ident, data)
        self.assertIn("opened", str(self.c.corridor(ORIGIN, "timeline", case.handle, user=True).json))

    def test_a_wrong_passphrase_opens_nothing(self):
        case = self.case()
        data = files.jpeg()
        ident = self.c.attach(HOST, case.handle, ORIGIN, data, wait=30, code=0)["attachmentId"]
        self.arrived(ident)
        for who in (dict(user=None), dict(passphrase="not hers at all")):
            code, got, answer = self.c.save(ORIGIN, ident, **who)
            self.assertEqual((code, got), (6, None), answer)
        self.saved(ident, data)

    # --- what may not go ---

    def test_what_a_file_is_is_found_from_its_bytes(self):
        case = self.case()
        for what, data in (("text", b"Testina Exemplar agrees.\n" * 100), ("something before", b"\n" + files.pdf()),
                           ("something behind", files.jpeg() + b"PK\3\4"), ("an end that is missing", files.opus()[:-1]),
                           ("a page", b"<html>" + files.pdf())):
            with self.subTest(what):
                error = self.c.attach(HOST, case.handle, ORIGIN, data, code=3)
                self.assertEqual(error["code"], "KIND_NOT_ALLOWED")
                self.assertTrue(error["sentence"])
        for words, code in ((["--message", "019cadfd899b7a078547945d85d86c9f"], "NO_SUCH_MESSAGE"),
                            (["--categories", "GOSSIP"], "UNKNOWN_ENUM"),
                            (["--title", "PHOTO"], "UNKNOWN_ENUM"), (["--compartment", "protection"], "BAD_INPUT"),
                            (["--case", "00" * 16], "NO_SUCH_CASE")):
            with self.subTest(words[0]):
                self.assertEqual(self.c.attach(HOST, case.handle, ORIGIN, files.pdf(), *words, code=3)["code"], code)
        self.assertEqual(self.c.attach(HOST, case.handle, ORIGIN, b"", code=3)["code"], "MISSING_FIELD")
        error = self.c.attach(HOST, case.handle, ORIGIN, files.pdf(), title="MEDICAL_LETTER", code=3)
        self.assertEqual(error["code"], "FORBIDDEN_CONTENT")
        self.assertEqual(self.c.store(HOST, "SELECT count(*) FROM attachments WHERE handle = ?",
                                      bytes.fromhex(case.handle)), [(0,)])
        self.assertEqual(case.send(HOST, "Attachment", ORIGIN, {}, code=3)["code"], "BAD_INPUT")

    def test_the_largest_and_one_byte_more(self):
        case, line = self.case(), self.c.lines[HOST]
        error = self.c.attach(HOST, case.handle, ORIGIN, files.pdf(MOST + 1), code=4)
        self.assertEqual(error["code"], "ATTACHMENT_LIMIT")
        self.assertEqual(self.c.store(HOST, "SELECT count(*) FROM attachments WHERE handle = ?",
                                      bytes.fromhex(case.handle)), [(0,)])
        line.rate = KIB  # it is kept, and the hub hears nothing of it
        sent = self.c.attach(HOST, case.handle, ORIGIN, files.pdf(MOST))
        self.assertEqual((sent["size"], sent["of"], sent["state"]), (MOST, 410, "queued"))
        self.assertEqual(sent["code"], "KEPT_NOT_SENT")
        self.c.must(self.c.corridor(HOST, "withdraw", case.handle, "--wait", "0"), code=5)
        line.rate = None
        wait_for(lambda: self.c.attachment(HOST, sent["attachmentId"], sent=True)["state"] in ("refused", "stopped"),
                 30, "none of it goes on")

    def test_what_one_office_may_send_for_one_case(self):
        case = self.case()
        self.c.query("INSERT INTO corridor.attachment_use VALUES (%s, %s, 277094400 - 100000)", HOST,
                     bytes.fromhex(case.handle))
        sent = self.c.attach(HOST, case.handle, ORIGIN, files.pdf(PART_BYTES * 3), wait=30, code=4)
        self.assertEqual((sent["code"], sent["state"], sent["retry"]), ("ATTACHMENT_LIMIT", "refused", False))
        self.assertEqual(len(self.c.parts_at_hub(case.handle)), 1)
        used, = self.c.query("SELECT bytes FROM corridor.attachment_use WHERE case_handle = %s",
                             bytes.fromhex(case.handle))[0]
        self.assertTrue(277094400 - 100000 + 65536 < used <= 277094400, used)

    def test_with_a_referral_there_and_back(self):
        case = self.case("accepted", feedback=["OPERATIONAL", "BIODATA", "EDUCATION"])
        there, back = files.pdf(PART_BYTES * 2), files.jpeg(PART_BYTES + 1)
        provider, handle, consent = case.provider, case.provider_handle, ("--consent", case.consent_id)
        early = self.c.attach(ORIGIN, handle, provider, there, *consent, wait=30, code=4)
        self.assertEqual(early["code"], "PRECONDITION_MISSING", "nobody was handed over yet")
        stages.reach(self.c, "handed_over", case)
        about_health = self.c.attach(ORIGIN, handle, provider, there, "--categories", "BIODATA,HEALTH_DATA", *consent,
                                     code=6)
        self.assertEqual(about_health["code"], "SECOND_PERSON_NEEDED")
        self.assertEqual(self.c.attach(ORIGIN, handle, provider, there, *consent, compartment="health", code=3)["path"],
                         "/compartment")
        for sender, to, data, about, kind in ((ORIGIN, provider, there, "BIODATA", "HandoverAttachment"),
                                              (provider, ORIGIN, back, "BIODATA,EDUCATION", "ReportAttachment")):
            with self.subTest(kind):
                sent = self.c.attach(sender, handle, to, data, "--categories", about, *consent, wait=30, code=0)
                ident = sent["attachmentId"]
                wait_for(lambda: self.c.attachment(to, ident)["parts"] == sent["of"], 30, "all of it is there")
                self.assertEqual(self.c.save(to, ident)[:2], (0, data))
                listed = self.c.must(self.c.corridor(to, "inbox", "--case", handle))["messages"]
                self.assertEqual([m["type"] for m in listed if m["messageId"] == ident], [kind])
        for sender, to, about, code in ((provider, ORIGIN, "BIODATA,FAMILY", "NO_CONSENT"),
                                        (provider, people.KINDIA, "BIODATA", "ROLE_NOT_ALLOWED"),
                                        (ORIGIN, people.KINDIA, "BIODATA", "NO_STANDING")):
            answer = self.c.attach(sender, handle, to, back, "--categories", about, *consent, wait=30, code=4)
            self.assertEqual(answer["code"], code)

    def test_that_it_is_enough_does_not_say_how_many_there_are(self):
        """Files for health count too, and are nobody else's business."""
        case = self.case()
        store = sqlite3.connect(self.c.dir / HOST / "store.db")
        with store:
            handle = bytes.fromhex(case.handle)
            n = store.execute("INSERT INTO attachments (id, outgoing, peer, handle, case_handle, compartment, at)"
                              " VALUES (?, 1, ?, ?, ?, ?, 1)", (handle, ORIGIN, handle, handle, pb.HEALTH)).lastrowid
            store.executemany("INSERT INTO parts (outgoing, row, attachment) VALUES (1, ?, ?)",
                              [(-i, n) for i in range(1, 4100)])
        store.close()
        error = self.c.attach(HOST, case.handle, ORIGIN, files.pdf(PART_BYTES * 3), code=4)
        self.assertEqual(error["code"], "ATTACHMENT_LIMIT")
        self.assertNotIn("4099", json.dumps(error))
        self.c.attach(HOST, case.handle, ORIGIN, files.pdf())

    def test_no_file_is_written_over(self):
        case = self.case()
        ident = self.c.attach(HOST, case.handle, ORIGIN, files.pdf(), wait=30, code=0)["attachmentId"]
        self.arrived(ident)
        there = self.c.dir / f"saved-{ident}"
        there.write_bytes(b"mine")
        answer = self.c.corridor(ORIGIN, "attachment", "save", ident, there, user=True)
        self.assertEqual((answer.code, there.read_bytes()), (3, b"mine"), answer)
        there.unlink()
        self.c.must(self.c.corridor(ORIGIN, "attachment", "save", ident, there, user=True))
        self.assertEqual(there.stat().st_mode & 0o777, 0o600)
        there.unlink()


if __name__ == "__main__":
    unittest.main()
