"""A booking for a mission in transit: the journey, and nobody's number."""

import unittest

import harness
import people
import stages
from harness import Office

HOST, TRANSIT = people.HOST, "bj-cotonou"
PERSON = dict.fromkeys(["caseRef", "profileSummary", "vulnerabilitySummary", "priorAssistance"])


def booking(case, **change):
    body = {**people.abn(case.reference), "transitPoints": ["Cotonou"], "transitAssistanceNeeded": True, **change}
    return {field: value for field, value in body.items() if value is not None}


class Transit(harness.ClusterTest):
    cluster = {"offices": [*harness.standard_offices(),
                           Office(TRANSIT, "TRANSIT_MISSION", "BJ", "Mission Cotonou", ["operations"])]}

    def filed(self):
        """The person agrees to the journey being told in Cotonou."""
        case = stages.Case(self.c)
        case.registered()
        consent = people.consent()
        consent["scopes"].append(people.scope("RETURN_AND_DATA", "TRAVEL_ARRANGEMENT",
                                              ["OPERATIONAL", "TRAVEL", "INSTRUCTION"], recipientOffice=TRANSIT))
        self.c.must(self.c.corridor(HOST, "consent", "-", input={"case": case.handle, "consent": consent}))
        case.filed()
        return case

    def test_it_has_the_journey_and_not_the_person(self):
        case = self.filed()
        refused = case.send(HOST, "ABN", TRANSIT, booking(case), code=4)
        self.assertEqual(refused["code"], "CATEGORY_NOT_ALLOWED")
        understated = case.send(HOST, "ABN", TRANSIT, booking(case), code=3, categories=["OPERATIONAL", "TRAVEL"])
        self.assertEqual((understated["code"], understated["path"]), ("BAD_INPUT", "/categories"))
        case.send(HOST, "ABN", TRANSIT, booking(case, **PERSON))
        notice, = case.received(TRANSIT, "ABN")
        shown = self.c.must(self.c.corridor(TRANSIT, "show", notice["messageId"], user=True))["content"]
        self.assertEqual((shown["transitPoints"], shown["route"]), (["Cotonou"], "NIM-CKY"))
        self.assertNotIn(case.reference, str(shown))

    def test_the_mission_of_origin_hears_for_whom(self):
        case = stages.reach(self.c, "filed")
        refused = case.send(HOST, "ABN", people.ORIGIN, booking(case, **PERSON), code=3)
        self.assertEqual((refused["code"], refused["path"]), ("MISSING_FIELD", "/body/caseRef"))


if __name__ == "__main__":
    unittest.main()
