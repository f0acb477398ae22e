"""Fictitious people and complete bodies for every message of one return.

Each function gives a fresh body that the schema and the content rules accept;
tests change one field and see what happens. Times are RFC 3339 text or, where a
field is the schema's milliseconds, made with at(). The calendar of the story:
Monday 2026-03-02 registration and consent, ABN the same day for travel on
Thursday 2026-03-12 (seven working days ahead), arrival that day, referral a week
after.
"""

import hashlib
from datetime import datetime, timezone

BEGIN = "2026-03-02T09:00:00Z"
DEPARTS = "2026-03-12T10:00:00Z"
ARRIVES = "2026-03-12T14:30:00Z"
ANSWER_BY = "2026-03-23T17:00:00Z"

HOST, ORIGIN, KINDIA, LABE = "ne-niamey", "gn-conakry", "gn-tvet-kindia", "gn-tvet-labe"


def at(text):
    """RFC 3339 text as the schema's milliseconds."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(moment.astimezone(timezone.utc).timestamp() * 1000)


def scope(code, purpose, categories, **to):
    return {"scope": code, "purpose": purpose, "categories": categories, **to}


GENERAL = ["OPERATIONAL", "BIODATA", "CONTACT", "TRAVEL"]


def consent(health=False, providers=True, feedback=("OPERATIONAL", "EDUCATION", "MONITORING_DATA")):
    """What Testina agreed to. Without health=True nothing medical may travel."""
    scopes = [
        scope("RETURN_AND_DATA", "RETURN_PREPARATION",
              [*GENERAL, "FAMILY", "ECONOMIC", "EDUCATION", "LEGAL", "INSTRUCTION"],
              recipientOffice=ORIGIN, onward=True),
        scope("RETURN_AND_DATA", "TRAVEL_ARRANGEMENT", [*GENERAL, "INSTRUCTION"], recipientOffice=ORIGIN),
        scope("RETURN_AND_DATA", "RECEPTION", ["OPERATIONAL", "TRAVEL"], recipientOffice=HOST),
    ]
    if health:
        scopes.append(scope("MEDICAL_THIRD_PARTY", "CONTINUITY_OF_CARE",
                            ["BIODATA", "CONTACT", "TRAVEL", "HEALTH_DATA", "INSTRUCTION"],
                            recipientOffice=ORIGIN))
    if providers:
        scopes.append(scope("REFERRAL_SHARING", "REINTEGRATION",
                            ["OPERATIONAL", "BIODATA", "CONTACT", "ECONOMIC", "EDUCATION"],
                            recipientRole="ROLE_SERVICE_PROVIDER"))
        scopes.append(scope("REFERRAL_FEEDBACK", "REINTEGRATION",
                            list(feedback), recipientOffice=ORIGIN))
    return {"version": 1, "scopes": scopes, "validFrom": "2026-03-02T00:00:00Z",
            "validUntil": "2027-04-01T00:00:00Z",
            "evidenceSha256": hashlib.sha256(b"a scanned form of Testina Exemplar").hexdigest()}


def casework(reference, **change):
    body = {
        "caseRef": reference, "programme": "JI", "hostOffice": HOST, "originOffice": ORIGIN,
        "name": "Testina Exemplar", "sex": "FEMALE", "birthDate": "1994-08-17",
        "birthPlace": "Kindia, Guinea", "currentSituation": "Stays with acquaintances in Niamey; wants to go home.",
        "migrationExperience": "Left Guinea two years ago and worked in a kitchen in Agadez.",
        "skills": ["tailoring", "cooking"],
        "intendedReturn": {"country": "GN", "region": "Kindia", "city": "Kindia"},
        "returnType": "AVRR", "declarationRef": "DECL-0001", "declarationLanguage": "fr",
        "declarationDate": "2026-03-02", "vulnerabilities": ["SINGLE_HEADED_HOUSEHOLD"],
        "needs": ["NEED_TRAINING", "NEED_TRANSPORT"], "knownHealthNeeds": "IS_NO",
        "priorAssistance": [{"programme": "none known", "entitledElsewhere": "IS_NO"}],
        "detained": "IS_NO", "travelDocument": "LAISSEZ_PASSER", "arrivalControlsExplained": True,
        "draftPlan": "A course in tailoring, then a place in a workshop.",
        "contact": {"phone": "+224 000 000 001", "safeHours": "09:00-12:00", "whoMayAnswer": "herself only"},
    }
    return {**body, **change}


def operations(reference, **change):
    body = {"caseRef": reference, "name": "Testina Exemplar", "sex": "FEMALE", "age": 31,
            "travelDocument": "LAISSEZ_PASSER",
            "intendedReturn": {"country": "GN", "region": "Kindia", "city": "Kindia"},
            "instructions": ["meet at the gate"]}
    return {**body, **change}


def health(reference, **change):
    body = {"caseRef": reference, "knownConditions": ["asthma"], "competenceToDecide": "able to decide",
            "competenceAssessedBy": "Dr Testa Medica", "fitnessToTravel": "fit with an inhaler at hand",
            "travelAids": ["inhaler"], "treatment": "inhaler as needed", "medicationDays": 60,
            "certificateCarried": True, "continuityService": "regional hospital, Kindia", "outcome": "RETURN"}
    return {**body, **change}


def case_file(reference, **parts):
    """parts: casework, operations, health = a body, or None to leave the part out."""
    body = {"casework": casework(reference), "operations": operations(reference), **parts}
    return {name: part for name, part in body.items() if part is not None}


def abn(reference, **change):
    body = {
        "abnId": "ABN-0001", "movementId": "MOV-0001", "plannedReturnDate": "2026-03-12", "paxCount": 1,
        "transport": "COMMERCIAL_FLIGHT", "carrierNumber": "XX 0123", "route": "NIM-CKY",
        "departurePlace": "Niamey", "departsAt": at(DEPARTS), "arrivalPlace": "Conakry",
        "arrivesAt": at(ARRIVES), "caseRef": reference,
        "finalDestination": {"country": "GN", "region": "Kindia", "city": "Kindia"},
        "receptionNeeded": "IS_YES", "onwardTransportNeeded": "IS_YES", "shelterNeeded": "IS_NO",
        "profileSummary": "Adult woman travelling alone.",
        "vulnerabilitySummary": ["SINGLE_HEADED_HOUSEHOLD"], "specialAttention": ["meet at the gate"],
        "priorAssistance": [{"programme": "none known", "entitledElsewhere": "IS_NO"}],
        "escort": {"kind": "ESCORT_NONE"},
    }
    return {**body, **change}


def abn_confirm(now, **change):
    body = {"abnId": "ABN-0001", "available": "YES", "receptionContact": "duty officer, +224 000 000 010",
            "remarks": "Bus to Kindia the same evening.", "receivedAt": now, "confirmedAt": now}
    return {**body, **change}


def ticket(**change):
    body = {"abnId": "ABN-0001", "carrierNumber": "XX 0123", "ticketRef": "TKT-0001", "departsAt": at(DEPARTS)}
    return {**body, **change}


def departure(reference, **change):
    body = {"abnId": "ABN-0001", "caseRef": reference, "boarded": "IS_YES", "departedAt": at(DEPARTS),
            "carrierNumber": "XX 0123", "escort": {"kind": "ESCORT_NONE"}, "ticketHandedOver": True,
            "travelDocumentHandedOver": True, "informationSheetHandedOver": True}
    return {**body, **change}


def arrival(reference, **change):
    body = {"caseRef": reference, "arrivedAt": at(ARRIVES), "place": "Conakry airport",
            "metBy": "duty officer", "borderCleared": "IS_YES", "luggageReceived": "IS_YES",
            "immediateNeedsMet": "IS_YES", "pocketMoneyAmount": 450000, "pocketMoneyCurrency": "GNF",
            "pocketMoneyReceipt": "PM-0001", "onwardTransport": "bus to Kindia",
            "lodging": "with her sister", "nationalOfThisCountry": "IS_YES"}
    return {**body, **change}


def duplicate_question(**change):
    body = {"names": ["Testina Exemplar"], "sex": "FEMALE", "birthDate": "1994-08-17", "birthPlace": "Kindia",
            "country": "GN", "programme": "JI"}
    return {**body, **change}


def offer(**change):
    body = {"service": "E_TVET", "subService": 1, "area": "GN-D", "language": "fr",
            "urgency": "ROUTINE", "answerBy": at(ANSWER_BY)}
    return {**body, **change}


def handover(consent_id, **change):
    body = {"name": "Testina Exemplar", "sex": "FEMALE", "age": 31,
            "contact": {"phone": "+224 000 000 001", "safeHours": "09:00-12:00", "whoMayAnswer": "herself only"},
            "language": "fr", "need": "a course in tailoring with a certificate",
            "skills": ["tailoring"], "consentRef": consent_id, "feedbackConsentRef": consent_id,
            "costArrangement": "paid by the programme"}
    return {**body, **change}


def service_report(now, **change):
    body = {"state": "IN_PROGRESS", "since": now, "furtherHelpNeeded": "none for now",
            "postAppointmentInformation": "course runs until June"}
    return {**body, **change}


def decision(now, **change):
    body = {"decidedBy": "MENTAL_HEALTH_PROFESSIONAL", "deciderName": "Dr Testa Mentalis",
            "professionalId": "PSY-0001", "obstacle": "LIFE_AT_RISK_NOW",
            "reason": "says that she will not see the morning", "decidedAt": now}
    return {key: value for key, value in {**body, **change}.items() if value is not None}
