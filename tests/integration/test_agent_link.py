"""An agent's session with the hub, seen from the hub: what is kept while the hub is
away, killed between disk and receipt, forged deliveries, quarantine.
"""

import unittest
import uuid
from datetime import datetime, timezone
from pathlib import Path

import people
import protocol_client as protocol
from agent_alone import HANDLE, AgentTest
from harness import wait_for
from protocol_client import pb


class AgentLink(AgentTest):
    def test_kept_while_the_hub_is_away_then_sent_in_order(self):
        answer = self.c.register(wait=0)
        self.assertEqual(answer.code, 5, answer)
        kept = answer.json or answer.error
        self.assertEqual(kept["code"], "KEPT_NOT_SENT")
        self.assertTrue(kept["withdrawalCode"] and kept["reference"])
        consent = self.c.corridor(people.HOST, "consent", "-", "--wait", "0", input={
            "case": kept["handle"], "consent": people.consent()})
        self.assertEqual(consent.code, 5, consent)
        file = self.c.corridor(people.HOST, "send", "-", "--wait", "0", input={
            "type": "CaseFile", "to": people.ORIGIN, "case": kept["handle"],
            "body": people.case_file(kept["reference"])})
        self.assertEqual(file.code, 5, file)
        self.c.kill(people.HOST)
        self.c.start_process(people.HOST)
        self.meet()
        wait_for(lambda: len(self.hub.submissions) == 4, 20, "all four submitted")
        self.assertEqual([h.type for h in self.hub.submissions],
                         [pb.REGISTRATION, pb.CONSENT_RECORD, pb.CASE_FILE, pb.CASE_FILE])
        wait_for(lambda: self.state(kept["messageId"]) == "admitted", 10)
        for path in self.c.dir.glob(f"{people.HOST}/store*"):
            self.assertNotIn(kept["withdrawalCode"].encode(), path.read_bytes())
            self.assertNotIn(kept["reference"].encode(), path.read_bytes())
            self.assertNotIn(b"Exemplar", path.read_bytes())

    def test_answer_lost_then_submitted_again_alike(self):
        self.meet()
        self.hub.silent = True
        answer = self.c.register(wait=1)
        self.assertEqual(answer.code, 5, answer)
        first = wait_for(lambda: self.hub.submissions[0], 10)
        self.hub.silent = False
        self.hub.cut()
        again = wait_for(lambda: self.hub.submissions[1], 40)
        self.assertEqual(first, again)
        wait_for(lambda: self.state((answer.json or answer.error)["messageId"]) == "admitted", 10)

    def test_refusals_of_the_hour_are_retried_and_others_are_final(self):
        self.meet()
        self.hub.refuse = {pb.REGISTRATION: (65, True, 2)}  # HUB_UNAVAILABLE
        answer = self.c.register(wait=20)
        self.assertEqual(answer.code, 0, answer)
        self.assertEqual(len(self.hub.submissions), 3)
        self.hub.refuse = {pb.REGISTRATION: (34, True, 9)}  # NO_CONSENT: a person must act
        answer = self.c.register(wait=20)
        self.assertEqual(answer.code, 4, answer)
        self.assertEqual(answer.error["code"], "NO_CONSENT")
        self.assertEqual(len(self.hub.submissions), 4)

    def test_forged_admission_receipt_settles_nothing(self):
        self.meet()
        self.hub.forger = self.c.identity.keys(people.ORIGIN)
        answer = self.c.register(wait=1)
        self.assertEqual(answer.code, 5, answer)
        wait_for(lambda: self.hub.forgeries, 20, "it was forged")
        self.hub.forger = None
        wait_for(lambda: self.state((answer.json or answer.error)["messageId"]) == "admitted", 40)

    def test_killed_between_disk_and_receipt(self):
        self.meet()
        envelope, body = self.c.envelope(), b"sealed for Niamey"
        self.hub.deliver(envelope, body, sequence=11)
        wait_for(lambda: self.c.rows("SELECT receipt FROM inbox"), 10, "on disk")
        self.c.kill(people.HOST)
        kept = self.c.rows("SELECT receipt FROM inbox")
        self.c.start_process(people.HOST)
        wait_for(lambda: len(self.hub.hellos) == 2 and self.c.connected(people.HOST), 40)
        # Whatever came in the first session is lost to the hub, whenever the kill was.
        before = [data for _, data in self.hub.receipts]
        self.hub.receipts.clear()
        self.assertEqual(self.hub.hellos[-1].store_sequence, 11)
        self.assertEqual(self.hub.hellos[-1].store_epoch, self.hub.hellos[0].store_epoch)
        self.hub.deliver(envelope, body, sequence=12)
        _, again = wait_for(lambda: self.hub.receipts[0], 10, "the receipt")
        self.assertEqual(self.c.rows("SELECT receipt FROM inbox"), kept)
        self.assertEqual(again, kept[0][0])
        for data in before:
            self.assertEqual(data, again)

    def test_what_does_not_verify_is_neither_kept_nor_receipted(self):
        self.meet()
        body = b"sealed for Niamey"
        honest = self.c.envelope()
        tampered = pb.Envelope.FromString(honest.SerializeToString())
        tampered.header = tampered.header.replace(HANDLE, HANDLE[::-1])
        bad = [(self.c.envelope(key=self.c.identity.keys("hub") / "signing.key"), body, "another's key"),
               (tampered, body, "one field altered"), (honest, body + b"!", "another body"),
               (self.c.envelope(recipient="gn-tvet-labe"), body, "another recipient"),
               (self.c.envelope(sender="xx-nobody"), body, "unknown sender"),
               (self.c.envelope(type=pb.END_NOTICE, compartment=pb.RECORD), body, "a notice not from the hub")]
        for sequence, (envelope, sealed, _) in enumerate(bad, 1):
            self.hub.deliver(envelope, sealed, sequence)
        self.hub.deliver(honest, body, sequence=20)
        receipt, _ = wait_for(lambda: self.hub.receipts[0], 10)
        self.assertEqual(receipt.header_hash, protocol.header_hash(honest.header))
        self.assertEqual(self.c.rows("SELECT count(*), max(sequence) FROM inbox"), [(1, 20)])
        self.assertEqual(len(self.hub.receipts), 1)
        self.assertEqual(self.c.metric(people.HOST, "corridor_agent_rejected_total"), len(bad))

    def cards(self):
        """The list as it now is, as the hub sends it; taken when it returns."""
        self.c.identity.publish()
        data = self.c.identity.cardlist.read_bytes()
        number = pb.CardList.FromString(pb.SignedContent.FromString(data).content).number
        self.hub.outgoing.append([self.hub.peer, bytes([protocol.VERSION, protocol.CARDS]), data])
        wait_for(lambda: self.c.status(people.HOST)["cardList"] == number, 10)

    def test_message_of_a_stolen_key_is_not_taken_though_the_hub_delivers_it(self):
        self.meet()
        before, minute = self.c.envelope(), 60000
        now = self.c.now()
        backdated = self.c.envelope(sent_at=now - 30 * minute)
        since = datetime.fromtimestamp((now - 10 * minute) // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.c.identity.ca("revoke", people.ORIGIN, "--compromised-since", since)
        self.cards()
        self.hub.deliver(backdated, b"sealed for Niamey", 1)
        self.hub.deliver(before, b"sealed for Niamey", 2, admitted_at=now - 11 * minute)
        early = self.c.envelope(sent_at=now - 20 * minute)
        self.hub.deliver(early, b"sealed for Niamey", 3, admitted_at=now - 11 * minute)
        receipt, _ = wait_for(lambda: self.hub.receipts[0], 10)
        self.assertEqual(receipt.header_hash, protocol.header_hash(early.header))
        self.assertEqual(len(self.hub.receipts), 1)
        self.assertEqual(self.c.rows("SELECT sequence FROM inbox"), [(3,)])
        alarms = [line for line in self.c.processes[people.HOST].text().splitlines() if "delivery-rejected" in line]
        self.assertEqual(len([a for a in alarms if "level=alarm" in a and "code=CARD_REVOKED" in a]), 2)

    def test_same_id_with_other_content_is_an_alarm(self):
        self.meet()
        first = self.c.envelope()
        header = pb.Header.FromString(first.header)
        other = self.c.envelope(message_id=header.message_id, outcome=pb.NO)
        self.hub.deliver(first, b"sealed for Niamey", 1)
        self.hub.deliver(other, b"sealed for Niamey", 2)
        wait_for(lambda: self.c.metric(people.HOST, "corridor_agent_conflicts_total") == 1, 10)
        self.assertEqual(len(self.hub.receipts), 1)
        self.assertEqual(self.c.rows("SELECT outcome FROM inbox"), [(pb.YES,)])

    def test_quarantined_agent_sends_nothing_until_it_is_lifted(self):
        """The hub tells it once: no other WELCOME, no other session and no restart lifts it."""
        self.hub.quarantined = True
        self.meet()
        self.assertTrue(self.c.status(people.HOST)["quarantined"])
        answer = self.c.register(wait=1)
        self.assertEqual(answer.code, 5, answer)
        self.hub.deliver(self.c.envelope(), b"sealed for Niamey", 1)
        wait_for(lambda: self.hub.receipts, 10, "deliveries go on")
        self.assertEqual(self.hub.submissions, [])
        self.hub.quarantined = False
        self.hub.welcome()
        wait_for(lambda: len(self.hub.hellos) == 2 and self.c.connected(people.HOST), 40, "a session ended by it")
        self.assertTrue(self.c.status(people.HOST)["quarantined"])
        self.hub.deliver(self.c.envelope(), b"sealed for Niamey", 2)
        wait_for(lambda: len(self.hub.receipts) == 2, 10, "deliveries go on")
        self.assertEqual(self.hub.submissions, [])
        self.c.kill(people.HOST)
        self.c.start_process(people.HOST)
        wait_for(lambda: len(self.hub.hellos) == 3 and self.c.connected(people.HOST), 40)
        status = self.c.status(people.HOST)
        self.assertTrue(status["quarantined"] and status["quarantinedSince"])
        self.assertEqual((status["inbox"], status["receivedSince"]), (2, 2))
        self.assertEqual(self.hub.submissions, [])
        lifted = self.c.must(self.c.corridor(people.HOST, "quarantine", "lift"))
        self.assertEqual((lifted["lifted"], lifted["received"]), (True, 2))
        self.assertIn("registered-here", lifted["mayBeMissing"])
        wait_for(lambda: self.hub.submissions, 40, "what was queued goes out")
        self.assertEqual(len(self.hub.hellos), 4, "in a session of its own")
        self.assertFalse(self.c.status(people.HOST)["quarantined"])
        self.assertIn("event=quarantine-lifted", self.c.processes[people.HOST].text())
        self.assertFalse(self.c.must(self.c.corridor(people.HOST, "quarantine", "lift"))["lifted"])

    def statement(self, ids, key=None, ground=pb.ERASED, **change):
        """The host's own erasure statement as a notice gives it back: (envelope, body)."""
        now, body = self.c.now(), protocol.canonical(pb.ErasureStatement(message_ids=ids, ground=ground))
        fields = dict(version=1, message_id=protocol.uuid7(now), sender=people.HOST, recipient="hub",
                      compartment=pb.RECORD, handle=HANDLE, type=pb.ERASURE_STATEMENT, purpose=pb.RECORD_KEEPING,
                      categories=[pb.OPERATIONAL], basis=pb.RECORD_DUTY, in_reply_to=protocol.uuid7(now), sent_at=now,
                      expires_at=now + 86400000, table_version=1, body_size=len(body),
                      body_sha256=protocol.sha256(body))
        header = protocol.canonical(pb.Header(**{**fields, **change}))
        key = key or self.c.identity.keys(people.HOST) / "signing.key"
        signature = protocol.sign_batch(key, "corridor/v1/header", people.HOST, pb.RECORD, [header])[0]
        return pb.Envelope(header=header, signature=signature), body

    def test_erases_again_only_what_it_signed_for_itself(self):
        self.meet()
        envelope, body = self.c.envelope(), b"sealed for Niamey"
        ids = [pb.Header.FromString(envelope.header).message_id]
        self.hub.deliver(envelope, body, 1)
        genuine = self.statement(ids)
        answers = [self.statement(ids, key=self.c.identity.keys("hub") / "signing.key"),
                   (genuine[0], protocol.canonical(pb.ErasureStatement(message_ids=ids * 2, ground=pb.ERASED))),
                   self.statement(ids, handle=HANDLE[::-1]), self.statement(ids, ground=pb.KEPT_LEGAL_CLAIM), genuine]
        for sequence, (answer, answer_body) in enumerate(answers, 2):
            self.assertEqual(self.c.rows("SELECT count(*) FROM inbox WHERE length(body) = 0"), [(0,)])
            self.hub.notify(pb.WITHDRAWAL_NOTICE, pb.WithdrawalNotice(
                withdrawn_at=self.c.now(), message_ids=ids, answer=answer, answer_body=answer_body), HANDLE, sequence)
            wait_for(lambda: len(self.hub.receipts) == sequence, 10)
        self.assertEqual(self.c.rows("SELECT message_id FROM inbox WHERE length(body) = 0"), [(ids[0],)])
        self.assertEqual(self.c.processes[people.HOST].text().count("event=erasure-not-proven"), 3)

    def test_hub_that_claims_any_time_is_an_alarm_and_no_more(self):
        self.hub.skew = -(1 << 63)
        self.meet()
        wait_for(lambda: "event=clock-skew" in self.c.processes[people.HOST].text(), 10)
        self.assertEqual(self.c.status(people.HOST)["clockSkewMs"], -(1 << 63))

    def test_end_of_a_health_message_shows_no_more_than_the_message(self):
        case = self.sent_with_health()
        self.hub.notify(pb.END_NOTICE, self.hub.delivered_to(people.ORIGIN, self.headers[pb.CASEWORK]),
                        bytes.fromhex(case["handle"]), 1)
        wait_for(lambda: len(self.hub.receipts) == 1, 10)
        before = self.seen(case)
        self.assertEqual(before[0], ["EndNotice"])
        self.hub.notify(pb.END_NOTICE, self.hub.delivered_to(people.ORIGIN, self.headers[pb.HEALTH]),
                        bytes.fromhex(case["handle"]), 2)
        wait_for(lambda: len(self.hub.receipts) == 2, 10)
        self.assertEqual(self.seen(case), before)
        for name, was in self.metrics.items():
            self.assertEqual(self.metric(name), was + 1, name)
        listed, events, _ = self.seen(case, user=True)
        self.assertEqual(listed, ["EndNotice"] * 2)
        self.assertEqual(events.count(("delivered", "CaseFile")), 2)

    def test_what_the_recipient_signed_for_is_delivered_whatever_the_hub_said(self):
        case = self.sent_with_health()
        header, handle = self.headers[pb.CASEWORK], bytes.fromhex(case["handle"])
        message = str(uuid.UUID(bytes=header.message_id))
        self.hub.notify(pb.END_NOTICE, pb.EndNotice(message_id=header.message_id, state=pb.STOPPED, reason=36,
                                                    at=self.c.now()), handle, 1)
        wait_for(lambda: self.state(message) == "stopped", 10)
        self.hub.notify(pb.END_NOTICE, self.hub.delivered_to(people.ORIGIN, header), handle, 2)
        wait_for(lambda: self.state(message) == "delivered", 10)
        line = next(line for line in self.c.processes[people.HOST].text().splitlines() if "from=stopped" in line)
        self.assertIn("level=alarm", line)

    def test_many_deliveries_are_receipted_once_each(self):
        self.meet()
        envelopes = [self.c.envelope() for _ in range(40)]
        for sequence, envelope in enumerate(envelopes, 1):
            self.hub.deliver(envelope, b"sealed for Niamey", sequence)
        wait_for(lambda: len(self.hub.receipts) == 40, 20)
        self.assertEqual([r.header_hash for r, _ in self.hub.receipts],
                         [protocol.header_hash(e.header) for e in envelopes])

    def rss(self):
        """Of the agent, in MiB."""
        status = Path(f"/proc/{self.c.processes[people.HOST].pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024

    def flood(self, frame):
        """One message of frames without end, as fast as the agent takes them, until it hangs up."""
        sessions = len(self.hub.hellos)
        self.hub.flood = frame
        highest = 0
        def over():
            nonlocal highest
            highest = max(highest, self.rss())
            return len(self.hub.hellos) > sessions
        wait_for(over, 60, "a new session")
        self.assertGreater(self.hub.flooded, 32 << 20, "the hub had sent more than the agent may hold")
        wait_for(lambda: self.c.connected(people.HOST), 40)
        print("flood:", len(frame), "byte frames, RSS at most", highest, "MiB")
        return highest

    def test_hub_that_floods_costs_bounded_memory_and_an_honest_one_is_served_after(self):
        self.meet()
        before = self.rss()
        for frame in (b"x" * (1 << 20), b"x" * 100):
            with self.subTest(frame=len(frame)):
                self.assertLess(self.flood(frame) - before, 200)  # the sanitizer's shadow and quarantine included
        self.hub.outgoing.append([self.hub.peer, bytes([protocol.VERSION, protocol.DELIVER]), b"x" * (9 << 20)])
        wait_for(lambda: len(self.hub.hellos) == 4 and self.c.connected(people.HOST), 60, "a frame above the largest")
        self.hub.deliver(self.c.envelope(), b"sealed for Niamey", 1)
        wait_for(lambda: self.hub.receipts, 20)
        self.assertEqual(self.c.processes[people.HOST].text().count("event=hub-floods"), 2)

    def test_going_down_says_bye(self):
        self.meet()
        self.c.stop(people.HOST)
        wait_for(lambda: self.hub.byes, 10)
        self.assertEqual((self.hub.byes[0].code, self.hub.byes[0].retry), (63, True))


if __name__ == "__main__":
    unittest.main()
