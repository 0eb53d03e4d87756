#!/usr/bin/env -S python3 -B
"""A soft prompt from its training to answers, and what the frozen model's arithmetic may be."""
import json
import unittest

from harness import GOLDEN, ProgramTest, call, main_with_golden, temporary_folder

MODEL = GOLDEN / "modelA"
OTHER = GOLDEN / "modelB/B-Q4_K_M.gguf"
COMPRESSOR = GOLDEN / "compressorA.safetensors"
SETTINGS = ["batch=2", "micro_batch=2", "lr=0.1", "soft_tokens=3", "sft_context=32", "sft_tokens=32",
            "held_out_questions=4", "valid_samples=2", "mix_ntp=0", "mix_sft=1"]


class SoftPrompt(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.path = temporary_folder(cls.addClassCleanup)
        cls.data, cls.folder = cls.path / "questions.jsonl", cls.path / "run"
        cls.data.write_text("".join(json.dumps(
            {"context": f"Barge {i} left pond {i % 7}.", "question": "What left?",
             "answers": [f"barge {i}"]}) + "\n" for i in range(40)))
        words = ["train", "prompt", "-m", MODEL, "--data", cls.data, "--run", cls.folder, "--steps", 4]
        for setting in SETTINGS:
            words += ["--set", setting]
        status, _, messages = call(*words)
        assert status == 0, messages
        cls.prompt = cls.folder / "compressor.safetensors"

    def test_answers_change(self):
        document = self.path / "document.txt"
        document.write_text("Barge 3 left pond 3.")
        answers = [self.run_json("ask", document, "-q", "What left?", "-m", MODEL, "-c", COMPRESSOR,
                                 "--max-tokens", 12, "--soft-prompt", prompt)["answers"][0]
                   for prompt in ("none", self.prompt)]
        self.assertNotEqual(answers[0]["text"], answers[1]["text"])

    def test_refused_by_another_model(self):
        for prompt, said in ((self.prompt, "hidden size"), (COMPRESSOR, "soft_prompt"),
                             (self.path / "nothing", "nothing")):
            with self.subTest(prompt):
                error = self.run_error(3, "ask", self.data, "-q", "What?", "-m", OTHER, "--mode",
                                       "full", "--soft-prompt", prompt)
                self.assertIn(said, error["message"])

    def test_validations_have_no_compressed_context(self):
        lines = [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]
        held = [line["validation"] for line in lines if "validation" in line]
        self.assertTrue(held)
        self.assertNotIn("compressed", json.dumps(held))


class Precision(ProgramTest):
    def test_each_gives_about_the_same_loss(self):
        document = temporary_folder(self.addCleanup) / "document.txt"
        document.write_text("The barge left the pond at high tide. " * 8)
        losses = {precision: self.run_json("score", document, "-m", MODEL, "--precision", precision)
                  for precision in ("f32", "q16", "mixed", "q8", "bf16")}
        exact = losses["f32"]["mean_nll"]
        for precision, loss in losses.items():
            self.assertLess(abs(loss["mean_nll"] - exact), 0.05 * exact, precision)


if __name__ == "__main__":
    main_with_golden()
