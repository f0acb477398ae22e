"""Brings a case to a named stage, each through the corridor command.

    case = stages.reach(cluster, "confirmed")

Stages in order: registered, consented, filed, booked, confirmed, ticketed,
departed, arrived, referred, accepted, handed_over, reported. Each waits until the
other side holds what the next one needs; no stage moves the clock except those
that happen on a later day (departed, arrived, referred).
"""

import people
from processes import wait_for


class Case:
    def __init__(self, cluster, host=people.HOST, origin=people.ORIGIN):
        self.c, self.host, self.origin = cluster, host, origin
        self.handle = self.reference = self.code = self.consent_id = self.referral = None
        self.sent = {}  # type -> the message entries of the last send

    # --- what every stage uses ---

    def send(self, office, kind, to, body, code=0, **more):
        """corridor send; returns the answer's JSON (of standard error when refused)."""
        request = {"type": kind, "to": to, "case": self.handle, "body": body, **more}
        answer = self.c.corridor(office, "send", "-", input=request)
        if answer.code != code:
            raise AssertionError(f"expected exit {code}: {answer}")
        if code == 0:
            self.sent[kind] = answer.json["messages"]
        return answer.json if code == 0 else answer.error

    def received(self, office, kind, handle=None, count=1, seconds=20, user=None):
        """Waits until office holds count messages of the kind; newest first. Health
        and protection are listed only for a user who holds them."""
        def messages():
            listed = self.c.corridor(office, "inbox", "--case", handle or self.handle, user=user).json
            found = [m for m in (listed or {}).get("messages", []) if m["type"] == kind]
            return found if len(found) >= count else None
        return wait_for(messages, seconds, f"{office} holds {count} {kind}")

    # --- the stages ---

    def registered(self):
        answer = self.c.must(self.c.corridor(
            self.host, "case", "new", "--origin", self.origin, "--programme", "JI",
            "--return-type", "AVRR", "--declared-on", "2026-03-02"))
        self.handle, self.reference = answer["handle"], answer["reference"]
        self.code = answer["withdrawalCode"]

    def consented(self, **choices):
        answer = self.c.must(self.c.corridor(self.host, "consent", "-", input={
            "case": self.handle, "consent": people.consent(**choices)}))
        self.consent_id = answer["consentId"]

    def filed(self):
        self.send(self.host, "CaseFile", self.origin, people.case_file(self.reference))
        self.received(self.origin, "CaseFile", count=2)

    def booked(self):
        self.send(self.host, "ABN", self.origin, people.abn(self.reference))
        self.received(self.origin, "ABN")

    def confirmed(self):
        self.send(self.origin, "AbnConfirm", self.host, people.abn_confirm(self.c.now()))
        self.received(self.host, "AbnConfirm")

    def ticketed(self):
        self.send(self.host, "TicketIssued", self.origin, people.ticket())
        self.received(self.origin, "TicketIssued")

    def departed(self):
        self.c.set_clock("2026-03-12T10:30:00Z")
        self.send(self.host, "DepartureConfirmation", self.origin, people.departure(self.reference))
        self.received(self.origin, "DepartureConfirmation")

    def arrived(self):
        self.c.set_clock("2026-03-12T15:00:00Z")
        self.send(self.origin, "ArrivalNotice", self.host, people.arrival(self.reference))
        self.received(self.host, "ArrivalNotice")

    def referred(self, candidates=(people.KINDIA, people.LABE)):
        self.c.set_clock("2026-03-16T09:00:00Z")
        self.referral = self.c.must(self.c.corridor(self.origin, "refer", "-", input={
            "case": self.handle, "candidates": list(candidates), "offer": people.offer(),
            "categories": ["BIODATA", "CONTACT", "EDUCATION"], "consent": self.consent_id}))

    def offer(self, office, seconds=20):
        """The offer as the provider holds it."""
        handle = next(o["handle"] for o in self.referral["offers"] if o["to"] == office)
        return self.received(office, "Referral", handle=handle, seconds=seconds)[0]

    def accepted(self):
        """The first centre declines: full. The second accepts."""
        self.c.must(self.c.corridor(people.KINDIA, "answer", self.offer(people.KINDIA)["messageId"],
                                    "--decline", "FULL"))
        offer = self.offer(people.LABE)
        self.c.must(self.c.corridor(people.LABE, "answer", offer["messageId"], "--accept", "--first-contact",
                                    "2026-03-24T09:00:00Z", "--contact-function", "reception desk"))
        self.received(self.origin, "ReferralAck", handle=offer["case"])
        self.provider, self.provider_handle = people.LABE, offer["case"]

    def handed_over(self):
        self.send_for_referral(self.origin, "ReferralHandover", self.provider,
                               people.handover(self.consent_id), consent=self.consent_id)
        self.received(self.provider, "ReferralHandover", handle=self.provider_handle)

    def reported(self):
        self.c.set_clock("2026-03-24T10:00:00Z")
        self.send_for_referral(self.provider, "ServiceReport", self.origin,
                               people.service_report(self.c.now()), consent=self.consent_id)
        self.received(self.origin, "ServiceReport", handle=self.provider_handle)

    def send_for_referral(self, office, kind, to, body, **more):
        case, self.handle = self.handle, self.provider_handle
        try:
            return self.send(office, kind, to, body, **more)
        finally:
            self.handle = case


STAGES = ["registered", "consented", "filed", "booked", "confirmed", "ticketed", "departed", "arrived",
          "referred", "accepted", "handed_over", "reported"]


def reach(cluster, stage, case=None):
    """A new case (or the given one, from where it stands) at this stage."""
    case = case or Case(cluster)
    done = getattr(case, "stage", None)
    begin = STAGES.index(done) + 1 if done else 0
    for name in STAGES[begin:STAGES.index(stage) + 1]:
        getattr(case, name)()
        case.stage = name
    return case
