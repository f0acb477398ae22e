"""Was this person helped before? Bamako asks Conakry about somebody whom Niamey has
sent there: the question goes sealed, a holder of casework in Conakry compares and
decides, and the hub cannot tell what the answer was."""

import unittest

import harness
import memory
import people
import stages
from harness import Office, wait_for
from protocol_client import pb

NIAMEY, CONAKRY, BAMAKO = people.HOST, people.ORIGIN, "ml-bamako"
ANSWER_DUE = "Answer to the duplicate question due"
DESK = "casework desk, ext. 12"


class Duplicates(harness.ClusterTest):
    cluster = {"offices": [
        Office(NIAMEY, "HOST_MISSION", "NE", "Mission in Niamey", harness.MISSION, ("amina", "moussa")),
        Office(BAMAKO, "HOST_MISSION", "ML", "Mission in Bamako", harness.MISSION, ("awa", "issa")),
        Office(CONAKRY, "ORIGIN_MISSION", "GN", "Mission in Conakry", harness.MISSION, ("fatou", "sekou"))]}

    def filed(self, name, **change):
        """A case of Niamey's whose casework part Conakry holds."""
        case = stages.reach(self.c, "consented")
        case.send(NIAMEY, "CaseFile", CONAKRY,
                  {"casework": people.casework(case.reference, name=name, **change)})
        case.received(CONAKRY, "CaseFile")
        return case

    def consented(self, host=BAMAKO):
        return stages.reach(self.c, "consented", stages.Case(self.c, host=host))

    def ask(self, case=None, **change):
        """(case, message): a question of Bamako's, as Conakry holds it."""
        case = case or self.consented()
        case.send(case.host, "DuplicateQuestion", CONAKRY, people.duplicate_question(**change))
        return case, case.received(CONAKRY, "DuplicateQuestion")[0]["messageId"]

    def run_at(self, office, *words, code=0, **more):
        answer = self.c.corridor(office, "duplicates", *words, **{"user": True, **more})
        self.assertEqual(answer.code, code, answer)
        return answer.json if code == 0 else answer.error

    def check(self, message, office=CONAKRY, **more):
        return self.run_at(office, "check", message, **more)

    def agreeing(self, message, office=CONAKRY):
        return [(one["case"], one["rule"]) for one in self.check(message, office)["candidates"]]

    def answered(self, case, message, *words):
        """The answer as Bamako reads it."""
        sent = self.run_at(CONAKRY, "answer", message, *words)["messages"]
        self.assertEqual([m["type"] for m in sent], ["DuplicateAnswer"])
        held = case.received(BAMAKO, "DuplicateAnswer")[0]["messageId"]
        return self.c.must(self.c.corridor(BAMAKO, "show", held, user=True))["content"]

    def owed(self, office, case):
        listed = self.c.must(self.c.corridor(office, "due", "--all"))["obligations"]
        return [(d["responsible"], d["state"]) for d in listed
                if d["case"] == case.handle and d["name"] == ANSWER_DUE]

    def events(self, office, case):
        listed = self.c.must(self.c.corridor(office, "timeline", case.handle))["events"]
        return [(e["event"], e["type"], e["detail"]) for e in listed]

    # --- the way of a question ---

    def test_asked_compared_and_answered_by_a_person(self):
        first = self.filed("Testina Exemplar")
        case, message = self.ask(names=["Тестина Экземплар"], birthDate="1994", programme="OTHER")
        for office in (CONAKRY, BAMAKO):
            wait_for(lambda: self.owed(office, case) == [(CONAKRY, "OPEN")], 20, f"owed, at {office}")
        found = self.check(message)
        (one,) = [c for c in found["candidates"] if c["case"] == first.handle]
        self.assertEqual((one["rule"], one["programme"], one["sameProgramme"], one["office"], one["box"]),
                         ("name-and-year", "JI", False, NIAMEY, "in"))
        self.assertNotIn("Testina", str(found))
        self.assertEqual(self.answered(case, message, "--possible", "--contact-function", DESK),
                         {"finding": "DUPLICATE_POSSIBLE", "contactFunction": DESK})
        for office in (CONAKRY, BAMAKO):
            wait_for(lambda: self.owed(office, case) == [(CONAKRY, "MET")], 20, f"answered, at {office}")
        self.assertIn(("compared", "DuplicateQuestion", "fatou"), self.events(CONAKRY, case))
        self.assertNotIn("compared", str(self.events(CONAKRY, first)), "nothing points to the other case")

    def test_the_same_programme_is_said(self):
        first = self.filed("Vorherina Exemplar", birthDate="1990-03-05")
        _, message = self.ask(names=["EXEMPLAR, Vorherina"], birthDate="1990-05-03")
        found = self.check(message)["candidates"]
        self.assertEqual([(c["case"], c["rule"], c["sameProgramme"]) for c in found],
                         [(first.handle, "day-and-month-swapped", True)])

    def test_a_holder_must_look_before_an_answer_goes(self):
        case, message = self.ask()
        self.assertEqual(self.check(message, code=6, user=None)["code"], "NOT_PERMITTED")
        self.assertEqual(self.check(message, code=6, passphrase="not hers at all")["code"], "WRONG_PASSPHRASE")
        self.assertEqual(self.run_at(CONAKRY, "answer", message, "--none", code=6, user=None)["code"], "NOT_PERMITTED")
        self.assertEqual(case.send(CONAKRY, "DuplicateAnswer", BAMAKO, {"finding": "DUPLICATE_NONE"}, code=3)["code"],
                         "BAD_INPUT")
        asked = case.sent["DuplicateQuestion"][0]["messageId"]
        self.assertEqual(self.run_at(BAMAKO, "answer", asked, "--none", code=3)["code"], "NO_SUCH_MESSAGE")
        self.assertNotIn("DuplicateAnswer", str(self.events(CONAKRY, case)))

    def test_without_consent_nothing_is_asked(self):
        case = stages.reach(self.c, "registered", stages.Case(self.c, host=BAMAKO))
        refused = case.send(BAMAKO, "DuplicateQuestion", CONAKRY, people.duplicate_question(), code=4)
        self.assertEqual(refused["code"], "NO_CONSENT")

    # --- what the hub learns ---

    def message(self, case, kind):
        """(header, body, everything else) of the one message of this type, at the hub."""
        (row,) = self.c.query("SELECT header, body, compartment, purpose, categories, basis, consent_id, late, cover"
                              " FROM corridor.message WHERE type = %s AND handle = %s", kind,
                              bytes.fromhex(case.handle))
        header = pb.Header.FromString(bytes(row[0]))
        for field in ("message_id", "in_reply_to", "handle", "sent_at", "expires_at", "body_sha256", "checkpoint"):
            header.ClearField(field)
        return header, bytes(row[1]), row[2:]

    def test_the_hub_cannot_tell_one_answer_from_the_other(self):
        self.filed("Kannina Exemplar")
        seen = []
        for name, words in (("Kannina Exemplar", ("--possible", "--contact-function", "x" * 256)),
                            ("Niemandina Harmattan", ("--none",))):
            case, message = self.ask(names=[name])
            self.answered(case, message, *words)
            wait_for(lambda: self.owed(BAMAKO, case) == [(CONAKRY, "MET")], 20, "the duty is met")
            seen.append((case, self.message(case, pb.DUPLICATE_ANSWER)))
        (first, (header, body, rest)), (second, (other_header, other_body, other_rest)) = seen
        self.assertEqual(header, other_header)
        self.assertEqual(len(body), len(other_body))
        self.assertEqual(rest, other_rest)
        self.assertNotEqual(body, other_body)
        steps = [self.c.query("SELECT type, outcome, office FROM corridor.step WHERE handle = %s ORDER BY type",
                              bytes.fromhex(case.handle)) for case in (first, second)]
        self.assertEqual(*steps)

    # --- what is left out ---

    def test_what_is_left_out_is_counted(self):
        """Of one person's files: withdrawn, then erased; and the very case asked about."""
        first = self.filed("Wegina Exemplar", birthDate="1971-05-04")
        case, message = self.ask(names=["Wegina Exemplar"], birthDate="1971-05-04")
        before = self.check(message)
        self.assertEqual([c["case"] for c in before["candidates"]], [first.handle])
        self.c.must(self.c.corridor(NIAMEY, "withdraw", first.handle))
        notice = first.received(CONAKRY, "WithdrawalNotice")[0]["messageId"]
        withdrawn = self.check(message)
        self.assertEqual(withdrawn["candidates"], [])
        self.assertEqual(self.change(before, withdrawn, "withdrawn"), 1)
        self.assertEqual(withdrawn["compared"], before["compared"] - 1)
        told = self.c.must(self.c.corridor(CONAKRY, "show", notice))["content"]
        self.c.must(self.c.corridor(CONAKRY, "send", "-", input={
            "type": "ErasureStatement", "case": first.handle,
            "body": {"messageIds": told["messageIds"], "ground": "ERASED"}}))
        erased = self.check(message)
        self.assertEqual([self.change(withdrawn, erased, reason) for reason in ("withdrawn", "erased")], [-1, 1])
        case.send(BAMAKO, "CaseFile", CONAKRY,
                  {"casework": people.casework(case.reference, name="Wegina Exemplar", hostOffice=BAMAKO)})
        case.received(CONAKRY, "CaseFile")
        own = self.check(message)
        self.assertEqual((own["candidates"], self.change(erased, own, "sameCase")), ([], 1))

    def change(self, one, other, reason):
        return other["leftOut"][reason] - one["leftOut"][reason]

    # --- other messages that can be compared ---

    def test_a_file_that_came_without_a_question_and_what_was_sent_from_here(self):
        first = self.filed("Zweimalina Exemplar", birthDate="1988-11-30")
        second = self.filed("Exemplar Zweimalina", birthDate="1988-11-03")
        held = second.received(CONAKRY, "CaseFile")[0]["messageId"]
        self.assertEqual(self.agreeing(held), [(first.handle, "birth-date-slip")])
        sent = second.sent["CaseFile"][0]["messageId"]
        (one,) = self.check(sent, NIAMEY)["candidates"]
        self.assertEqual((one["case"], one["box"], one["office"]), (first.handle, "out", CONAKRY))
        third = self.consented(host=NIAMEY)
        third.send(NIAMEY, "DuplicateQuestion", CONAKRY, people.duplicate_question(
            names=["Zweimalina Exemplar"], birthDate="1988-11-30"))
        asked = third.sent["DuplicateQuestion"][0]["messageId"]
        self.assertEqual([case for case, _ in self.agreeing(asked, NIAMEY)], [first.handle, second.handle])

    def test_other_messages_cannot(self):
        case = stages.reach(self.c, "filed")
        part = next(m["messageId"] for m in case.received(CONAKRY, "CaseFile", count=2)
                    if m["compartment"] == "OPERATIONS")
        self.assertEqual(self.check(part, code=3)["code"], "NO_SUCH_MESSAGE")
        self.assertEqual(self.check("0" * 32, code=3)["code"], "NO_SUCH_MESSAGE")
        self.assertEqual(self.check("none", code=3)["code"], "BAD_INPUT")

    # --- nothing stays ---

    def test_names_that_were_compared_are_gone_from_memory(self):
        given, family = "Qwertzuinalotta-Marmelina", "Yxcvbnovalenta Ölmühlentalerin"
        name, written = f"{given} {family}", ("kuertzuinalota", "iksvbnovalenta", "olmuhlentalerin")
        self.filed(name)
        _, message = self.ask(names=[name.upper(), name])
        self.assertEqual(len(self.check(message)["candidates"]), 1)
        pid = self.c.processes[CONAKRY].popen.pid
        texts = [*written, *(turn(part) for part in (given, family) for turn in (str, str.upper, str.lower))]
        needles = [text.encode(code) for code in ("utf-8", "utf-16-le") for text in texts]
        try:
            self.assertTrue(memory.find(pid, [CONAKRY.encode()]), "this test sees what is in memory")
        except PermissionError as error:
            self.skipTest(f"this account may not read a process that is not dumpable: {error}")
        wait_for(lambda: not memory.find(pid, needles), 5, "no name is in the agent's memory")


if __name__ == "__main__":
    unittest.main()
