#!/usr/bin/env -S python3 -B
"""`comprexit eval`: EM and F1 as SQuAD 1.1 defines them, predictions on disk that survive
a kill, limits, and losses over text."""
import collections
import json
import random
import re
import string
import unittest

from faults import MODEL, made_up_text, shim
from harness import GOLDEN, ProgramTest, call, main_with_golden, temporary_folder

COMPRESSOR = GOLDEN / "compressorA.safetensors"
MODES = ["full", "compressed", "wrong", "none"]


def normalized(text):
    """SQuAD 1.1: lower case, no ASCII punctuation, no articles, single blanks."""
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def scores(prediction, gold):
    """(EM, F1) of the bags of words."""
    got, want = normalized(prediction), normalized(gold)
    common = sum((collections.Counter(got.split()) & collections.Counter(want.split())).values())
    f1 = 0.0
    if common:
        precision, recall = common / len(got.split()), common / len(want.split())
        f1 = 2 * precision * recall / (precision + recall)
    return float(got == want), f1


def best(prediction, answers):
    pairs = [scores(prediction, a) for a in answers]
    return max(p[0] for p in pairs), max(p[1] for p in pairs)


class Eval(ProgramTest):
    def setUp(self):
        self.path = temporary_folder(self.addCleanup)

    def questions(self, name="questions.jsonl", contexts=6, each=3, answers=lambda i: ["salt"]):
        """A file in MRQA's form; questions of one context stand together."""
        lines = [json.dumps({"header": {"dataset": "made up"}})]
        for i in range(contexts):
            qas = [{"qid": f"q{each * i + k}", "question": f"What is {i} of {k}",
                    "answers": answers(each * i + k)} for k in range(each)]
            lines.append(json.dumps({"context": made_up_text(40, seed=i), "qas": qas}))
        path = self.path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    def words(self, data, *extra):
        return ["eval", "--data", data, "-m", MODEL, "-c", COMPRESSOR, "--max-tokens", 4, *extra]

    def evaluate(self, data, *extra, **settings):
        results = self.run_json(*self.words(data, *extra), **settings)["results"]
        return {r["mode"]: r for r in results}

    @staticmethod
    def lines(path):
        return [json.loads(line) for line in path.read_text().splitlines()]

    def variants(self, prediction, draw):
        """Answers near a prediction: what normalising takes away, and what it does not."""
        words = prediction.split() or ["salt"]
        joined = " ".join(words)
        near = [joined.upper(), f"the {joined}", f"“The”{joined}", f"{joined}!?", f"a-{joined}",
                f"{joined}\u00a0an", f"\u2019{joined}\u2019", f"{joined}_", f"a\u0301 {joined}",
                " ".join(words[1:]) or "peat", joined + " kiln", f"anthem {joined}",
                f"\u2014the\u2014{joined}", joined.replace("e", "\u00c9"), "the", "2a 3", "...",
                "  ".join(reversed(words)), f"{joined} {words[0]}", "\u00bd the", "\u4e00the"]
        return draw.sample(near, draw.randint(1, 3))

    def test_em_and_f1_are_squads(self):
        out = self.path / "first.jsonl"
        self.evaluate(self.questions(), "--out", out, "--modes", "none")
        predictions = {x["qid"]: x["prediction"] for x in self.lines(out)}
        draw = random.Random(1)
        seen = set()
        for turn in range(6):
            data = self.questions(f"again-{turn}.jsonl", answers=lambda i: self.variants(
                predictions[f"q{i}"], draw))
            out = self.path / f"again-{turn}.jsonl.out"
            results = self.evaluate(data, "--out", out)
            lines = self.lines(out)
            self.assertEqual(len(lines), 18 * len(MODES))
            sums = collections.defaultdict(lambda: [0, 0.0, 0.0])
            for x in lines:
                em, f1 = best(x["prediction"], x["answers"])
                self.assertEqual(x["em"], em, x)
                self.assertAlmostEqual(x["f1"], f1, 12, x)
                seen.add((em, f1 > 0))
                sums[x["mode"]][0] += 1
                sums[x["mode"]][1] += em
                sums[x["mode"]][2] += f1
            for mode, (n, em, f1) in sums.items():
                self.assertEqual(results[mode]["n"], n)
                self.assertAlmostEqual(results[mode]["em"], em / n, 8)
                self.assertAlmostEqual(results[mode]["f1"], f1 / n, 8)
        self.assertLessEqual({(0.0, False), (1.0, True), (0.0, True)}, seen)

    def same(self, got, want):
        for mode in MODES:
            for key in ("n", "em", "f1", "mean_nll", "em_interval", "f1_interval"):
                self.assertAlmostEqual(got[mode][key], want[mode][key], 8, (mode, key))

    def test_out_is_taken_up_again(self):
        data, whole = self.questions(), self.path / "whole.jsonl"
        want = self.evaluate(data, "--out", whole)
        out = self.path / "out.jsonl"
        self.evaluate(data, "--out", out, "--limit", 7)
        self.same(self.evaluate(data, "--out", out, "--resume"), want)
        done = sorted((x["qid"], x["mode"], x["prediction"]) for x in self.lines(out))
        self.assertEqual(done, sorted((x["qid"], x["mode"], x["prediction"])
                                      for x in self.lines(whole)))
        self.run_error(2, *self.words(data, "--out", out))
        self.same(self.evaluate(data, "--out", out, "--force"), want)
        status, _, err = call("eval", "--data", data, "-m", MODEL, "-c", COMPRESSOR, "--out", data,
                              "--force")
        self.assertEqual(status, 2)
        self.assertIn("is read by the same command: not replaced", err.decode())
        self.run_error(2, *self.words(data, "--resume"))
        error = self.run_error(3, *self.words(data, "--out", out, "--resume", "--modes", "none"))
        self.assertIn("line 1 ", error["message"])

    def test_out_survives_a_kill(self):
        """Torn at any write; also cut anywhere at all."""
        data, whole = self.questions(contexts=4), self.path / "whole.jsonl"
        want = self.evaluate(data, "--out", whole)
        full = whole.read_bytes()
        for at in range(1, 7):
            out = self.path / f"killed-{at}.jsonl"
            status, _, _ = call(*self.words(data, "--out", out), environment=shim(
                "file_faults", root=self.path, at=at, kind="kill"))
            if status == 0:
                break
            self.assertEqual(status, -9)
            self.same(self.evaluate(data, "--out", out, "--resume"), want)
        self.assertGreater(at, 4)
        for cut in random.Random(2).sample(range(len(full)), 8):
            out = self.path / f"cut-{cut}.jsonl"
            out.write_bytes(full[:cut])
            self.same(self.evaluate(data, "--out", out, "--resume"), want)
            self.assertEqual(out.read_bytes(), full)

    def test_a_full_disk_is_4(self):
        data, out = self.questions(contexts=4), self.path / "out.jsonl"
        environment = shim("file_faults", root=self.path, at=4, kind="enospc", stays=1)
        error = self.run_error(4, *self.words(data, "--out", out), environment=environment)
        self.assertIn("No space left", error["message"])
        want = self.evaluate(data)
        self.same(self.evaluate(data, "--out", out, "--resume"), want)

    def test_fail_under(self):
        data = self.questions(contexts=1)
        status, _, err = call(*self.words(data, "--fail-under", "0.99"))
        self.assertEqual(status, 1)
        self.assertIn(b"below 0.99", err)
        self.evaluate(data, "--fail-under", "0")

    def test_modes_and_limit(self):
        data = self.questions(contexts=2)
        results = self.evaluate(data, "--modes", "none,full", "--limit", 2)
        self.assertEqual({m: r["n"] for m, r in results.items()}, {"full": 2, "none": 2})
        self.run_error(2, *self.words(data, "--modes", "some"))
        self.run_error(2, "eval", "-m", MODEL)

    def test_other_names(self):
        path = self.path / "mapped.jsonl"
        path.write_text(json.dumps({"p": "Salt dries.", "q": "What dries?", "a": "salt"}) + "\n")
        results = self.evaluate(path, "--map", "context=p,question=q,answers=a")
        self.assertEqual(results["full"]["n"], 1)

    def test_documents_have_the_shapes_that_are_promised(self):
        """Keys of `eval --json`, of a prediction and of `eval --ntp` (ARCHITECTURE 6.2)."""
        out, text = self.path / "shape.jsonl", self.path / "shape.txt"
        text.write_text(made_up_text(300))
        document = self.run_json(*self.words(self.questions(), "--out", out))
        self.assertEqual((list(document), len(document["results"])), (["results"], len(MODES)))
        for row in document["results"]:
            self.assertLessEqual({"mode", "n", "em", "f1", "mean_nll", "ms_per_question"}, set(row))
        for line in self.lines(out):
            self.assertLessEqual({"qid", "mode", "prediction", "answers", "em", "f1"}, set(line))
            self.assertIsInstance(line["answers"], list)
        document = self.run_json("eval", "--ntp", text, "-m", MODEL, "-c", COMPRESSOR, "--context", 24,
                                 "--predict", 8, "--blocks", 2, "--modes", "full,none")
        self.assertEqual([set(row) for row in document["results"]],
                         2 * [{"mode", "blocks", "mean_nll"}])

    def test_losses_over_text(self):
        text = self.path / "text"
        text.write_text(made_up_text(300))
        words = ["eval", "--ntp", text, "-m", MODEL, "-c", COMPRESSOR, "--context", 24,
                 "--predict", 8]
        results = {r["mode"]: r for r in self.run_json(*words, "--blocks", 6)["results"]}
        self.assertEqual(set(results), set(MODES))
        for r in results.values():
            self.assertEqual(r["blocks"], 6)
            self.assertGreater(r["mean_nll"], 0)
        self.run_error(3, *words[:-4], "--context", 100000)
        self.run_error(3, "eval", "--data", text, "-m", MODEL, "-c", COMPRESSOR)


if __name__ == "__main__":
    main_with_golden()
