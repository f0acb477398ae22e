"""protocol_client.py by itself, before it meets the hub: known answers, and what
it must refuse. Offline."""

import tempfile
import unittest
from pathlib import Path

import protocol_wire as wire
from protocol_bytes import (SIZE_CLASSES, Wrong, audit_path, canonical, checked, decode, leaf, open_seal, openssl,
                            pad, pb, public_key, root_of_path, seal, sha256, sign_batch, tree_root, unpad, uuid7,
                            verify)

HEADER = pb.Header(version=1, message_id=uuid7(1), sender="ne-niamey", recipient="hub", compartment=pb.RECORD,
                   type=pb.REGISTRATION, categories=[pb.OPERATIONAL, pb.TRAVEL], sent_at=1, outcome=pb.YES)


class Canonical(unittest.TestCase):
    def test_accepted(self):
        plain = canonical(HEADER)
        self.assertEqual(plain, b"".join(part for _, part in wire.fields(HEADER)))
        for later in (b"", wire.field(22, 7), wire.field(22, 7) + wire.field(40, b"x" * 1000)):
            self.assertEqual(canonical(decode(pb.Header, plain + later)), plain + later)

    def test_refused(self):
        for why, data, code in wire.spoilt(HEADER):
            with self.subTest(why):
                with self.assertRaises(Wrong) as caught:
                    decode(pb.Header, data)
                self.assertEqual(caught.exception.code, code)

    def test_padding(self):
        for size in (0, 1, 1023, 1024, 4095, 4096, (1 << 20) - 1):
            padded = pad(bytes(size))
            self.assertIn(len(padded), SIZE_CLASSES)
            self.assertEqual(unpad(padded), bytes(size))
        for bad in (bytes(1024), b"\x80" + bytes(1024), b"x" * 1024, b""):
            with self.assertRaises(Wrong):
                unpad(bad)


class Reference(unittest.TestCase):
    def test_check_digits(self):
        for symbols in ([0] * 16, [31] * 16, list(range(16)), [1, 2, 3, 4, 5, 6, 7, 8]):
            text = checked(symbols)
            self.assertRegex(text, r"^([0-9A-HJKMNP-TV-Z]{4}-)+[0-9]{2}$")
            value = int("".join(f"{symbol:05b}" for symbol in symbols), 2)
            self.assertEqual((value * 100 + int(text[-2:])) % 97, 1)  # ISO 7064, MOD 97-10


class Merkle(unittest.TestCase):
    # The eight inputs and roots of the Certificate Transparency reference tests.
    INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    ROOT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"

    def test_known_answer(self):
        leaves = [sha256(b"\0", bytes.fromhex(text)) for text in self.INPUTS]
        self.assertEqual(tree_root(leaves).hex(), self.ROOT)

    def test_every_path_of_small_trees(self):
        for size in range(1, 18):
            leaves = [leaf("d", bytes([n])) for n in range(size)]
            for index in range(size):
                path = audit_path(index, leaves)
                self.assertEqual(root_of_path(index, size, leaves[index], path), tree_root(leaves))
                with self.assertRaises(Wrong):
                    root_of_path(index, size, leaves[index], [*path, bytes(32)])


class Openssl(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="p-")
        self.addCleanup(folder.cleanup)
        self.key = Path(folder.name) / "key"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)
        self.certificate = openssl("req", "-x509", "-new", "-key", self.key, "-subj", "/CN=exemplar")

    def test_signatures(self):
        public, contents = public_key(self.certificate), [b"a", b"b", b"c"]
        signatures = sign_batch(self.key, "d", "exemplar", 3, contents)
        for content, signature in zip(contents, signatures):
            verify(public, "d", "exemplar", 3, content, signature)
        for other in (("e", "exemplar", 3, b"a"), ("d", "other", 3, b"a"), ("d", "exemplar", 4, b"a"),
                      ("d", "exemplar", 3, b"b")):
            with self.assertRaises(Wrong) as caught:
                verify(public, *other, signatures[0])
            self.assertEqual(caught.exception.code, "BAD_SIGNATURE")

    def test_seal(self):
        body = seal(b"plain", self.certificate, self.certificate)
        self.assertEqual(open_seal(body, self.certificate, self.key), b"plain")
        with self.assertRaises(Wrong) as caught:
            open_seal(body[:-1] + bytes([body[-1] ^ 1]), self.certificate, self.key)
        self.assertEqual(caught.exception.code, "CANNOT_OPEN")


if __name__ == "__main__":
    unittest.main()
