"""The CA's permission table, agreements and regions under suspension, as offices, the CA
and oversight meet them: what no row lets pass is refused and not lost, a change is in
force at once for what waits, and each change and each disclosure says in whose name."""

import json
import unittest

import harness
import people
import stages
from harness import wait_for
from identity import PERMISSIONS
from protocol_bytes import pb


class PermissionsTest(harness.ClusterTest):
    def setUp(self):
        self.table = json.loads(PERMISSIONS.read_text())

    def enter(self, table, code=0):
        if code == 0:
            self.addCleanup(self.restore)
        return self.c.identity.ca("permissions", self.c.identity.write("table.json", table), code=code)

    def restore(self):
        """The table that ships, in force again."""
        self.c.identity.ca("permissions", PERMISSIONS)
        self.publish()

    def publish(self):
        """And every office has it."""
        self.c.publish()
        number = int(self.c.identity.ca("list")["number"])
        for office in self.c.offices:
            wait_for(lambda: self.c.status(office).get("cardList") == number, 20, f"{office} has list {number}")
        return number

    def publish_table(self, table):
        self.enter(table)
        return self.publish()

    def row(self, sender, recipient, compartment):
        return next(row for row in self.table["permissions"] if sender in row["senders"]
                    and recipient in row["recipients"] and row["compartment"] == compartment)

    def without(self, *categories):
        """The table, without these from a host mission to an origin mission's casework."""
        row = self.row("ROLE_HOST_MISSION", "ROLE_ORIGIN_MISSION", "CASEWORK")
        row["view"] = [category for category in row["view"] if category not in categories]
        return self.table

    def routes(self, office):
        return self.c.must(self.c.corridor(office, "permissions"))

    def logged(self, kind):
        return [record for record in (pb.LogRecord.FromString(bytes(raw)) for raw, in
                                      self.c.query("SELECT record FROM corridor.log_record ORDER BY leaf_id"))
                if record.kind == kind]

    def audit(self, *words):
        return self.c.must(self.c.run([self.c.program("corridor"), "--json", "audit", *words, "--db",
                                       self.c.database.conninfo(user="corridor_oversight")]))


class Table(PermissionsTest):
    def test_a_category_that_no_row_permits_is_refused_and_nothing_is_kept(self):
        case = stages.reach(self.c, "consented")
        self.publish_table(self.without("EDUCATION"))
        error = case.send(people.HOST, "CaseFile", people.ORIGIN, people.case_file(case.reference), code=4)
        self.assertEqual((error["code"], error["retry"]), ("NO_ROUTE", True))
        self.assertIn("permission table", error["sentence"])
        self.restore()
        case.filed()

    def test_a_list_without_permissions_lets_nothing_pass(self):
        case = stages.reach(self.c, "consented")
        self.publish_table({"permissions": []})
        error = case.send(people.HOST, "CaseFile", people.ORIGIN, people.case_file(case.reference), code=4)
        self.assertEqual(error["code"], "NO_ROUTE")
        self.assertEqual(self.routes(people.HOST)["routes"], [])
        # Records are for the hub, and withdrawing is never blocked.
        self.c.must(self.c.corridor(people.HOST, "withdraw", case.handle))

    def test_what_waits_at_the_hub_is_stopped_when_its_permission_ends(self):
        case = stages.reach(self.c, "consented")
        self.c.stop(people.ORIGIN)
        sent = self.c.must(self.c.corridor(people.HOST, "send", "-", input={
            "type": "CaseFile", "to": people.ORIGIN, "case": case.handle,
            "body": people.case_file(case.reference, operations=None)}))["messages"][0]
        self.enter(self.without("EDUCATION"))
        self.c.publish()
        self.c.start_process(people.ORIGIN)
        self.c.wait_ready([people.ORIGIN])

        def ended():
            shown = self.c.must(self.c.corridor(people.HOST, "show", sent["messageId"]))
            return shown if shown["state"] == "stopped" else None
        self.assertEqual(wait_for(ended, 20, "the sender is told")["refusal"], "NO_ROUTE")
        held = self.c.must(self.c.corridor(people.ORIGIN, "inbox"))["messages"]
        self.assertNotIn(sent["messageId"], [message["messageId"] for message in held])

    def test_a_table_of_the_ca_cannot_open_what_is_shut_for_all(self):
        before = self.c.identity.ca("list")
        for role, category in (("ROLE_DONOR", "BIODATA"), ("ROLE_EU_DELEGATION", "TRAVEL"),
                               ("ROLE_COMMITTEE", "ECONOMIC"), ("ROLE_NOTIFYING_AUTHORITY", "CONTACT"),
                               ("ROLE_SERVICE_PROVIDER", "ASYLUM")):
            with self.subTest(role):
                table = {"permissions": [{"senders": ["ROLE_HOST_MISSION"], "recipients": [role],
                                          "compartment": "OPERATIONS", "enter": [category], "view": [category]}]}
                self.enter(table, code=4)
        self.enter({"permissions": [{"senders": ["ROLE_KING"]}]}, code=3)
        self.c.identity.publish()
        self.c.import_cards()
        self.assertEqual(self.c.identity.ca("list")["permissions"], before["permissions"])

    def test_an_office_sees_what_it_may_send_under_which_agreement_until_when(self):
        told = self.routes(people.HOST)
        found = {(r["to"], r["compartment"]): r for r in told["routes"]}
        casework = found[people.ORIGIN, "CASEWORK"]
        self.assertEqual((casework["agreement"], casework["programme"], casework["validUntil"], casework["suspended"]),
                         ("JI-2026", "JI", "2028-01-01T00:00:00Z", False))
        self.assertIn("LEGAL", casework["categories"])
        self.assertNotIn("HEALTH_DATA", casework["categories"], "the SOP table bounds it")
        self.assertIn("HEALTH_DATA", found[people.ORIGIN, "HEALTH"]["categories"])
        self.assertNotIn((people.KINDIA, "OPERATIONS"), found)
        text = self.c.corridor(people.HOST, "permissions", json_out=False).out
        for part in (people.ORIGIN, "JI-2026", "2028-01-01", "MONITORING_DATA"):
            self.assertIn(part, text)

    def test_the_ca_prints_its_list_readably(self):
        shown = self.c.run([self.c.program("corridor"), "ca", "list", "--dir", self.c.identity.ca_dir]).out
        for part in ("Agreement  JI-2026", "Assessment  DPIA-2026-001", "May view  OPERATIONAL, ", "ROLE_SERVICE_PROVIDER",
                     "Regions under suspension"):
            self.assertIn(part, shown)


class Changes(PermissionsTest):
    def test_each_change_is_a_log_record_and_oversight_reads_it(self):
        before = len(self.audit("permissions")["changes"])
        self.assertEqual(before, len(self.logged(pb.LOG_PERMISSION_CHANGED)))
        self.assertGreater(before, 0, "of the first list all is new")
        self.c.identity.ca("agreement", self.c.identity.write("agreement.json", self.c.agreement(
            validUntil="2027-06-01")))
        self.c.identity.ca("region", "ML-1", "--suspend", "PUBLIC_HEALTH")
        number = self.publish_table(self.without("LEGAL"))
        found = self.audit("permissions")["changes"][before:]
        changed = {(c["part"], c["change"], c["subject"]): c for c in found}
        senders = self.row("ROLE_HOST_MISSION", "ROLE_ORIGIN_MISSION", "CASEWORK")["senders"]
        cells = {("PERMISSION", "ALTERED", f"{s[5:]} > {r}, casework") for s in senders
                 for r in ("HOST_MISSION", "PARTNER", "ORIGIN_MISSION")}
        self.assertEqual(set(changed), cells | {("AGREEMENT", "ALTERED", "JI-2026"), ("REGION", "ADDED", "ML-1")})
        self.assertTrue(all(c["cardList"] == str(number) for c in found))
        self.assertNotIn("LEGAL", changed["PERMISSION", "ALTERED", "HOST_MISSION > ORIGIN_MISSION, casework"]["categories"])
        records = self.logged(pb.LOG_PERMISSION_CHANGED)[before:]
        self.assertEqual(sorted(r.subject for r in records), sorted(subject for _, _, subject in changed))
        self.assertEqual({(r.sender, r.card_list) for r in records}, {("ca", number)})
        text = self.c.run([self.c.program("corridor"), "audit", "permissions", "--db",
                           self.c.database.conninfo(user="corridor_oversight")]).out
        self.assertIn("HOST_MISSION > ORIGIN_MISSION, casework", text)

        # The same list again, or a newer one that says the same, changes nothing.
        self.c.import_cards()
        self.publish()
        self.assertEqual(len(self.audit("permissions")["changes"]), before + len(found))
        self.c.identity.ca("region", "ML-1", "--lift")
        self.publish()
        self.assertEqual([(c["change"], c["subject"]) for c in self.audit("permissions")["changes"][before + len(found):]],
                         [("REMOVED", "ML-1")])

    def test_each_disclosure_names_the_agreement_that_authorised_it(self):
        case = stages.reach(self.c, "booked")
        told = self.audit("report", "--case", case.handle)["disclosures"]
        self.assertEqual([d["agreement"] for d in told], ["JI-2026"] * len(told))
        self.assertGreaterEqual(len(told), 3)
        sent = {bytes.fromhex(m["messageId"].replace("-", "")) for kind in ("CaseFile", "ABN") for m in case.sent[kind]}
        for kind in (pb.LOG_ADMITTED, pb.LOG_CLAIMED):
            named = [r.agreement for r in self.logged(kind) if r.message_id in sent]
            self.assertEqual(named, ["JI-2026"] * len(sent), pb.LogKind.Name(kind))
        self.assertEqual({r.agreement for r in self.logged(pb.LOG_ADMITTED) if r.recipient == "hub"}, {""})


class Regions(PermissionsTest):
    """No return is prepared or booked there; help under way goes on."""

    def suspend(self, region, reason="INSECURITY"):
        self.c.identity.ca("region", region, "--suspend", reason)
        self.addCleanup(self.lift, region)
        self.publish()

    def lift(self, region):
        if region in [r["region"] for r in self.c.identity.ca("list").get("suspended", [])]:
            self.c.identity.ca("region", region, "--lift")
            self.publish()

    def test_a_country(self):
        booked, travelling = stages.reach(self.c, "confirmed"), stages.reach(self.c, "ticketed")
        filed = stages.reach(self.c, "filed")
        self.suspend("GN", "DISASTER")
        for case, kind, body in ((filed, "ABN", people.abn(filed.reference)), (booked, "TicketIssued", people.ticket())):
            error = case.send(people.HOST, kind, people.ORIGIN, body, code=4)
            self.assertEqual((error["code"], error["retry"]), ("REGION_SUSPENDED", True), kind)
        told = self.routes(people.HOST)
        self.assertEqual([(r["region"], r["reason"]) for r in told["suspendedRegions"]], [("GN", "DISASTER")])
        self.assertTrue(all(r["suspended"] for r in told["routes"] if r["to"] == people.ORIGIN))
        self.assertIn("DISASTER", self.c.corridor(people.HOST, "permissions", json_out=False).out)
        # Who has a ticket travels, arrives and is referred.
        stages.reach(self.c, "referred", travelling)
        self.c.must(self.c.corridor(people.HOST, "withdraw", filed.handle))
        # What was told of who has left is corrected; it prepares no return.
        right = people.case_file(travelling.reference, operations=None)
        travelling.send(people.HOST, "CaseFile", people.ORIGIN, right)
        error = travelling.send(people.HOST, "ABN", people.ORIGIN, people.abn(travelling.reference), code=4)
        self.assertEqual(error["code"], "REGION_SUSPENDED")
        self.lift("GN")
        booked.ticketed()

    def test_a_booking_that_waits_is_stopped(self):
        case = stages.reach(self.c, "filed")
        self.c.stop(people.ORIGIN)
        sent = case.send(people.HOST, "ABN", people.ORIGIN, people.abn(case.reference))["messages"][0]
        self.c.identity.ca("region", "GN", "--suspend", "NO_RECEPTION")
        self.addCleanup(self.lift, "GN")
        self.c.publish()
        self.c.start_process(people.ORIGIN)
        self.c.wait_ready([people.ORIGIN])

        def ended():
            shown = self.c.must(self.c.corridor(people.HOST, "show", sent["messageId"]))
            return shown if shown["state"] == "stopped" else None
        self.assertEqual(wait_for(ended, 20, "the sender is told")["refusal"], "REGION_SUSPENDED")

    def test_a_part_of_a_country_is_known_to_the_senders_agent_alone(self):
        case = stages.reach(self.c, "consented")
        self.suspend("GN-K")

        def sends(region, code):
            place = {"country": "GN", "region": region, "city": "Exemplar"}
            body = people.case_file(case.reference, casework=people.casework(case.reference, intendedReturn=place),
                                    operations=None)
            return case.send(people.HOST, "CaseFile", people.ORIGIN, body, code=code)
        error = sends("GN-K", 4)
        self.assertEqual((error["code"], error["path"]), ("REGION_SUSPENDED", "/body/casework/intendedReturn"))
        error = sends("Kankan", 3)  # it could be any region
        self.assertEqual((error["code"], error["path"]), ("BAD_INPUT", "/body/casework/intendedReturn/region"))
        sends("GN-D", 0)
        place = {"country": "GN", "region": "GN-K", "city": "Exemplar"}
        error = case.send(people.HOST, "ABN", people.ORIGIN,
                          people.abn(case.reference, finalDestination=place), code=4)
        self.assertEqual((error["code"], error["path"]), ("REGION_SUSPENDED", "/body/finalDestination"))


if __name__ == "__main__":
    unittest.main()
