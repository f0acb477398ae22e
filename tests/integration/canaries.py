"""Words that stand nowhere but in what was sealed, and looking for them as a thief
would: in files, folders, texts."""

import base64
import os
from pathlib import Path

CHUNK = 1 << 20
LEFT_OUT = {"basis_decision"}  # stands only where consent does not
# What the content rules want in a form of its own, and codes: no canary fits there.
FORMS = {"case_ref": None, "programme": "JI", "host_office": None, "origin_office": None, "country": "GN",
         "overflown": ["ML"], "area": None, "language": "fr", "declaration_language": "fr",
         "pocket_money_currency": "GNF", "birth_date": "1957-11-23", "bid_date": "2026-02-01",
         "declaration_date": "2026-03-02", "planned_return_date": None}


class Canaries:
    """Every canary of one play begins with the same letters, which nothing else has."""

    def __init__(self):
        self.mark = "kanari" + os.urandom(9).hex()
        self.sung = {}  # canary -> where it stands

    def word(self, where):
        canary = f"{self.mark}{len(self.sung):04}"
        self.sung[canary] = where
        return canary

    def fill(self, message, body, where=""):
        """body, as JSON of that message, with a canary in every field of text."""
        where = where or message.DESCRIPTOR.name
        for field in message.DESCRIPTOR.fields:
            name, path = field.json_name, f"{where}.{field.name}"
            repeated = field.label == field.LABEL_REPEATED
            if field.name in LEFT_OUT:
                continue
            if field.type == field.TYPE_STRING:
                form = FORMS.get(field.name, "")
                if field.name not in FORMS:
                    body[name] = [self.word(path)] if repeated else self.word(path)
                elif form is not None:
                    body[name] = form
            elif field.type == field.TYPE_MESSAGE:
                each = (body.get(name) or [{}])[0] if repeated else body.get(name, {})
                kind = getattr(message, field.name)
                part = kind.add() if repeated else kind
                body[name] = [self.fill(part, each, path)] if repeated else self.fill(part, each, path)
        return body


def ways(secret):
    """The ways in which text may lie in memory or a file."""
    raw = secret.encode()
    inner = [base64.b64encode(b"\0" * pad + raw)[4 * (pad > 0):].rstrip(b"=")[:-2] for pad in range(3)]
    return [raw, secret.encode("utf-16-le"), raw.hex().encode(), *inner]


def in_file(path, needles):
    """Those of the needles that stand in the file."""
    found, overlap, before = set(), max(len(n) for n in needles) - 1, b""
    with open(path, "rb") as file:
        while read := file.read(CHUNK):
            seen, before = before + read, read[-overlap:]
            found |= {needle for needle in needles if needle in seen}
    return found


def in_folder(folder, needles):
    """{file: needles} of a whole tree; how many bytes were looked at."""
    hits, size = {}, 0
    for path in sorted(Path(folder).rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        size += path.stat().st_size
        found = in_file(path, needles)
        if found:
            hits[str(path)] = found
    return hits, size
