#!/usr/bin/env -S python3 -B
"""`compress` on the reference vectors: every tensor of every case, metadata, report."""
import hashlib
import json
import unittest

from harness import (GOLDEN, ProgramTest, call, golden_first, main_with_golden, read_safetensors,
                     strict_json, temporary_folder)

MODEL = golden_first("modelA/A-F32.gguf", "modelA")
COMPRESSOR = GOLDEN / "compressorA.safetensors"
DUMPS = "plan,gate,mass,cost,anchors,slots,raw_slots,hidden"
# Tensor of ours, its name in the reference, tolerance of the reference's README.
TENSORS = (("gate", "alpha", 3e-5), ("anchors", "x", 1e-4), ("mass", "a", 5e-6), ("cost", "C", 2e-5),
           ("plan", "P", 5e-6), ("raw_slots", "z", 5e-5), ("slots", "slots", 5e-5),
           ("hidden", "hidden", 2e-4))


def settings(case):
    return ["--window", case["W"], "--ratio", case["r"], "--eps", case["eps"], "--iters",
            case["iters"], "--align", case["align"]]


class Compress(ProgramTest):
    def setUp(self):
        self.path = temporary_folder(self.addCleanup)

    def write_ids(self, ids):
        path = self.path / "ids.json"
        path.write_text(json.dumps(list(ids)))
        return path

    def compress(self, ids, model, compressor, *options):
        """The written tensors and metadata, and the printed document."""
        out = self.path / "out.safetensors"
        document = self.run_json("compress", "--ids", self.write_ids(ids), "-m", model, "-c",
                                 compressor, "-o", out, *options)
        return (*read_safetensors(out), document)

    def test_what_is_read_is_not_replaced(self):
        ids, own, alias = (self.write_ids([5, 6, 7]), self.path / "own.safetensors",
                           self.path / "alias.safetensors")
        own.write_bytes(COMPRESSOR.read_bytes())
        alias.symlink_to(own)
        for out in (ids, own):
            before = out.read_bytes()
            status, _, err = call("compress", "--ids", ids, "-c", alias, "-m", MODEL, "-o", out)
            self.assertEqual((status, out.read_bytes()), (2, before))
            self.assertIn("is read by the same command: not replaced", err.decode())

    def test_every_case_of_the_reference(self):
        cases = json.loads((GOLDEN / "forward.json").read_text())["cases"]
        ran = 0
        for name, case in cases.items():
            if (case["gate_tau"], case["source_tau"], case["lambda_floor"]) != (0.7, 1.0, 0.05):
                continue  # not options of the command line
            with self.subTest(name):
                want, _ = read_safetensors(GOLDEN / f"forward/{name}.safetensors")
                got, metadata, document = self.compress(
                    want["ids"].values, MODEL, COMPRESSOR, *settings(case), "--dump", DUMPS)
                self.assertEqual(list(got["tokens"].values), list(want["ids"].values))
                for ours, theirs, tolerance in TENSORS:
                    if theirs in want:
                        self.assert_near(ours, got[ours], want[theirs], tolerance)
                self.check_report(case, document, metadata)
                ran += 1
        self.assertGreaterEqual(ran, 5)

    def check_report(self, case, document, metadata):
        self.assertEqual(document["tokens"], case["n"])
        self.assertEqual(document["slots"], case["slots"])
        self.assertEqual(document["slots_per_window"], case["K"])
        self.assertEqual(document["windows"], -(-case["n"] // case["W"]))
        for key in ("window", "ratio", "eps", "iters"):
            ours = {"window": "W", "ratio": "r"}.get(key, key)
            self.assertAlmostEqual(document[key], case[ours])
            self.assertAlmostEqual(float(metadata[key]), case[ours])
        self.assertEqual(metadata["align"], case["align"])
        self.assertEqual(metadata["slots_per_window"], str(case["K"]))
        self.assertEqual(metadata["segment"], "512")
        weights = MODEL / "model.safetensors" if MODEL.is_dir() else MODEL
        self.assertEqual(metadata["model_sha256"], hashlib.sha256(weights.read_bytes()).hexdigest())
        self.assertRegex(metadata["compressor_sha256"], "^[0-9a-f]{64}$")
        self.assertRegex(metadata["version"], r"^\d+\.\d+\.\d+$")
        for key in ("read_ms", "gate_ms", "plan_ms", "project_ms", "total_ms"):
            self.assertGreaterEqual(document[key], 0)

    def test_checkpoint_directory(self):
        case = json.loads((GOLDEN / "refckpt_keys.json").read_text())["case"]
        want, _ = read_safetensors(GOLDEN / "refckpt_expect.safetensors")
        out = self.path / "out.safetensors"
        # The directory is model and compressor at once, with or without saying so.
        for extra in ([], ["-c", GOLDEN / "refckpt"]):
            self.run_json("compress", "-", "--ids", self.write_ids(want["ids"].values), "-m",
                          GOLDEN / "refckpt", *extra, "-o", out, "--window", case["W"], "--ratio",
                          case["r"], "--align", case["align"])
            got, _ = read_safetensors(out)
            self.assert_near("gate", got["gate"], want["alpha"], 3e-5)
            self.assert_near("slots", got["slots"], want["slots"], 5e-5)

    def test_default_and_chosen_tensors(self):
        ids = range(5, 45)
        got, _, document = self.compress(ids, MODEL, COMPRESSOR, "--window", 16)
        self.assertEqual(set(got), {"tokens", "gate", "mass", "plan", "slots"})
        self.assertEqual(set(document["output"]["tensors"]), set(got))
        got, _, _ = self.compress(ids, MODEL, COMPRESSOR, "--window", 16, "--dump=slots")
        self.assertEqual(set(got), {"tokens", "slots"})

    def test_untrained_and_fractional_ratio(self):
        got, metadata, document = self.compress(range(5, 69), MODEL, "none", "--window", "16",
                                                "--ratio", "2.5")
        self.assertEqual(document["slots_per_window"], 7)
        self.assertEqual(got["slots"].shape, [28, 64])
        self.assertTrue(document["untrained"])
        self.assertEqual(metadata["ratio"], "2.5")
        # The plan's columns carry the same mass each.
        plan = got["plan"].values
        for window in range(4):
            for slot in range(7):
                total = sum(plan[(window * 16 + t) * 7 + slot] for t in range(16))
                self.assertAlmostEqual(total, 1 / 7, delta=2e-6)

    def test_segments_are_compressed_on_their_own(self):
        ids = [5 + i % 390 for i in range(96)]
        whole, _, _ = self.compress(ids, MODEL, COMPRESSOR, "--window", 16, "--segment", 32)
        part, _, _ = self.compress(ids[32:64], MODEL, COMPRESSOR, "--window", 16)
        slots = len(part["slots"].values)
        self.assertEqual(len(whole["slots"].values), 3 * slots)
        self.assertEqual(list(whole["slots"].values[slots:2 * slots]), list(part["slots"].values))

    def test_standard_output(self):
        ids = self.write_ids(range(5, 25))
        words = ["compress", "--ids", ids, "-m", MODEL, "-c", COMPRESSOR]
        status, out, _ = call(*words, "-o", "-")
        self.assertEqual(status, 0)
        (self.path / "piped").write_bytes(out)
        self.assertEqual(read_safetensors(self.path / "piped")[0]["tokens"].shape, [20])
        status, out, err = call(*words)
        self.assertEqual((status, err), (0, b""))
        self.assertRegex(out, rb"^ids\.json: 20 tokens -> 5 slots \(4\.0x\) in 1 window of 128, ")
        status, out, err = call(*words, "--dump", "plan")
        self.assertEqual((status, out), (2, b""))
        self.assertIn(b"give a file with -o", err)
        # Token ids may come through the pipe, and text too.
        status, out, _ = call("compress", "--ids", "-", *words[3:], "--json",
                              stdin=ids.read_bytes())
        self.assertEqual(strict_json(out)["tokens"], 20)
        status, out, _ = call("compress", "-", *words[3:], "--json", stdin=b"Salt and peat.")
        self.assertEqual(strict_json(out)["document"], "standard input")

    def test_same_bytes_twice_and_on_two_threads(self):
        files = []
        for threads in ("1", "1", "2"):
            self.compress(range(5, 105), MODEL, COMPRESSOR, "--threads", threads, "--dump", DUMPS)
            files.append((self.path / "out.safetensors").read_bytes())
        self.assertEqual(files[0], files[1])
        self.assertEqual(files[0], files[2])


if __name__ == "__main__":
    main_with_golden()
