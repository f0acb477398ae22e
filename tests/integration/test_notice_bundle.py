"""Notices in bundles: the hub tells many ends to one office in few messages, each
once, whatever dies; an agent shows them as if each had come alone."""

import collections
import os
import unittest
import uuid

import hub_notices
import people
import protocol_client as protocol
from agent_alone import AgentTest
from harness import wait_for
from protocol_client import pb
from wire_offices import HOST, ORIGIN, WireTest

CASES = 30


class FromTheHub(WireTest):
    def setUp(self):
        super().setUp()
        self.filed = [case.filed for case in self.cases(CASES)]
        self.origin = self.at(ORIGIN)
        self.origin.receipting = False
        self.wait(lambda: {m.id for m in self.filed} <= {m.id for m in self.origin.deliveries}, "all files came")

    def receipts(self):
        """One RECEIPTS for all thirty."""
        held = [self.origin.agent.store.receipt(m.header)[1] for m in self.filed]
        self.origin.say(protocol.RECEIPTS, pb.Receipts(receipts=map(pb.SignedContent.FromString, held)))
        self.wait(lambda: self.states(*self.filed) == [3] * CASES, "all are delivered")

    def ends(self):
        """message -> how often the hub told its end."""
        mine = {m.id for m in self.filed}
        return collections.Counter(end.message_id for _, _, end in hub_notices.told(self.c.query, pb.END_NOTICE)
                                   if end.message_id in mine)

    def heard(self):
        """{bundle: messages whose end it tells}, {notice}: what the host has of them."""
        mine, notices, bundles = {m.id for m in self.filed}, set(), {}
        for bundle in self.at(HOST).bundles:
            for part in protocol.unbundled(bundle):
                ended = part.header.type == pb.END_NOTICE and pb.EndNotice.FromString(part.body).message_id
                if ended in mine:
                    notices.add(part.id)
                    bundles.setdefault(bundle.id, []).append(ended)
        return bundles, notices

    def all_heard(self):
        return len(self.heard()[1]) == CASES

    def all_receipted(self, bundles):
        return self.c.query("SELECT bool_and(state = 3) FROM corridor.delivery WHERE message_id = ANY(%s)",
                            list(bundles)) == [(True,)]

    def test_many_ends_are_few_messages_and_each_is_told_once(self):
        self.receipts()
        self.wait(self.all_heard, "the host knows all ends")
        bundles, _ = self.heard()
        self.assertLessEqual(len(bundles), 3)
        self.assertEqual(sorted(sum(bundles.values(), [])), sorted(m.id for m in self.filed))
        self.assertEqual(self.ends(), {m.id: 1 for m in self.filed})
        self.wait(lambda: self.all_receipted(bundles), "they are receipted")
        for bundle in bundles:  # admitted by the hub itself: claimed and receipted in the log, like every message
            self.assertEqual([self.log(kind, protocol.Message(pb.Header(message_id=bundle), None, b""))
                              for kind in (pb.LOG_CLAIMED, pb.LOG_RECEIPTED)], [1, 1])

    def test_a_core_killed_before_the_bundle_left_tells_each_end_once(self):
        self.sessions.pop(HOST).cut()
        self.receipts()
        self.kill_core()
        self.at(HOST)
        self.wait(self.all_heard, "the host knows all ends")
        self.assertEqual(self.ends(), {m.id: 1 for m in self.filed})

    def test_a_bundle_not_receipted_comes_again_as_it_was(self):
        host = self.at(HOST)
        host.receipting = False
        self.receipts()
        self.wait(self.all_heard, "the host knows all ends")
        before = self.heard()
        self.kill_core()
        self.sessions.pop(HOST)
        self.at(HOST)
        self.wait(self.all_heard, "all ends came again")
        self.assertEqual(self.heard(), before)
        self.assertEqual(self.ends(), {m.id: 1 for m in self.filed})
        self.wait(lambda: self.all_receipted(before[0]), "they are receipted")

    def kill_core(self):
        seen = self.c.processes["door"].text().count("event=core-up")
        self.c.kill("core")
        self.c.start_process("core")
        self.c.core_seen(seen + 1)

    def test_no_office_sends_a_bundle(self):
        bundle = pb.NoticeBundle(notices=[pb.BundledNotice(type=pb.END_NOTICE)])
        code, = self.at(HOST).codes(self.at(HOST).agent.sign(self.at(HOST).agent.compose(
            bundle, type=pb.NOTICE_BUNDLE, recipient=ORIGIN, compartment=pb.RECORD, handle=os.urandom(16),
            purpose=pb.RECORD_KEEPING, basis=pb.RECORD_DUTY, categories=[pb.OPERATIONAL])))
        self.assertEqual(code, "ROLE_NOT_ALLOWED")
        self.origin.receipting = True
        self.others_go_on()


class AtTheAgent(AgentTest):
    def notices(self, handle):
        """(type, body, handle) of what a hub tells of the parts of a case file."""
        duty = pb.ObligationNotice(
            obligation_id=protocol.uuid7(self.c.now()), kind=2, responsible=people.ORIGIN, opened_at=self.c.now(),
            message_id=self.headers[pb.CASEWORK].message_id, due_at=self.c.now() + 86400000, state=pb.OPEN, at=self.c.now())
        return [(pb.OBLIGATION_NOTICE, duty, handle),
                *((pb.END_NOTICE, self.hub.delivered_to(people.ORIGIN, self.headers[c]), handle)
                  for c in (pb.CASEWORK, pb.HEALTH))]

    def bundle(self, notices):
        return pb.NoticeBundle(notices=[
            pb.BundledNotice(notice_id=protocol.uuid7(self.c.now()), handle=handle, type=type,
                             in_reply_to=protocol.uuid7(self.c.now()), body=protocol.canonical(body))
            for type, body, handle in notices])

    def tell(self, bundle, sequence):
        self.hub.notify(pb.NOTICE_BUNDLE, bundle, protocol.uuid7(self.c.now()), sequence)

    def shown(self, case, user):
        """Of one case: inbox, timeline, messages sent, as (words without ids and times)."""
        inbox = self.c.must(self.c.corridor(people.HOST, "inbox", "--case", case["handle"], user=user))["messages"]
        sent = self.c.must(self.c.corridor(people.HOST, "inbox", "--sent", "--case", case["handle"], user=user))["messages"]
        events = self.c.must(self.c.corridor(people.HOST, "timeline", case["handle"], user=user))["events"]
        due = [d for d in self.c.must(self.c.corridor(people.HOST, "due", user=user))["obligations"]
               if d["case"] == case["handle"]]
        opened = [self.c.must(self.c.corridor(people.HOST, "show", m["messageId"], user=user)) for m in inbox]
        told = [(e["event"], e["type"]) for e in events if e["event"] not in ("sent", "admitted")]
        return ([(m["type"], m["from"], m["compartment"], m["state"]) for m in inbox],
                [(m["type"], m["compartment"], m["state"]) for m in sent],
                told, [d["state"] for d in due],
                [(o["header"]["type"], o["header"]["sender"], sorted(o["header"]), sorted(o["content"]),
                  o["case"] == case["handle"]) for o in opened])

    def test_a_bundle_shows_as_its_notices_would_have_alone(self):
        alone = self.sent_with_health()
        for sequence, (type, body, handle) in enumerate(self.notices(bytes.fromhex(alone["handle"])), 1):
            self.hub.notify(type, body, handle, sequence, in_reply_to=protocol.uuid7(self.c.now()))
        wait_for(lambda: len(self.hub.receipts) == 3, 10)
        shared = self.sent_with_health()
        counted = self.metric("receipted")
        self.tell(self.bundle(self.notices(bytes.fromhex(shared["handle"]))), 4)
        wait_for(lambda: len(self.hub.receipts) == 4, 10)
        for user in (False, True):
            self.assertEqual(self.shown(shared, user), self.shown(alone, user), f"as a holder: {user}")
        self.assertEqual(len(self.shown(shared, True)[0]), 3)
        self.assertEqual(len(self.shown(shared, False)[0]), 2, "the health part's end shows to its holders only")
        wait_for(lambda: self.metric("receipted") == counted + 2, 10, "counted without it")

    def test_a_bundle_again_changes_nothing_and_is_shown_nowhere(self):
        case = self.sent_with_health()
        bundle = self.bundle(self.notices(bytes.fromhex(case["handle"])))
        envelope, body = self.hub.notice(pb.NOTICE_BUNDLE, bundle, protocol.uuid7(self.c.now()))
        self.hub.deliver(envelope, body, 1)
        wait_for(lambda: len(self.hub.receipts) == 1, 10)
        before = self.seen(case, user=True), self.c.rows("SELECT * FROM inbox"), self.metric("receipted")
        self.c.kill(people.HOST)
        self.c.start_process(people.HOST)
        wait_for(lambda: self.c.connected(people.HOST), 40, "connected")
        self.hub.deliver(envelope, body, 1)
        wait_for(lambda: len(self.hub.receipts) == 2, 10)
        self.assertEqual(self.hub.receipts[0][1], self.hub.receipts[1][1], "the first receipt, byte for byte")
        self.assertEqual((self.seen(case, user=True), self.c.rows("SELECT * FROM inbox")), before[:2])
        self.assertEqual(self.metric("receipted"), 0, "what it holds was counted before the restart")
        self.assertEqual(self.metric("redelivered"), 0, "a number would tell of it")
        self.assertNotIn("notice-told-twice", self.c.processes[people.HOST].text(), "its parts are left alone")
        id = str(uuid.UUID(bytes=pb.Header.FromString(envelope.header).message_id))
        self.assertEqual(self.c.corridor(people.HOST, "show", id, user=True).error["code"], "NO_SUCH_MESSAGE")

    def test_what_may_not_be_in_a_bundle_is_skipped_and_told(self):
        case = self.sent_with_health()
        bundle = self.bundle(self.notices(bytes.fromhex(case["handle"])))
        bundle.notices.add().CopyFrom(bundle.notices[0])  # seen before
        bundle.notices.add(type=pb.WITHDRAWAL_NOTICE, notice_id=protocol.uuid7(self.c.now()), handle=b"h" * 16,
                           body=protocol.canonical(pb.WithdrawalNotice(withdrawn_at=self.c.now())))
        self.tell(bundle, 1)
        wait_for(lambda: len(self.hub.receipts) == 1, 10)
        self.assertEqual(self.c.rows("SELECT type, compartment FROM inbox ORDER BY n"),
                         [(pb.OBLIGATION_NOTICE, pb.RECORD), (pb.END_NOTICE, pb.RECORD), (pb.END_NOTICE, pb.HEALTH)])
        log = self.c.processes[people.HOST].text()
        self.assertEqual([log.count(f"event={word}") for word in ("notice-told-twice", "notice-rejected")], [1, 1])


if __name__ == "__main__":
    unittest.main()
