"""Rectification and restriction: to whoever was told, by the handle it knows, out of
sight of those the message was not for; each answers; and nobody speaks of what is
not theirs."""

import os
import unittest

import harness
import people
import stages
from harness import wait_for
from protocol_bytes import pb
from wire_offices import DATA_DUTY, HOST, KINDIA, ORIGIN, PARTNER, SECOND, WireTest

CARE = dict(compartment=pb.HEALTH, purpose=pb.CONTINUITY_OF_CARE, basis=pb.LIFE_AT_RISK, categories=[pb.HEALTH_DATA])
DAY = 24 * 3600 * 1000


class Request(WireTest):
    parties = (HOST, ORIGIN, SECOND, PARTNER, KINDIA)

    def ask(self, case, action, messages=(), office=HOST, handle=None, **fields):
        return self.at(office).record_code(pb.DATA_REQUEST, pb.DataRequest(
            action=action, message_ids=[m.id for m in messages], **fields), handle or case.handle)

    def filed(self):
        self.at(ORIGIN)
        case = self.case()
        self.delivered(case.filed)
        return case

    def owed(self, case):
        return sorted((state, who, other) for state, who, other in self.duties(case, DATA_DUTY).values())

    def statement(self, notice, office=ORIGIN, **fields):
        ids = pb.DataNotice.FromString(notice.body).message_ids
        return self.at(office).record_code(pb.DATA_STATEMENT, pb.DataStatement(
            message_ids=ids, **(fields or dict(outcome=pb.DONE))), notice.header.handle, in_reply_to=notice.id)

    def test_a_correction_reaches_who_had_the_wrong_one(self):
        case, host = self.filed(), self.at(HOST)
        right = self.delivered(host.send_one(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent))
        self.assertEqual(self.ask(case, pb.RECTIFIED, [case.filed], replacement_id=right.id), "OK")
        notice, = self.received(ORIGIN, pb.DATA_NOTICE, case)
        body = pb.DataNotice.FromString(notice.body)
        self.assertEqual((body.action, list(body.message_ids), body.replacement_id),
                         (pb.RECTIFIED, [case.filed.id], right.id))
        self.assertEqual(body.answer_due - body.asked_at, 3 * DAY)
        self.assertEqual(self.owed(case), [("OPEN", ORIGIN, HOST)])
        self.assertEqual(self.statement(notice), "OK")
        self.assertEqual(self.owed(case), [("MET", ORIGIN, HOST)])

    def test_a_correction_is_like_what_it_corrects(self):
        case, host = self.filed(), self.at(HOST)
        unlike = [host.send_one(pb.CASE_FILE, SECOND, case.handle, consent_id=case.consent),
                  host.send_one(pb.CASE_FILE, ORIGIN, case.handle, **CARE),
                  host.send_one(pb.ABN, ORIGIN, case.handle, consent_id=case.consent), case.filed]
        for other in unlike:
            self.assertEqual(self.ask(case, pb.RECTIFIED, [case.filed], replacement_id=other.id), "PRECONDITION_MISSING")
        self.assertEqual(self.ask(case, pb.RECTIFIED, [case.filed], replacement_id=os.urandom(16)),
                         "PRECONDITION_MISSING")
        self.assertEqual(self.owed(case), [])

    def test_a_restriction_of_the_whole_case_reaches_all(self):
        """Health apart, and the provider who had it from the origin by the referral's handle."""
        case, host, origin, provider = self.filed(), self.at(HOST), self.at(ORIGIN), self.at(KINDIA)
        care = self.delivered(host.send_one(pb.CASE_FILE, ORIGIN, case.handle, **CARE))
        handle = os.urandom(16)
        offer = origin.offer(KINDIA, case, handle=handle)
        self.assertEqual(origin.codes([offer]), ["OK"])
        self.delivered(offer)
        provider.send_one(pb.REFERRAL_ACK, ORIGIN, handle, outcome=pb.YES)
        handover = self.delivered(origin.send_one(pb.REFERRAL_HANDOVER, KINDIA, handle, consent_id=case.consent))
        self.assertEqual(self.ask(case, pb.RESTRICTED), "OK")
        told = [list(pb.DataNotice.FromString(m.body).message_ids)
                for m in self.received(ORIGIN, pb.DATA_NOTICE, case, 2)]
        self.assertEqual(sorted(told), sorted([[case.filed.id], [care.id]]))
        notice, = self.wait(lambda: [m for m in provider.deliveries if m.header.type == pb.DATA_NOTICE], "the provider too")
        self.assertEqual((notice.header.handle, list(pb.DataNotice.FromString(notice.body).message_ids)),
                         (handle, [handover.id]))
        self.assertEqual(self.owed(case), [("OPEN", ORIGIN, HOST), ("OPEN", ORIGIN, HOST), ("OPEN", KINDIA, ORIGIN)])
        self.assertEqual(self.statement(notice, KINDIA, outcome=pb.NOT_DONE, ground=pb.NOT_DONE_VITAL_INTEREST), "OK")
        self.assertIn(("MET", KINDIA, ORIGIN), self.owed(case))
        self.assertEqual(self.ask(case, pb.RESTRICTION_LIFTED), "OK")
        self.assertEqual(len(self.owed(case)), 6)

    def test_who_may_speak_of_what(self):
        case, host = self.filed(), self.at(HOST)
        self.delivered(case.filed)
        others = self.case()
        self.assertEqual(self.ask(case, pb.RESTRICTED, [others.filed]), "NO_STANDING")
        self.assertEqual(self.ask(case, pb.RESTRICTED, office=PARTNER), "NO_STANDING")
        host.send_one(pb.CASE_FILE, SECOND, case.handle, consent_id=case.consent)
        self.assertEqual(self.ask(case, pb.RESTRICTED, office=SECOND), "NO_STANDING", "it is no mission of the case")
        self.assertEqual(self.ask(case, pb.RESTRICTED, [case.filed], office=SECOND), "NO_STANDING")
        self.assertEqual(self.owed(case), [])
        self.assertEqual(self.ask(case, pb.RESTRICTED, [case.filed], office=ORIGIN), "OK", "the mission of origin is")
        self.assertEqual(self.owed(case), [], "and need not be told")

    def test_what_still_waits_is_named_too(self):
        self.at(ORIGIN)
        self.sessions.pop(ORIGIN).cut()
        case = self.case()
        self.assertEqual(self.ask(case, pb.RESTRICTED, [case.filed]), "OK")
        notice, = self.received(ORIGIN, pb.DATA_NOTICE, case)
        self.delivered(case.filed)
        self.assertEqual(list(pb.DataNotice.FromString(notice.body).message_ids), [case.filed.id])

    def test_after_a_withdrawal_it_still_travels(self):
        case = self.filed()
        self.at(HOST).withdraw(case.handle)
        self.assertEqual(self.ask(case, pb.RESTRICTED), "OK")
        self.assertEqual(self.statement(self.received(ORIGIN, pb.DATA_NOTICE, case)[0]), "OK")
        self.assertEqual(self.owed(case), [("MET", ORIGIN, HOST)])


    def test_a_withdrawal_makes_a_restriction_no_less_due(self):
        """Who keeps what was told, on a ground of its own, still owes the answer."""
        case = self.filed()
        self.assertEqual(self.ask(case, pb.RESTRICTED), "OK")
        notice, = self.received(ORIGIN, pb.DATA_NOTICE, case)
        self.at(HOST).withdraw(case.handle)
        self.assertEqual(self.owed(case), [("OPEN", ORIGIN, HOST)])
        self.assertEqual(self.statement(notice), "OK")
        self.assertEqual(self.owed(case), [("MET", ORIGIN, HOST)])


class Command(harness.ClusterTest):
    cluster = {"offices": [*harness.standard_offices(), harness.Office(PARTNER, "PARTNER", "NE", "A partner", [])]}

    def owed(self, office, case, **who):
        listed = self.c.must(self.c.corridor(office, "due", **who))["obligations"]
        return [d["name"] for d in listed if d["case"] == case.handle]

    def shown(self, message):
        return self.c.must(self.c.corridor(people.ORIGIN, "show", message))

    def test_corrected_restricted_released_and_answered(self):
        case = stages.reach(self.c, "filed")
        wrong, = [m["messageId"] for m in case.sent["CaseFile"] if m["compartment"] == "CASEWORK"]
        answer = case.send(people.HOST, "CaseFile", people.ORIGIN, {"casework": people.casework(case.reference)})
        right = answer["messages"][0]["messageId"]
        self.c.must(self.c.corridor(people.HOST, "data", "rectify", case.handle, "--message", wrong, "--by", right))
        notice, = case.received(people.ORIGIN, "DataNotice")
        self.assertEqual(self.shown(wrong)["replacedBy"], right)
        self.assertNotIn("restrictedSince", self.shown(wrong))
        wait_for(lambda: self.owed(people.ORIGIN, case) == ["Answer about the data due"], 20, "it is owed")
        self.c.must(self.c.corridor(people.ORIGIN, "data", "answer", notice["messageId"]))
        wait_for(lambda: self.owed(people.ORIGIN, case) == [], 20, "it is answered")

        self.c.must(self.c.corridor(people.HOST, "data", "restrict", case.reference))
        notice = case.received(people.ORIGIN, "DataNotice", count=2)[0]
        self.assertIn("restrictedSince", self.shown(wrong))
        self.assertIn("restrictedSince", self.c.corridor(people.ORIGIN, "show", right, json_out=False).out)
        self.c.must(self.c.corridor(people.ORIGIN, "data", "answer", notice["messageId"], "--not-done", "NOT_HELD"))
        self.c.must(self.c.corridor(people.HOST, "data", "release", case.reference))
        case.received(people.ORIGIN, "DataNotice", count=3)
        self.assertNotIn("restrictedSince", self.shown(wrong))

    def test_what_is_said_of_a_health_part_before_it_comes_is_for_its_holders(self):
        """It waits for the end of a suspension; what is said of it does not."""
        case = stages.Case(self.c)
        case.registered()
        case.consented(health=True)
        case.filed()
        self.c.stop(people.ORIGIN)
        answer = self.c.must(self.c.corridor(people.HOST, "send", "-", "--wait", "10", input={
            "type": "CaseFile", "to": people.ORIGIN, "case": case.handle,
            "body": {"health": people.health(case.reference)}}))
        self.c.must(self.c.corridor(PARTNER, "withdraw", case.reference))
        case.received(people.HOST, "SuspensionNotice")
        self.c.start_process(people.ORIGIN)
        self.c.wait_ready([people.ORIGIN])
        words = "data", "restrict", case.handle, "--message", answer["messages"][0]["messageId"]
        self.assertEqual(self.c.corridor(people.HOST, *words).error["code"], "NO_SUCH_MESSAGE")
        self.c.must(self.c.corridor(people.HOST, *words, user=True))
        notice, = case.received(people.ORIGIN, "DataNotice", user=True)
        self.assertEqual(notice["compartment"], "HEALTH")
        mine, others = "Answer about the data due", "Answer to the suspension due"
        wait_for(lambda: sorted(self.owed(people.ORIGIN, case, user=True)) == [mine, others], 20, "it is owed")
        inbox = self.c.must(self.c.corridor(people.ORIGIN, "inbox", "--case", case.handle))["messages"]
        self.assertEqual([m["type"] for m in inbox], ["ObligationNotice", "CaseFile", "CaseFile"], "of the suspension")
        self.assertEqual(self.owed(people.ORIGIN, case), [others])
        self.c.must(self.c.corridor(people.ORIGIN, "data", "answer", notice["messageId"], user=True))
        wait_for(lambda: self.owed(people.ORIGIN, case, user=True) == [others], 20, "its holder has answered")

    def test_wrong_words(self):
        case = stages.reach(self.c, "filed")
        message = case.received(people.ORIGIN, "CaseFile")[0]["messageId"]
        for words, code, said in ((("data", "answer", message), 2, "no DataNotice"),
                                  (("data", "restrict", case.handle, "--message", "one"), 2, "by its id"),
                                  (("data", "rectify", case.handle, "--message", message), 2, "--by is required"),
                                  (("suspension", "lift", case.handle), 2, "--ground is required"),
                                  (("suspension", "lift", case.handle, "--ground", "BORED"), 3, "ground")):
            with self.subTest(words):
                told = self.c.corridor(people.ORIGIN, *words)
                self.assertEqual(told.code, code, told)
                self.assertIn(said, told.err)


if __name__ == "__main__":
    unittest.main()
