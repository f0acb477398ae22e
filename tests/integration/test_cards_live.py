"""Cards and agreements that go wrong while everything runs: an office of another
CA, a card or a list that has expired, a suspended and a revoked card, a recipient
without agreement. Each refusal is named, what was kept goes out when the cause is
gone, and the others' traffic never stops."""

import time
import unittest

import harness
import people
import stages
from exactly import Stream
from harness import Office, wait_for
from identity import CATEGORIES, REFERENCES, Identity

BAMAKO, DAKAR = "ml-bamako", "sn-dakar"
CARD_SUSPENDED, CARD_LIST_EXPIRED = 22, 26
SMALL = ["operations", "casework"]


class CardsTest(harness.ClusterTest):
    def open_case(self, origin=people.ORIGIN):
        case = stages.Case(self.c, origin=origin)
        case.registered()
        record = people.consent()
        for scope in record["scopes"]:
            if scope.get("recipientOffice") == people.ORIGIN:
                scope["recipientOffice"] = origin
        case.consent_id = self.c.must(self.c.corridor(
            people.HOST, "consent", "-", input={"case": case.handle, "consent": record}))["consentId"]
        return case

    def sends(self, case, code=0):
        """One case file of one part; returns what `corridor send` said."""
        answer = self.c.corridor(people.HOST, "send", "-", "--wait", "2", input={
            "type": "CaseFile", "to": case.origin, "case": case.handle,
            "body": people.case_file(case.reference, casework=None)})
        self.assertEqual(answer.code, code, answer)
        return answer.json if code == 0 else answer.error

    def others_go_on(self, case=None):
        """A message between two offices that have nothing to do with the trouble."""
        stream = Stream(self.c, case or self.open_case())
        stream.send(wait=10)
        stream.arrived_once(self)

    def connected(self, office):
        return self.c.status(office).get("connected")


class OneOffice(CardsTest):
    """Trouble with one card; the host and the origin mission work on."""

    def test_office_of_another_ca(self):
        folder = self.c.dir / "other"
        folder.mkdir()
        other = Identity(folder, self.c.program("corridor"), self.c.run, self.c.must)
        stranger = Office(people.LABE, "SERVICE_PROVIDER", "GN", "Not on the list", [])
        other.make_new([harness.HUB, stranger], people.BEGIN, [], [])
        refused = self.c.run([self.c.program("corridor-broker"), "cards", "import", other.cardlist, "--db",
                              self.c.database.conninfo(), "--ca", self.c.identity.ca_crt])
        self.assertEqual(refused.code, 4, refused)
        self.assertIn("BAD_SIGNATURE", refused.err)
        refused = self.c.run([self.c.program("corridor"), "--json", "office", "install", "--dir",
                              self.c.identity.keys(people.LABE), "--ca", self.c.identity.ca_crt,
                              "--cardlist", other.cardlist])
        self.assertEqual(refused.code, 4, refused)

        before = self.c.metric("door", "corridor_door_refused_total")
        self.c.add("stranger", "corridor-agent", [], {
            "office_dir": other.keys(people.LABE), "store": folder / "store.db", "socket": folder / "agent.sock",
            "brokers": f"tcp://{self.c.address('door')}", "hub_key": self.c.hub_key(),
            "catalogue": harness.SOURCE / "deploy" / "catalogue"}, kind="agent")
        self.c.start_process("stranger")
        try:
            wait_for(lambda: self.c.metric("door", "corridor_door_refused_total") >= before + 2,
                     20, "the door refused the stranger twice")
            status = self.c.run([self.c.program("corridor"), "--agent", folder / "agent.sock", "--json", "status"])
            self.assertFalse(status.json["connected"])
            self.others_go_on()
        finally:
            self.c.stop("stranger")

    def test_suspended_card_keeps_and_sends_after_reinstatement(self):
        case = self.open_case()
        stream = Stream(self.c, case)
        stream.send(wait=10)
        self.c.broker("suspend", people.HOST, "--db", self.c.database.conninfo(),
                      "--demo-clock", self.c.identity.clock)
        answer = self.sends(case, code=5)
        stream.ids += answer["kept"]
        self.assertEqual(answer["code"], "KEPT_NOT_SENT")
        self.assertEqual(stream.refusals(stream.ids[-1]), {CARD_SUSPENDED})
        self.assertEqual(stream.inbox(), stream.ids[:1])
        self.c.publish()
        stream.arrived_once(self)

    def test_revoked_card_on_a_live_connection_is_cut_within_a_second(self):
        case = self.open_case()
        wait_for(lambda: self.connected(people.KINDIA), 20, "connected before")
        sessions = self.c.metric("core", "corridor_core_sessions")
        self.c.identity.ca("revoke", people.KINDIA)
        self.c.identity.publish()
        self.c.import_cards()
        began = time.monotonic()
        wait_for(lambda: self.c.metric("core", "corridor_core_sessions") == sessions - 1, 5, "the connection is cut")
        took = time.monotonic() - began
        print(f"revoked to cut: {took:.3f} s")
        self.assertLess(took, 1.0)
        wait_for(lambda: not self.connected(people.KINDIA), 10, "its agent knows")
        self.others_go_on(case)
        self.assertFalse(self.connected(people.KINDIA))


class Agreements(CardsTest):
    cluster = {"offices": [
        *harness.standard_offices()[:2],
        Office(BAMAKO, "ORIGIN_MISSION", "ML", "Mission in Bamako", SMALL),
        Office(DAKAR, "ORIGIN_MISSION", "SN", "Mission in Dakar", SMALL)],
        "agreements": [
            {"id": "JI-2026", "programme": "JI", "offices": [people.HOST, people.ORIGIN],
             "categories": CATEGORIES, "validFrom": "2026-01-01", "validUntil": "2028-01-01", **REFERENCES},
            {"id": "JI-ML", "programme": "JI", "offices": [people.HOST, BAMAKO], "categories": CATEGORIES,
             "validFrom": "2026-01-01", "validUntil": "2026-03-05", **REFERENCES}]}

    def test_recipient_without_agreement_and_one_whose_agreement_expires(self):
        elsewhere = self.open_case()
        elsewhere.origin = DAKAR
        self.assertEqual(self.sends(elsewhere, code=4)["code"], "NO_AGREEMENT")

        case = self.open_case(BAMAKO)
        stream = Stream(self.c, case, recipient=BAMAKO)
        stream.send(wait=10)
        stream.arrived_once(self)
        # One waits at the hub for its recipient, one at its sender for the hub.
        self.c.stop(BAMAKO)
        at_hub = self.sends(case)["messages"][0]["messageId"]
        self.c.stop("door")
        at_sender = self.sends(case, code=5)["kept"][0]
        self.c.set_clock("2026-03-05T00:00:01Z")
        for name in ("door", BAMAKO):
            self.c.start_process(name)
        self.c.wait_ready()
        stream.ids += [at_hub, at_sender]
        wait_for(lambda: stream.outbox().get(at_hub) == "stopped", 20, "the hub stops what it held")
        wait_for(lambda: stream.outbox().get(at_sender) == "refused", 30, "the hub refuses what comes")
        for message in (at_hub, at_sender):
            shown = self.c.must(self.c.corridor(people.HOST, "show", message))
            self.assertEqual(shown["refusal"], "NO_AGREEMENT")
        self.assertEqual(stream.inbox(), stream.ids[:1])
        self.assertEqual(self.sends(case, code=4)["code"], "NO_AGREEMENT")
        self.others_go_on()


class Expiry(CardsTest):
    """Time passes over a card and then over the list itself."""

    def test_expired_card_then_expired_list(self):
        case, untouched = self.open_case(), self.open_case()
        # KINDIA plays no part; the host's card is renewed for three days only.
        request = self.c.dir / f"{people.HOST}.request"
        self.c.identity.ca("sign", request, "--days", "3")
        self.c.identity.publish("--days", "30")
        self.c.import_cards()
        number = self.c.identity.ca("list")["number"]
        wait_for(lambda: self.c.status(people.HOST)["cardList"] == int(number), 10, "the host holds the new list")

        self.c.set_clock("2026-03-06T09:00:00Z")
        self.assertEqual(self.sends(case, code=4)["code"], "CARD_EXPIRED")
        self.c.restart(people.HOST)
        wait_for(lambda: self.c.status(people.HOST).get("lastRefusal") == "CARD_EXPIRED", 20,
                 "an expired card opens no session")
        self.c.identity.ca("sign", request)
        self.c.publish()
        self.c.must(self.c.run([self.c.program("corridor"), "--json", "office", "install", "--dir",
                                self.c.identity.keys(people.HOST), "--ca", self.c.identity.ca_crt,
                                "--cardlist", self.c.identity.cardlist]))
        self.c.restart(people.HOST)
        self.c.wait_ready([people.HOST], 60)
        stream = Stream(self.c, case)
        stream.send(wait=10)
        stream.arrived_once(self)

        self.c.identity.publish("--days", "2")
        self.c.import_cards()
        self.c.stop(people.ORIGIN)
        stream.send(wait=10)  # admitted in time, released in no expired list's name
        self.c.stop("door")
        stream.ids += self.sends(case, code=5)["kept"]  # sealed in time, arrives too late
        self.c.set_clock("2026-03-09T09:00:00Z")
        self.c.start_process("door")
        self.c.start_process(people.ORIGIN)
        self.c.wait_ready([people.ORIGIN, people.HOST])
        self.assertTrue(self.c.status(people.HOST)["cardListExpired"])
        # Nothing is sealed to keys of an expired list; the hub refuses what was.
        self.assertEqual(self.sends(case, code=4)["code"], "CARD_LIST_EXPIRED")
        wait_for(lambda: stream.refusals(stream.ids[-1]) == {CARD_LIST_EXPIRED}, 20, "the hub refuses it")
        self.assertEqual(stream.inbox(), stream.ids[:1])
        # Withdrawing is never blocked, and past recipients are told.
        self.c.must(self.c.corridor(people.HOST, "withdraw", untouched.handle))
        self.c.publish()
        stream.arrived_once(self)


if __name__ == "__main__":
    unittest.main()
