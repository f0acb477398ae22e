"""Withdrawal without the code: what stands on consent waits and nothing else does,
the responsible office is asked and answers once, nobody who tries references or
codes learns anything, and no office can try for long. And what an office that was
offline has not sent by then."""

import os
import re
import unittest

import harness
import people
import stages
from exactly import Stream
from harness import Office, wait_for
from protocol_bytes import CODES, pb, person_hashes
from protocol_client import DAY
from wire_offices import (HOST, KINDIA, LABE, ORIGIN, PARTNER, SUSPENSION_DUTY, WireTest, text)

STOPPED, SUSPENDED = 4, 8  # delivery.state
HOUR = 3600 * 1000
CARE = dict(compartment=pb.HEALTH, purpose=pb.CONTINUITY_OF_CARE, basis=pb.LIFE_AT_RISK, categories=[pb.HEALTH_DATA])


class Asked(WireTest):
    """What the tests below do to a case."""

    def suspended(self, case):
        return self.c.query("SELECT suspended_at IS NOT NULL FROM corridor.avrr_case WHERE handle = %s",
                            case.handle)[0][0]

    def withdrawn(self, case):
        return self.c.query("SELECT withdrawn_at IS NOT NULL FROM corridor.avrr_case WHERE handle = %s",
                            case.handle)[0][0]

    def question(self, case, office=HOST, count=1):
        """The newest notice about the case, at the office that was asked."""
        return self.received(office, pb.SUSPENSION_NOTICE, case, count)[-1]

    def answer(self, case, notice, office=HOST, **fields):
        body = pb.SuspensionAnswer(**(fields or dict(outcome=pb.LIFTED, ground=pb.PERSON_DENIES)))
        return self.at(office).record_code(pb.SUSPENSION_ANSWER, body, case.handle,
                                           **({"in_reply_to": notice} if notice else {}))

    def file(self, case, **fields):
        """The code of one more case file on consent."""
        host = self.at(HOST)
        message, = host.agent.sign(host.sealed(pb.CASE_FILE, ORIGIN, case.handle,
                                               **{"consent_id": case.consent, **fields}))
        return host.codes([message])[0]

    def duty_states(self, case):
        return [state for state, _, _ in self.duties(case, SUSPENSION_DUTY).values()]


class Suspension(Asked):
    parties = (HOST, ORIGIN, PARTNER, KINDIA, LABE)

    def test_what_stands_on_consent_waits_and_the_rest_goes_on(self):
        case, host = self.case(), self.at(HOST)
        offer = host.offer(KINDIA, case)
        self.at(PARTNER).without_code(case)
        self.assertTrue(self.suspended(case))
        number = host.submit(host.agent.sign(host.sealed(pb.CASE_FILE, ORIGIN, case.handle,
                                                         consent_id=case.consent))[0])
        refusal = host.result(number).refusal
        self.assertEqual((CODES[refusal.code], refusal.retry), ("CASE_SUSPENDED", True))
        self.assertEqual(host.codes([offer]), ["CASE_SUSPENDED"])
        self.at(ORIGIN)
        self.wait(lambda: self.states(case.filed) == [SUSPENDED], "what was queued waits")
        self.delivered(host.send_one(pb.CASE_FILE, ORIGIN, case.handle, **CARE))
        self.others_go_on()
        self.assertEqual(self.states(case.filed), [SUSPENDED])

        question = self.question(case)
        self.assertEqual(pb.SuspensionNotice.FromString(question.body).answer_due
                         - pb.SuspensionNotice.FromString(question.body).suspended_at, DAY)
        self.assertEqual(list(self.duties(case, SUSPENSION_DUTY).values()), [("OPEN", HOST, ORIGIN)])
        self.assertEqual(self.answer(case, question.id), "OK")
        self.delivered(case.filed)
        self.assertEqual(self.duty_states(case), ["MET"])
        self.assertEqual(self.file(case), "OK")
        self.assertEqual(host.codes([offer]), ["OK"])
        word, = [bytes(m) for m, in self.c.query("SELECT message_id FROM corridor.suspension WHERE case_handle = %s",
                                                 case.handle)]
        records = [pb.LogRecord.FromString(bytes(raw)) for raw, in self.c.query(
            "SELECT record FROM corridor.log_record")]
        self.assertEqual([(r.kind, r.message_id == word, r.code) for r in records if r.handle == case.handle
                          and r.kind in (pb.LOG_SUSPENDED, pb.LOG_SUSPENSION_ENDED)],
                         [(pb.LOG_SUSPENDED, True, 0), (pb.LOG_SUSPENSION_ENDED, False, 0)])

    def test_the_claim_reads_it_under_the_lock(self):
        case, db = self.case(), self.c.db()
        self.addCleanup(db.close)
        with db.cursor() as cursor:
            cursor.execute("BEGIN; SELECT FROM corridor.avrr_case WHERE handle = %s FOR UPDATE", (case.handle,))
            self.at(ORIGIN)
            self.wait(lambda: self.c.query("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                           " AND application_name = 'corridor-core'"), "the hub waits for the case")
            cursor.execute("UPDATE corridor.avrr_case SET suspended_at = %s WHERE handle = %s; COMMIT",
                           (self.c.now(), case.handle))
        self.wait(lambda: self.states(case.filed) == [SUSPENDED], "it is not claimed")
        self.at(ORIGIN).ping(1)
        self.assertNotIn(case.filed.id, [m.id for m in self.at(ORIGIN).deliveries])

    def test_what_waits_costs_no_look(self):
        """It is out of the queue: the hub does not come back to it again and again."""
        self.at(ORIGIN)
        self.sessions.pop(ORIGIN).cut()
        cases = self.cases(40)
        for i, case in enumerate(cases[:25]):
            self.at((PARTNER, KINDIA, LABE)[i % 3]).without_code(case)
        self.at(ORIGIN)
        for case in cases[25:]:
            self.delivered(case.filed)
        self.wait(lambda: self.states(*[c.filed for c in cases[:25]]) == [SUSPENDED] * 25, "all of them wait")
        claims = self.c.query("SELECT sum(claims) FROM corridor.delivery WHERE state = %s", SUSPENDED)
        self.assertEqual(claims, [(0,)])

    def test_confirmed_it_is_a_whole_withdrawal(self):
        self.at(ORIGIN)
        case, host = self.case(), self.at(HOST)
        self.delivered(case.filed)
        self.sessions.pop(ORIGIN).cut()
        waiting = host.send_one(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent)
        self.at(PARTNER).without_code(case)
        question = self.question(case)
        self.at(ORIGIN)
        self.wait(lambda: self.states(waiting) == [SUSPENDED], "it waits")
        self.assertEqual(self.answer(case, question.id, outcome=pb.CONFIRMED), "OK")
        self.assertEqual((self.withdrawn(case), self.suspended(case)), (True, False))
        self.assertEqual(self.states(waiting), [STOPPED])
        notice = self.received(ORIGIN, pb.WITHDRAWAL_NOTICE, case)[0]
        self.assertEqual(list(pb.WithdrawalNotice.FromString(notice.body).message_ids), [case.filed.id])
        self.assertEqual(self.duty_states(case), ["MET"])
        self.assertEqual(self.file(case), "CASE_WITHDRAWN")
        self.assertEqual(self.answer(case, question.id), "CASE_WITHDRAWN")

    def test_the_code_ends_it_too(self):
        case = self.case()
        self.at(PARTNER).without_code(case)
        self.question(case)
        self.at(KINDIA).withdraw(os.urandom(16), **case.hashes())
        self.assertEqual((self.withdrawn(case), self.suspended(case)), (True, False))
        self.assertEqual(self.states(case.filed), [STOPPED])
        self.assertEqual(self.duty_states(case), ["WAIVED"])

    def test_one_question_has_one_answer_from_who_was_asked(self):
        self.at(ORIGIN)
        case = self.case()
        self.delivered(case.filed)
        self.at(PARTNER).without_code(case)
        first = self.question(case)
        self.assertEqual(self.answer(case, None), "MISSING_FIELD")
        self.assertEqual(self.answer(case, os.urandom(16)), "NOTHING_TO_ANSWER")
        self.assertEqual(self.answer(case, first.id, office=ORIGIN), "NOTHING_TO_ANSWER")
        self.assertEqual(self.answer(case, first.id, office=PARTNER), "NO_STANDING")
        self.assertTrue(self.suspended(case))
        self.assertEqual(self.answer(case, first.id), "OK")
        self.assertEqual(self.answer(case, first.id), "NOTHING_TO_ANSWER")
        self.at(KINDIA).without_code(case)
        second = self.question(case, count=2)
        self.assertEqual(self.answer(case, first.id, outcome=pb.CONFIRMED), "NOTHING_TO_ANSWER")
        self.assertEqual((self.suspended(case), self.withdrawn(case)), (True, False))
        self.at(KINDIA).without_code(case)  # said twice, asked once
        self.assertEqual(self.answer(case, second.id), "OK")
        self.assertEqual(self.duty_states(case), ["MET", "MET"])

    def test_the_question_does_not_say_who_said_it(self):
        case = self.case()
        word = self.at(PARTNER).without_code(case)
        question = self.question(case)
        self.assertNotIn(PARTNER.encode(), question.envelope.header + question.body)
        self.assertEqual(self.c.query("SELECT by_office, asked FROM oversight.suspension WHERE message = %s::uuid",
                                      word.id.hex()), [(PARTNER, HOST)])
        told = self.c.query("SELECT header, body FROM corridor.message WHERE recipient = %s", PARTNER)
        self.assertFalse([1 for header, body in told if case.handle in bytes(header) + bytes(body)])

    def test_the_missions_need_no_code(self):
        case = self.case()
        self.at(HOST).withdraw(case.handle, reference_hash=case.hashes()["reference_hash"])
        self.assertEqual((self.withdrawn(case), self.suspended(case)), (True, False))


class Oracle(Asked):
    """Unknown, known, known already, a wrong code, too many tries: one reply, one list of
    statements. Who has stolen an office's key learns nothing, and stops nobody for long."""

    parties = (HOST, ORIGIN, PARTNER, KINDIA, LABE)

    def watch(self, on):
        self.c.query(f"ALTER SYSTEM SET log_statement = '{'all' if on else 'none'}'")
        self.c.query("ALTER SYSTEM SET log_parameter_max_length = 0")
        self.c.query("SELECT pg_reload_conf()")

    def admissions(self):
        """The statements of each transaction that admitted something, in order."""
        runs, done = {}, []
        for pid, said in re.findall(r"^(\d+) \S+ LOG:  execute [^:]*: (.*)$", self.c.processes["postgres"].text(), re.M):
            run = runs.setdefault(pid, [])
            if said == "BEGIN":
                run.clear()
            if "nextval" not in said:  # numbers for the log are taken 256 at a time
                run.append(said)
            if said == "COMMIT" and any("INTO corridor.dedupe" in statement for statement in run):
                done.append(list(run))
        return done

    def statements_of(self, act):
        before = len(self.admissions())
        act()
        return wait_for(lambda: self.admissions()[before:], 20, "its statements are in the log")

    def reply(self, office, reference, code=None):
        """What the office gets to see, without what is random or a time."""
        party, hashes = self.at(office), person_hashes(reference, code or "")
        fields = hashes if code else {"reference_hash": hashes["reference_hash"]}
        message, = party.agent.sign(party.agent.record(pb.CONSENT_WITHDRAWAL, pb.ConsentWithdrawal(
            extent=pb.ALL_CONSENT, withdrawn_at=self.c.now(), **fields), os.urandom(16)))
        result = party.result(party.submit(message))
        receipt = pb.AdmissionReceipt.FromString(result.receipt.content)
        return (result.HasField("refusal"), len(result.receipt.content) - len(receipt.sender), receipt.late, receipt.judged_due_at,
                receipt.table_version, len(receipt.log_leaf), [f.name for f, _ in receipt.ListFields()])

    def test_replies_and_statements_are_the_same(self):
        known, other, absent = self.case("registered"), self.case("registered"), self.case("registered")
        never = os.urandom(8).hex()
        for _ in range(32):
            self.reply(LABE, os.urandom(8).hex())
        self.watch(True)
        self.addCleanup(self.watch, False)
        wait_for(lambda: self.case("registered") and self.admissions(), 20, "the log tells statements")
        kinds = {"unknown": (KINDIA, never, None), "unknown, with a code": (KINDIA, never, other.code),
                 "known": (KINDIA, known.reference, None), "known already": (KINDIA, known.reference, None),
                 "a wrong code": (KINDIA, other.reference, known.code),
                 "too many tries": (LABE, absent.reference, None)}
        seen = {}
        for kind, (office, reference, code) in kinds.items():
            replies = []
            statements, = self.statements_of(lambda: replies.append(self.reply(office, reference, code)))
            seen[kind] = (replies[0], statements)
        self.assertGreater(len(seen["unknown"][1]), 8)
        for kind, what in seen.items():
            self.assertEqual(what, seen["unknown"], kind)
        self.assertEqual([self.suspended(case) for case in (known, other, absent)], [True, True, False])
        for office in (KINDIA, PARTNER, LABE):
            self.at(office).ping(1)
            self.assertEqual(self.at(office).deliveries, [], "nobody who tried is told anything")

    def test_an_office_tries_thirty_times_a_day(self):
        metric = "corridor_core_unproven_withdrawals_total"
        cases, before = self.cases(3, "registered"), self.c.metric("core", metric)
        spent = self.c.query("SELECT count(*) FROM corridor.withdrawal_attempt WHERE office = %s", PARTNER)[0][0]
        for _ in range(30 - spent):
            self.at(PARTNER).withdraw(os.urandom(16), reference_hash=os.urandom(32))
        self.assertNotIn("withdrawals-without-proof office=ne-partner", self.c.processes["core"].text())
        for _ in range(2):
            self.at(PARTNER).without_code(cases[0])
        self.assertFalse(self.suspended(cases[0]))
        alarms = re.findall("withdrawals-without-proof.*ne-partner", self.c.processes["core"].text())
        self.assertEqual((len(alarms), self.c.metric("core", metric) - before), (1, 2))
        self.at(PARTNER).withdraw(os.urandom(16), **cases[1].hashes())
        self.assertTrue(self.withdrawn(cases[1]), "what proves itself acts at once all the same")
        self.at(KINDIA).without_code(cases[2])
        self.assertTrue(self.suspended(cases[2]), "others are not held up")
        kept = self.c.query("SELECT reference FROM corridor.withdrawal_attempt WHERE office = %s", PARTNER)
        self.assertEqual({len(bytes(reference)) for reference, in kept}, {32})
        self.assertNotIn(bytes(cases[0].reference, "ascii"), b"".join(bytes(r) for r, in kept))


class Thousand(Asked):
    parties = (HOST, ORIGIN, PARTNER)

    def test_a_code_is_tried_a_thousand_times(self):
        """Each try is receipted like the first; the case waits once, and is asked about once."""
        case = self.case("registered")
        for _ in range(1000):
            self.at(PARTNER).withdraw(os.urandom(16), **{**case.hashes(), "withdrawal_hash": os.urandom(32)})
        self.assertEqual((self.withdrawn(case), self.suspended(case)), (False, True))
        self.assertEqual(self.duty_states(case), ["OPEN"])
        self.assertEqual(len(re.findall("withdrawals-without-proof.*ne-partner", self.c.processes["core"].text())), 1)
        self.at(PARTNER).withdraw(os.urandom(16), **case.hashes())
        self.assertFalse(self.withdrawn(case), "nor does the right one count there today")
        self.at(HOST).withdraw(case.handle)
        self.assertTrue(self.withdrawn(case), "the office that has the case needs none")


class Tries(Asked):
    parties = (HOST, ORIGIN, PARTNER, KINDIA, LABE)

    def test_a_code_is_tried_ten_times(self):
        case, other = self.case("registered"), self.case("registered")
        for _ in range(10):
            self.at(KINDIA).withdraw(os.urandom(16), **{**case.hashes(), "withdrawal_hash": os.urandom(32)})
        self.at(KINDIA).withdraw(os.urandom(16), **case.hashes())
        self.assertEqual((self.withdrawn(case), self.suspended(case)), (False, True), "the right one comes too late")
        self.at(KINDIA).withdraw(os.urandom(16), **other.hashes())
        self.assertTrue(self.withdrawn(other), "for another reference it counts")
        self.at(LABE).withdraw(os.urandom(16), **case.hashes())
        self.assertTrue(self.withdrawn(case), "and from another office")

    def test_z_unanswered_it_stays_and_escalates_and_tries_are_forgotten(self):
        case = self.case()
        self.at(PARTNER).without_code(case)
        self.question(case)
        self.c.set_clock(text(self.c.now() + DAY + HOUR))
        self.wait(lambda: self.duty_states(case) == ["ESCALATED"], "it is overdue, and escalated")
        self.wait(lambda: self.c.query("SELECT count(*) FROM corridor.withdrawal_attempt") == [(0,)],
                  "old tries are forgotten")
        self.assertEqual(self.file(case), "CASE_SUSPENDED")
        self.assertEqual(self.answer(case, self.question(case).id), "OK")
        self.assertEqual((self.duty_states(case), self.file(case)), (["MET_LATE"], "OK"))

    def test_zz_the_mission_of_origin_is_asked_when_the_host_is_gone(self):
        case = self.case("consented")
        self.c.identity.ca("revoke", HOST)
        self.c.publish()
        self.sessions.pop(HOST).cut()
        self.at(PARTNER).without_code(case)
        question = self.question(case, ORIGIN)
        self.assertEqual(list(self.duties(case, SUSPENSION_DUTY).values()), [("OPEN", ORIGIN, ORIGIN)])
        self.assertEqual(self.answer(case, question.id, office=ORIGIN, outcome=pb.CONFIRMED), "OK")
        self.assertTrue(self.withdrawn(case))


class OfflineSender(harness.ClusterTest):
    """The host writes while the hub is out of reach; the person withdraws meanwhile."""

    cluster = {"offices": [*harness.standard_offices(), Office(PARTNER, "PARTNER", "NE", "A partner", [])]}

    def written_offline(self):
        """A case, and a message of it that waits at the host, which is down."""
        case = stages.reach(self.c, "consented")
        stream = Stream(self.c, case)
        self.c.stop("door")
        stream.send()
        self.c.stop(people.HOST)
        self.c.start_process("door")
        self.c.wait_ready([PARTNER, people.ORIGIN])
        return case, stream

    def test_withdrawn_meanwhile_it_is_refused(self):
        case, stream = self.written_offline()
        self.c.must(self.c.corridor(PARTNER, "withdraw", case.reference, "--code", case.code))
        self.c.start_process(people.HOST)
        wait_for(lambda: stream.outbox().get(stream.ids[0]) == "refused", 30, "the hub refuses it")
        shown = self.c.must(self.c.corridor(people.HOST, "show", stream.ids[0]))
        self.assertIn(shown["refusal"], ("CASE_WITHDRAWN", "CONSENT_WITHDRAWN"))
        self.assertEqual(stream.inbox(), [])

    def test_suspended_meanwhile_it_waits_until_the_answer(self):
        case, stream = self.written_offline()
        self.c.must(self.c.corridor(PARTNER, "withdraw", case.reference))
        self.c.start_process(people.HOST)
        self.c.wait_ready([people.HOST])
        case.received(people.HOST, "SuspensionNotice")
        told = self.c.corridor(people.HOST, "send", "-", "--wait", "20", input={
            "type": "CaseFile", "to": people.ORIGIN, "case": case.handle,
            "body": people.case_file(case.reference, casework=None)})
        self.assertEqual((told.code, told.error["code"]), (5, "CASE_SUSPENDED"), told)
        self.assertEqual(set(stream.outbox().values()), {"queued"})
        self.assertEqual(stream.inbox(), [])
        self.c.must(self.c.corridor(people.HOST, "send", "-", user=True, input={
            "type": "CaseFile", "to": people.ORIGIN, "case": case.handle, "basis": "LIFE_AT_RISK",
            "body": {"health": people.health(case.reference, basisDecision=people.decision(self.c.now()))}}))
        case.received(people.ORIGIN, "CaseFile", user=True)
        self.assertEqual(stream.inbox(), [], "only what is urgent for a life went past it")
        due = self.c.must(self.c.corridor(people.HOST, "due"))["obligations"]
        self.assertEqual([d["name"].split(" ")[0] for d in due if d["case"] == case.handle],
                         ["Answer"], "what is restricted is named to who gives a name")
        self.c.must(self.c.corridor(people.HOST, "suspension", "lift", case.handle, "--ground", "PERSON_DENIES"))
        case.received(people.ORIGIN, "CaseFile", count=2, seconds=60)
        self.assertEqual(self.c.corridor(people.HOST, "suspension", "lift", case.handle, "--ground",
                                         "MISTAKE").error["code"], "NOTHING_TO_ANSWER")

    def test_confirmed_by_the_command(self):
        case = stages.reach(self.c, "filed")
        self.c.must(self.c.corridor(PARTNER, "withdraw", case.reference))
        case.received(people.HOST, "SuspensionNotice")
        self.c.must(self.c.corridor(people.HOST, "suspension", "confirm", case.reference))
        case.received(people.ORIGIN, "WithdrawalNotice")
        refused = self.c.corridor(people.HOST, "send", "-", input={
            "type": "CaseFile", "to": people.ORIGIN, "case": case.handle,
            "body": people.case_file(case.reference, casework=None)})
        self.assertEqual(refused.error["code"], "CASE_WITHDRAWN")


if __name__ == "__main__":
    unittest.main()
