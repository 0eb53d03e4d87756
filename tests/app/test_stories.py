#!/usr/bin/env python3
"""Whole stories of people at the keyboard, in a terminal of tmux, on the golden model: a
researcher finds why an answer came out and takes the figure along; a teacher gives the tour; an
engineer watches a run and compares two of its checkpoints; a crash loses nothing."""
import os
import pathlib
import shutil
import signal
import struct
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import COMPRESSOR, ExplorerTest, MODEL, PROGRAM, SAMPLE, main  # noqa: E402
from tests.app.test_train_screen import SETTINGS, write_text  # noqa: E402
from tests.support import tmux  # noqa: E402
from tests.support.processes import wait_until  # noqa: E402

QUESTION = "What replaced peat as the fuel of the pans?"
SIZES = ((80, 24), (120, 36), (200, 60), (40, 10))


def rows_of(screen, word):
    """The lines of the screen from the heading with the word on."""
    lines = screen.splitlines()
    at = next(i for i, line in enumerate(lines) if word in line)
    return lines[at:]


@unittest.skipUnless(tmux.AVAILABLE, "no tmux")
class StoryTest(ExplorerTest):
    def screen(self, *arguments, columns=120, rows=36):
        own = {name: self.home / name.lower() for name in
               ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
        screen = tmux.Tmux([PROGRAM, *arguments], columns=columns, rows=rows, cwd=self.home,
                           environment=dict(own, HOME=self.home))
        self.addCleanup(screen.__exit__)
        return screen

    def model(self, *arguments, **settings):
        return self.screen("-m", MODEL, "-c", COMPRESSOR, *arguments, **settings)

    def test_researcher(self):
        paper = self.home / "paper.txt"
        shutil.copy(SAMPLE, paper)
        s = self.model()
        # opens the paper from the start screen, and asks
        s.wait("Open a document")
        s.command(f"open {paper.name}")
        s.wait("token 0 of", "? help")
        s.keys("a")
        s.wait("ask>")
        s.type(QUESTION)
        s.keys("Enter")
        s.wait("· done", "looked at:")
        # why this answer? from its second word to the slot, from the slot to its tokens
        s.keys("Tab", "Tab", "Tab", "Right")
        s.wait("looked at")
        s.keys("Enter")
        told = s.wait("made of")
        slot = told[told.index(" slot s"):].split()[1]
        # without that slot: another answer, or the same; it is said which
        s.keys("m")
        s.wait(f"{slot} is left out", "stale", f"{slot} off")
        s.keys("r")
        s.gone("stale")
        s.keys("u")
        s.gone(f"{slot} off")
        s.keys("r")
        s.wait("· done")
        # the figure for a column of 89 mm, two keys
        s.keys("Space", "e")
        line = s.wait("export plan paper-w", "width=89mm dpi=300").splitlines()[-1].strip()
        self.assertTrue(line.endswith("width=89mm dpi=300"), line)
        name = line.split()[2]
        before = rows_of(s.text(), "── Plan")
        s.keys("Enter")
        s.wait(f"{name} written")
        figure = self.home / name
        data = figure.read_bytes()
        width, = struct.unpack(">I", data[16:20])
        self.assertEqual(width, round(89 / 25.4 * 300))
        per_metre, _, unit = struct.unpack_from(">IIB", data, data.index(b"pHYs") + 4)
        self.assertEqual((round(per_metre * 0.0254), unit), (300, 1))
        s.keys("q")
        s.wait("ended 0")
        # and again from the figure: the same window, lock and question
        again = self.screen("-m", MODEL, "-c", COMPRESSOR, "--from-figure", figure)
        again.wait("── Plan *", QUESTION, "· done")
        after = rows_of(again.wait("senders off"), "── Plan")
        self.assertEqual(after[0].split("──")[1:2], before[0].split("──")[1:2])
        window = next(word for word in before[0].split("·") if "window" in word)
        self.assertIn(window, after[0])
        again.keys("q")
        again.wait("ended 0")

    def test_teacher(self):
        titles = ("The bill", "Read once, frozen", "Down the layers", "Anchor", "How much may it say?",
                  "Who carries it?", "Balance", "Sharp or soft?", "Look back", "Break it")
        s = self.model(SAMPLE, "-q", QUESTION, "--present", "tour")
        s.wait(titles[0], "slots instead")
        for size in SIZES:
            s.resize(*size)
            s.wait(titles[0])
        s.resize(120, 36)
        for title in titles[1:]:
            s.keys("Space")
            s.wait(title)
            self.assertNotIn("ask>", s.text())
        s.keys("Left")
        s.wait(titles[-2])
        s.keys(".")
        s.until(lambda screen: not screen.strip(), "the screen is not dark")
        s.keys(".")
        s.wait(titles[-2])
        # the program underneath stays usable, and the next step puts it in order again
        s.keys("Tab", "Down", "Space")
        s.wait(titles[-1])
        s.keys("F5")
        s.wait("ask>", "? help")
        s.keys("q")
        s.wait("ended 0")

    def test_engineer(self):
        text = write_text(self.home)
        s = self.model(SAMPLE, "--no-answers")
        s.wait("? help")
        s.keys("4")
        s.wait("Train a compressor")
        s.command(f"train data={text.name} run=runs/a {SETTINGS}")
        s.wait("> Dry run")
        s.keys("Enter")
        s.wait("The dry run found")
        s.command("train start")
        s.wait("best held-out", "look ")
        s.keys("v")
        s.wait("Learning rate")
        s.keys("v", "v", "v")
        s.wait("the run has ended", "Step 40 of 40")
        for size in SIZES:
            s.resize(*size)
            s.wait("40/40" if size[0] < 112 else "[4 Train]")
        s.resize(120, 36)
        # the time lapse, its first snapshot against its last
        s.wait("step 40, look 9 of 9", "order kept")
        s.keys(",", ",")
        s.wait("step 30, look 7 of 9")
        s.keys("p")
        s.wait("look 9 of 9")
        s.keys("Enter")
        s.wait("[1 Explore]", "step 40", "? help")
        s.command("compare runs/a/probe-000000.cxt")
        s.wait("[2 Compare]", "A  step 40", "B  step 0", "B - A", "moved")
        s.keys("e")
        s.wait("export diff")
        s.keys("Enter")
        s.wait("written")
        self.assertEqual(len(list(self.home.glob("*-diff.png"))), 1)
        s.keys("1")
        s.keys("q")
        s.wait("ended 0")
        # from elsewhere: the same run is watched by its directory
        other = self.screen("train", "--watch", "runs/a", "-m", MODEL)
        other.wait("finished", "40/40", "look 9 of 9")
        other.keys("q")
        other.wait("ended 0")


    def test_after_a_crash(self):
        """What was looked at is there again, without the model; a clean end leaves nothing."""
        state = self.home / "xdg_state_home" / "comprexit"
        rc = self.home / "rc"
        rc.write_text("set autosave 1\n")
        s = self.model(SAMPLE, "--no-answers", "--rc", rc)
        s.wait("window 1 of")
        s.command("goto w2")
        s.wait("window 2 of", "senders off")
        wait_until(lambda: list(state.glob("autosave-*.cxt")))
        pid = int(next(state.glob("autosave-*.cxt")).stem.split("-")[1])
        os.kill(pid, signal.SIGKILL)
        s.wait("ended 137")
        again = self.model("--rc", rc)
        again.wait("> The session that was cut off")
        again.keys("Enter")
        again.wait("restored", "window 2 of", "senders off")
        again.keys("q")
        again.wait("ended 0")
        self.assertEqual(list(state.glob("autosave-*")), [])

    def test_the_start_screen_knows_what_was_open(self):
        paper = self.home / "paper.txt"
        shutil.copy(SAMPLE, paper)
        s = self.model(paper, "--no-answers")
        s.wait("window 1 of", "senders off")
        s.command("goto w2")
        s.command("ask Who?")
        s.wait("· done")
        s.keys("q")
        s.wait("ended 0")
        again = self.model(columns=80, rows=24)
        again.wait("no document open", "paper.txt", "window 2, 1 question", "Compressor  ", "Memory  ")
        self.assertEqual(again.text().count("Open a document"), 1)
        again.keys("q")
        again.wait("ended 0")

    def test_no_session_is_kept_when_it_is_off(self):
        rc = self.home / "rc"
        rc.write_text("set autosave 0\n")
        s = self.model(SAMPLE, "--no-answers", "--rc", rc)
        s.wait("window 1 of", "senders off")
        time.sleep(2.5)
        self.assertEqual(list(self.home.rglob("autosave-*")), [])
        s.keys("q")
        s.wait("ended 0")


if __name__ == "__main__":
    main()
