#!/usr/bin/env python3
"""What is refused is told in five parts: what, where, got and expected, what was left as it was,
and what to do."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import ScriptTest, main  # noqa: E402

# A line that is refused, and the way out that it must name.
REFUSED = (
    ("return", "` goes back"), ("qiut", "did you mean quit"), ("u", "did you mean unit, undo or unbind"), ("turn now", ":help turn"),
    ("answers some", ":help answers"), ("goto", ":help goto"), ("goto nowhere", ":help goto"),
    ("goto w14", ":help goto"), ("goto s99", ":help goto"), ("goto L9", ":help goto"), ("goto 99999", ":help goto"),
    ("goto 101%", ":help goto"), ("goto any:1", ":help goto"), ("move up down", ":help move"),
    ("find", ":help find"), ("find pepper mill", "/ searches"), ("find \\a(b", ":help find"), ("range 9 3", ":help range"),
    ("range 1", ":help range"), ("range 5-", ":help range"), ("range -5", ":help range"), ("range 9-3", ":help range"),
    ("range 1-2-3", ":help range"), ("follow", "Tab goes"), ("view plan red", ":help view"),
    ("norm row", ":help norm"), ("norm row window", ":help norm"), ("limits 2 1", ":help limits"),
    ("limits 1", ":help limits"), ("zoom larger", "z zooms"), ("zoom plan gates", ":help zoom"),
    ("layout", ":help layout"), ("set", ":help set"), ("set epsilon 1", 'did you mean "eps"'),
    ("set eps 5", ":help set"), ('set "eps', ":help set"), ("set segment 16", ":help set"),
    ("iter", ":help iter"), ("view plan red blue", ":help view"), ("iter 31", ":help iter"), ("step over", ":help step"), ("play 0", ":help play"),
    ("mute s40", ":help mute"), ("mute xyzzy", ":help mute"), ("mute L0 rebalance", ":help mute"),
    ("mute w99:s0", ":help mute"), ("mute w0:s0", ":help mute"), ("mute w1:x", ":help mute"), ("mute w:s0", ":help mute"),
    ("mute 99999", ":help mute"), ("mute 1 2", ":help mute"), ("mass s0 2", ":help mass"), ("mass 99999 2", ":help mass"),
    ("mass 7 65", ":help mass"), ("mass 7 x", ":help mass"), ("move sideways", ":help move"), ("only s40", ":help only"),
    ("only s0 s1", ":help only"), ("truncate 0", ":help truncate"), ("shuffle 4294967296", ":help shuffle"),
    ("range 0 99999", ":help range"), ("goto compressed:0", ":help goto"), ("only 7", "Tab goes"), ("mass 7", ":help mass"), ("mass 7 -1", ":help mass"), ("shuffle x", ":help shuffle"),
    ("pool all", ":help pool"), ("truncate", ":help truncate"), ("truncate 9999", ":help truncate"),
    ("undo", "settings and edits"), ("redo", "u undoes"), ("reset", "m mutes"), ("regen", "a asks one"),
    ("control", "a asks one"), ("continue now", ":help continue"), ("loss some", ":help loss"),
    ("compare", "b pins"), ("swap", "b pins"), ("difference", "b pins"), ("compare nothing.cxt", ":help compare"),
    ("data", ":help data"), ("eval", ":help eval"), ("eval x limit y", ":help eval"), ("watch", ":help watch"),
    ("watch nowhere", ":help watch"), ("pause", ":train begins one"), ("pause now", ":help pause"), ("resume", ":train begins one"),
    ("checkpoint", ":train begins one"), ("train nonsense", ":help train"), ("train data=", ":help train"),
    ("train start", "train data=FILE"), ("train data=x start", "train run=DIR"), ("export nonsense", ":help export"),
    ("restore", ":help restore"), ("restore no.cxt", ":help restore"), ("record", ":help record"),
    ("record off", "record FILE begins"), ("save a.txt", ":help save"), ("prompt", ":help prompt"),
    ("bind", ":help bind"), ("bind Nokey turn", ":help bind"), ("bind a", ":help bind"), ("unbind", ":help unbind"),
    ("bind gg turn", ":help bind"), ("bind g g turn", ":help bind"), ("bind C-x C-s save", ":help bind"), ("bind C-i turn", ":help bind"),
    ("bind C-z turn", "any other key"), ("unbind C-z", ":bind gives"), ("bind plann w turn", ":help bind"), ("bind w turn now", ":help bind"),
    ("unbind F6", ":bind lists"), ("unbind Plan w", ":unbind w"), ("unbind w x", ":help unbind"),
    ("source", ":help source"), ("source nowhere", ":help source"), ("open nowhere", ":help open"),
    ("model nowhere", ":help model"), ("compressor nowhere", ":help compressor"),
)


class RefusedTest(ScriptTest):
    def said(self, lines):
        """What the log has of each line of a file of commands."""
        commands, screen = self.home / "refused.rc", self.home / "screen.txt"
        commands.write_text("\n".join(lines) + "\n")
        self.plays("size 240x200", f"source {commands}", "switch explore", "log", f"screen {screen}")
        said = {}
        for line in screen.read_text().splitlines():
            found = re.search(r"refused\.rc:(\d+): (.*?) *(?:│|$)", line)
            if found:
                said.setdefault(lines[int(found[1]) - 1], []).append(found[2])
        return said

    def test_each_refusal_has_its_parts(self):
        said = self.said([line for line, way in REFUSED])
        for line, way in REFUSED:
            with self.subTest(line=line):
                self.assertEqual(len(said.get(line, [])), 1, said.get(line))
                parts = said[line][0].split(" · ")
                self.assertEqual(parts[-1], "nothing changed")
                self.assertIn(way, parts[-2])
                if not parts[0].endswith("?"):  # a proposal is a way out
                    self.assertEqual(len(parts), 3, parts)
                    self.assertTrue(parts[0].startswith(line.split()[0]), parts[0])

    def test_what_was_found_stands_beside_what_is_wanted(self):
        said = self.said(["iter", "iter x", "layout", "layout wide wide", "norm row", "goto nowhere"])
        self.assertIn("found nothing", said["iter"][0])
        self.assertIn('iteration x is not in 0..30', said["iter x"][0])
        self.assertIn("found nothing", said["layout"][0])
        self.assertIn('found "wide wide"', said["layout wide wide"][0])
        self.assertIn('"row" is unknown, expected window, token or slot', said["norm row"][0])
        self.assertIn('"nowhere" is no place, expected N', said["goto nowhere"][0])

    def test_edits_end_at_what_can_be_computed(self):
        """Mass that a token may have, and the last slot of a window that receives."""
        slots = [f"mute s{j}" for j in range(31)]
        said = self.said(["goto 7", "mass 7 64", "mass double", "mass 7 0.015625", "mass half", "mass 7 0", "mass half",
                          "reset", *slots, "mute s31 rebalance", "mute s31"])
        self.assertEqual(sorted(said), ["mass double", "mass half", "mute s31 rebalance"])
        for line in ("mass double", "mass half"):
            self.assertIn("a token's mass is changed by 0.01562..64 at most", said[line][0])
        self.assertEqual(len(said["mass half"]), 1)  # half of none is none
        self.assertIn("one slot of the window must receive, w1:s31 is the last one · x takes all in again",
                      said["mute s31 rebalance"][0])

    def test_why_a_key_cannot_be_bound(self):
        said = self.said(["bind gg turn", "bind g g turn", "bind C-x C-s save", "bind C-i turn", "bind plann w turn", "bind w turn now",
                          "bind w redo", "bind w undo", "bind w undo"])
        self.assertIn('"gg" is no key, expected one key (not a sequence)', said["bind gg turn"][0])
        self.assertIn('"g g" is a sequence of keys', said["bind g g turn"][0])
        self.assertIn('"C-x C-s" is a sequence of keys', said["bind C-x C-s save"][0])
        self.assertIn("C-i never gets here: terminals send Tab", said["bind C-i turn"][0])
        self.assertIn('"plann" is no key and no pane', said["bind plann w turn"][0])
        self.assertIn('turn takes no arguments, found "now"', said["bind w turn now"][0])
        self.assertIn('w was "redo" by a line before; "undo" holds now', said["bind w undo"][0])

    def test_what_does_nothing_says_so(self):
        self.plays("size 160x36", "key F7", 'expect "F7 has no use in the Document pane · ? shows the keys · nothing changed"',
                   "key C-c", 'expect "nothing is running · q quits · nothing changed"')

    def test_a_refused_line_changes_nothing_half(self):
        self.plays("train data=a.txt run=r", "source " + str(self.bad("train data=b.txt nonsense")),
                   "switch train", 'expect "a.txt"')
        record = self.home / "kept.rc"
        (self.home / "there.rc").write_text("")
        self.plays(f"record {record}", "source " + str(self.bad(f"record {self.home}/there.rc")), "switch data",
                   "record off")  # it would be refused, had the recording ended

    def test_a_question_that_is_refused_leaves_the_one_before(self):
        """On the screen, too."""
        kept = self.home / "kept.cxt"
        self.plays("answers none", "ask What replaced peat?", "wait idle", f"save {kept}")
        refused, still_there = f"source {self.bad('ask Who pays?')}", 'expect "ask> What replaced peat?"'
        self.plays(f"restore {kept}", refused, still_there, "pin", still_there, refused, still_there)

    def bad(self, line):
        path = self.home / "bad.rc"
        path.write_text(line + "\n")
        return path


class ProblemTest(ScriptTest):
    def test_the_end_of_a_message_stands_below_it(self):
        """On a narrow screen it takes the place of the keys."""
        self.plays("size 80x24", "focus answers", "key m", 'expect "mute: tokens, layers and"',
                   'expect "nothing changed"', "key Up", 'expect "Tab pane  a ask"')

    def test_a_problem_is_read_on_the_smallest_screen(self):
        """Line by line from its sentence on, down to what can be done, and back."""
        bad = self.home / "bad.gguf"
        bad.write_bytes(b"not a model")
        there = ("size 40x10", f"model {bad}", "wait idle")
        self.plays(*there, 'expect "Cannot use this model"', 'expect "bad.gguf"', 'expect "not a GGUF file"',
                   "key Down Down Down Down Down Down Down Down Down", 'expect "> Close (Esc)"', "key Home",
                   'expect "not a GGUF file"', "key Enter", 'expect "Cannot use this model"')
        self.plays(*there, "key End", 'expect "> Close (Esc)"', "key Up", 'expect "> Choose another model"', "key Up",
                   'expect "stays in use"', "key End Enter", "wait idle", 'expect "token 0"')
        self.plays(*there, "size 80x24", 'expect "not a GGUF file"', "key End", 'expect "> Close (Esc)"', "key Up Up Up Up",
                   'expect "> Choose another model"')


if __name__ == "__main__":
    main()
