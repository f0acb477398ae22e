"""The bytes of proto/PROTOCOL.md in Python: canonical messages, signatures, seals
and card lists, written from the page alone for protocol_client.py.

It shares no code with the C: messages come from the .proto files through protoc;
every signature, certificate and seal from the stock openssl command. § numbers
are the page's. What does not keep to the page raises Wrong with the page's code.
"""

import functools
import hashlib
import os
import re
import subprocess
import tempfile
import warnings
from datetime import datetime, timezone
from pathlib import Path

from google.protobuf.message import DecodeError

import schema

pb = schema.load()
PAGE = schema.SOURCE / "proto" / "PROTOCOL.md"
CODES = {int(code): name for code, name in
         re.findall(r"^\| (\d+) \| ([A-Z_]+) \| (?:yes|no) \|", PAGE.read_text(), re.MULTILINE)}

DEPTH_MAX, FIELDS_MAX, UNKNOWN_MAX, BATCH_MAX = 4, 4096, 1024, 4096
GROUP = 3  # wire type
SIZE_CLASSES = [k << 10 for k in (1, 4, 16, 64, 256, 1024)]


class Wrong(Exception):
    """What came does not keep to the page; the code is one of §8."""

    def __init__(self, code, why=""):
        super().__init__(f"{code}: {why}")
        self.code, self.why = code, why


# --- §4: canonical bytes ---

def check_values(message, count=None, depth=1):
    """What protobuf itself allows and the page does not."""
    count = count if count is not None else [0]
    if depth > DEPTH_MAX:
        raise Wrong("BAD_ENCODING", "too deep")
    for field, value in message.ListFields():
        for each in value if field.label == field.LABEL_REPEATED else [value]:
            count[0] += 1
            if field.type == field.TYPE_MESSAGE:
                check_values(each, count, depth + 1)
            elif field.type == field.TYPE_STRING and "\0" in each:
                raise Wrong("BAD_ENCODING", f"U+0000 in {field.name}")
            elif field.type == field.TYPE_ENUM and each not in field.enum_type.values_by_number:
                raise Wrong("UNKNOWN_ENUM", field.name)
    unknown = [(field.field_number, field.wire_type) for field in message.UnknownFields()]
    count[0] += len(unknown)
    known = max(message.DESCRIPTOR.fields_by_number)
    if unknown != sorted(unknown) or any(number <= known or kind == GROUP for number, kind in unknown):
        raise Wrong("BAD_ENCODING", "unknown fields out of place")
    if count[0] > FIELDS_MAX:
        raise Wrong("BAD_ENCODING", "too many fields")


def canonical(message):
    """The only bytes of a message that may be signed or sealed."""
    check_values(message)
    return message.SerializeToString(deterministic=True)


def decode(kind, data):
    """A message whose bytes must be canonical."""
    message, known = kind(), kind()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it leaves unread; the comparison sees that
            message.ParseFromString(data)
    except DecodeError as error:
        raise Wrong("BAD_ENCODING", str(error)) from None
    if canonical(message) != data:
        raise Wrong("BAD_ENCODING", kind.DESCRIPTOR.name)
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    if len(data) - known.ByteSize() > UNKNOWN_MAX:
        raise Wrong("TOO_LARGE", "unknown fields")
    return message


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def header_hash(header):
    return sha256(b"corridor/v1/header\0", header)


def uuid7(now):
    """RFC 9562 §5.7 from milliseconds."""
    noise = int.from_bytes(os.urandom(10), "big")
    return (now << 80 | 7 << 76 | (noise >> 68) << 64 | 2 << 62 | noise & (1 << 62) - 1).to_bytes(16, "big")


# --- §7: what a person keeps ---

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_SYMBOLS, CODE_SYMBOLS = 16, 8


def checked(symbols):
    """A reference or code in its normal form from its random symbols (0 to 31)."""
    value = sum(symbol << 5 * place for place, symbol in enumerate(reversed(symbols)))
    text = "".join(CROCKFORD[symbol] for symbol in symbols) + f"{98 - value * 100 % 97:02}"
    return "-".join(text[place:place + 4] for place in range(0, len(text), 4))


def person_hashes(reference, code):
    """reference_hash and withdrawal_hash of a Registration."""
    reference, code = reference.encode(), code.encode()
    return {"reference_hash": sha256(b"corridor/v1/reference\0", reference),
            "withdrawal_hash": sha256(b"corridor/v1/withdrawal\0", reference, b"\0", code)}


# --- stock openssl ---

def openssl(*args, data=b"", code="BAD_INPUT", files=()):
    """Runs openssl. Its output counts only if it ends well (§6). files: contents,
    each written to a file whose path stands for the next FILE in args."""
    with tempfile.TemporaryDirectory(prefix="o-") as folder:
        files, words = iter(files), []
        for place, word in enumerate(args):
            if word == "FILE":
                word = Path(folder) / str(place)
                word.write_bytes(next(files))
            words.append(word)
        done = subprocess.run(["openssl", *words], input=data, capture_output=True)
    if done.returncode != 0:
        raise Wrong(code, done.stderr.decode(errors="replace"))
    return done.stdout


def pem(certificate):
    return openssl("x509", "-inform", "DER", data=certificate)


@functools.cache  # the same answer each time, and a process each time
def public_key(certificate_pem):
    return openssl("x509", "-pubkey", "-noout", data=certificate_pem)


# --- §5: signatures ---

def split(size):
    """The largest power of two below size."""
    return 1 << (size - 1).bit_length() - 1


def leaf(domain, content):
    return sha256(b"\0", sha256(domain.encode(), b"\0", content))


def tree_root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\1", tree_root(leaves[:k]), tree_root(leaves[k:]))


def audit_path(index, leaves):
    """RFC 9162 §2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return audit_path(index, leaves[:k]) + [tree_root(leaves[k:])]
    return audit_path(index - k, leaves[k:]) + [tree_root(leaves[:k])]


def root_of_path(index, size, node, path):
    """RFC 9162 §2.1.3.2."""
    if index >= size or size > BATCH_MAX:
        raise Wrong("BAD_SIGNATURE", "index and size")
    last = size - 1
    for other in path:
        if last == 0 or len(other) != 32:
            raise Wrong("BAD_SIGNATURE", "path too long")
        if index & 1 or index == last:
            node = sha256(b"\1", other, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\1", node, other)
        index, last = index >> 1, last >> 1
    if last:
        raise Wrong("BAD_SIGNATURE", "path too short")
    return node


def signed_input(domain, signer, context, size, root):
    return b"".join([domain.encode(), b"\0", bytes([len(signer)]), signer.encode(), bytes([context]),
                     size.to_bytes(4, "big"), root])


def sign_batch(key, domain, signer, context, contents):
    """One ECDSA signature over all contents; each gets its own Signature."""
    leaves = [leaf(domain, content) for content in contents]
    ecdsa = openssl("dgst", "-sha256", "-sign", key,
                    data=signed_input(domain, signer, context, len(leaves), tree_root(leaves)))
    return [pb.Signature(size=len(leaves), index=index, path=audit_path(index, leaves), ecdsa=ecdsa)
            for index in range(len(leaves))]


def verify(key_pem, domain, signer, context, content, signature):
    root = root_of_path(signature.index, signature.size, leaf(domain, content), signature.path)
    openssl("dgst", "-sha256", "-verify", "FILE", "-signature", "FILE",
            files=(key_pem, signature.ecdsa), code="BAD_SIGNATURE",
            data=signed_input(domain, signer, context, signature.size, root))


# --- §6: the seal ---

REPEATED = ("message_id", "sender", "recipient", "handle", "type", "compartment")


def pad(plain):
    size = next(size for size in SIZE_CLASSES if size > len(plain))
    return plain + b"\x80" + bytes(size - len(plain) - 1)


def unpad(padded):
    plain = padded.rstrip(b"\0")
    if len(padded) not in SIZE_CLASSES or plain[-1:] != b"\x80":
        raise Wrong("CANNOT_OPEN", "padding")
    return plain[:-1]


def seal(plain, theirs, ours):
    """Certificates as PEM; the command line is the page's own."""
    return openssl("cms", "-encrypt", "-aes-256-gcm", "-binary", "-outform", "DER", "-keyid",
                   "-recip", "FILE", "-keyopt", "ecdh_kdf_md:sha256",
                   "-recip", "FILE", "-keyopt", "ecdh_kdf_md:sha256", data=plain, files=(theirs, ours))


def open_seal(body, certificate, key):
    return openssl("cms", "-decrypt", "-inform", "DER", "-recip", "FILE", "-inkey", key,
                   data=body, files=(certificate,), code="CANNOT_OPEN")


# --- §1: the card list ---

def unit(compartment=0):
    """The OU of a certificate: what its key is for."""
    return f"seal-{pb.Compartment.Name(compartment).lower()}" if compartment else "signing"


@functools.cache
def check_certificate(der, office, compartment, ca, at):
    """Its PEM, when it is the CA's word for this office's key at that time (seconds)."""
    text = pem(der)
    told = openssl("x509", "-noout", "-subject", "-enddate", "-nameopt", "rfc2253", "-ext", "keyUsage",
                   data=text).decode()
    subject, ends = re.search(r"^subject=(.*)$", told, re.M)[1], re.search(r"^notAfter=(.*) GMT$", told, re.M)[1]
    ends = datetime.strptime(ends, "%b %d %H:%M:%S %Y").replace(tzinfo=timezone.utc)
    usage = "Key Agreement" if compartment else "Digital Signature"
    if sorted(subject.split(",")) != [f"CN={office}", f"OU={unit(compartment)}"] or usage not in told:
        raise Wrong("BAD_INPUT", f"a certificate of {office} is for something else")
    openssl("verify", "-x509_strict", "-attime", str(min(at, int(ends.timestamp()) - 1)), "-CAfile", "FILE",
            "FILE", files=[ca, text], code="BAD_SIGNATURE")
    return text


def never_views(role):
    """§7: the categories that no permission gives a role."""
    every = set(pb.DataCategory.values()) - {0}
    never = set() if role == pb.ROLE_UN_AGENCY else {pb.ASYLUM}
    if role in (pb.ROLE_NOTIFYING_AUTHORITY, pb.ROLE_COMMITTEE, pb.ROLE_REGIONAL_OFFICE, pb.ROLE_EU_DELEGATION,
                pb.ROLE_DONOR, pb.ROLE_OVERFLOWN_MISSION, pb.ROLE_OVERSIGHT, pb.ROLE_HUB):
        never = every - {pb.OPERATIONAL}
    elif role == pb.ROLE_TRANSIT_MISSION:
        never = every - {pb.OPERATIONAL, pb.TRAVEL, pb.INSTRUCTION}
    elif role == pb.ROLE_CHILD_PROTECTION_AUTHORITY:
        never |= {pb.ECONOMIC, pb.LEGAL}
    return never


def check_routes(cards):
    """§1: what a list may not say of who may tell whom what."""
    ids = [agreement.id for agreement in cards.agreements]
    routes = [(s, r, p.compartment) for p in cards.permissions for s in p.senders for r in p.recipients]
    if len(set(ids)) < len(ids) or len(set(routes)) < len(routes):
        raise Wrong("CONFLICT", "an agreement or a route twice")
    for agreement in cards.agreements:
        health = {pb.HEALTH_DATA, pb.MENTAL_HEALTH} & set(agreement.categories)
        if not agreement.dpia_reference or health and not agreement.record_transfer_mou:
            raise Wrong("MISSING_FIELD", agreement.id)
    if any(set(p.view) & never_views(role) for p in cards.permissions for role in p.recipients):
        raise Wrong("CATEGORY_NOT_ALLOWED", "a permission")
    if any(card.asylum_authority and card.role != pb.ROLE_UN_AGENCY for card in cards.cards):
        raise Wrong("BAD_INPUT", "asylum_authority")


class Cards:
    """A verified card list. ca: PEM; signed: frame 1 of CARDS; held: the number of
    the list it replaces."""

    def __init__(self, ca, signed, now, held=0):
        message = pb.SignedContent.FromString(signed)
        verify(public_key(ca), "corridor/v1/cardlist", "ca", 0, message.content, message.signature)
        self.list = decode(pb.CardList, message.content)
        if self.list.number < held:
            raise Wrong("BAD_INPUT", f"card list {self.list.number} after {held}")
        check_routes(self.list)
        self.expired = now >= self.list.expires_at
        self.certificates = {}  # (office, compartment or 0) -> PEM
        for card in self.list.cards:
            for compartment, der in [(0, card.signing_cert), *((s.compartment, s.cert) for s in card.sealing)]:
                self.certificates[card.office, compartment] = check_certificate(
                    der, card.office, compartment, ca, self.list.issued_at // 1000)

    def signing_key(self, office):
        return public_key(self.certificate(office, 0))

    def certificate(self, office, compartment):
        if (office, compartment) not in self.certificates:
            raise Wrong("RECIPIENT_UNKNOWN", f"{office} {unit(compartment)}")
        return self.certificates[office, compartment]
