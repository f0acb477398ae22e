"""Whole little PDF, JPEG and Ogg Opus files of any size, filled with noise. What they
hold is nobody's: random bytes, under a plainly fictitious name."""

import os
import struct


def pdf(size=2000):
    head, tail = b"%PDF-1.7\n% Testina Exemplar\n", b"\nstartxref\n9\n%%EOF\n"
    return head + os.urandom(size - len(head) - len(tail)) + tail


def jpeg(size=2000):
    head = (b"\xff\xd8" + b"\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\xff\xc0\x00\x0b\x08\0\1\0\1\1\1\x11\0"
            + b"\xff\xda\x00\x08\1\1\0\0\x3f\0")
    return head + os.urandom(size - len(head) - 2).replace(b"\xff", b"\xfe") + b"\xff\xd9"


def page(flags, number, body):
    lacing = bytes([255] * (len(body) // 255) + [len(body) % 255])
    return (b"OggS\0" + bytes([flags]) + bytes(8) + b"TEST" + struct.pack("<I", number) + bytes(4)
            + bytes([len(lacing)]) + lacing + body)


def opus(sounds=20):
    head = page(2, 0, b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 312, 48000, 0, 0))
    tags = page(0, 1, b"OpusTags" + bytes(8))
    rest = [page(4 if i + 1 == sounds else 0, i + 2, os.urandom(100)) for i in range(sounds)]
    return head + tags + b"".join(rest)
