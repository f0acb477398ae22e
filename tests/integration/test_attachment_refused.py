"""A file that is not what it says, from an office whose agent lets it through: found
where it is put together, not shown, told to the hub, and by the hub to the sender."""

import unittest

import files
import people
import test_content_refused as refused
from harness import wait_for
from protocol_bytes import pb, sha256

ORIGIN = people.ORIGIN
PART_BYTES = 64000


class AttachmentRefused(refused.Refusals):
    def parts(self, case, data, change=lambda number, chunk: None, kind=pb.PDF):
        """The file as an agent would cut it, each part changed at will."""
        cut = [data[i:i + PART_BYTES] for i in range(0, len(data), PART_BYTES)]
        first, sent = b"", []
        for number, piece in enumerate(cut, 1):
            chunk = pb.AttachmentChunk(number=number, of=len(cut), total_size=len(data), whole_sha256=sha256(data),
                                       kind=kind, title=pb.SIGNED_SCAN, data=piece)
            change(number, chunk)
            (message,), _ = self.send(self.agent.compose(chunk, **self.fields(
                case, type=pb.ATTACHMENT_CHUNK, in_reply_to=first, categories=[pb.BIODATA])))
            first = first or message.id
            sent.append(message)
        wait_for(lambda: self.here(first) == len(cut), 20, "Conakry has every part")
        return first.hex(), sent

    def here(self, ident):
        listed = self.c.must(self.c.corridor(ORIGIN, "attachments"))["attachments"]
        return next((a["parts"] for a in listed if a["attachmentId"].replace("-", "") == ident.hex()), 0)

    def save(self, ident):
        path = self.c.dir / "saved"
        answer = self.c.corridor(ORIGIN, "attachment", "save", ident, path, user=True)
        data = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        return answer, data

    def assert_refused(self, ident, message, code, state="CONTENT_REFUSED"):
        answer, data = self.save(ident)
        self.assertEqual((answer.error["code"], data), (code, None), answer)
        self.assertEqual(self.ended(message), (state, code))
        self.assertEqual(self.logged(message), [code])
        self.assertIsNone(self.save(ident)[1])
        self.assertEqual(self.logged(message), [code], "told once")

    def test_a_good_one_from_another_program(self):
        case = self.case()
        data = files.pdf(PART_BYTES * 2 + 7)
        ident, sent = self.parts(case, data)
        self.assertEqual(self.save(ident)[1], data)
        self.assertEqual([self.logged(message) for message in sent], [[], [], []])

    def test_a_kind_that_may_not_travel(self):
        case = self.case()
        ident, sent = self.parts(case, b"<html>" * 15000)
        self.assert_refused(ident, sent[0], "KIND_NOT_ALLOWED")

    def test_a_picture_that_says_it_is_a_document(self):
        case = self.case()
        ident, sent = self.parts(case, files.jpeg())
        self.assert_refused(ident, sent[0], "KIND_NOT_ALLOWED")

    def test_parts_that_do_not_make_up_the_file(self):
        case = self.case()

        def swap(number, chunk):
            chunk.data = bytes(reversed(chunk.data)) if number == 2 else chunk.data
        ident, sent = self.parts(case, files.pdf(PART_BYTES * 3), swap)
        self.assert_refused(ident, sent[0], "BODY_MISMATCH")

    def test_a_part_that_came_twice(self):
        case = self.case()

        def twice(number, chunk):
            chunk.number = 1 if number == 2 else number
        ident, sent = self.parts(case, files.pdf(PART_BYTES * 3), twice)
        self.assert_refused(ident, sent[1], "BAD_INPUT")

    def test_a_part_of_another_file(self):
        case = self.case()

        def other(number, chunk):
            chunk.whole_sha256 = sha256(b"another") if number == 3 else chunk.whole_sha256
        ident, sent = self.parts(case, files.pdf(PART_BYTES * 3), other)
        self.assert_refused(ident, sent[2], "BAD_INPUT")

    def test_a_number_that_cannot_be(self):
        case = self.case()

        def beyond(number, chunk):
            chunk.number = 7
        ident, sent = self.parts(case, files.pdf(), beyond)
        self.assert_refused(ident, sent[0], "BAD_INPUT")


if __name__ == "__main__":
    unittest.main()
