"""What the hub holds against what the plan had, cell by cell.

The input is what `caseload` wrote before it sent anything (regions, cells,
returntypes, messages: tables.c) and, for the hub's own notices, what the offices
took; found is what the hub's tables and stable views say afterwards. A Table
prints every cell if there are few, else how many there are and those that differ.
"""

import csv
from collections import Counter

PRINTED = 90  # cells; a larger table shows its differences only
FIRST_DIFFERENCES = 20
# What opens each duty, by the SOP table.
DUTIES = {"ABN_NOTICE": "ABN", "ABN_CONFIRM": "ABN", "DEPARTURE_ENTRY": "TicketIssued",
          "ARRIVAL_NOTICE": "DepartureConfirmation", "REFERRAL_ANSWER": "Referral"}
SERVICE_TYPES = ["Referral", "ReferralAck", "ReferralHandover", "ServiceReport"]
LOG_KINDS = {1: "admitted", 2: "claimed", 3: "refused", 4: "receipted", 5: "withdrawn", 6: "stopped",
             7: "card list", 8: "erasure"}
RETURN_TYPES = {1: "AVRR", 2: "VHR", 3: "COVID-19 Return Task Force"}
ORIGIN_MISSION = 2


class Table:
    def __init__(self, title, wanted, found):
        self.title = title
        self.wanted = {key: count for key, count in wanted.items() if count}
        self.found = {key: count for key, count in found.items() if count}

    def cells(self):
        for key in sorted(set(self.wanted) | set(self.found), key=str):
            yield key, self.wanted.get(key, 0), self.found.get(key, 0)

    def differences(self):
        return [cell for cell in self.cells() if cell[1] != cell[2]]

    def equal(self):
        return self.wanted == self.found

    def lines(self):
        verdict = "equal" if self.equal() else f"NOT EQUAL in {len(self.differences())} cells"
        yield (f"{self.title}: {len(list(self.cells()))} cells, input {sum(self.wanted.values()):,},"
               f" found {sum(self.found.values()):,}: {verdict}")
        small = len(list(self.cells())) <= PRINTED
        for key, wanted, found in list(self.cells()) if small else self.differences()[:FIRST_DIFFERENCES]:
            name = " > ".join(key) if isinstance(key, tuple) else key
            yield f"    {name:52}{wanted:>12,}{found:>12,}  {'equal' if wanted == found else 'NOT EQUAL'}"


class Plan:
    """The csv files of one run."""

    def __init__(self, folder):
        self.regions = Counter({(r["host_region"], r["origin_region"]): int(r["cases"])
                                for r in self.read(folder, "regions")})
        self.published = {(r["host_region"], r["origin_region"]): int(r["published"])
                          for r in self.read(folder, "regions")}
        cells = self.read(folder, "cells")
        self.cells = Counter({(r["host_country"], r["origin_country"]): int(r["cases"]) for r in cells})
        self.region_of = {r[f"{side}_country"]: r[f"{side}_region"] for r in cells for side in ("host", "origin")}
        self.return_types = Counter({RETURN_TYPES[int(r["return_type"])]: int(r["cases"])
                                     for r in self.read(folder, "returntypes")})
        self.messages = Counter({(r["sender"], r["recipient"], r["type"]): int(r["messages"])
                                 for r in self.read(folder, "messages")})

    @staticmethod
    def read(folder, name):
        with open(folder / f"{name}.csv", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def of_type(self, name):
        return sum(count for key, count in self.messages.items() if key[2] == name)

    def delivered(self):
        return Counter({key: count for key, count in self.messages.items() if key[1] != "hub"})


def country(office):
    return office[:2].upper()


def services(plan, messages, stage_of):
    """{(stage, region, type): messages} of the four types of a service."""
    found = Counter()
    for (sender, recipient, name), count in messages.items():
        if name in SERVICE_TYPES:
            provider, asker = (recipient, sender) if "provider" in recipient else (sender, recipient)
            found[stage_of(asker), plan.region_of.get(country(provider), "?"), name] += count
    return found


def stage_by_name(asker):
    return "after arrival" if asker.endswith("-origin") else "before departure"


class Hub:
    """The hub's tables; query(sql) gives rows."""

    def __init__(self, query):
        self.query = query
        self.roles = dict(query("SELECT id, role FROM corridor.office"))
        # Once: the view names each row's codes, which takes its time over millions.
        self.deliveries = query("SELECT sender, recipient, type, state, count(*) FROM oversight.delivery"
                                " GROUP BY 1, 2, 3, 4")

    def counter(self, sql):
        return Counter({row[:-1] if len(row) > 2 else row[0]: int(row[-1]) for row in self.query(sql)})

    def stage(self, asker):
        return "after arrival" if self.roles.get(asker) == ORIGIN_MISSION else "before departure"

    def cells(self):
        return self.counter("SELECT host_country, origin_country, sum(cases) FROM statistics.case_count GROUP BY 1, 2")

    def messages(self):
        return Counter({(sender, recipient, name): count for sender, recipient, name, state, count in self.deliveries
                        if sender != "hub" and state == "delivered"})

    def states(self):
        found = Counter()
        for _, _, _, state, count in self.deliveries:
            found[state] += count
        return found

    def notices(self):
        found = Counter()
        for sender, _, name, _, count in self.deliveries:
            found[name] += count if sender == "hub" else 0
        return found

    def records(self):
        return (self.counter("SELECT host_office, 'hub', 'Registration', count(*) FROM corridor.avrr_case GROUP BY 1")
                + self.counter("SELECT taken_by, 'hub', 'ConsentRecord', count(*) FROM corridor.consent GROUP BY 1"))

    def log(self):
        """Canonical LogRecord: its first field is the kind. What the card list grants is not of the plan."""
        return Counter({LOG_KINDS.get(kind, str(kind)): count for kind, count in self.query(
            "SELECT get_byte(record, 1), count(*) FROM corridor.log_record WHERE get_byte(record, 1) <> 13"
            " GROUP BY 1")})


def compare(plan, hub, counts):
    """All tables. counts: what the replay said."""
    cells, delivered = hub.cells(), hub.messages()
    by_region = Counter()
    for (host, origin), count in cells.items():
        by_region[plan.region_of.get(host, "?"), plan.region_of.get(origin, "?")] += count
    messages = sum(plan.messages.values())
    to_offices = sum(plan.delivered().values())
    told = {"EndNotice": counts["end_notices"] - counts["bundled_ends"],
            "ObligationNotice": counts["obligation_notices"] - counts["bundled_obligations"],
            "NoticeBundle": counts["bundles"]}
    notices = sum(told.values())
    yield Table("returns, host region > region of origin", plan.regions, by_region)
    yield Table("returns, host country > country of origin", plan.cells, cells)
    yield Table("returns by type", plan.return_types, Counter(
        {RETURN_TYPES[code]: n for code, n in hub.query(
            "SELECT return_type, count(*) FROM corridor.avrr_case GROUP BY 1")}))
    yield Table("messages, sender > recipient > type", plan.messages, delivered + hub.records())
    yield Table("services, stage > region of the provider > step", services(plan, plan.messages, stage_by_name),
                services(plan, delivered, hub.stage))
    yield Table("referrals accepted, asker > provider", Counter(
        {key[:2]: n for key, n in plan.messages.items() if key[2] == "Referral"}), hub.counter(
            "SELECT asker, provider, count(*) FROM corridor.referral WHERE state = 2 GROUP BY 1, 2"))
    yield Table("obligations, duty > state", Counter(
        {(duty, "MET"): plan.of_type(opener) for duty, opener in DUTIES.items()}), hub.counter(
            "SELECT duty, state, count(*) FROM oversight.obligation GROUP BY 1, 2"))
    yield Table("deliveries by state", Counter({"delivered": to_offices + notices}), hub.states())
    yield Table("notices of the hub, taken by the offices", +Counter(told), hub.notices())
    yield Table("end notices, one for each message to an office", Counter({"EndNotice": to_offices}),
                Counter({"EndNotice": counts["end_notices"]}))
    yield Table("log records by kind", Counter(
        {"admitted": messages, "claimed": to_offices + notices, "receipted": to_offices + notices, "card list": 1}),
        hub.log())
    yield Table("admissions remembered, refusals", Counter({"admitted": messages}), Counter(
        {"admitted": hub.query("SELECT count(*) FROM corridor.dedupe")[0][0],
         "refused": hub.query("SELECT count(*) FROM corridor.refusal")[0][0]}))
