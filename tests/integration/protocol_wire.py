"""Bytes that protobuf libraries read but do not write: the ways in which a header
can say the same and yet not be canonical (PROTOCOL.md §4)."""

from protocol_bytes import canonical


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number, value):
    """A varint field from an int, a length-delimited one from bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(message):
    """(number, bytes on the wire) of each field of a message, in order."""
    found = []
    for descriptor, value in message.ListFields():
        alone = type(message)()
        if descriptor.label == descriptor.LABEL_REPEATED:
            getattr(alone, descriptor.name).extend(value)
        else:
            setattr(alone, descriptor.name, value)
        found.append((descriptor.number, alone.SerializeToString()))
    return found


def altered(message, number, wire):
    """The message's bytes with one field's bytes replaced."""
    return b"".join(wire if n == number else part for n, part in fields(message))


def spoilt(header):
    """(why, bytes, code): a header without checkpoint in every form that is not canonical."""
    plain, parts = canonical(header), fields(header)
    (_, first), (_, second) = parts[:2]
    return [(why, data, "BAD_ENCODING") for why, data in (
        ("fields out of order", second + first + plain[len(first + second):]),
        ("a field twice", first + plain),
        ("an explicit default", altered(header, 13, field(12, b"") + dict(parts)[13])),
        ("a long varint", altered(header, 1, b"\x08\x81\x00")),
        ("categories not packed", altered(header, 9, b"".join(field(9, c) for c in header.categories))),
        ("a wrong wire type", altered(header, 1, field(1, b"\1"))),
        ("field number 0", b"\x00\x00" + plain),
        ("a group", plain + b"\xb3\x01\xb4\x01"),
        ("unknown fields out of order", plain + field(41, 1) + field(40, 1)),
        ("cut short", plain[:-1]),
        ("U+0000 in a text", altered(header, 3, field(3, b"ne-\0iamey"))),
        ("bad UTF-8", altered(header, 3, field(3, b"ne-\xc3\x28"))),
    )] + [("too many unknown bytes", plain + field(40, b"x" * 1024), "TOO_LARGE"),
          ("an unknown type", altered(header, 7, field(7, 99)), "UNKNOWN_ENUM"),
          ("an unknown category", altered(header, 9, field(9, bytes([1, 99]))), "UNKNOWN_ENUM")]
