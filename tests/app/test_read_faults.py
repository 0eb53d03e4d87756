#!/usr/bin/env -S python3 -B
"""Reading that fails: every call of read in every flow gives an error, less than was asked
for, or is interrupted. The first ends in one line and 3 or 4, the others change nothing."""
import json
import re
import unittest

from faults import MODEL, in_parallel, made_up_text, shim, train_words
from harness import GOLDEN, call, main_with_golden, temporary_folder

COMPRESSOR = GOLDEN / "compressorA.safetensors"
VOLATILE = re.compile(rb'"[a-z_]*(ms|_s|seconds|ms_per_question)": ?\{?[^,}]*|[\d.]+ (ms|tok/s|tokens/s)')


class Reads(unittest.TestCase):
    def setUp(self):
        self.path = temporary_folder(self.addCleanup)
        self.document = self.path / "document.txt"
        self.document.write_text("Salt and peat.\nThe barge left the pond at high tide.\n")

    def torture(self, *words):
        count = self.path / "count"
        status, want, messages = call(*words, environment=shim("file_faults", root="/",
                                                               reads=1, count=count))
        self.assertEqual(status, 0, messages)
        calls = int(count.read_text())
        self.assertGreater(calls, 0)

        def disturb(case):
            kind, at = case
            status, out, err = call(*words, environment=shim(
                "file_faults", root="/", reads=1, at=at, kind=kind))
            where = f"read {at} {kind}: {status}\n{out.decode()}{err.decode()}"
            if status == 0:
                # what the machine says of itself is not needed
                self.assertEqual(VOLATILE.sub(b"", out), VOLATILE.sub(b"", want), where)
                return
            self.assertEqual(kind, "eio", where)
            self.assertIn(status, (3, 4), where)
            self.assertTrue(err.decode().splitlines()[-1].startswith("comprexit: "), where)
        in_parallel(disturb, [(kind, at) for kind in ("eio", "short", "eintr")
                              for at in range(1, calls + 1)])

    def test_compress(self):
        self.torture("compress", self.document, "-m", MODEL, "-c", COMPRESSOR, "--json")

    def test_ask(self):
        self.torture("ask", self.document, "-q", "What left?", "-m", MODEL, "-c", COMPRESSOR,
                     "--max-tokens", 3)

    def test_data_and_eval(self):
        path = self.path / "questions.jsonl"
        path.write_text(json.dumps({"context": "The barge left.", "question": "What?",
                                    "answers": ["the barge"]}) + "\n")
        self.torture("data", path, "-m", MODEL, "--show", 1)
        self.torture("eval", "--data", path, "-m", MODEL, "-c", COMPRESSOR, "--max-tokens", 2,
                     "--json")

    def test_settings_of_a_run(self):
        text = self.path / "text"
        text.write_text(made_up_text(600))
        self.torture(*train_words(text, self.path / "run", "--print-config"))


if __name__ == "__main__":
    main_with_golden()
