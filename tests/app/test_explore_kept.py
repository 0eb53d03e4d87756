#!/usr/bin/env python3
"""What is kept and comes back: sessions without their text, differences with their A, the
tour from nothing; and the numbers of `stats`."""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import COMPRESSOR, MODEL, SAMPLE, ScriptTest, main  # noqa: E402
from tests.app.harness import call, read_safetensors  # noqa: E402


class KeptTest(ScriptTest):
    def test_a_session_without_its_text(self):
        """The file has no word of the text; beside the document it is whole again."""
        alone, beside = self.home / "alone", self.home / "beside"
        for folder in (alone, beside):
            folder.mkdir()
        self.plays(f"save notext {alone / 'a.cxt'}")
        self.assertNotIn(b"Hedda", (alone / "a.cxt").read_bytes())
        self.assertNotIn("text", read_safetensors(alone / "a.cxt")[0])
        (beside / "a.cxt").write_bytes((alone / "a.cxt").read_bytes())
        (beside / SAMPLE.name).write_bytes(SAMPLE.read_bytes())
        first = SAMPLE.read_text().split()[0]
        self.plays(f'expect "{first}"', document=beside / "a.cxt")
        self.plays(f'expect "saved without its text, dots stand for it · put {SAMPLE.name} beside it"',
                   'expect ".... ...."', document=alone / "a.cxt")
        self.fails(1, f'expected "{first}"', f'expect "{first}"', document=alone / "a.cxt")
        (alone / SAMPLE.name).write_text("another text")
        self.plays('expect "saved without its text"', document=alone / "a.cxt")

    def test_a_difference_opens_with_its_other_side(self):
        """A figure of B - A, made with a session file as B, finds both again."""
        self.plays("pin", f"save {self.home / 'a.cxt'}", "set eps 0.5", "wait idle",
                   f"compare {self.home / 'a.cxt'}", f"export diff {self.home / 'd.png'}")
        (self.home / SAMPLE.name).write_bytes(SAMPLE.read_bytes())
        record = json.loads(call("info", self.home / "d.png", "--json")[1])
        self.assertEqual((record["against_session"]["name"], record["against_is"]), ("a.cxt", "B"))
        self.plays("wait idle", 'expect "[2 Compare]"', 'expect "B  compressorA · eps 0.1"',
                   'expect "B - A"', f"export diff {self.home / 'again.png'}",
                   document=None, options=("--from-figure", str(self.home / "d.png")))
        figures = [self.home / "d.png", self.home / "again.png"]
        self.assertEqual(figures[0].read_bytes(), figures[1].read_bytes())
        (self.home / "a.cxt").unlink()
        self.plays('expect "B of the difference, a.cxt, is not beside the figure"', document=None,
                   options=("--from-figure", str(figures[0])))

    def make_sessions(self):
        """Two sessions and the figure of their difference, in a folder of their own."""
        made = self.home / "made"
        made.mkdir()
        self.plays(f"save {made / 'a.cxt'}", "set eps 0.5", "wait idle", f"save {made / 'b.cxt'}")
        self.plays("compare made/a.cxt", "goto w2", "export diff made/d.png made/d.svg",
                   document="made/b.cxt", folder=self.home)
        return made

    def test_a_difference_of_two_sessions_opens_both(self):
        made = self.make_sessions()
        record = json.loads(call("info", made / "d.png", "--json")[1])
        self.assertEqual([record[part]["name"] for part in ("session", "against_session")],
                         ["b.cxt", "a.cxt"])
        shows = ('expect "[2 Compare]"', 'expect "A  compressorA · eps 0.5"',
                 'expect "B  compressorA · eps 0.1"', 'expect "B - A"', 'expect "window 2 of"')
        for name, folder in (("made/d.png", self.home), ("d.svg", made), ("../made/d.png", made)):
            again = self.home / "again.png"
            self.plays(*shows, f"export! diff {again}", document=None, folder=folder,
                       options=("--from-figure", name))
            self.assertEqual((made / "d.png").read_bytes(), again.read_bytes(), name)
        self.plays("goto 10", f"open {made / 'd.png'}", *shows)
        self.plays("size 80x24", f"open {made / 'd.png'}", 'expect "B - A"')

    def test_export_of_a_difference_finds_both(self):
        made, again = self.make_sessions(), self.home / "again.svg"
        self.assertEqual(call("export", "--from-figure", "d.svg", "-o", again, folder=made)[0], 0)
        self.assertEqual((made / "d.svg").read_bytes(), again.read_bytes())
        (made / "d.svg").rename(self.home / "d.svg")
        call("export", "made/b.cxt", "--from-figure", "d.svg", "-o", again, "--force",
             folder=self.home)
        self.assertEqual((self.home / "d.svg").read_bytes(), again.read_bytes())
        status, _, said = call("export", "made/b.cxt", "--view", "diff", "--against", "made/a.cxt",
                               "--window", "2", "-o", "own.svg", folder=self.home)
        self.assertEqual(status, 0, said)
        own = json.loads(call("info", self.home / "own.svg", "--json")[1])
        self.assertEqual((own["session"]["name"], own["against_session"]["name"]),
                         ("b.cxt", "a.cxt"))

    def test_a_session_of_a_difference_that_is_gone_is_told(self):
        made = self.make_sessions()
        figure = made / "d.png"
        (made / "a.cxt").rename(self.home / "a.cxt")
        self.plays('expect "B of the difference, a.cxt, is not beside the figure"',
                   document=None, options=("--from-figure", figure))
        status, _, said = call("export", "--from-figure", figure, "-o", self.home / "again.png")
        self.assertEqual(status, 3)
        self.assertIn(b"B of its difference, a.cxt, is not beside it: name it with --against", said)
        (self.home / "a.cxt").rename(made / "a.cxt")
        (made / "b.cxt").rename(self.home / "b.cxt")
        missing = f"neither its session b.cxt nor its document {SAMPLE.name} is beside it"
        self.fails(3, missing, document=None, options=("--from-figure", figure))
        status, _, said = call("export", "--from-figure", figure, "-o", self.home / "again.png")
        self.assertEqual((status, missing in said.decode()), (3, True), said)
        self.plays('expect "[2 Compare]"', 'expect "window 2 of"', document=self.home / "b.cxt",
                   options=("--from-figure", figure))
        self.plays(f"open {figure}", 'expect "neither its session b.cxt nor"',
                   f"open {self.home / 'b.cxt'}", 'expect "[2 Compare]"', 'expect "window 2 of"')
        (made / SAMPLE.name).write_bytes(SAMPLE.read_bytes())
        self.plays('expect "the session of the figure, b.cxt, is not beside it"', document=None,
                   options=("--from-figure", figure))

    def test_a_difference_from_what_a_session_has_pinned(self):
        self.plays("pin first", "set eps 0.5", "wait idle", f"save {self.home / 'b.cxt'}")
        self.plays(f"export diff {self.home / 'd.png'}", document=self.home / "b.cxt")
        self.plays('expect "[2 Compare]"', 'expect "A  compressorA"', 'expect "first"',
                   f"export diff {self.home / 'again.png'}", document=None,
                   options=("--from-figure", self.home / "d.png"))
        self.assertEqual((self.home / "d.png").read_bytes(),
                         (self.home / "again.png").read_bytes())

    def test_a_key_and_a_command_write_the_same_bytes(self):
        """A script, the key on a terminal, and `export`: one figure, hashes and all."""
        lines = [f"export plan {self.home / 'script.png'} {self.home / 'script.svg'} window=2",
                 f"export gate plan {self.home / 'script-panels.svg'} window=2 width=183mm"]
        self.plays(*lines)
        with self.open() as terminal:
            terminal.wait_for(b"mass")
            terminal.settle()  # the plan balances before the reader's eyes
            for line in lines:
                terminal.type(b":" + line.replace("script", "key").encode() + b"\r")
            terminal.wait_until((self.home / "key-panels.svg").exists)
            self.quit(terminal)
        made = (SAMPLE, "-m", MODEL, "-c", COMPRESSOR, "--window", "2", "--json")
        for words in (("--view", "plan", "-o", "batch.png", "-o", "batch.svg"),
                      ("--view", "gate,plan", "--width", "183mm", "-o", "batch-panels.svg")):
            status, _, err = call("export", *made, *words, folder=self.home)
            self.assertEqual(status, 0, err)
        for name in (".png", ".svg", "-panels.svg"):
            files = [(self.home / (kind + name)).read_bytes() for kind in ("script", "key", "batch")]
            self.assertEqual(files[0], files[2], name)
            self.assertEqual(files[1], files[2], name)
        record = json.loads(call("info", self.home / "key.png", "--json")[1])
        self.assertEqual(len(record["model"]["sha256"]), 64)

    def test_the_tour_from_nothing(self):
        self.plays("tour", "wait idle", 'expect "1 of 10"', 'expect "saltworks.txt"', "tour",
                   'expect "2 of 10"', document=None)
        self.plays("wait idle", 'expect "1 of 10"', 'expect "1571 tokens"', 'expect "F5 ends"',
                   options=("--present",))

    def test_captions_take_in_figures_that_come_later(self):
        """A presentation that begins before the answers tells what the context occupies, once known."""
        short = self.home / "short.txt"
        short.write_text("Peat heated the pans until the moor was drained.\n")
        self.plays("answers full", "tour", 'expect "tokens. ComprExIT"', "ask What?", "wait idle",
                   'expect "tokens, 0.1 MiB. ComprExIT"', "tour", 'expect "2 of 10"', document=short)
        self.plays("wait idle", 'expect "tokens, 0.1 MiB. ComprExIT"', document=short,
                   options=("--present", "-q", "What?"))

    def test_the_tour_puts_back_what_was_changed(self):
        """Its captions followed by hand: eps is changed and read, the next step has it as before,
        and no answer of another."""
        steps = [line for _ in range(7) for line in ("key T", "wait idle")]
        lines = ["ask What replaced peat?", "wait idle", *steps, "key T", 'expect "8 of 10"',
                 'expect "eps 0.10"', "key Right Up Up", "wait idle", 'expect "eps [0.16]"',
                 'expect "stale: r asks again"', "key r", "wait idle", "key T", "wait idle",
                 'expect "9 of 10"', 'expect "Put the cursor on"']
        self.plays(*lines)
        self.fails(1, 'expected "stale" on the screen', *lines, 'expect "stale"')

    def test_the_tour_breaks_what_mattered(self):
        """Its last steps light an answer token and go to the slot that this token looked at most."""
        steps = [line for _ in range(9) for line in ("tour", "wait idle")]
        back, broken = self.home / "back.txt", self.home / "break.txt"
        self.plays("ask What?", "wait idle", *steps, 'expect "9 of 10"', f"screen {back}", "tour",
                   "wait idle", 'expect "10 of 10"', "key m", "wait idle", f"screen {broken}",
                   "tour off")
        looked = re.search(r"compressed answer 0 .* slots (w\d+:)?(s\d+) ", back.read_text())
        self.assertTrue(looked, back.read_text())
        muted = re.search(r"(w\d+:s\d+) is left out", broken.read_text())
        self.assertTrue(muted)
        self.assertEqual(muted[1], (looked[1] or "w1:") + looked[2])

    def test_how_to_go_on(self):
        """After the demo's answers the status line says how to go on, until the first move."""
        hint = 'expect "Move with the arrows. Space locks. ? keys, T tour, a ask."'
        self.plays("wait idle", hint, document=None, options=("--demo",))
        self.fails(1, "expected", "wait idle", "move right", hint, document=None,
                   options=("--demo",))
        self.fails(1, "expected", hint)

    def test_what_is_explained(self):
        """`i` explains what is in front: the loss map where the document shows losses."""
        self.plays("explain", 'expect "The text in tokens."', "explain", "view document loss",
                   "explain", 'expect "How much harder a token became"', "explain", "help formulas",
                   'expect "nats(compressed) - nats(full)"')

    def test_a_key_stands_beside_what_it_does(self):
        """However wide the help is, a line does not end between them."""
        screen = self.home / "help.txt"
        for columns in range(40, 112, 3):
            self.plays(f"size {columns}x70", "help", f"screen {screen}")
            shown = screen.read_text()
            for pair in ("1-5 screens", "Tab S-Tab pane", "Esc back", "C-l redraw", "C-z suspend", "q quit"):
                self.assertIn(pair, shown, f"{columns} columns\n{shown}")

    def test_help_explains_on_the_smallest_screen(self):
        """Every key with what it does, every word with its meaning: line by line down to the end."""
        self.plays("size 40x10", "help", 'expect "arrows hjkl  cursor"', "key Down Down", 'expect "a page back / on"',
                   "key End", 'expect "q quit"')
        self.plays("size 40x10", "help commands", 'expect "open a document; alone"')
        self.plays("size 40x10", "help words", 'expect "token"', 'expect "piece of text"', "key Down",
                   'expect "layer"', "key End", 'expect "UNTRAINED"')
        self.plays("size 40x10", "help formulas", 'expect "sum_j R"', "key End",
                   'expect "-log p(token)"', "key Up", 'expect "nats(full)"', "key Home", 'expect "sum_j R"')

    def test_the_log_begins_at_its_newest_message(self):
        many = [f"source {self.home / 'bad.rc'}" for _ in range(3)]
        (self.home / "bad.rc").write_text("".join(f"goto {n}x\n" for n in range(9)))
        self.plays("size 80x24", *many, "log", 'expect "> - "', 'expect "bad.rc:9"', "key Home", 'expect "bad.rc:1:"',
                   "key End", 'expect "bad.rc:9"')

    def test_oddities_are_told_once(self):
        odd = self.home / "odd.txt"
        odd.write_bytes(b"\xef\xbb\xbfSalt.\r\nPeat and coal.\r\n")
        self.plays('expect "odd.txt: CRLF line ends  byte order mark dropped"', "move right",
                   'expect "token 1 "', document=odd)

    def test_a_toy_says_so(self):
        self.plays('expect "modelA F32"', 'expect "toy model"', "size 176x40",
                   'expect "toy model, answers mean nothing"', "size 80x24", 'expect "toy model"')

    def test_stats(self):
        self.plays("stats", 'expect "What is read, in numbers"', 'expect "mean entropy"',
                   'expect "may send"', "key Esc", 'expect "Document"')
        self.fails(2, "no document is open", "stats", document=None)


if __name__ == "__main__":
    main()
