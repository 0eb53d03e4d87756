#!/usr/bin/env python3
"""Answers that follow the settings by themselves, the view as commands, and the screen as one
sentence; on the golden model."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import ScriptTest, main  # noqa: E402

ASKED = ("answers compressed", "ask What?", "wait idle")


class LiveTest(ScriptTest):
    def shown(self, *lines, name="screen.txt", **settings):
        """The screen after a script."""
        path = self.home / name
        self.plays(*lines, f"screen {path}", **settings)
        return path.read_text()

    def test_off_leaves_it_stale(self):
        self.assertIn("stale", self.shown(*ASKED, "set eps 0.3", "wait idle"))

    def test_on_answers_again(self):
        for change in ("set eps 0.3", "mute w1:s0", "mass 3 0", "undo", "range 3 9"):
            with self.subTest(change=change):
                self.assertNotIn("stale", self.shown("set eps 0.2", *ASKED, "set live on", change,
                                                     "wait idle"))

    def test_it_rests_between_changes(self):
        """Changes that follow one another are one: the answer before is that of the first
        settings, and nothing is asked where no question is."""
        self.plays(*ASKED, "set live on", "set eps 0.3", "set eps 0.4", "set eps 0.5",
                   'wait for "stale"')
        self.assertNotIn("stale", self.shown("set live on", "set eps 0.3", "wait idle"))


class RecreateTest(LiveTest):
    def same(self, *lines):
        script = self.home / "again.rc"
        script.unlink(missing_ok=True)
        self.plays(*lines, "wait idle", f"recreate {script}", f"screen {self.home / 'there.txt'}")
        status, said = self.again(script)
        self.assertEqual(status, 0, said)
        # what is told in the status line for five seconds is another thing
        there, here = ([line for line in (self.home / name).read_text().splitlines()[:-2]
                        if "first " not in line] for name in ("there.txt", "here.txt"))  # times
        self.assertEqual(here, there)

    def again(self, script):
        with script.open("a") as file:
            file.write(f"screen {self.home / 'here.txt'}\n")
        text = script.read_text()
        self.assertIn("size 120x36\n", text)
        return self.play(*text.splitlines(), document=None)

    def test_views(self):
        for lines in (("goto w3", "focus plan", "view plan slot-share", "goto s5"),
                      ("goto 40", "focus gates", "goto L2", "lock", "goto 50", "colors cividis"),
                      ("set eps 0.3", "set window 64", "scale sqrt", "norm token", "unit word"),
                      ("mute w2:s3", "mute L1", "mass 12 0.5", "mass even", "goto w2"),
                      ("range 20 90", "zoom plan", "turn", "iter 3"),
                      ("view document mass", "goto w2", "focus plan", "goto s3", "lock", "goto w4")):
            with self.subTest(lines=lines):
                self.same(*lines)

    def test_lock_on_an_answer(self):
        self.same(*ASKED, "focus answers", "goto compressed:1", "lock", "goto compressed:0")
        self.fails(2, "is no answer's token", "goto any:1")
        self.fails(2, "the none answer has 0 tokens", "goto none:0")

    def test_answers(self):
        path = self.home / "again.rc"
        self.plays("answers none", "gold salt", "ask Who?", "wait idle", f"recreate {path}")
        text = path.read_text()
        self.assertIn("gold salt\nask Who?\n", text)
        self.fails(2, "is there already · recreate! overwrites it", f"recreate {path}")
        self.plays(f"recreate! {path}")


class CompareInPlaceTest(LiveTest):
    """A laid over what Explore shows: its difference, and itself."""

    def test_difference_in_the_plan(self):
        before = self.shown("focus plan", "pin", name="a.txt")
        shown = self.shown("focus plan", "pin", "key d", name="same.txt")
        self.assertIn("B - A: + more  - less", shown)
        self.assertNotIn("#", shown.split("── Plan")[1].split("── Full")[0])
        changed = self.shown("focus plan", "pin", "set eps 1", "wait idle", "key d")
        self.assertIn("=", changed.split("mass│")[1].split("── Full")[0])
        self.assertEqual(before.count("▓") > 0, True)

    def test_flicker(self):
        """A is shown as it was, title and status aside, and B comes back."""
        a = self.shown("goto w2", "focus plan", "pin", name="a.txt")
        b = self.shown("goto w2", "focus plan", "pin", "set eps 1", "wait idle", name="b.txt")
        over = self.shown("goto w2", "focus plan", "pin", "set eps 1", "mute s1", "wait idle",
                          "key f", name="over.txt")
        back = self.shown("goto w2", "focus plan", "pin", "set eps 1", "wait idle", "key f f",
                          name="back.txt")
        rows = slice(1, 27)
        self.assertEqual(over.splitlines()[rows], a.splitlines()[rows])
        self.assertTrue(over.splitlines()[0].rstrip().endswith(" A"))
        self.assertEqual(back.splitlines()[rows], b.splitlines()[rows])
        self.assertNotEqual(a.splitlines()[rows], b.splitlines()[rows])

    def test_another_document_has_no_difference(self):
        other = self.home / "other.txt"
        other.write_text("Some other words, of no consequence at all.")
        for key in ("difference", "flicker"):
            self.fails(2, "A shows another document", "pin", f"open {other}", "wait idle", key)
        self.fails(2, "nothing is pinned", "difference")


class JumpTest(LiveTest):
    def test_back_and_again(self):
        self.plays("goto 40", "focus plan", "goto w5", "goto s3", "key `", "key `",
                   'expect "slot s3"', "find briquettes", "key `", 'expect "window 5 of 13"', "key `",
                   'expect "bri"')
        self.fails(2, "no jump was made yet", "return")


class SpeakTest(LiveTest):
    def test_one_sentence(self):
        shown = self.shown("set speak on", "focus document", "key l l")
        first, *rest = shown.splitlines()
        self.assertIn('token 2 "', first)
        self.assertEqual("".join(rest).strip(), "")

    def test_boxes_and_prompt(self):
        self.assertIn("g G", self.shown("set speak on", "key ? Down"))
        self.assertIn("ask> Who", self.shown("set speak on", "key a", "type Who").splitlines()[-1])
        self.assertIn("token 0", self.shown("set speak on", "set speak off", "key h"))

    def test_other_screens(self):
        self.assertIn("Phase", self.shown("set speak on", "switch train", "key Up Up Up Up Up Up"))


if __name__ == "__main__":
    main()
