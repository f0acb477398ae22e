"""Suspension, withdrawal in part and recall, as a second reader broke them once: what
was asked back leaves again, a part taken back counts all the same, a need nobody is
offered any more, a question that nobody can answer."""

import copy
import os
import unittest

import harness
import people
import stages
from protocol_bytes import pb
from wire_offices import (HOST, KINDIA, LABE, ORIGIN, PARTNER, REFERRAL_DUTY, SECOND, SUSPENSION_DUTY, WireTest)

HELD, QUEUED, CLAIMED, STOPPED = 0, 1, 2, 4  # delivery.state
CARE = dict(compartment=pb.HEALTH, purpose=pb.CONTINUITY_OF_CARE, basis=pb.LIFE_AT_RISK, categories=[pb.HEALTH_DATA])


def care_scope(**to):
    return pb.ConsentScope(scope=pb.MEDICAL_THIRD_PARTY, purpose=pb.CONTINUITY_OF_CARE, categories=[pb.HEALTH_DATA], **to)


class AskedBack(WireTest):
    """Its recipient is asked to erase it: it does not leave once more."""

    parties = (HOST, ORIGIN, KINDIA)

    def state_of(self, case, message, result, **fields):
        return self.at(HOST).record_code(pb.BASIS_STATEMENT, pb.BasisStatement(
            message_id=message.id, step=pb.REVIEWED, result=result, **fields), case.handle)

    def on_its_way(self, case):
        """Claimed, and unreceipted: it may not have arrived."""
        origin = self.at(ORIGIN)
        origin.receipting = False
        message = self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, case.handle, **CARE)
        self.wait(lambda: self.states(message) == [CLAIMED], "it is on its way")
        return message

    def comes_back(self, case, message, **changes):
        """The office connects anew: what it hears of the message's case, in types."""
        origin = self.at(ORIGIN)
        origin.receipting = True
        origin.connect()
        origin.hello(**changes)
        self.received(ORIGIN, pb.WITHDRAWAL_NOTICE, case)
        self.others_go_on()
        self.assertNotIn(message.id, [m.id for m in origin.deliveries])

    def test_not_upheld_while_it_was_on_its_way(self):
        case = self.case("consented")
        message = self.on_its_way(case)
        self.assertEqual(self.state_of(case, message, pb.NOT_UPHELD), "OK")
        self.comes_back(case, message)
        self.assertEqual(self.states(message), [STOPPED])

    def test_not_upheld_and_the_store_went_back(self):
        self.at(ORIGIN)
        case = self.case("consented")
        before = self.at(ORIGIN).agent.store.sequence
        message = self.delivered(self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, case.handle, **CARE))
        self.assertEqual(self.state_of(case, message, pb.NOT_UPHELD), "OK")
        self.comes_back(case, message, store_sequence=before)
        self.assertEqual(self.states(message), [STOPPED])

    def test_what_came_to_rest_on_a_consent_goes_with_it(self):
        case = self.case("registered")
        record = case.consent_record(scopes=[care_scope(recipient_office=ORIGIN)])
        self.assertEqual(self.at(HOST).record_code(pb.CONSENT_RECORD, record, case.handle), "OK")
        message = self.on_its_way(case)
        self.assertEqual(self.state_of(case, message, pb.CONSENT_OBTAINED, consent_id=case.consent), "OK")
        self.at(HOST).withdraw(case.handle, extent=pb.ONE_CONSENT, consent_id=case.consent)
        self.comes_back(case, message)
        self.assertEqual(self.states(message), [STOPPED])

    def test_what_was_asked_back_stays_so_when_the_person_agrees_anew(self):
        case = self.case("consented")
        origin = self.at(ORIGIN)
        origin.receipting = False
        message = self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent)
        self.wait(lambda: self.states(message) == [CLAIMED], "it is on its way")
        self.at(HOST).withdraw(case.handle, extent=pb.PART, recipient_office=ORIGIN)
        self.assertEqual(self.at(HOST).record_code(pb.CONSENT_RECORD, case.consent_record(version=2), case.handle), "OK")
        self.comes_back(case, message)
        self.delivered(self.at(HOST).send_one(pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent))


class Part(WireTest):
    parties = (HOST, ORIGIN, SECOND, KINDIA, LABE)

    def test_consent_obtained_since_is_not_the_part_that_was_taken_back(self):
        for taken, scopes in ((dict(purpose=pb.CONTINUITY_OF_CARE), [care_scope(recipient_office=ORIGIN)]),
                              (dict(recipient_office=ORIGIN), [care_scope(recipient_role=pb.ROLE_ORIGIN_MISSION)])):
            with self.subTest(taken):
                case, host = self.case("registered"), self.at(HOST)
                record = case.consent_record(scopes=scopes)
                self.assertEqual(host.record_code(pb.CONSENT_RECORD, record, case.handle), "OK")
                messages = [host.send_one(pb.CASE_FILE, to, case.handle, **CARE) for to in (ORIGIN, SECOND)]
                host.withdraw(case.handle, extent=pb.PART, **taken)
                told = [host.record_code(pb.BASIS_STATEMENT, pb.BasisStatement(
                    message_id=message.id, step=pb.REVIEWED, result=pb.CONSENT_OBTAINED, consent_id=case.consent),
                    case.handle) for message in messages]
                self.assertEqual(told, ["NO_CONSENT", "OK" if "recipient_office" in taken else "NO_CONSENT"])

    def test_a_need_whose_offers_stand_on_two_consents_goes_on(self):
        case, host, need = self.case("consented"), self.at(HOST), os.urandom(16)
        other = copy.copy(case)
        other.consent = os.urandom(16)
        self.assertEqual(host.record_code(pb.CONSENT_RECORD, other.consent_record(), case.handle), "OK")
        offers = [host.offer(KINDIA, case, rank=1, need=need), host.offer(LABE, other, rank=2, need=need)]
        self.assertEqual([host.codes([offer]) for offer in offers], [["OK"], ["OK"]])
        self.assertEqual(self.states(*offers), [QUEUED, HELD])
        host.withdraw(case.handle, extent=pb.ONE_CONSENT, consent_id=case.consent)
        self.assertEqual(self.states(*offers), [STOPPED, QUEUED], "it is the next candidate's turn")


    def test_who_was_taken_out_is_out_whatever_class_it_comes_to_be_of(self):
        case, roles = self.case("registered"), (pb.ROLE_SERVICE_PROVIDER, pb.ROLE_RED_CROSS)
        record = case.consent_record(scopes=[care_scope(recipient_role=role) for role in roles])
        self.assertEqual(self.at(HOST).record_code(pb.CONSENT_RECORD, record, case.handle), "OK")
        for office in (KINDIA, "an-office-that-never-was"):
            self.at(HOST).withdraw(case.handle, extent=pb.PART, recipient_office=office)
        self.assertEqual(self.c.query("SELECT except_offices FROM corridor.consent_scope WHERE consent_id = %s",
                                      case.consent), [([KINDIA],)] * 2)

    def test_who_was_taken_out_takes_up_no_offer(self):
        """It came before the part was taken back; nothing could be handed over any more."""
        case, host, need, handle = self.case("consented"), self.at(HOST), os.urandom(16), os.urandom(16)
        first, second = self.at(KINDIA), self.at(LABE)
        offers = [host.offer(KINDIA, case, rank=1, need=need, handle=handle), host.offer(LABE, case, rank=2, need=need)]
        self.assertEqual([host.codes([offer]) for offer in offers], [["OK"], ["OK"]])
        self.delivered(offers[0])
        host.withdraw(case.handle, extent=pb.PART, recipient_office=KINDIA)
        self.assertEqual(self.duty(case, REFERRAL_DUTY, offers[0]), "WAIVED")
        self.delivered(offers[1])
        yes, = first.agent.sign(first.sealed(pb.REFERRAL_ACK, HOST, handle, outcome=pb.YES))
        self.assertEqual(first.codes([yes]), ["REFERRAL_TAKEN"])
        first.send_one(pb.REFERRAL_ACK, HOST, handle, outcome=pb.NO)
        self.assertEqual(first.codes([yes]), ["REFERRAL_TAKEN"], "nor after a no")
        self.assertEqual(host.record_code(pb.CONSENT_RECORD, case.consent_record(version=2), case.handle), "OK")
        self.assertEqual(first.codes([yes]), ["REFERRAL_TAKEN"], "the person may agree anew, to a new offer")
        second.send_one(pb.REFERRAL_ACK, HOST, offers[1].header.handle, outcome=pb.YES)
        told = [host.codes(host.agent.sign(host.sealed(pb.REFERRAL_HANDOVER, to, offer.header.handle,
                                                       consent_id=case.consent)))[0]
                for to, offer in ((KINDIA, offers[0]), (LABE, offers[1]))]
        self.assertEqual(told, ["PRECONDITION_MISSING", "OK"])


class Refused(harness.ClusterTest):
    cluster = {"offices": [*harness.standard_offices(), harness.Office(PARTNER, "PARTNER", "NE", "A partner", [])]}

    def test_a_confirmation_that_the_hub_did_not_take_closes_nothing_here(self):
        case = stages.reach(self.c, "consented")
        self.c.must(self.c.corridor(PARTNER, "withdraw", case.reference))
        case.received(people.HOST, "SuspensionNotice")
        self.c.must(self.c.corridor(people.HOST, "suspension", "lift", case.handle, "--ground", "PERSON_DENIES"))
        late = self.c.corridor(people.HOST, "suspension", "confirm", case.handle)
        self.assertEqual(late.error["code"], "NOTHING_TO_ANSWER")
        case.filed()


class Orphaned(WireTest):
    """Its own hub: the host's card ends in the course of it."""

    parties = (HOST, ORIGIN, PARTNER)

    def test_the_mission_of_origin_is_asked_when_the_host_goes_before_it_answered(self):
        case, lifted = self.cases(2)
        for one in (case, lifted):
            self.at(PARTNER).without_code(one)
        asked = {one.handle: self.received(HOST, pb.SUSPENSION_NOTICE, one)[0] for one in (case, lifted)}
        self.c.identity.ca("revoke", HOST)
        self.c.publish()
        self.sessions.pop(HOST).cut()
        for one, outcome in ((case, dict(outcome=pb.CONFIRMED)),
                             (lifted, dict(outcome=pb.LIFTED, ground=pb.PERSON_DENIES))):
            question, = self.received(ORIGIN, pb.SUSPENSION_NOTICE, one)
            self.assertEqual(sorted(self.duties(one, SUSPENSION_DUTY).values()),
                             [("OPEN", ORIGIN, ORIGIN), ("WAIVED", HOST, ORIGIN)])
            answers = [self.at(ORIGIN).record_code(pb.SUSPENSION_ANSWER, pb.SuspensionAnswer(**outcome), one.handle,
                                                   in_reply_to=notice) for notice in (asked[one.handle].id, question.id)]
            self.assertEqual(answers, ["NOTHING_TO_ANSWER", "OK"], "the question that stands")
            self.assertIn(("MET", ORIGIN, ORIGIN), self.duties(one, SUSPENSION_DUTY).values())
        self.assertEqual(self.states(case.filed), [STOPPED])


if __name__ == "__main__":
    unittest.main()
