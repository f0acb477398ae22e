"""Turns of one core, one at a time: who may be sent what when more waits than one
turn takes, what memory holds to be in flight, a new card list for everybody, and
submissions whose cards were replaced before they were settled.

The cluster's own hub admits what the tests start from; the core under test is a
second broker, alone (core_alone.py)."""

import unittest
from collections import Counter

import wire_offices
from core_alone import CoreAlone
from protocol_bytes import CODES, pb
from protocol_client import Office
from wire_offices import HOST, PERSONAL, Case, Trusting, WireTest, scope

MIB = 1 << 20
MISSIONS = A, B, C, D, E = [f"gn-mission-{letter}" for letter in "abcde"]
REKEYED, REVOKED = E, "gn-mission-revoked"
TURN_MESSAGES, TURN_BYTES, TURN_OFFICE = 256, 16 * MIB, 64  # of one claim; CLAIM_* in broker/claim.c
WINDOW, WINDOW_BYTES = 256, 8 * MIB                         # SESSION_WINDOW, SESSION_DELIVERY_BYTES
QUEUED_BYTES = 32 * MIB                                     # in the door's queue, before cards wait
SESSIONS = 4096                                             # SESSIONS_MAX
wire_offices.PARTIES.update({name: (pb.ROLE_ORIGIN_MISSION, "GN", [pb.OPERATIONS, pb.CASEWORK])
                             for name in (*MISSIONS, REVOKED)})


class OneCore(WireTest):
    parties = (HOST, *MISSIONS, REVOKED)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = {}

    def setUp(self):
        super().setUp()
        for office in MISSIONS:
            self.files[office] = self.files.get(office) or self.file(office)
        self.c.query("UPDATE corridor.delivery SET state = 3 WHERE state IN (1, 2)")
        self.core = CoreAlone(self.c)
        self.addCleanup(self.core.end)

    def file(self, office):
        """A case file admitted for an office: what its backlog is copied from."""
        host, case = self.at(HOST), Case()
        anywhere = scope(pb.RETURN_PREPARATION, PERSONAL["categories"], recipient_role=pb.ROLE_ORIGIN_MISSION)
        host.record_one(pb.REGISTRATION, case.registration(origin_office=office), case.handle)
        host.record_one(pb.CONSENT_RECORD, case.consent_record(scopes=[anywhere]), case.handle)
        return host.send_one(pb.CASE_FILE, office, case.handle, consent_id=case.consent)

    def backlog(self, office, *sizes):
        """As if so many more were admitted for the office, with bodies of these sizes, each
        of a case of its own. Their sequence numbers."""
        rows = self.c.query(
            "WITH new AS MATERIALIZED (SELECT uuid_send(gen_random_uuid()) AS id, size, i"
            "  FROM unnest(%s::int[]) WITH ORDINALITY AS u (size, i)),"
            " put AS (INSERT INTO corridor.message SELECT new.id, admitted_at, sender, recipient, compartment, handle,"
            "  case_handle, type, purpose, categories, basis, consent_id, expires_at, late, header_hash, header,"
            "  signature, cover, decode(repeat('00', size), 'hex') FROM corridor.message, new WHERE message_id = %s)"
            " INSERT INTO corridor.delivery (message_id, admitted_at, sender, recipient, handle, case_handle, lane,"
            "  state, expires_at, released_at) SELECT new.id, admitted_at, sender, recipient, new.id, case_handle, lane,"
            "  1, expires_at, released_at FROM corridor.delivery, new WHERE message_id = %s ORDER BY i"
            " RETURNING sequence", list(sizes), self.files[office].id, self.files[office].id)
        return sorted(sequence for sequence, in rows)

    def open(self, office, window=WINDOW, size=WINDOW_BYTES):
        """The session's connection is the office's place in the list."""
        return self.core.say("open", MISSIONS.index(office), office, window, size)

    def claim(self, command="claim"):
        """One turn: {office: [sequence numbers, as they left]}, and whether there may be more."""
        answer, sent = self.core.say(command), {}
        for connection, what, sequence, _ in answer["heard"]:
            self.assertEqual(what, "DELIVER")
            sent.setdefault(MISSIONS[connection], []).append(sequence)
        return sent, answer["any"]

    def claims(self):
        """Turn after turn, no sweep among them, until nothing more may leave."""
        turns = []
        while len(turns) < 9 and (turn := self.claim())[1]:
            turns.append(turn[0])
        return turns

    @staticmethod
    def together(turns):
        """{office: all that was sent to it, in order}"""
        return {office: sum((turn.get(office, []) for turn in turns), [])
                for office in MISSIONS if any(office in turn for turn in turns)}

    # --- who is sent what ---

    def test_everyones_first_goes_before_anyones_second(self):
        """A long backlog came first; the others' came after it."""
        waits = {office: self.backlog(office, *[500] * (300 if office == A else 60)) for office in MISSIONS}
        for office in MISSIONS:
            self.open(office, window=100)
        first, more = self.claim()
        self.assertTrue(more)
        self.assertEqual(sum(map(len, first.values())), TURN_MESSAGES)
        self.assertEqual(set(first), set(MISSIONS))
        self.assertLessEqual(max(map(len, first.values())) - min(map(len, first.values())), 1)
        for office, sent in first.items():
            self.assertEqual(sent, waits[office][:len(sent)], "its oldest, in order")
        turns = [first, *self.claims()]
        self.assertEqual(self.together(turns), {office: waits[office][:100] for office in MISSIONS})

    def test_one_office_alone_takes_part_of_a_turn(self):
        waits = self.backlog(A, *[500] * 100)
        self.open(A)
        self.assertEqual(self.claims(), [{A: waits[:TURN_OFFICE]}, {A: waits[TURN_OFFICE:]}])

    def test_bytes_are_shared_alike(self):
        waits = {office: self.backlog(office, *[MIB] * 10) for office in (A, B, C)}
        for office in waits:
            self.open(office)
        turns = self.claims()
        self.assertEqual({office: len(sent) for office, sent in turns[0].items()}, {A: 6, B: 5, C: 5})
        self.assertEqual(sum(map(len, turns[0].values())) * MIB, TURN_BYTES)
        self.assertEqual(self.together(turns), {office: waits[office][:WINDOW_BYTES // MIB] for office in waits})

    def test_who_was_left_out_for_bytes_is_next(self):
        """And need not wait for a sweep: the turn had no room for everyone's first."""
        waits = {office: self.backlog(office, 5 * MIB, 500) for office in MISSIONS}
        for office in MISSIONS:
            self.open(office)
        turns = self.claims()
        self.assertEqual(set(turns[0]), {A, B, C})
        self.assertEqual(set(turns[1]) & {D, E}, {D, E})
        self.assertEqual(self.together(turns), waits)

    # (in flight, its bytes), (window, its bytes), bodies that wait, how many of them leave
    ROOM = [((0, 0), (9, 3000), [1000, 1000, 1000, 1000], 3),
            ((0, 0), (9, 2999), [1000, 1000, 1000], 2),
            ((0, 0), (2, 9000), [1000, 1000, 1000], 2),
            ((0, 0), (9, 999), [1000, 1000], 1),          # larger than the window: alone
            ((0, 0), (9, 1), [MIB, 1], 1),
            ((0, 0), (9, 1500), [1000, 1000, 100], 1),    # none overtakes what does not fit
            ((1, 1000), (9, 3000), [1000, 1000, 1000], 2),
            ((1, 1000), (9, 1999), [1000, 1000], 0),      # something is under way, so it waits
            ((1, 1000), (9, 1000), [1000], 0),
            ((1, 0), (9, 999), [1000], 0),
            ((9, 1000), (9, 3000), [1000], 0),
            ((10, 1000), (9, 3000), [1000], 0)]           # a window that shrank

    def test_an_office_is_sent_what_it_has_room_for(self):
        for flight, window, sizes, count in self.ROOM:
            with self.subTest(flight=flight, window=window, sizes=sizes):
                self.c.query("UPDATE corridor.delivery SET state = 3 WHERE state IN (1, 2)")
                waits = self.backlog(A, *sizes)
                self.open(A, *window)
                self.core.say("count", A, *flight)
                self.assertEqual(self.claim()[0].get(A, []), waits[:count])
                self.assertEqual(self.claim("sweep")[0], {}, "and no more, whoever asks")
                self.assertEqual(self.c.query("SELECT sum(claims) FROM corridor.delivery WHERE sequence = ANY(%s)",
                                              waits), [(count,)], "nor is more claimed than leaves")

    def test_one_too_large_for_its_window_follows_when_the_former_has_landed(self):
        first, second = self.backlog(A, 1000, 1000)
        self.open(A, 9, 1)
        self.assertEqual(self.claims(), [{A: [first]}])
        self.c.query("UPDATE corridor.delivery SET state = 3 WHERE sequence = %s", first)
        self.core.say("count", A, 0, 0)
        self.assertEqual(self.claim("sweep")[0], {A: [second]})

    # --- HELLO ---

    # asked for, given
    WINDOWS = [((1, 1), (1, 1)), ((WINDOW, WINDOW_BYTES), (WINDOW, WINDOW_BYTES)),
               ((WINDOW + 1, WINDOW_BYTES + 1), (WINDOW, WINDOW_BYTES)),
               ((2 ** 32 - 1, 2 ** 64 - 1), (WINDOW, WINDOW_BYTES)), ((0, 1), None), ((1, 0), None), ((0, 0), None)]

    def test_a_hello_is_given_no_more_than_there_is(self):
        for connection, (asked, given) in enumerate(self.WINDOWS, 100):
            with self.subTest(asked=asked):
                answer = self.core.say("hello", connection, A, *asked, self.list_number())
                said = [(what, CODES.get(number)) for to, what, number, _ in answer["heard"] if to == connection]
                if given is None:
                    self.assertEqual(said, [("BYE", "BAD_INPUT"), ("CUT", "BAD_INPUT")])
                    continue
                self.assertEqual([what for what, _ in said], ["WELCOME"])
                session = answer["sessions"][A]
                self.assertEqual((session["window"], session["windowBytes"]), given)

    # --- what memory holds to be in flight ---

    def flights(self, answer):
        return {office: (s["inFlight"], s["inFlightBytes"]) for office, s in answer["sessions"].items()}

    def test_what_is_in_flight_is_what_the_book_has(self):
        mine, others = self.backlog(A, 1000, 2000, 4000), self.backlog(B, 500, 600)
        for office in (A, B, C):
            self.open(office)
        self.claims()
        self.assertEqual(self.flights(self.core.say("recount")), {A: (3, 7000), B: (2, 1100), C: (0, 0)})
        self.c.query("UPDATE corridor.delivery SET lease_broker = 'another core' WHERE sequence = %s", mine[2])
        self.c.query("UPDATE corridor.delivery SET state = 3 WHERE sequence = %s", others[0])
        for office, wrong in ((A, (0, 0)), (B, (WINDOW, WINDOW_BYTES)), (C, (7, 7))):
            self.core.say("count", office, *wrong)
        self.assertEqual(self.flights(self.core.say("recount")), {A: (2, 3000), B: (1, 600), C: (0, 0)})

    def test_an_office_wrongly_held_to_be_full_is_sent_again(self):
        waits = self.backlog(A, 1000, 1000)
        self.open(A)
        self.core.say("count", A, WINDOW, 0)
        self.assertEqual(self.claim("sweep")[0], {})
        self.core.say("recount")
        self.assertEqual(self.claim("sweep")[0], {A: waits})

    # --- a new list of cards ---

    def list_number(self):
        return int(self.c.identity.ca("list")["number"])

    def new_list(self):
        """Published and known to the core under test, and not yet sent; its number."""
        self.c.publish()
        self.assertEqual(self.core.say("follow")["heard"], [])
        return self.list_number()

    def cards(self):
        """Turn after turn: [(connection, number of the list)] of each."""
        turns = []
        while len(turns) < 9 and (heard := self.core.say("cards")["heard"]):
            self.assertEqual({what for _, what, _, _ in heard}, {"CARDS"})
            self.assertLess(sum(size for *_, size in heard[:-1]), QUEUED_BYTES, "a turn's share of the door's queue")
            turns.append([(connection, number) for connection, _, number, _ in heard])
        return turns

    def test_a_new_list_reaches_every_session_and_the_newest_is_the_last(self):
        everybody = range(1000, 1000 + SESSIONS)
        self.core.say("crowd", everybody[0], SESSIONS)
        self.assertEqual(self.cards(), [], "nobody lacks the present one")
        former = self.new_list()
        some = self.core.say("cards")["heard"]
        self.assertEqual({number for _, _, number, _ in some}, {former})
        self.assertLess(len(some), SESSIONS, "more than one turn may take")
        newest = self.new_list()
        turns = self.cards()
        self.assertGreater(len(turns), 1)
        self.assertEqual(Counter(sum(turns, [])), Counter((session, newest) for session in everybody))

    def test_a_list_for_which_the_door_has_no_room_goes_out_later(self):
        """WELCOME fits, the list behind it does not."""
        number = self.list_number()
        said = self.core.say("fill", 2 * QUEUED_BYTES - 4096, ";", "hello", 100, A, 1, 1, number - 1)["heard"]
        self.assertEqual([what for _, what, _, _ in said], ["PONG", "WELCOME"])
        self.assertEqual(self.cards(), [[(100, number)]])

    # --- cards that were replaced ---

    def bring(self, office):
        """A registration, handed to the core under test as its door would; its id."""
        agent = Trusting(self.c.parties[office], self.store(office), self.c.identity.cardlist.read_bytes(), self.c.now)
        case = Case()
        message, = agent.sign(agent.record(pb.REGISTRATION, case.registration(origin_office=A), case.handle))
        control, body = self.c.dir / "control", self.c.dir / "body"
        control.write_bytes(pb.Submission(n=1, envelope=message.envelope).SerializeToString())
        body.write_bytes(message.body)
        self.assertTrue(self.core.say("bring", office, control, body)["verified"])
        return message.id

    def test_what_was_verified_under_replaced_cards_is_verified_anew(self):
        """Brought while all were in good standing; settled when no longer."""
        senders = {HOST: "OK", REKEYED: "BAD_SIGNATURE", REVOKED: "CARD_REVOKED", A: "OK"}
        brought = [self.bring(office) for office in senders]
        role, country, compartments = wire_offices.PARTIES[REKEYED]
        renewed = Office(REKEYED, self.c.dir / "renewed", compartments)
        request = self.c.dir / "renewed.request"
        request.write_bytes(renewed.card_request(role, country, f"Office {REKEYED}"))
        self.c.identity.ca("sign", request)
        self.c.identity.ca("revoke", REVOKED)
        self.c.publish()
        self.assertEqual(self.core.say("admit")["codes"], list(senders.values()))
        admitted = self.c.query("SELECT message_id FROM corridor.message WHERE message_id = ANY(%s)", brought)
        self.assertEqual({bytes(id) for id, in admitted}, {brought[0], brought[-1]})
        refused = self.c.query("SELECT message_id FROM corridor.refusal WHERE message_id = ANY(%s)", brought)
        self.assertEqual({bytes(id) for id, in refused}, {brought[2]}, "logged, where it is known whose bytes they are")


if __name__ == "__main__":
    unittest.main()
