#!/usr/bin/env -S python3 -B
"""Without memory: every distinct place that allocates fails once, in every flow. The
program then ends with exit code 5 and one line, and files are whole or not there."""
import gzip
import json
import pathlib
import sys
import tempfile
import unittest

from faults import MODEL, SANITIZED, in_parallel, made_up_text, shim, train_words, weights
from harness import GOLDEN, SKIPPED, call, main_with_golden, temporary_folder

DOCUMENT = "Salt and peat.\nThe barge left the pond at high tide.\n"


class Memory(unittest.TestCase):
    def setUp(self):
        self.path = temporary_folder(self.addCleanup)
        self.document = self.path / "document.txt"
        self.document.write_text(DOCUMENT)

    def torture(self, make_words, stays=True, chosen=slice(None)):
        """make_words(folder) gives the command line; what it writes belongs into folder."""
        sites = self.path / "sites"
        whole = pathlib.Path(tempfile.mkdtemp(dir=self.path))
        status, _, messages = call(
            *make_words(whole), environment=shim("memory_faults", sites=sites))
        self.assertEqual(status, 0, messages)
        files = {p.name for p in whole.iterdir()}

        def fail(at):
            folder = pathlib.Path(tempfile.mkdtemp(dir=self.path))
            settings = {"stays": 1} if stays else {}
            status, out, err = call(*make_words(folder),
                                    environment=shim("memory_faults", at=at, **settings))
            where = f"allocation {at}: {status}\n{out.decode()}{err.decode()}"
            if status == 0:  # libc did without, for example without a buffer
                self.assertEqual({p.name for p in folder.iterdir()}, files, where)
                return 0
            if status == 1 and b"libgomp: Out of memory" in err:
                return 0  # the library's own end, before the first parallel work
            self.assertEqual(status, 5, where)
            last = err.decode().splitlines()[-1]
            self.assertTrue(last.startswith("comprexit: "), where)
            self.assertIn("memory", last, where)
            for path in folder.iterdir():
                self.assertIn(path.name.split(".tmp-")[0], files, where)
                if ".tmp-" not in path.name and path.suffix == ".safetensors":
                    self.assertEqual(call("check", path)[0], 0, where)
            return 1

        points = [int(n) for n in sites.read_text().split()][chosen]
        self.assertGreater(len(points), 5)
        failed = in_parallel(fail, points)
        self.assertGreaterEqual(sum(failed), len(failed) - (5 if stays else 30))

    def test_compress(self):
        self.torture(lambda folder: [
            "compress", self.document, "-m", MODEL, "-c", GOLDEN / "compressorA.safetensors",
            "-o", folder / "out.safetensors", "--json"])

    def test_ask(self):
        self.torture(lambda folder: ["ask", self.document, "-q", "What left?", "-m", MODEL, "-c",
                                     GOLDEN / "compressorA.safetensors", "--max-tokens", 3])

    def test_train(self):
        text = self.path / "text"
        text.write_text(made_up_text(600))
        self.torture(lambda folder: train_words(text, folder, steps=2))

    def questions(self):
        path = self.path / "questions.jsonl"
        path.write_text("".join(json.dumps(
            {"context": DOCUMENT, "question": f"What left {i}?", "answers": ["the barge"]}) + "\n"
            for i in range(3)))
        return path

    def test_eval(self):
        data = self.questions()
        self.torture(lambda folder: [
            "eval", "--data", data, "-m", MODEL, "-c", GOLDEN / "compressorA.safetensors",
            "--max-tokens", 2, "--out", folder / "out.jsonl", "--json"])

    def test_data(self):
        data = self.questions()
        self.torture(lambda folder: ["data", data, "-m", MODEL, "--show", 2, "--json"])

    def test_what_other_commands_take(self):
        """Each third place of every one: most are those of a model that is read."""
        compressor = GOLDEN / "compressorA.safetensors"
        document = [self.document, "-m", MODEL]
        packed = self.path / "document.txt.gz"
        packed.write_bytes(gzip.compress(DOCUMENT.encode()))
        figure = self.path / "plan.png"
        status, _, messages = call("export", *document, "-c", compressor, "-o", figure)
        self.assertEqual(status, 0, messages)
        for i, (words, written) in enumerate((
                (["tokenize", *document, "--json"], []),
                (["score", *document, "-c", compressor, "--json"], []),
                (["info", compressor, "--json"], []),
                (["info", figure], []),
                (["check", compressor], []),
                (["export", *document, "-c", compressor], ["plan.png", "plan.csv"]),
                (["export", "--from-figure", figure], ["plan.svg"]),
                (["compress", packed, "-m", MODEL, "-c", compressor], ["slots.safetensors"]))):
            with self.subTest(" ".join(map(str, [*words, *written]))):
                self.torture(lambda folder: [*words, *(w for name in written
                                                       for w in ("-o", folder / name))],
                             chosen=slice(i % 3, None, 3))

    def test_one_failure_alone(self):
        """Memory that is there again right afterwards must not hide what failed."""
        data = self.questions()
        self.torture(lambda folder: ["data", data, "-m", MODEL, "--show", 2], stays=False)

    def test_no_room_but_the_heap(self):
        """Training's passes do without a range of their own, and come to the same numbers."""
        text = self.path / "text"
        text.write_text(made_up_text(600))
        results = []
        for name, environment in (("room", None), ("heap", shim("memory_faults", maps=1))):
            status, _, messages = call(*train_words(text, self.path / name, steps=2),
                                       environment=environment)
            self.assertEqual(status, 0, messages)
            results.append(weights(self.path / name, "step-000002.safetensors"))
        self.assertEqual(*results)


if __name__ == "__main__":
    if SANITIZED:
        print("a sanitizer has an allocator of its own")
        sys.exit(SKIPPED)
    main_with_golden()
