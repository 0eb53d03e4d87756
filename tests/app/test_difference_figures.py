#!/usr/bin/env python3
"""Figures of differences: of two plans, and of the losses with and without compression, from
the explorer and from `export`, which write the same numbers."""
import csv
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import COMPRESSOR, MODEL, SAMPLE, ScriptTest, main  # noqa: E402
from tests.app.harness import call  # noqa: E402


def rows(path):
    return list(csv.reader(path.open(newline="")))


class DifferenceTest(ScriptTest):
    def export(self, *words, status=0):
        got, out, err = call("export", *words, folder=self.home)
        self.assertEqual(got, status, err)
        return err.decode() if status else out.decode()

    def test_plans(self):
        """B less A is what the two plans say, cell by cell."""
        self.plays("pin", f"save {self.home / 'a.cxt'}", f"export plan {self.home / 'a.csv'}",
                   "set eps 0.5", "wait idle", f"save {self.home / 'b.cxt'}",
                   f"export plan {self.home / 'b.csv'}", "switch compare",
                   f"export diff {self.home / 'here.csv'} {self.home / 'here.png'}", "swap",
                   f"export diff {self.home / 'swapped.csv'}", f"restore {self.home / 'a.cxt'}",
                   f"compare {self.home / 'b.cxt'}", f"export diff {self.home / 'file.csv'}")
        self.export("b.cxt", "--view", "diff", "--against", "a.cxt", "-o", "there.csv", "-o",
                    "there.json")
        a, b, here, swapped, there = (rows(self.home / f"{name}.csv") for name in
                                      ("a", "b", "here", "swapped", "there"))
        self.assertEqual(here, there)
        self.assertEqual(here, rows(self.home / "file.csv"))
        moved = 0
        for one, other, difference, back in zip(a[1:], b[1:], here[1:], swapped[1:]):
            for x, y, d, minus in zip(one[4:], other[4:], difference[4:], back[4:]):
                self.assertAlmostEqual(float(y) - float(x), float(d), delta=2e-7)
                self.assertAlmostEqual(float(d), -float(minus), delta=2e-7)
                moved += abs(float(d))
        self.assertGreater(moved, 0.01)
        record = json.loads((self.home / "there.json").read_text())
        self.assertEqual((record["view"], record["map"]), ("diff", "vik"))
        self.assertIn("eps 0.1", record["against"])
        low, high = record["limits"]
        self.assertEqual(low, -high)

    def test_loss(self):
        self.plays("loss", "wait idle", f"export loss window=2 {self.home / 'here.csv'}",
                   "view document loss", "focus document", "goto w2", "prompt export",
                   "key Enter", "wait idle", folder=self.home)
        self.export(SAMPLE, "-m", MODEL, "-c", COMPRESSOR, "--view", "loss", "--window", "2", "-o",
                    "there.csv")
        here, there = rows(self.home / "here.csv"), rows(self.home / "there.csv")
        self.assertEqual(here[0], ["token", "index", "text", "mass", "loss"])
        self.assertEqual(here, there)
        self.assertTrue(any(abs(float(row[4])) > 0.01 for row in here[1:]))
        self.assertTrue((self.home / "saltworks-w02-loss.png").exists())

    def screen(self, *lines, **settings):
        dump = self.home / "dump.txt"
        self.plays(*lines, f"screen! {dump}", **settings)
        return dump.read_text().splitlines()

    def test_figures_open_as_they_are(self):
        """The loss of the figure's tokens alone; its limits are not those of other panes."""
        (self.home / SAMPLE.name).write_bytes(SAMPLE.read_bytes())
        files = [f"export loss range=150-300 {self.home / 'loss.png'} {self.home / 'loss.json'}",
                 f"export loss range=150-300 {self.home / 'loss.csv'}"]
        usual = self.screen("goto 150", "loss", "wait idle", *files, "loss off")
        self.assertEqual(json.loads((self.home / "loss.json").read_text())["value"], "loss")
        losses = [float(row[4]) for row in rows(self.home / "loss.csv")[1:] if row[4]]
        mean = sum(losses) / len(losses)
        opened = ("--from-figure", str(self.home / "loss.png"))
        shown = self.screen(f'expect "loss {mean:+.2f} nats"', document=None, options=opened)
        right = [line[44:] for line in usual[1:26]]  # gates and plan
        self.assertEqual([line[44:] for line in shown[1:26]], right)
        self.export(SAMPLE, "-m", MODEL, "-c", COMPRESSOR, "--view", "gate", "--window", "2", "-o",
                    "gate.png")
        shown = self.screen("goto 150", document=None,
                            options=("--from-figure", str(self.home / "gate.png")))
        self.assertEqual([line[44:] for line in shown[9:26]], right[8:])
        self.plays("limits 0 0.5 plan", "limits 0 1 gates", "limits auto")
        self.fails(2, "limits wants two numbers and perhaps gates or plan", "limits 1 2 3 4")

    def test_maps_are_for_what_they_fit(self):
        self.plays(f"save {self.home / 'a.cxt'}")
        self.export("a.cxt", "--view", "diff", "--against", "a.cxt", "--map", "rdbu", "-o", "d.png")
        self.assertIn("only for differences",
                      self.export("a.cxt", "--map", "vik", "-o", "p.png", status=2))
        self.assertIn("diff: from what?", self.export("a.cxt", "--view", "diff", "-o", "d2.png",
                                                      status=2))
        self.assertIn("not known yet", self.export("a.cxt", "--view", "loss", "-o", "l.png",
                                                   status=3))

    def test_what_it_was_compared_with_is_told(self):
        self.plays("pin", "set eps 0.5", "wait idle", f"export diff {self.home / 'd.png'}")
        (self.home / SAMPLE.name).write_bytes(SAMPLE.read_bytes())
        self.plays('expect "B of a difference from"', 'expect "eps 0.1"', document=None,
                   options=("--from-figure", str(self.home / "d.png")))


if __name__ == "__main__":
    main()
