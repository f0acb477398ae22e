"""What a case officer meets when something is not allowed: an exit code, a code,
the rule it comes from, a sentence, and nothing lost or sent."""

import unittest

import harness
import people
import stages


def compartments(messages):
    return {message["compartment"].upper() for message in messages}


class Refused(harness.ClusterTest):
    def assert_refused(self, error, code):
        self.assertEqual(error["code"], code)
        self.assertTrue(error["rule"] and error["sentence"])
        self.assertIn("retry", error)

    def test_health_message_that_no_consent_covers(self):
        case = stages.reach(self.c, "filed")
        error = case.send(people.HOST, "CaseFile", people.ORIGIN,
                          {"health": people.health(case.reference)}, code=4)
        self.assert_refused(error, "NO_CONSENT")
        self.assertNotIn("asthma", str(error))
        held = case.received(people.ORIGIN, "CaseFile", count=2, user=True)
        self.assertEqual(compartments(held), {"CASEWORK", "OPERATIONS"})

    def test_health_message_is_listed_only_for_its_holders(self):
        case = stages.reach(self.c, "registered")
        case.consented(health=True)
        case.stage = "consented"
        stages.reach(self.c, "filed", case)
        case.send(people.HOST, "CaseFile", people.ORIGIN, {"health": people.health(case.reference)})
        before = self.c.corridor(people.ORIGIN, "inbox", "--case", case.handle).json["messages"]
        held = case.received(people.ORIGIN, "CaseFile", count=3, user=True)
        self.assertEqual(compartments(held), {"CASEWORK", "OPERATIONS", "HEALTH"})
        after = self.c.corridor(people.ORIGIN, "inbox", "--case", case.handle).json["messages"]
        self.assertEqual(before, after)
        self.assertEqual(compartments(after), {"CASEWORK", "OPERATIONS"})

    def test_unknown_message(self):
        unknown = "019cadfd-899b-7a07-8547-945d85d86c9f"
        for words in (("show", unknown), ("answer", unknown, "--decline", "FULL")):
            answer = self.c.corridor(people.HOST, *words)
            self.assertEqual(answer.code, 3, answer)
            self.assert_refused(answer.error, "NO_SUCH_MESSAGE")
            self.assertIn("no message under this id", answer.error["sentence"])

    def test_programme_that_no_agreement_covers(self):
        for origin, programme in ((people.ORIGIN, "XX"), (people.KINDIA, "J"), ("xx-nowhere", "JI")):
            with self.subTest(origin=origin, programme=programme):
                before = self.c.corridor(people.HOST, "case", "list").json
                answer = self.c.corridor(people.HOST, "case", "new", "--origin", origin, "--programme", programme,
                                         "--return-type", "AVRR", "--declared-on", "2026-03-02")
                self.assertEqual(answer.code, 4, answer)
                self.assert_refused(answer.error, "NO_AGREEMENT")
                self.assertEqual(answer.error["path"], "/programme")
                self.assertEqual(self.c.corridor(people.HOST, "case", "list").json, before)

    def test_case_file_before_any_consent(self):
        case = stages.reach(self.c, "registered")
        self.assert_refused(case.send(people.HOST, "CaseFile", people.ORIGIN,
                                      people.case_file(case.reference), code=4), "NO_CONSENT")

    def test_ticket_before_the_confirmation(self):
        case = stages.reach(self.c, "booked")
        error = case.send(people.HOST, "TicketIssued", people.ORIGIN, people.ticket(), code=4)
        self.assert_refused(error, "PRECONDITION_MISSING")
        self.assertTrue(error["retry"])

    def test_wrong_field_is_named_by_its_pointer(self):
        case = stages.reach(self.c, "consented")
        spoilt = {
            "/body/casework/nam": people.case_file(
                case.reference, casework=people.casework(case.reference, nam="Testina Exemplar")),
            "/body/casework/sex": people.case_file(
                case.reference, casework=people.casework(case.reference, sex="UNHEARD_OF")),
            "/body/casework/vulnerabilities/0": people.case_file(
                case.reference, casework=people.casework(case.reference, vulnerabilities=["VOT"])),
        }
        for path, body in spoilt.items():
            with self.subTest(path):
                error = case.send(people.HOST, "CaseFile", people.ORIGIN, body, code=3)
                self.assertEqual(error["path"], path)

    def test_mandatory_fields_of_the_case_file(self):
        case = stages.reach(self.c, "consented")
        for field in ("name", "sex", "birthPlace", "currentSituation", "migrationExperience", "skills",
                      "intendedReturn", "returnType", "declarationRef", "declarationLanguage",
                      "vulnerabilities", "needs", "knownHealthNeeds", "travelDocument"):
            with self.subTest(field):
                body = people.casework(case.reference)
                del body[field]
                error = case.send(people.HOST, "CaseFile", people.ORIGIN,
                                  people.case_file(case.reference, casework=body), code=3)
                self.assertEqual((error["code"], error["path"]),
                                 ("MISSING_FIELD", f"/body/casework/{field}"))

    def test_unknown_recipient_and_one_who_may_not_have_it(self):
        case = stages.reach(self.c, "consented")
        for to, code in (("xx-nowhere", "RECIPIENT_UNKNOWN"), (people.KINDIA, "ROLE_NOT_ALLOWED")):
            with self.subTest(to):
                self.assert_refused(case.send(people.HOST, "CaseFile", to,
                                              people.case_file(case.reference), code=4), code)

    def test_case_of_another_office_is_as_one_that_does_not_exist(self):
        case = stages.reach(self.c, "filed")
        errors = []
        for handle in (case.handle, "00" * 16):
            answer = self.c.corridor(people.LABE, "timeline", handle)
            self.assertEqual(answer.code, 3, answer)
            errors.append({k: v for k, v in answer.error.items() if k != "path"})
        self.assertEqual(errors[0], errors[1])

    def test_wrong_passphrase_and_no_holder(self):
        case = stages.reach(self.c, "filed")
        message = case.received(people.ORIGIN, "CaseFile")[0]["messageId"]
        told = set()
        for user in (True, "nobody"):  # the reply does not say who holds a key
            answer = self.c.corridor(people.ORIGIN, "show", message, user=user, passphrase="not the passphrase")
            self.assertEqual(answer.code, 6, answer)
            self.assertNotIn("Testina", answer.out + answer.err)
            told.add(answer.out + answer.err)
        self.assertEqual(len(told), 1, told)

    def test_nothing_goes_out_after_a_withdrawal(self):
        case = stages.reach(self.c, "filed")
        self.c.must(self.c.corridor(people.HOST, "withdraw", case.handle))
        case.received(people.ORIGIN, "WithdrawalNotice")
        error = case.send(people.HOST, "ABN", people.ORIGIN, people.abn(case.reference), code=4)
        self.assertIn(error["code"], ("CONSENT_WITHDRAWN", "CASE_WITHDRAWN"))
        due = self.c.must(self.c.corridor(people.ORIGIN, "due"))["obligations"]
        self.assertTrue([d for d in due if d["case"] == case.handle and d["responsible"] == people.ORIGIN])

    def test_reference_and_code_withdraw_from_any_office(self):
        case = stages.reach(self.c, "filed")
        self.c.must(self.c.corridor(people.LABE, "withdraw", case.reference, "--code", case.code))
        case.received(people.ORIGIN, "WithdrawalNotice")


if __name__ == "__main__":
    unittest.main()
