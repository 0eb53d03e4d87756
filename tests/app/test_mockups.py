#!/usr/bin/env python3
"""Every mock-up of the interaction design as the program itself draws it, played from a script
on the golden model and compared with tests/mockups/NAME.txt. Digits, bars and shades are taken
away first: they are other tests' business, and times differ. UPDATE_SCREENS=1 writes them anew."""
import json
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import SANITIZED, ScriptTest, main  # noqa: E402
from tests.app.harness import ROOT  # noqa: E402
from tests.app.test_train_screen import RunTest  # noqa: E402

MOCKUPS = ROOT / "tests/mockups"
ASK = ("gold briquettes of pressed coal dust", "ask What replaced peat as the fuel of the pans?",
       "wait idle")


def without_answers(lines):
    """What the model of the tests says is noise: rows below the answers' two rows of facts, and
    the examples of Eval."""
    kept, skip = [], False
    for i, line in enumerate(lines):
        if line.startswith(("ask>", " token ", " Tab pane", " kept")):
            skip = False
        if not skip:
            kept.append(line)
        skip = skip or "gold" in line and "compressed" in line
        skip = skip or i >= 2 and "\u2500 Full context" in lines[i - 2]
    return [line for line in kept if not line.startswith(("full ", "compressed ", "none ", " gold"))]


def shape(text):
    """What is left of a screen: words, frames and headings, a line each."""
    lines = []
    for line in without_answers(text.splitlines()):
        line = re.sub(r"\d+(\.\d+)?(e[-+]\d+)?", "#", line)
        line = re.sub(r"sandbox off", "sandbox on", line)  # as the kernel has it
        line = re.sub(r"[\u2581-\u2593]", " ", line)  # bars and shades
        line = re.sub(r" · # tok/s", "", line)  # of an answer of one token there is no speed
        line = re.sub(r"\u2500+", "\u2500", line)
        lines.append(re.sub(r"\s+", " ", line).strip())
    return "\n".join(lines).rstrip() + "\n"


def run_shape(text):
    """Of a run also without curves, signs, speeds, and what the model of the tests says."""
    beside = "[\u2800-\u28ff\u2504\u2502\u2524 ]"
    text = re.sub(f"(?<={beside})[oO](?={beside})|O(?=\u2502)|[\u2800-\u28ff\u2504]", " ", text)
    lines = shape(text).splitlines()
    for i, line in enumerate(lines):
        line = re.sub(r"\b#,#(?= tok/s)|(?:(?<=ETA )|(?<=took ))# (s|min)|(?<=memory )-|-#", "#", line)
        line = re.sub(r"(?<=\u2502 # )\S.*?(?=$| F# #$)", "...", line)
        lines[i] = line
    return "\n".join(lines) + "\n"


@unittest.skipIf(SANITIZED, "sums in another order")
def compare_shape(text):
    """Without what the slot is made of: shares that are nearly the same stand in any order."""
    return re.sub(r"s#: .*?\n(?=\u2500)", "s#: ...\n", shape(text), flags=re.DOTALL)


class Mockup(ScriptTest):
    def mockup(self, name, *lines, shape=shape, **settings):
        dump = self.home / "screen.txt"
        self.plays(*lines, f"screen! {dump}", **settings)
        got, want = shape(dump.read_text()), MOCKUPS / f"{name}.txt"
        if os.environ.get("UPDATE_SCREENS"):
            want.write_text(got)
        self.assertEqual(got.splitlines(), want.read_text().splitlines(), name)


class MockupTest(Mockup):
    def test_explore(self):
        self.mockup("explore", *ASK, "goto 162")
        self.mockup("explore-fold", *ASK, "size 80x24", "goto 162", "focus document")
        self.mockup("explore-tiny", *ASK, "size 40x10", "goto 162", "focus plan")
        self.mockup("explore-notice", "size 31x8")

    def test_zoom(self):
        self.mockup("zoom", "goto 162", "focus plan", "goto s12", "view plan slot-share",
                    "zoom plan", "zoom larger", "zoom larger")

    def test_train(self):
        self.mockup("train-form", "switch train")

    def questions(self):
        path = self.home / "harbour-qa.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in (
            {"context": "The tables were printed on grey card. " * 30 + "The new basin was opened "
                        "in the spring of 1888.", "question": "When was the new basin opened?",
             "answers": ["spring of 1888"]},
            {"context": "Barges waited outside for six hours.", "question": "How long?",
             "answers": ["six hours"]},
            {"context": "x", "question": "y", "answers": []})) * 60)
        return path

    def test_data(self):
        path = self.questions()
        path.write_text("\n".join(path.read_text().splitlines()[:2] * 80) + "\n")
        self.mockup("data", f"data {path}", "wait idle")

    def test_eval(self):
        path = self.questions()
        path.write_text("\n".join(path.read_text().splitlines()[:2]) + "\n")
        self.mockup("eval", f"eval {path}", "wait idle", "view next", "view next", "view next",
                    "wait idle")

    def test_compare(self):
        self.mockup("compare", "pin", "set eps 0.02", "wait idle", "switch compare", "goto w2",
                    "goto s12", shape=compare_shape)

    def test_help(self):
        self.mockup("help", "focus plan", "key ?")

    def test_start(self):
        self.mockup("start", "size 80x24", "wait idle", document=None)


class TrainMockupTest(Mockup, RunTest):
    def test_run(self):
        """A small run from beginning to end, as the screen has it then."""
        self.run_folder = "ntp-01"
        self.mockup("train", self.train("steps=20", "preset=cpu-ntp", "start"), "wait step 20",
                    "wait idle", shape=run_shape, folder=self.home)


del ScriptTest, RunTest, Mockup  # its own tests run elsewhere
if __name__ == "__main__":
    main()
