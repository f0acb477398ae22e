"""A consent as it was given: sealed at the office beside the record that the hub gets,
opened for a holder, listed while it runs out, exported and taken back; and the slip."""

import base64
import json
import os
import sqlite3
import unittest

import harness
import people
import stages

HOST, HOLDER = people.HOST, dict(user=True)
SCAN = b"%PDF-1.7 a scanned form of Testina Exemplar " + os.urandom(2000)
GUARDIAN = {"role": "GUARDIAN_HOST", "name": "Test Guardian", "relation": "aunt", "appointment": "court, 2026-01-05"}


def form(**change):
    return {"givers": [{"role": "SELF"}], "method": "SCANNED_SIGNATURE", "language": "fr",
            "formVersion": "declaration 2025-11", "givenOn": "2026-03-02",
            "safeContact": {"phone": "+224 000 000 009", "safeHours": "09:00-11:00",
                            "whoMayAnswer": "Testina Exemplar herself"},
            "toldWhyAndHow": True, "toldOfWithdrawal": True, **change}


def record(**change):
    """A consent as people.py has it, without what the form gives."""
    made = people.consent()
    del made["evidenceSha256"], made["validUntil"], made["version"]
    return {**made, **change}


def scan(data=SCAN, **change):
    return {"kind": "SCAN", "data": base64.b64encode(data).decode(), **change}


class ConsentForm(harness.ClusterTest):
    def setUp(self):
        self.case = stages.reach(self.c, "registered")

    def post(self, code=0, consent=None, **request):
        body = {"case": self.case.handle, "consent": consent or record(), "form": form(), "evidence": [scan()],
                **request}
        answer = self.c.corridor(HOST, "consent", "-", input={k: v for k, v in body.items() if v is not None})
        self.assertEqual(answer.code, code, answer)
        return answer.json["consentId"] if code == 0 else answer.error

    def refused(self, code, path, **request):
        error = self.post(code=3, **request)
        self.assertEqual((error["code"], error["path"]), (code, path), error)
        self.assertIn("othing was", error["detail"] + error["sentence"])
        self.assertNotIn("Testina", json.dumps(error))
        self.assertEqual(self.listed(), [])

    def listed(self, *more, **who):
        return self.c.must(self.c.corridor(HOST, "consent", "list", "--case", self.case.handle, *more, **who))["consents"]

    def show(self, consent, code=0, **who):
        answer = self.c.corridor(HOST, "consent", "show", consent, **who)
        self.assertEqual(answer.code, code, answer)
        return answer.json if code == 0 else answer.error

    def test_a_way_that_the_programme_does_not_take(self):
        def policies(*rows, code=0):
            return self.c.identity.ca("consent-policy", self.c.identity.write(
                "policy.json", {"consentPolicies": list(rows)}), code=code)

        def in_force():
            self.c.publish()
            number = int(self.c.identity.ca("list")["number"])
            harness.wait_for(lambda: self.c.status(HOST).get("cardList") == number, 20, "the office has the list")

        policies({"scope": "RETURN_AND_DATA", "forbidden": ["VERBAL_PHONE"]}, code=3)
        policies({"scope": "RETURN_AND_DATA", "forbidden": ["SCANNED_SIGNATURE", "RECORDED_AUDIO"]})
        in_force()
        try:
            error = self.post(code=3)
            self.assertEqual((error["code"], error["path"]), ("BAD_INPUT", "/consent/scopes/0"))
            self.assertIn("it takes WRITTEN, THUMBPRINT, READ_ALOUD", error["detail"])
            self.assertEqual(self.listed(), [])
            self.post(form=form(method="WRITTEN"))
            self.assertEqual(self.c.identity.ca("list")["consentPolicies"][0]["scope"], "RETURN_AND_DATA")
        finally:
            policies()
            in_force()
        self.post()

    def test_kept_sealed_and_opened(self):
        consent = self.post()
        kept = self.c.query("SELECT evidence_sha256, valid_until FROM corridor.consent WHERE consent_id = %s",
                            bytes.fromhex(consent))
        self.assertEqual(len(bytes(kept[0][0])), 32)
        self.assertEqual(kept[0][1], people.at("2027-04-01T00:00:00Z"), "a year, to the quarter")
        opened = self.show(consent, **HOLDER)["form"]
        self.assertEqual(opened["safeContact"]["whoMayAnswer"], "Testina Exemplar herself")
        self.assertEqual((opened["method"], opened["givers"]), ("SCANNED_SIGNATURE", [{"role": "SELF"}]))
        self.assertNotIn("form", self.show(consent))
        self.assertEqual(self.show(consent, code=6, user=True, passphrase="not the passphrase")["code"],
                         "WRONG_PASSPHRASE")
        self.c.must(self.c.corridor(HOST, "consent", "export", consent, **HOLDER))
        self.assertEqual(self.opened(), ["amina"] * 2, "each opening by its holder's name, and no other look")
        self.nothing_readable(b"Testina Exemplar herself", b"a scanned form", b"+224 000 000 009")

    def opened(self, **who):
        """Who opened forms of the case, as its timeline has it."""
        events = self.c.must(self.c.corridor(HOST, "timeline", self.case.handle, **who))["events"]
        return [e["detail"] for e in events if (e["event"], e["type"]) == ("opened", "ConsentRecord")]

    def nothing_readable(self, *words):
        """Neither in the agent's store nor at the hub."""
        for file in self.c.dir.glob(f"{HOST}/store.db*"):
            data = file.read_bytes()
            for word in words:
                self.assertNotIn(word, data, file.name)
        for (raw,) in self.c.query("SELECT body FROM corridor.message WHERE body IS NOT NULL"):
            for word in words:
                self.assertNotIn(word, bytes(raw))

    def test_how_to_make_contact_stands_first(self):
        consent = self.post()
        shown = self.c.corridor(HOST, "consent", "show", consent, json_out=False, **HOLDER)
        self.assertTrue(shown.out.startswith("BEFORE ANYBODY MAKES CONTACT\n"), shown.out)
        self.assertIn("Call only at     09:00-11:00", shown.out)
        self.case.consent_id = consent
        self.case.filed()
        (file,) = [m for m in self.case.received(people.ORIGIN, "CaseFile", count=2) if m["compartment"] == "CASEWORK"]
        shown = self.c.corridor(people.ORIGIN, "show", file["messageId"], json_out=False, **HOLDER)
        self.assertTrue(shown.out.startswith("BEFORE ANYBODY MAKES CONTACT\n"), shown.out)

    def test_evidence_comes_back_byte_for_byte(self):
        large = b"OggS" + os.urandom(2_300_000)
        consent = self.post(evidence=[scan(), {"kind": "RECORDING", "data": base64.b64encode(large).decode()}])
        for n, bytes_in in enumerate([SCAN, large]):
            out = self.c.dir / f"{consent}-{n}"
            self.c.must(self.c.corridor(HOST, "consent", "evidence", consent, out, "--n", n, json_out=False, **HOLDER))
            self.assertEqual(out.read_bytes(), bytes_in)
            self.assertEqual(out.stat().st_mode & 0o777, 0o600)
        again = self.c.corridor(HOST, "consent", "evidence", consent, self.c.dir / f"{consent}-0", **HOLDER)
        self.assertEqual((again.code, again.error["code"]), (3, "BAD_INPUT"))
        third = self.c.corridor(HOST, "consent", "evidence", consent, self.c.dir / "third", "--n", 2, **HOLDER)
        self.assertEqual((third.code, third.error["code"]), (3, "BAD_INPUT"))

    def swap(self, part, consent, other):
        """Somebody with the disk in hand puts another consent's part in this one's place."""
        store = sqlite3.connect(self.c.dir / HOST / "store.db")
        with store:
            store.execute("UPDATE consent_forms SET sealed = (SELECT sealed FROM consent_forms WHERE consent_id = ?"
                          " AND part = ?) WHERE consent_id = ? AND part = ?",
                          (bytes.fromhex(other), part, bytes.fromhex(consent), part))
        store.close()

    def test_what_was_changed_on_disk_is_not_shown(self):
        consent, other = self.post(), self.post(evidence=[scan(b"another scan")])
        self.swap(1, consent, other)
        answer = self.c.corridor(HOST, "consent", "evidence", consent, self.c.dir / "changed", **HOLDER)
        self.assertEqual((answer.code, answer.error["code"]), (4, "CANNOT_OPEN"), answer)
        self.assertFalse((self.c.dir / "changed").exists())
        self.swap(0, consent, other)
        self.assertEqual(self.show(consent, code=4, **HOLDER)["code"], "CANNOT_OPEN")

    def test_what_cannot_be_right(self):
        self.refused("BAD_INPUT", "/evidence/0", evidence=[scan(sha256="00" * 32)])
        self.refused("MISSING_FIELD", "/evidence", evidence=[])
        self.refused("TOO_LARGE", "/evidence", evidence=[scan(b"x" * 2_700_000)])
        self.refused("MISSING_FIELD", "/form", form=None)
        self.refused("MISSING_FIELD", "/form/givers", form=form(minor=True, majorityOn="2031-01-01",
                                                               viewOfChild="agrees"))
        self.refused("BAD_INPUT", "/consent/evidenceSha256", consent=record(evidenceSha256="11" * 32))
        self.refused("BAD_INPUT", "/form", form=form(salt="AAAA"))
        self.refused("BAD_INPUT", "/consent/scopes/0", form=form(method="VERBAL_PHONE"),
                     evidence=[{"kind": "NOTE_OF_CALL", "data": "AAAA"}])
        twice = record()
        twice["scopes"] = [twice["scopes"][0], {**twice["scopes"][0], "onward": False}]
        self.refused("BAD_INPUT", "/consent/scopes/1", consent=twice)

    def test_a_child_s_ends_before_majority(self):
        child = form(givers=[{"role": "SELF"}, GUARDIAN], minor=True, majorityOn="2026-08-20",
                     viewOfChild="wants to join her aunt")
        self.refused("BAD_INPUT", "/consent/validUntil", form=child, consent=record(validUntil="2026-08-01T00:00:00Z"))
        consent = self.post(form=child)
        self.assertEqual(self.listed()[0]["validUntil"], "2026-07-01T00:00:00Z")
        self.assertEqual(self.show(consent, **HOLDER)["form"]["givers"][1]["name"], "Test Guardian")

    def test_a_new_version_supersedes(self):
        consent = self.post()
        newer = record(consentId=consent, version=2)
        newer["scopes"] = newer["scopes"][:1]
        self.assertEqual(self.post(consent=newer, form=form(formVersion="declaration 2026-02")), consent)
        (one,) = self.listed()
        self.assertEqual((one["version"], len(one["scopes"])), (2, 1))
        self.assertEqual(self.show(consent, **HOLDER)["form"]["formVersion"], "declaration 2026-02")
        error = self.post(code=4, consent=newer)
        self.assertEqual((error["code"], error["path"]), ("CONFLICT", "/consent/version"))

    def test_out_and_in_again(self):
        consent = self.post()
        iso = self.c.must(self.c.corridor(HOST, "consent", "export", consent, **HOLDER))
        self.assertEqual((iso["schema_version"], iso["record_id"]), ("ISO/IEC TS 27560:2023", consent))
        self.assertNotIn("Testina", json.dumps(iso))
        self.assertEqual(iso["event"][0]["validity_duration"], "2026-03-02/2027-04-01")
        before = self.listed()[0]["scopes"]
        self.case = stages.reach(self.c, "registered")
        iso["record_id"] = "ab" * 16
        rest = {k: v for k, v in form().items() if k in ("givers", "safeContact", "toldWhyAndHow", "toldOfWithdrawal")}
        answer = self.c.corridor(HOST, "consent", "-", input={
            "case": self.case.handle, "iso27560": iso, "form": rest, "evidence": [scan()]})
        self.assertEqual(answer.code, 0, answer)
        self.assertEqual(self.listed()[0]["scopes"], before)
        opened = self.show("ab" * 16, **HOLDER)["form"]
        self.assertEqual((opened["method"], opened["language"], opened["formVersion"], opened["givenOn"]),
                         ("SCANNED_SIGNATURE", "fr", "declaration 2025-11", "2026-03-02"))

    def test_an_import_that_is_not_ours(self):
        iso = self.c.must(self.c.corridor(HOST, "consent", "export", self.post(), **HOLDER))
        for path, change in [
                ("/iso27560/schema_version", lambda r: r.update(schema_version="1")),
                ("/iso27560/record_id", lambda r: r.pop("record_id")),
                ("/iso27560/pii_processing/purposes/0",
                 lambda r: r["pii_processing"]["purposes"][0].update(purpose="marketing")),
                ("/iso27560/pii_processing/purposes/1",
                 lambda r: r["pii_processing"]["purposes"][1].update(recipient_third_parties=["everyone"])),
                ("/iso27560/event", lambda r: r["event"].append({"event_state": "withdrawn"})),
                ("/iso27560/event/validity_duration", lambda r: r["event"][0].update(validity_duration="a year"))]:
            with self.subTest(path):
                changed = json.loads(json.dumps(iso))
                change(changed)
                answer = self.c.corridor(HOST, "consent", "-", input={
                    "case": self.case.handle, "iso27560": changed, "form": form(), "evidence": [scan()]})
                self.assertEqual((answer.code, answer.error["path"]), (3, path), answer)

    def test_health_is_for_those_who_hold_health(self):
        scopes = people.consent(health=True)["scopes"]
        consent = self.post(consent=record(scopes=[s for s in scopes if "HEALTH_DATA" in s["categories"]]))
        self.assertEqual(self.listed(), [])
        self.assertEqual(self.show(consent, code=3), self.show("cd" * 16, code=3))
        self.assertEqual([c["consentId"] for c in self.listed(**HOLDER)], [consent])
        sent = self.c.must(self.c.corridor(HOST, "inbox", "--sent", "--case", self.case.handle))["messages"]
        self.assertEqual([m["type"] for m in sent], ["Registration"])
        self.assertIn("form", self.show(consent, **HOLDER))
        self.assertEqual((self.opened(), self.opened(**HOLDER)), ([], ["amina"]))

    def test_withdrawn_is_shown(self):
        self.post()
        self.c.must(self.c.corridor(HOST, "withdraw", self.case.handle))
        self.assertEqual(self.listed()[0]["state"], "withdrawn")


class RunsOut(harness.ClusterTest):
    def test_states_by_the_agents_clock(self):
        case = stages.reach(self.c, "registered")
        self.c.must(self.c.corridor(HOST, "consent", "-", input={
            "case": case.handle, "consent": record(validUntil="2026-07-01T00:00:00Z"), "form": form(),
            "evidence": [scan()]}))

        def states(*more):
            return [c["state"] for c in self.c.must(self.c.corridor(HOST, "consent", "list", *more))["consents"]]
        self.assertEqual((states(), states("--soon")), (["standing"], []))
        self.c.set_clock("2026-06-02T00:00:00Z")
        self.assertEqual(states("--soon"), ["runs-out"])
        due = self.c.must(self.c.corridor(HOST, "due"))
        self.assertEqual([c["state"] for c in due["consents"]], ["runs-out"])
        self.c.set_clock("2026-07-01T00:00:00Z")
        self.assertEqual(states("--soon"), ["expired"])
        self.c.set_clock("2026-08-15T00:00:00Z")
        self.assertEqual((states(), states("--soon")), (["expired"], []))


class Slip(harness.ClusterTest):
    NEW = ["case", "new", "--origin", people.ORIGIN, "--programme", "JI", "--return-type", "AVRR",
           "--declared-on", "2026-03-02"]

    def test_at_registration(self):
        page = self.c.dir / "slip.html"
        answer = self.c.must(self.c.corridor(HOST, *self.NEW, "--slip", "ar", "--slip-html", page))
        self.assertIn(answer["withdrawalCode"], answer["slip"]["text"])
        self.assertIn(answer["reference"], page.read_text())
        self.assertEqual(page.stat().st_mode & 0o777, 0o600)

    def test_in_no_such_language_registers_nobody(self):
        before = self.c.must(self.c.corridor(HOST, "case", "list"))
        answer = self.c.corridor(HOST, *self.NEW, "--slip", "zz")
        self.assertEqual((answer.code, answer.error["path"]), (3, "/slipLanguage"), answer)
        self.assertEqual(self.c.must(self.c.corridor(HOST, "case", "list")), before)

    def test_again_for_who_has_both(self):
        case = stages.reach(self.c, "registered")

        def slip(code, *more):
            return self.c.run([self.c.program("corridor"), "--agent", self.c.socket(HOST), "--passphrase-fd", "FD",
                               "slip", case.reference, "--in", "ha", *more], secrets=[code])
        printed = slip(case.code, "--telephone", "+000 1")
        self.assertEqual(printed.code, 0, printed)
        for part in (case.reference, case.code, "+000 1", "Lambarka"):
            self.assertIn(part, printed.out)
        wrong = slip(case.code[:-1] + str((int(case.code[-1]) + 1) % 10))
        self.assertEqual(wrong.code, 3, wrong)
        self.assertIn("/code", wrong.err)


if __name__ == "__main__":
    unittest.main()
