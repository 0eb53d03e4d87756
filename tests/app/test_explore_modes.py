#!/usr/bin/env python3
"""What a terminal is told on every screen and in every box when it has no colours, 256 of them, or
ASCII only: no sequence and no byte beyond that, and on the screen no sign without a likeness."""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import MODEL, ExplorerTest, leaks, main  # noqa: E402
from tests.app.harness import PROGRAM  # noqa: E402

QUESTIONS = """\
{"id": "a", "context": "The ferry leaves the quay at nine.", "question": "When", "answers": ["nine"]}
{"id": "b", "context": "Ines Kroll made the clock of the hall.", "question": "Who", "answers": ["Ines"]}
"""
ASKED = ("-q", "What replaced the peat")
ESC = b"\x1b[27u"
BOXES = (b"H", b"i", b"?", b"\x1bOQ", b"\x1bOR", b"\x1bOS", b"O", b"L")
EXPLORE = (b"\x1b[C\x1b[C", b"v", b"v", b"v", b"vv\t", b"\x1b[A", b"v", b"vz", b"+", b"+", b"z\t", b"v",
           b"c", b"vz", b"+", b"+", b"t", b"tz\t", b"v", b"z", b"z", b"g\x1b[C ", b"s", b",,", ESC + b"b",
           b"\x1b[Zm", b"d", b"d\t", *(ESC + box for box in BOXES), ESC + b"VV", ESC + b"1")
OTHERS = (b"2", b"B", b"c", b"3", b":data q.jsonl\r", b"v", b"4", b":watch run\r", b"v", b"\t", b",",
          ESC + b"\x1b[27u", b"5")
COLOURED = re.compile(rb"\x1b\[[0-9;]*\b(?:3[0-8]|4[0-8]|9[0-7])[;0-9]*m")
KNOWN = re.compile(r"\? help|\? F1|type \? |\?$")  # where a question mark is one


class ModesTest(ExplorerTest):
    def setUp(self):
        super().setUp()
        (self.home / "q.jsonl").write_text(QUESTIONS)
        text = self.home / "text.txt"
        text.write_text("".join(f"The pan number {i} boiled salt. " for i in range(300)))
        subprocess.run([PROGRAM, "train", "ntp", "-m", MODEL, "--data", text, "--run", self.home / "run",
                        "--steps", "4", "--batch", "1", "--set", "micro_batch=1", "--set", "blocks=32+16",
                        "--set", "window=32", "--set", "valid_every=2", "--set", "valid_samples=2",
                        "--set", "warm_gate=6", "--probe", "none", "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)

    def walk(self, *more, look=lambda _: None, **settings):
        """All that was written to a terminal on the way through every screen; `look` sees what
        each step shows, apart from answers: those of the model of the tests are any signs."""
        with self.open(*more, **settings) as terminal:
            for keys in EXPLORE + OTHERS:
                terminal.settle()
                look(terminal.lines())
                terminal.type(keys)
            terminal.type(b":eval q.jsonl\r")
            terminal.wait_shown("2 of 2 questions")
            terminal.settle()
            look([line for line in terminal.lines() if "questions" in line])
            terminal.type(b":quit!\r")
            self.assertEqual(terminal.wait_exit(), 0, terminal.output[-400:])
            return terminal.output

    def test_no_colour(self):
        output = self.walk(*ASKED, environment={"NO_COLOR": "1"})
        self.assertIsNone(COLOURED.search(output))
        self.assertEqual(leaks(output), [])

    def test_256_colours(self):
        output = self.walk(*ASKED, rows=48, columns=160)
        self.assertIn(b"8;5;", output)
        self.assertNotIn(b"8;2;", output)
        self.assertEqual(leaks(output), [])

    def test_ascii(self):
        def look(lines):
            for line in lines:
                self.assertNotIn("?", KNOWN.sub("", line.rstrip()))

        output = self.walk(look=look, rows=36, columns=120, environment={"LC_ALL": "C"})
        self.assertTrue(output.isascii())


if __name__ == "__main__":
    main()
