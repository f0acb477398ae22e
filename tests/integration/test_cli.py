"""The corridor command and deploy/play-story against an agent that answers what
the test wants: exit codes, what goes to which stream, what a broken or hostile
answer does."""

import base64
import json
import os
import shutil
import socketserver
import subprocess
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler
from pathlib import Path

SOURCE = Path(os.environ.get("CORRIDOR_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("CORRIDOR_BUILD", SOURCE / "build" / "dev"))
REFUSAL = {"code": "NO_CONSENT", "path": "/body/health", "rule": "[003:233] written consent", "retry": True,
           "sentence": "The person has not agreed to this.", "detail": "", "kept": []}


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, reply = self.server.reply
        data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except BrokenPipeError:
            pass  # the command has had enough of a huge answer

    do_GET = do_POST = answer

    def log_message(self, *words):
        pass


class FakeAgent(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("agent", 0)


class CommandTest(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="c-"))
        self.addCleanup(shutil.rmtree, self.dir)
        (self.dir / "ne-niamey").mkdir()
        self.agent = FakeAgent(str(self.dir / "ne-niamey" / "agent.sock"), Handler)
        self.agent.asked, self.agent.reply = [], (200, {})
        thread = threading.Thread(target=self.agent.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.agent.server_close)
        self.addCleanup(self.agent.shutdown)

    def run_command(self, *words, reply=None, stdin="", env=None):
        if reply is not None:
            self.agent.reply = reply
        return subprocess.run([BUILD / "corridor", "--agent", self.agent.server_address, *words], input=stdin,
                              capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})


class Corridor(CommandTest):
    def test_exit_code_follows_the_refusal(self):
        for code, exit_code in (("BAD_INPUT", 3), ("NO_CONSENT", 4), ("DISK_FULL", 5), ("NOT_PERMITTED", 6),
                                ("INTERNAL", 1), ("NEVER_HEARD_OF", 1)):
            with self.subTest(code):
                done = self.run_command("status", reply=(400, {"code": code, "sentence": "No."}))
                self.assertEqual((done.returncode, done.stdout), (exit_code, ""))
                self.assertIn(code, done.stderr)

    def test_refusal_as_a_case_officer_reads_it(self):
        done = self.run_command("send", "-", reply=(403, REFUSAL), stdin='{"type": "CaseFile"}')
        self.assertEqual(done.returncode, 4)
        for text in (REFUSAL["sentence"], "NO_CONSENT", "/body/health", "[003:233] written consent", "retry"):
            self.assertIn(text, done.stderr)

    def test_kept_is_not_sent(self):
        kept = {"code": "KEPT_NOT_SENT", "messages": [{"messageId": "0190", "type": "ABN", "state": "queued"}]}
        done = self.run_command("send", "-", "--wait", "0", reply=(202, kept), stdin="{}")
        self.assertEqual(done.returncode, 5)
        self.assertIn("queued", done.stdout)
        self.assertEqual(self.agent.asked[0][1], "/v1/messages?wait=0")

    def test_withdrawal_code_stands_on_standard_output_only(self):
        new = {"reference": "REF", "withdrawalCode": "7HQK-2M9D-41", "code": "KEPT_NOT_SENT"}
        for words in ((), ("--json",)):
            done = self.run_command(*words, "case", "new", "--origin", "gn-conakry", "--programme", "JI",
                                    "--return-type", "AVRR", "--declared-on", "2026-03-02", reply=(202, new))
            self.assertEqual(done.returncode, 5)
            self.assertIn("7HQK-2M9D-41", done.stdout)
            self.assertNotIn("7HQK-2M9D-41", done.stderr)

    def test_input_is_checked_before_anything_is_asked(self):
        for text in ("", "{", "[]", '{"a": 1, "a": 2}', '{"a": "\\u0000"}', "\x00"):
            with self.subTest(text):
                self.assertEqual(self.run_command("send", "-", stdin=text).returncode, 3)
        self.assertEqual(self.agent.asked, [])

    def test_a_wrong_file_is_named_with_its_place(self):
        broken = self.dir / "broken.json"
        broken.write_text('{"type": "ABN",\n "to" "gn-conakry"}')
        for name, place in ((broken, f"{broken}:2:"), ("/nowhere/file", "/nowhere/file")):
            done = self.run_command("--json", "send", str(name))
            self.assertEqual(done.returncode, 3)
            self.assertTrue(json.loads(done.stderr)["path"].startswith(place), done.stderr)

    def test_people_read_ids_and_times_as_written_elsewhere(self):
        told = {"type": "EndNotice", "compartment": "RECORD",
                "header": {"messageId": "AZz8GKdvfFKvNo6LGMvDew==", "inReplyTo": "AZz8GKdPd12Tc+faWXjsBw==",
                           "sentAt": "1773756000111"},
                "content": {"messageId": "AZz8GKdPd12Tc+faWXjsBw==", "at": "1773756000111", "state": "DELIVERED"}}
        shown = self.run_command("show", "0190", reply=(200, told)).stdout
        for text in ("019cfc18a76f7c52af368e8b18cbc37b", "inReplyTo: 019cfc18a74f775d9373e7da5978ec07",
                     "sentAt: 2026-03-17T14:00:00Z", "at: 2026-03-17T14:00:00Z", "state: DELIVERED"):
            self.assertIn(text, shown)
        self.assertEqual(json.loads(self.run_command("--json", "show", "0190").stdout), told)
        for odd in ({"header": {"unheard": "of"}}, {"type": "Unheard", "content": {"a": "b"}}):
            self.assertEqual(self.run_command("show", "0190", reply=(200, odd)).returncode, 0)

    def test_a_duty_is_named_not_numbered(self):
        told = {"type": "ObligationNotice", "compartment": "RECORD", "content": {"kind": 2, "state": "MET"}}
        shown = self.run_command("show", "0190", reply=(200, told)).stdout
        self.assertIn("kind: Confirmation of the booking due", shown)
        self.assertEqual(json.loads(self.run_command("--json", "show", "0190").stdout), told)
        told["content"]["kind"] = 4711
        self.assertIn("kind: 4711", self.run_command("show", "0190", reply=(200, told)).stdout)

    def test_an_envelope_says_how_to_open_it(self):
        self.assertIn("sealed", self.run_command("show", "0190", reply=(200, {"header": {}})).stdout)
        self.assertNotIn("sealed", self.run_command("show", "0190", reply=(200, {"content": {}})).stdout)

    def test_a_timeline_tells_what_the_notices_told(self):
        events = {"events": [{"event": "delivered", "type": "ABN"}, {"event": "received", "type": "EndNotice"},
                             {"event": "due-met", "type": "ObligationNotice"},
                             {"event": "received", "type": "ObligationNotice"},
                             {"event": "quarantined", "type": "EndNotice"},
                             {"event": "received", "type": "WithdrawalNotice"}]}
        told = self.run_command("timeline", "x", reply=(200, events)).stdout.splitlines()[1:]
        self.assertEqual([line.split()[1] for line in told], ["delivered", "due-met", "quarantined", "received"])
        self.assertEqual(json.loads(self.run_command("--json", "timeline", "x").stdout), events)

    def test_a_withdrawn_case_is_listed_as_such(self):
        cases = {"cases": [{"handle": "00", "withdrawn": True}]}
        told = self.run_command("case", "list", reply=(200, cases)).stdout.splitlines()
        self.assertTrue(told[0].endswith("WITHDRAWN") and told[1].endswith("yes"), told)

    def test_language_of_the_locale(self):
        none = {"LC_ALL": "", "LC_MESSAGES": "", "LANG": ""}
        for env, words, asked in (({"LANG": "fr_FR.UTF-8"}, (), "fr"), ({"LANG": "C.UTF-8"}, (), "en"),
                                  ({"LC_ALL": "es", "LANG": "fr_FR"}, (), "es"), ({}, (), "en"),
                                  ({"LANG": "fr_FR.UTF-8"}, ("--lang", "ar"), "ar"),
                                  ({"LC_ALL": "POSIX", "LANG": "fr_FR"}, (), "en")):
            with self.subTest(env=env, words=words):
                self.agent.asked.clear()
                self.run_command("status", *words, env={**none, **env})
                self.assertEqual(self.agent.asked[0][2].get("Accept-Language"), asked)

    def test_times_become_milliseconds(self):
        self.run_command("send", "-", stdin='{"body": {"departsAt": "2026-03-13T10:15Z", "birthDate": "1996-05-14"}}')
        self.assertEqual(json.loads(self.agent.asked[0][3])["body"],
                         {"departsAt": "1773396900000", "birthDate": "1996-05-14"})

    def test_passphrase_goes_in_a_header_of_this_request_only(self):
        read, write = os.pipe()
        os.write(write, "Grüße, Labé\nnext line\n".encode())
        os.close(write)
        done = subprocess.run([BUILD / "corridor", "--agent", self.agent.server_address, "--user", "amina",
                               "--passphrase-fd", str(read), "show", "0190/../x"],
                              capture_output=True, text=True, pass_fds=[read], timeout=60)
        os.close(read)
        self.assertEqual(done.returncode, 0, done.stderr)
        _, path, headers, _ = self.agent.asked[0]
        self.assertEqual(path, "/v1/messages/0190%2F..%2Fx")
        self.assertEqual(headers["Corridor-User"], "amina")
        self.assertEqual(base64.b64decode(headers["Corridor-Passphrase"]).decode(), "Grüße, Labé")

    def test_what_cannot_be_opened(self):
        shown = {"messageId": "0190", "contentError": {"code": "NOT_PERMITTED", "sentence": "You hold no key."}}
        self.assertEqual(self.run_command("show", "0190", reply=(200, shown)).returncode, 0)
        path = self.dir / "passphrase"
        path.write_text("correct horse\n")
        with open(path, encoding="utf-8") as secret:
            done = subprocess.run([BUILD / "corridor", "--agent", self.agent.server_address, "--user", "amina",
                                   "--passphrase-fd", str(secret.fileno()), "show", "0190"],
                                  capture_output=True, text=True, pass_fds=[secret.fileno()], timeout=60)
        self.assertEqual(done.returncode, 6)
        self.assertIn("You hold no key.", done.stderr)

    def test_broken_answers(self):
        for reply in (b"", b"[]", b"{\"office\": ", b"\xff", b"{}" + b" " * (16 * 1024 * 1024)):
            with self.subTest(reply[:10]):
                done = self.run_command("status", reply=(200, reply))
                self.assertEqual((done.returncode, done.stdout), (1, ""))

    def test_nothing_in_an_answer_moves_the_cursor(self):
        nasty = "Exemplar\x1b[2J\r\nforged line"
        for reply, words in (({"messages": [{"type": nasty, "from": nasty}]}, ("inbox",)),
                             ({"content": {"name": nasty, nasty: [nasty]}}, ("show", "0190")),
                             ({"office": nasty}, ("status", "--json"))):
            done = self.run_command(*words, reply=(200, reply))
            self.assertEqual(done.returncode, 0)
            self.assertNotIn("\x1b", done.stdout)
            self.assertFalse([line for line in done.stdout.splitlines() if line.startswith("forged")])


class PlayStory(CommandTest):
    def play(self, *steps, reply=(200, {})):
        self.agent.reply = reply
        folder = Path(tempfile.mkdtemp(dir=self.dir))
        for number, step in enumerate(steps):
            (folder / f"{number}.json").write_text(step if isinstance(step, str) else json.dumps(step))
        return subprocess.run([SOURCE / "deploy" / "play-story", folder, "--corridor", BUILD / "corridor"],
                              env={**os.environ, "CORRIDOR_RUN": str(self.dir)}, capture_output=True, text=True,
                              timeout=60)

    @staticmethod
    def step(**members):
        return {"title": "A step", "office": "ne-niamey", "do": ["status"], **members}

    def test_values_are_saved_and_used(self):
        done = self.play(self.step(save={"id": "/messages/0/messageId"}),
                         self.step(do=["send", "-"], input={"inReplyTo": "${id}"}),
                         reply=(200, {"messages": [{"messageId": "0190"}]}))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(self.agent.asked[1][3]), {"inReplyTo": "0190"})
        self.assertIn("A step", done.stdout)

    def test_a_refusal_can_be_expected(self):
        refused = self.step(expect={"exit": 4, "code": "NO_CONSENT"})
        self.assertEqual(self.play(refused, reply=(403, REFUSAL)).returncode, 0)
        for reply in ((200, {}), (403, {**REFUSAL, "code": "NO_STANDING"})):
            self.assertEqual(self.play(refused, reply=reply).returncode, 1)

    def test_the_story_stops_at_what_it_did_not_expect(self):
        done = self.play(self.step(), self.step(), reply=(403, REFUSAL))
        self.assertEqual(done.returncode, 1)
        self.assertIn("0.json", done.stderr)
        self.assertEqual(len(self.agent.asked), 1)

    def test_mistakes_in_a_folder_are_named(self):
        for step, said in (("{", "0.json"), ([], "one JSON object"), (self.step(untl={}), "untl"),
                           ({"title": "x", "do": []}, "office"), (self.step(do=["show", "${who}"]), "${who}"),
                           (self.step(at="tomorrow"), "time")):
            with self.subTest(said):
                done = self.play(json.dumps(step) if not isinstance(step, str) else step)
                self.assertEqual(done.returncode, 1)
                self.assertIn(said, done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_until_finds_the_item_that_fits(self):
        inbox = {"messages": [{"type": "CaseFile", "messageId": "1"}, {"type": "ABN", "messageId": "2"}]}
        done = self.play(self.step(until={"do": ["inbox"], "has": {"/messages": {"type": "ABN"}},
                                          "save": {"abn": "/messageId"}}),
                         self.step(do=["show", "${abn}"]), reply=(200, inbox))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.agent.asked[-1][1], "/v1/messages/2")


if __name__ == "__main__":
    unittest.main()
