#!/usr/bin/env python3
"""The Data and Eval screens by scripts: what the trainer sees of a file, and what a compressor
keeps; and the learning curves of runs as figures."""
import csv
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import ScriptTest, main  # noqa: E402
from tests.app.harness import ProgramTest, call, strict_json, temporary_folder  # noqa: E402


def write_questions(folder, bad=0):
    path = folder / "harbour.jsonl"
    lines = [json.dumps({"context": f"The basin number {i} was opened in {1880 + i}. " + "The bar is wide. " *
                         (150 if i % 3 == 0 else 4),
                         "question": f"When was basin {i} opened?", "answers": [str(1880 + i)]})
             for i in range(300)]
    for i in range(bad):
        lines.insert(290, json.dumps({"context": "x", "question": "y", "answers": []}))
    path.write_text("\n".join(lines) + "\n")
    return path


class DataTest(ScriptTest):
    def test_samples_of_questions(self):
        path = write_questions(self.home, bad=2)
        self.plays(f"data {path}", "wait idle", 'expect "[3 Data]"', 'expect "phase SFT"',
                   'expect "300 good, 2 bad (0.66 %)"', "wait idle", 'expect "cut from the left"', 'expect "{cut: "',
                   'expect "with cuts"', 'expect "+ end, counted in the loss"',
                   'expect "<<"', 'expect "counted in the loss"', "key Down", "wait idle",
                   'expect "sample 1"', 'expect "When was basin 1 opened?"',
                   'expect "answer found in the kept context: yes"', "key v", 'expect "as tokens"',
                   "key v", "wait idle", 'expect "as it stands in the file"',
                   'expect "\\"question\\": \\"When was basin 1 opened?"', "find bad", "wait idle",
                   'expect "\\"answers\\": []"', "key Esc", "key v", "find cut", 'expect "/cut"', "find bad", 'expect "bad line 291"', "key Esc",
                   "find basin 77", "wait idle", 'expect "sample 77"', "key Esc", "goto 5",
                   "wait idle", 'expect "> "', "key Enter", "wait idle",
                   'expect "harbour.jsonl.5"', 'expect "When was basin 5 opened?"')

    def test_a_file_that_training_refuses_can_be_looked_at(self):
        path = write_questions(self.home, bad=20)
        self.plays("size 120x36", f"data {path}", "wait idle", 'expect "20 bad ("',
                   'expect "over 1 % bad: not used for training"', "find bad", "wait idle",
                   'expect "bad line"')

    def test_blocks_of_text(self):
        text = self.home / "text.txt"
        text.write_text("The pans are heated with peat from the moor, and the salt is raked. " * 400)
        self.plays(f"data {text}", "wait idle", 'expect "phase NTP"', 'expect "128 tokens counted"',
                   "key G", "wait idle", "key g", "wait idle", 'expect "sample 0"', "key r",
                   "wait idle", 'expect "samples, it took"')

    def test_a_text_shorter_than_a_sample_is_said_to_be(self):
        text = self.home / "short.txt"
        text.write_text("The pans are heated with peat from the moor.\n")
        self.plays(f"data {text}", "wait idle", 'expect "No sample"',
                   'expect "no text is long enough for a sample"')

    def test_a_bad_line_is_no_sample(self):
        path = write_questions(self.home, bad=2)
        self.plays("size 120x36", f"data {path}", "wait idle", "find bad", "wait idle",
                   'expect "Bad line 291"', 'expect "300 samples"',
                   'expect "line 291 is bad: "')

    def test_the_gold_answer_of_a_sample_is_taken_without_asking_for_more(self):
        path = write_questions(self.home)
        self.plays(f"data {path}", "wait idle", "key Enter", "wait idle",
                   'expect "answers are scored against it"', "gold 1888",
                   'expect "r scores against it"')

    def test_the_list_shows_what_samples_are_about(self):
        """Questions, or how blocks of text begin, where there are columns; no column of naught."""
        path, text, screen = write_questions(self.home), self.home / "text.txt", self.home / "screen.txt"
        text.write_text("".join(f"Pan {i} is heated with peat from the moor. " for i in range(400)))
        for columns, rows, question in ((80, 24, "When was basin 7"), (160, 48, "When was basin 7 opened?")):
            self.plays(f"size {columns}x{rows}", f"data {path}", "wait idle", "goto 6", "wait idle", f"screen {screen}")
            row = next(line for line in screen.read_text().splitlines() if line.startswith("        7 "))
            self.assertIn(question, row)
        self.plays("size 200x60", f"data {path}", "wait idle", f"screen {screen}")
        self.assertIn("[the same as tokens]", screen.read_text())
        self.plays("size 80x24", f"data {text}", "wait idle", f"screen {screen}")
        lines = screen.read_text().splitlines()
        self.assertEqual(lines[2].split(), ["#", "context", "counted", "begins", "with"])
        self.assertIn("512      128  Pan 0 is heated with peat", lines[3])
        self.plays(f"data {text}", "wait idle", "find heated", "wait idle", 'expect "/heated"', 'expect "> "')

    def test_what_is_wrong_is_said(self):
        self.plays("switch data", 'expect "Open a data file ..."')
        self.fails(2, "data wants a file", "data")
        self.fails(3, "no-such-file: cannot open", "data no-such-file")


class EvalTest(ScriptTest):
    def test_table_and_examples(self):
        path = write_questions(self.home)
        self.plays(f"eval {path} limit 6", "wait idle", 'expect "[5 Eval]"', 'expect "6 of 6 questions"',
                   'expect "full context"', 'expect "wrong passage"', "key v v v", 'expect "all:"',
                   "key Down", 'expect "gold \\"1881\\""', "key Enter", "wait idle",
                   'expect "harbour.jsonl.1"', 'expect "When was basin 1 opened?"', "key 5",
                   'expect "6 of 6 questions"', "key Tab",
                   'expect "Tab has no use in the Eval screen"', "key /",
                   'expect "/ has no use in the Eval screen"', "key 3", f"data {path}", "wait idle",
                   "key }", 'expect "} has no use in the Data screen"')

    def test_two_checkpoints(self):
        """The same questions with another compressor are another line of the table."""
        path = write_questions(self.home)
        self.plays(f"eval {path} limit 3", "wait idle", "compressor none", "wait idle", "key r",
                   "wait idle", 'expect "warm start, UNTRAINED · x4"', "key [",
                   'expect "compressorA · x4"')

    def test_table_as_a_file(self):
        path = write_questions(self.home)
        self.plays("size 140x36", f"eval {path} limit 3", "wait idle", "compressor none", "wait idle",
                   "key r", "wait idle", 'expect "s/sample"', 'expect "mean (2 done)"',
                   'expect "KV saved"', 'expect "F1 from slots"', "size 80x24",
                   'expect "compressed F1"', "size 120x36", 'expect "s/sample"', "key e", 'expect "export eval eval.csv"',
                   "key Enter", folder=self.home)
        with (self.home / "eval.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["questions"] for row in rows], ["3", "3"])
        self.assertEqual([row["compressor"] for row in rows], ["compressorA", "warm start"])
        for row in rows:
            self.assertTrue(0 <= float(row["full_f1"]) <= 1)
            self.assertGreater(float(row["s_per_question"]), 0)
            self.assertGreater(float(row["slots"]), 2)
            self.assertGreater(float(row["kv_saved"]), 1)
        self.fails(2, "is there already", f"eval {path} limit 1", "wait idle",
                   f"export eval {self.home / 'eval.csv'}")

    def test_another_compressor_ends_it(self):
        """A line of the table is of one compressor."""
        path = write_questions(self.home)
        self.plays(f"eval {path} limit 0", "compressor none", "wait idle", 'expect "stopped"')

    def test_exploring_goes_first(self):
        path = write_questions(self.home)
        self.plays(f"eval {path} limit 40", "key 1", "ask What replaced peat?", "wait idle",
                   'expect "done"', "key 5", 'expect "40 of 40 questions"')

    def test_stop_and_again(self):
        path = write_questions(self.home)
        self.plays(f"eval {path} limit 0", "key C-c", "wait idle", 'expect "stopped"',
                   f"eval {path} limit 2", "wait idle", 'expect "2 of 2 questions"')

    def test_what_is_wrong_is_said(self):
        self.plays("switch eval", 'expect "Evaluate a data file ..."')
        self.fails(2, "eval wants data files", "eval")
        self.fails(2, "wants a number of questions", "eval x limit y")

    def test_what_cannot_be_read_is_no_row(self):
        """Neither what is no file, told at once, nor a file without questions, told when it is read."""
        path, prose = write_questions(self.home), self.home / "prose.txt"
        prose.write_text("No questions here.\n")
        for command in ("eval", "data"):
            for odd, why in ((self.home, "not a regular file (a directory)"), (self.home / "none", "cannot open"), ("/dev/null", "not a regular file")):
                self.fails(3, why, f"{command} {odd}")
        screen = self.home / "screen.txt"
        self.plays(f"eval {path} limit 1", f"eval {prose} limit 2", f"eval {path} limit 2", "wait idle", f"screen {screen}",
                   'expect "no questions in it; expected SQuAD, MRQA or JSON lines"',
                   'expect ":eval FILE takes another · the other rows stay"')
        rows = screen.read_text().split("Examples")[0]
        self.assertNotIn("prose", rows)
        self.assertNotIn("stopped", rows)
        self.assertIn("mean (2 done)", rows)
        self.plays(f"eval {prose}", "wait idle", 'expect "Evaluate a data file ..."')

    def test_a_row_keeps_what_is_its_own_when_one_above_goes(self):
        """File, number of questions and contexts belong to the row, wherever it stands."""
        path, prose = write_questions(self.home), self.home / "prose.txt"
        prose.write_text("No questions here.\n")
        other = self.home / "ferry.jsonl"
        other.write_text(path.read_text().replace("basin", "ferry"))
        self.plays(f"eval {prose} limit 9", f"eval {other} limit 3", f"eval {path} limit 2", "wait idle", "view all",
                   'expect "2 of 2 questions"', "key [", 'expect "3 of 3 questions"', "key Down Enter", "wait idle",
                   'expect "ferry.jsonl.1"', 'expect "When was ferry 1 opened?"', "key 5 r", "wait idle",
                   'expect "mean (3 done)"', 'expect "3 of 3 questions"', "key [", 'expect "2 of 2 questions"')


class CurveTest(ProgramTest):
    def setUp(self):
        self.home = temporary_folder(self.addCleanup)
        for name, top in (("a", 5), ("b", 4)):
            (self.home / name).mkdir()
            lines = [{"step": i, "loss": top - i / 50, "grad_norm": 1, "lr": 1e-3, "ms": 5, "tokens": 9}
                     for i in range(1, 101)]
            lines.append({"step": 100, "validation": "ntp 128+64", "compressed": top - 2, "wrong": 4,
                          "full": 1.5, "none": 4.5, "gap_closed": 0.5, "about_text": 1})
            (self.home / name / "log.jsonl").write_text("".join(json.dumps(l) + "\n" for l in lines))

    def test_formats(self):
        document = self.run_json("export", self.home / "a", self.home / "b", "--view", "train", "--formats",
                                 "png,svg,csv,json", folder=self.home)
        self.assertEqual(document["files"], ["a-train.png", "a-train.svg", "a-train.csv", "a-train.json"])
        self.assertEqual(document["view"], "train")
        svg = (self.home / "a-train.svg").read_text()
        for text in ("loss (nats per token)", "a: best held-out 3.000", "b: best held-out 2.000",
                     "&quot;view&quot;:&quot;train&quot;"):
            self.assertIn(text, svg)
        self.assertNotIn("full context", svg)  # of two runs none has the levels
        rows = (self.home / "a-train.csv").read_bytes().split(b"\r\n")
        self.assertEqual(rows[0], b"run,step,kind,loss,grad_norm,lr,wrong,full,none")
        self.assertEqual(rows[1], b'"a",1,train,4.98,1,0.001,,,')
        self.assertEqual(len(rows), 1 + 2 * 101 + 1)
        curves = strict_json((self.home / "a-train.json").read_bytes())["curves"]
        self.assertEqual([c["run"] for c in curves], ["a", "b"])
        self.assertEqual(curves[1]["loss"][-1], 2)
        self.assertEqual(curves[0]["validations"][0]["full"], 1.5)

    def test_one_run_has_levels_and_the_same_bytes(self):
        for name in ("one.png", "two.png", "one.svg"):
            status, _, err = call("export", self.home / "a/", "--view", "train", "--width", "89mm",
                                  "-o", self.home / name)
            self.assertEqual(status, 0, err)
        self.assertEqual((self.home / "one.png").read_bytes(), (self.home / "two.png").read_bytes())
        self.assertIn("full context", (self.home / "one.svg").read_text())

    def test_refused(self):
        self.assertIn("no such run directory",
                      self.run_error(3, "export", self.home / "none", "--view", "train")["message"])
        self.run_error(2, "export", "--view", "train")
        self.run_error(2, "export", self.home / "a", "--view", "train", "-o", self.home / "x.npy")
        self.run_error(2, "export", self.home / "a", "--view", "train", "--width", "12mm")
        self.run_error(2, "export", "one.txt", "two.txt")
        (self.home / "b" / "log.jsonl").write_text("")
        self.run_error(3, "export", self.home / "b", "--view", "train")


if __name__ == "__main__":
    main()
