#!/usr/bin/env python3
"""The explorer survives what is typed, pasted and resized, ends when its terminal is
gone, and writes nothing but its own escape sequences."""
import os
import pathlib
import random
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import COMPRESSOR, GOLDEN, PROGRAM, SAMPLE, SANITIZED  # noqa: E402
from tests.app.explorer import ExplorerTest, leaks, main  # noqa: E402
from tests.support import processes  # noqa: E402
from tests.support.pseudo_terminal import PseudoTerminal  # noqa: E402

KEY_BYTES = int(os.environ.get("KEY_BYTES", "50000"))
KEY_SEED = int(os.environ.get("KEY_SEED", "11"))
SIZES = ((24, 80), (36, 120), (10, 40), (60, 200))
PIECES = [b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[5~", b"\x1b[6~", b"\x1b[<0;",
          b"\x1b[<64;3;4M", b"\x1b[<0;30;9M", b"\x1b[<0;33;9m", b"\x1b[200~", b"\x1b[201~",
          b"\x1b", b"\t", b"\r", b"\x1b[Z", b"\x1bOP", b":", b"/", b"a", b"?", b"\x1b[27u"]


class InputTest(ExplorerTest):
    def test_resizes(self):
        chance = random.Random(5)
        with self.open("-q", "What?") as terminal:
            terminal.wait_for(b"? help")
            for i in range(300):
                if i % 60 == 30:
                    terminal.type(random.Random(i).choice([b":", b"?", b"\x1b[27u", b"a", b"s"]))
                terminal.resize(chance.choice([1, 2, 5, 9, 10, 16, 24, 30, 60, 200, 9999]),
                                chance.choice([1, 2, 20, 39, 40, 64, 80, 112, 200, 500, 30000]))
                terminal.pump(0.01)
            terminal.resize(24, 80)
            terminal.settle()  # no key acts while there is no room
            terminal.type(b"\x1b[27u\x1b[27u\x1b[27u")
            terminal.settle()
            self.assertFalse(terminal.has_exited(), terminal.output[-300:])
            mark = len(terminal.output)
            terminal.type(b"\x0c")
            terminal.wait_for(b"saltworks", since=mark)
            self.quit(terminal)

    def test_too_small(self):
        with self.open(rows=8, columns=31) as terminal:
            terminal.wait_for(b"comprexit needs 40x10")
            self.quit(terminal)

    def test_hang_up_ends(self):
        with self.open() as terminal:
            terminal.wait_for(b"? help")
            terminal.hang_up()
            processes.wait_until(terminal.has_exited)
            self.assertEqual(terminal.status, 129)

    def test_model_file_cut_while_in_use(self):
        model = self.home / "cut.gguf"
        model.write_bytes((GOLDEN / "modelA/A-Q8_0.gguf").read_bytes())
        arguments = [PROGRAM, SAMPLE, "-m", model, "-c", COMPRESSOR]
        with PseudoTerminal(arguments, rows=36, columns=120, environment={"XDG_STATE_HOME": str(self.home)}) as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            os.truncate(model, 4096)
            terminal.type(b"aWhat?\r")
            status = terminal.wait_exit()
            if not SANITIZED:  # a sanitizer reports the fault itself, after our handler
                self.assertEqual(status, -signal.SIGBUS)
            screen, said, after = terminal.output.partition(
                b"comprexit: model file changed while in use")
            self.assertTrue(said, terminal.output[-400:])
            self.assertIn(b"\x1b[?1049l", screen[-300:])
            self.assertEqual(terminal.modes_now(), terminal.modes)
            self.assertNotIn(b"? help", after)  # no frame over the message

    def test_three_stops_end(self):
        with self.open() as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()  # the text is read: there is nothing to stop
            terminal.type(b"\x03")
            terminal.wait_for(b"q quits")
            terminal.type(b"\x03\x03\x03")  # at once: they count within a second
            self.assertEqual(terminal.wait_exit(), 130)
            self.assertEqual(terminal.modes_now(), terminal.modes)

    def test_asks_before_edits_are_lost(self):
        with self.open("--no-answers") as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            terminal.type(b":only L1\r")
            terminal.wait_for(b"only layer taken from")
            terminal.settle()
            terminal.type(b":pool mean\r")
            terminal.settle()
            terminal.type(b"q")
            terminal.wait_for(b"2 edits will be forgotten.")
            terminal.type(b"\x1b[27u")
            terminal.settle()
            terminal.type(b"S")
            terminal.wait_for(b"it opens without the model")
            self.quit(terminal)  # they are in the file

    def test_paste_is_never_typed(self):
        with self.open() as terminal:
            terminal.wait_for(b"? help")
            terminal.type(b"\x1b[200~q\rq\r:quit\r\x1b[201~")
            terminal.wait_for("nothing takes a paste here · a asks, : commands, then paste".encode())
            self.assertFalse(terminal.has_exited())
            terminal.type(b"a\x1b[200~" + b"x\x1b[31m\n" * 120000 + b"\x1b[201~")
            terminal.settle()
            terminal.type(b"\x07")
            terminal.settle()
            self.assertEqual(leaks(terminal.output), [])
            self.quit(terminal)

    def test_quit_typed_into_the_editor_is_not_for_us(self):
        with self.open(environment={"EDITOR": "echo ready; read line; true"}) as terminal:
            terminal.wait_for(b"? help")
            terminal.type(b"a\x18\x05")
            terminal.wait_for(b"ready", since=terminal.wait_for(b"\x1b[?1049l"))
            terminal.type(b"\x1c")
            terminal.wait_for(b"the text is unchanged")
            terminal.type(b"\x07")
            terminal.settle()
            self.quit(terminal)

    def test_random_keys(self):
        """50,000 bytes of them, `make random-keys` 200,000, in sessions of several sizes."""
        (self.home / "config/comprexit").mkdir(parents=True)
        (self.home / "config/comprexit/rc").write_text("unbind q\nset iterations 5\n")
        for session, (rows, columns) in enumerate(SIZES):
            chance, left = random.Random(KEY_SEED + session), KEY_BYTES // len(SIZES)
            while left > 0:  # :quit may be among them, too: then it begins again
                with self.subTest(session=session, left=left), \
                     self.open("-q", "What?", rows=rows, columns=columns) as terminal:
                    left -= self.send_random_keys(terminal, chance, left)

    def send_random_keys(self, terminal, chance, wanted):
        """How many it took."""
        terminal.settle()
        sent, memory, first = 0, [], terminal.resident_bytes()
        while sent < wanted and not terminal.has_exited():
            keys = b"".join(chance.choice(PIECES) if chance.random() < 0.5
                            else bytes([chance.randrange(256)]) for _ in range(50))
            keys = keys.translate(None, b"\x03\x1a\x1c")  # these are signals when it has quit
            terminal.type(keys)
            terminal.pump(0.005)
            sent += len(keys)
            if 4 * sent > (len(memory) + 1) * wanted and not terminal.has_exited():
                terminal.settle()  # it does not hang
                memory.append(terminal.resident_bytes())
        if sent >= wanted and not terminal.has_exited():
            terminal.settle()
            terminal.type(b"\x03\x03\x03")
            self.assertEqual(terminal.wait_exit(), 130, terminal.output[-400:])
        self.assertIn(terminal.wait_exit(), (0, 130), terminal.output[-400:])
        self.assertEqual(terminal.modes_now(), terminal.modes)
        print(f"{sent} bytes of keys; MB at first and at each quarter:",
              *(f"{size / 1e6:.1f}" for size in [first, *memory]))
        # A sanitizer keeps what was freed: the growth would be its own. It looks for leaks at the end.
        if not SANITIZED and len(memory) == 4:
            self.assertLess(memory[3] - first, 5 << 20)
        return sent


class InjectionTest(ExplorerTest):
    HOSTILE = (b"\x1b]52;c;ZXZpbA==\x07 \x1b]0;title\x07 \x1b[6n \x1bP$q\"p\x1b\\ \x9b31m \xc2\x9b32m "
               b"\x1b[?1049l \x07\x08\x0e \xe2\x80\xae reversed \xe2\x80\x8b zero \xff\xfe "
               b"a" + b"\xcc\x81" * 40 + b" \x1bc \x1b[2J word\r over\tend\n")

    def test_hostile_document_and_names(self):
        name = "evil\x1b]0;x\x07\u202e.txt"
        document = self.home / name
        document.write_bytes((self.HOSTILE * (1 + 65536 // len(self.HOSTILE)))[:65536])
        os.mkdir(self.home / "dir\x1b[31m")
        with self.open("-q", "\x1b[6n What?", document=name, rows=40, columns=120) as terminal:
            terminal.wait_for(b"? help")
            for keys in (b"jjjlll", b"\x1b[6~", b"G", b"\t\tll", b"z", b"\x1b[27u", b"O", b"\x1b[27u",
                         b":info\r", b"\x1b[27u", b"L", b"\x1b[27u", b"w", b"kkk", b"a\x1b[H\x07",
                         b":open dir\t", b"\x07", b":open nothing\x1b[31m\r", b"H\x1b[27u"):
                terminal.type(keys)
                terminal.settle()
            self.quit(terminal)
            self.assertEqual(leaks(terminal.output), [])
            self.assertEqual(terminal.output.count(b"\x1b[6n"), 1)

    def test_hostile_name_on_stderr(self):
        with self.open(document="no\x1b]0;x\x07\u202ename") as terminal:
            self.assertEqual(terminal.wait_exit(), 3)
            self.assertEqual(leaks(terminal.output), [])
            self.assertIn(b"no^[]0;x^G<U+202E>name", terminal.output)


if __name__ == "__main__":
    main()
