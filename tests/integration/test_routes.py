"""What the hub's own gate lets pass between two offices: the permission table, the papers
of an agreement, regions under suspension, and asylum matters. The offices here are
Python's, which check nothing before they send."""

import json
import unittest

from identity import CATEGORIES, PERMISSIONS
from protocol_bytes import pb
from wire_offices import AGENCY, HOST, ORIGIN, UNHCR, Case, WireTest, scope

DEPARTED = dict(basis=pb.NO_PERSONAL_DATA, categories=[pb.OPERATIONAL])


class RoutesTest(WireTest):
    def code(self, office, kind, recipient, handle, **fields):
        """Of one message that the hub judges alone."""
        party = self.at(office)
        return party.codes(party.agent.sign(party.sealed(kind, recipient, handle, **fields)))[0]

    def agree(self, code=0, **change):
        agreement = self.c.agreement(offices=list(self.parties), **change)
        self.c.identity.ca("agreement", self.c.identity.write("agreement.json", agreement), code=code)

    def publish(self):
        self.c.publish()
        number = self.c.identity.ca("list")["number"]
        self.wait(lambda: f"event=cards-loaded number={number} " in self.c.processes["core"].text(), "the core has it")

    def permit(self, change=None):
        """The table that ships, changed by change(rows); in force at the hub."""
        table = json.loads(PERMISSIONS.read_text())
        if change:
            change(table["permissions"])
        self.c.identity.ca("permissions", self.c.identity.write("table.json", table))
        self.publish()

    def consented(self, personal=(pb.CHILD_BID,), purpose=pb.RETURN_PREPARATION, **to):
        """A case whose consent covers these as well."""
        case, host = Case(), self.at(HOST)
        record = case.consent_record()
        record.scopes.append(scope(purpose, sorted(personal), **(to or {"recipient_office": ORIGIN})))
        host.record_one(pb.REGISTRATION, case.registration(), case.handle)
        host.record_one(pb.CONSENT_RECORD, record, case.handle)
        return case


class Papers(RoutesTest):
    def tearDown(self):
        self.agree()
        self.permit()

    def test_child_data_needs_the_states_protocol(self):
        case, child = self.consented(), dict(categories=[pb.BIODATA, pb.CHILD_BID])
        self.agree(childDataProtocol="")
        self.publish()
        self.assertEqual(self.code(HOST, pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent, **child),
                         "NO_AGREEMENT")
        self.assertEqual(self.code(HOST, pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent), "OK")
        self.agree()
        self.publish()
        self.assertEqual(self.code(HOST, pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent, **child), "OK")

    def test_an_agreement_without_its_papers_is_none(self):
        self.agree(dpiaReference="", code=3)
        self.agree(recordTransferMou="", code=3)
        self.agree(recordTransferMou="", categories=[c for c in CATEGORIES if c not in ("HEALTH_DATA", "MENTAL_HEALTH")])

    def test_a_row_less_and_the_hub_refuses(self):
        case = self.consented()
        fields = dict(consent_id=case.consent, categories=[pb.BIODATA, pb.CHILD_BID])

        def less(rows):
            for row in rows:
                if row["compartment"] == "CASEWORK" and "ROLE_ORIGIN_MISSION" in row["recipients"]:
                    row["enter"].remove("CHILD_BID")
        self.permit(less)
        self.assertEqual(self.code(HOST, pb.CASE_FILE, ORIGIN, case.handle, **fields), "NO_ROUTE")
        self.permit(lambda rows: rows.clear())
        self.assertEqual(self.code(HOST, pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent,
                                   categories=[pb.OPERATIONAL]), "NO_ROUTE")
        self.assertEqual(self.at(HOST).record_code(pb.REGISTRATION, Case().registration(), Case().handle), "OK")
        self.permit()
        self.assertEqual(self.code(HOST, pb.CASE_FILE, ORIGIN, case.handle, **fields), "OK")


class Region(RoutesTest):
    def test_nothing_is_booked_to_a_country_under_suspension(self):
        filed, confirmed, ticketed = self.cases(3)
        host, origin = self.at(HOST), self.at(ORIGIN)
        for case in (confirmed, ticketed):
            abn = self.delivered(host.send_one(pb.ABN, ORIGIN, case.handle, consent_id=case.consent))
            origin.send_one(pb.ABN_CONFIRM, HOST, case.handle, in_reply_to=abn.id)
        host.send_one(pb.TICKET_ISSUED, ORIGIN, ticketed.handle, consent_id=ticketed.consent)
        self.c.identity.ca("region", "GN", "--suspend", "INSECURITY")
        self.publish()
        self.assertEqual(self.code(HOST, pb.ABN, ORIGIN, filed.handle, consent_id=filed.consent), "REGION_SUSPENDED")
        self.assertEqual(self.code(HOST, pb.TICKET_ISSUED, ORIGIN, confirmed.handle, consent_id=confirmed.consent),
                         "REGION_SUSPENDED")
        # A case may be filed, and who has a ticket arrives.
        self.assertEqual(self.code(HOST, pb.CASE_FILE, ORIGIN, filed.handle, consent_id=filed.consent), "OK")
        self.assertEqual(self.code(HOST, pb.DEPARTURE_CONFIRMATION, ORIGIN, ticketed.handle, **DEPARTED), "OK")
        self.assertEqual(self.code(ORIGIN, pb.ARRIVAL_NOTICE, HOST, ticketed.handle), "OK")
        self.at(HOST).withdraw(filed.handle)
        self.c.identity.ca("region", "GN", "--lift")
        self.publish()
        self.assertEqual(self.code(HOST, pb.TICKET_ISSUED, ORIGIN, confirmed.handle, consent_id=confirmed.consent), "OK")


class Asylum(RoutesTest):
    parties = (HOST, ORIGIN, UNHCR, AGENCY)
    told = (pb.BIODATA, pb.CONTACT, pb.ASYLUM)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.c.identity.ca("asylum", UNHCR)
        cls.c.identity.ca("agreement", cls.c.identity.write("agreement.json", cls.c.agreement(
            offices=list(cls.parties), categories=[*CATEGORIES, "ASYLUM"])))
        cls.c.publish()

    def test_asylum_matters_go_to_unhcr_alone(self):
        host = self.at(HOST)
        case = self.consented(self.told, pb.REINTEGRATION, recipient_role=pb.ROLE_UN_AGENCY)
        self.assertEqual(host.codes([host.offer(AGENCY, case, categories=self.told)]), ["CATEGORY_NOT_ALLOWED"])
        self.assertEqual(host.codes([host.offer(AGENCY, case, categories=self.told[:2])]), ["OK"])
        offer = host.offer(UNHCR, case, categories=self.told)
        self.assertEqual(host.codes([offer]), ["OK"])
        self.at(UNHCR)
        self.delivered(offer)
        handle = offer.header.handle
        self.at(UNHCR).send_one(pb.REFERRAL_ACK, HOST, handle, outcome=pb.YES, in_reply_to=offer.id)
        self.assertEqual(self.code(HOST, pb.REFERRAL_HANDOVER, UNHCR, handle, consent_id=case.consent,
                                   categories=self.told), "OK")
        self.assertEqual(self.code(HOST, pb.CASE_FILE, ORIGIN, case.handle, consent_id=case.consent,
                                   categories=[pb.BIODATA, pb.ASYLUM]), "CATEGORY_NOT_ALLOWED")


if __name__ == "__main__":
    unittest.main()
