#!/usr/bin/env -S python3 -B
"""Exit codes and error documents of commands that open a model; Ctrl-C; bench."""
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import time
import unittest

from harness import (GOLDEN, PATIENCE, PROGRAM, ProgramTest, call, golden_first, main_with_golden,
                     temporary_folder)
from tests.support import processes

MODEL = golden_first("modelA/A-F32.gguf", "modelA/A-Q8_0.gguf")
COMPRESSOR = GOLDEN / "compressorA.safetensors"


class Errors(ProgramTest):
    def setUp(self):
        self.path = temporary_folder(self.addCleanup)

    def file(self, name, content):
        path = self.path / name
        path.write_bytes(content)
        return path

    def test_bad_input_is_3(self):
        document = self.file("notes.md", b"Salt and peat.")
        for name, about, words in (
                ("missing document", "nowhere", ["compress", self.path / "nowhere"]),
                ("directory", self.path, ["compress", self.path]),
                ("empty document", "empty", ["compress", self.file("empty", b"")]),
                ("not a list", "object", ["compress", "--ids", self.file("object", b'{"a": 1}')]),
                ("no ids", "none", ["compress", "--ids", self.file("none", b"[]")]),
                ("half JSON", "half", ["compress", "--ids", self.file("half", b"[1, 2")]),
                ("negative id", "minus", ["score", "--ids", self.file("minus", b"[1, -2]")]),
                ("id outside vocabulary", "big", ["score", "--ids", self.file("big", b"[1, 400]")]),
        ):
            with self.subTest(name):
                error = self.run_error(3, *words, "-m", MODEL, "-c", COMPRESSOR)
                self.assertIn(str(about), error["message"])
                if error["file"] is not None:
                    self.assertIn(str(about), error["file"])

    def test_bad_models_are_3(self):
        document = self.file("notes.md", b"Salt and peat.")
        for model in (self.path / "nowhere.gguf", self.file("bad.gguf", b"GGUF"), self.path):
            with self.subTest(model):
                error = self.run_error(3, "compress", document, "-m", model, "-c", "none")
                self.assertTrue(error["file"].startswith(str(model)), error)
        for compressor in (self.path / "nowhere", self.file("bad", b"12345678{}"), MODEL):
            with self.subTest(compressor):
                error = self.run_error(3, "compress", document, "-m", MODEL, "-c", compressor)
                self.assertTrue(error["file"].startswith(str(compressor)), error)
        other = GOLDEN / "smol_compressor.safetensors"
        if other.exists():
            error = self.run_error(3, "compress", document, "-m", MODEL, "-c", other)
            self.assertIn("hidden size", error["message"])
        error = self.run_error(3, "compress", document,
                               environment={"COMPREXIT_MODEL": "", "XDG_CACHE_HOME": str(self.path)})
        self.assertIn("--model", error["message"])

    def test_messages_tell_the_way_on(self):
        document = self.file("notes.md", b"Salt and peat. " * 4000)
        short = self.file("short.md", b"Salt and peat.")
        bad, ask = self.file("bad", b"GGUF"), ("-q", "Who?")
        using = ("-m", MODEL, "-c", COMPRESSOR)
        for code, way, words in (
                (3, "--model takes", ["ask", short, *ask, "-m", self.path / "nowhere", "-c", "none"]),
                (3, "--model takes", ["ask", short, *ask, "-m", bad, "-c", "none"]),
                (3, "--compressor takes", ["ask", short, *ask, "-m", MODEL, "-c", bad]),
                (3, "--soft-prompt takes", ["ask", short, *ask, *using, "--soft-prompt", bad]),
                (3, f"{document}: ", ["ask", document, *ask, *using]),
                (3, "take less text, a higher ratio or another model", ["ask", document, *ask, *using]),
                (2, "give one of them", ["ask", short, *ask, "--questions", short]),
                (2, "train alone", ["export", short, *using, "--view", "plans"]),
                (3, "train --run wrote", ["export", short, "--view", "train"]),
                (2, "expected one of 0..", ["export", short, *using, "--iteration", "99"]),
                (3, "nor SVG", ["export", "--from-figure", short]),
                (4, "its folder does not exist", ["export", short, *using, "-o", self.path / "no/a.png"]),
                (4, "its folder does not exist", ["eval", "--data", short, *using, "--out",
                                                  self.path / "no/a.json"]),
                (3, "expected SQuAD, MRQA", ["eval", "--data", short, *using]),
                (3, "without it, one begins", ["train", "ntp", "--data", short, "--resume", "-m", MODEL,
                                               "--run", self.path / "run"]),
        ):
            with self.subTest(way=way, words=words):
                self.assertIn(way, self.run_error(code, *words)["message"])

    def test_usage_is_2(self):
        document = self.file("notes.md", b"Salt and peat.")
        for words in (["compress"], ["ask", document], ["ask", "-q", "Who?"], ["score"],
                      ["compress", document, "--window", "0"],
                      ["compress", document, "--window", "9999999"],
                      ["compress", document, "--ratio", "0.5"],
                      ["compress", document, "--ratio", "nan"],
                      ["compress", document, "--eps", "0"], ["compress", document, "--eps", "-1"],
                      ["compress", document, "--iters", "0"],
                      ["compress", document, "--align", "middle"],
                      ["compress", document, "--dump", "plan,slot"],
                      ["compress", document, "-o", "-"],
                      ["ask", document, "-q", "Who?", "--mode", "some"],
                      ["score", document, "--given", "full"], ["check"],
                      ["compress", document, "-m", MODEL, "--precision", "q2"],
                      ["info", document, document], ["bench", "--repeat", "0"]):
            with self.subTest(words):
                self.run_error(2, *words)
        error = self.run_error(2, "compress", document, environment={"COMPREXIT_THREADS": "two"})
        self.assertIn("COMPREXIT_THREADS", error["message"])

    def test_output_that_cannot_be_written_is_4(self):
        document = self.file("notes.md", b"Salt and peat.")
        for target in (self.path / "no/such/folder.safetensors", self.path):
            error = self.run_error(4, "compress", document, "-o", target, "-m", MODEL, "-c", "none")
            self.assertEqual(error["file"], str(target))

    def test_a_limit_on_sizes_is_an_error_of_writing(self):
        document, target = self.file("notes.md", b"Salt and peat."), self.path / "slots.safetensors"
        done = subprocess.run([PROGRAM, "compress", document, "-o", target, "-m", MODEL, "-c", "none"],
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn(b"slots.safetensors", done.stderr)
        self.assertEqual([p.name for p in self.path.iterdir() if "slots" in p.name], [])

    def test_a_closed_pipe_ends_quietly(self):
        """Nobody reads the results: the signal, and not a word."""
        document = self.file("notes.md", b"Salt and peat. " * 20)
        model = ("-m", MODEL, "-c", COMPRESSOR)
        for words in (("compress", document, *model), ("tokenize", document, *model),
                      ("score", document, *model, "--json"), ("ask", document, *model, "-q", "Who?"),
                      ("export", document, *model, "--view", "plan", "-o", self.path / "plan.svg"),
                      ("info", MODEL), ("completion", "bash"), ("train", "ntp", "--print-config")):
            reader, writer = os.pipe()
            os.close(reader)
            done = subprocess.run([PROGRAM, *map(str, words)], stdout=writer, check=False,
                                  stderr=subprocess.PIPE, timeout=PATIENCE, cwd=self.path,
                                  preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL))
            os.close(writer)
            self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, b""), words)

    def test_names_are_escaped(self):
        name = "n\x1b[31m\u202e.md"
        status, out, err = call("compress", self.path / name, "-m", MODEL)
        self.assertEqual((status, out), (3, b""))
        self.assertNotIn(b"\x1b", err)
        document = self.file(name, b"Salt and peat.")
        status, out, err = call("compress", document, "-m", MODEL, "-c", "none")
        self.assertEqual((status, err), (0, b""))
        self.assertNotIn(b"\x1b", out)


def catches_sigint(pid):
    """Has the process come to the work that Ctrl-C stops cleanly?"""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    caught = int(re.search(r"^SigCgt:\s*(\w+)", status, re.M).group(1), 16)
    return bool(caught & 1 << (signal.SIGINT - 1))


def children_cpu_seconds():
    """Of all that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Interrupt(ProgramTest):
    def test_ctrl_c_stops_and_leaves_nothing(self):
        path = temporary_folder(self.addCleanup)
        (path / "ids.json").write_text(json.dumps([5 + i % 390 for i in range(400_000)]))
        earlier = children_cpu_seconds()
        process = subprocess.Popen(
            [PROGRAM, "compress", "--ids", path / "ids.json", "-m", MODEL, "-c", COMPRESSOR,
             "-o", path / "out.safetensors", "--json"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=dict(os.environ, OMP_NUM_THREADS="1"))
        while process.poll() is None and not catches_sigint(process.pid):
            time.sleep(0.01)
        time.sleep(0.2)
        self.assertIsNone(process.poll(), "done before it could be stopped")
        worked = processes.cpu_seconds(process.pid)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
        # In processor time: how soon it gets a processor is not its own.
        self.assertLess(children_cpu_seconds() - earlier - worked, 5)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(json.loads(out)["error"]["code"], 130)
        self.assertEqual(sorted(os.listdir(path)), ["ids.json"])


class Bench(ProgramTest):
    def test_every_key_is_there(self):
        got = self.run_json("bench", "--repeat", 2, "-m", MODEL, "--threads", 1)
        self.assertEqual(got["threads"], 1)
        self.assertLessEqual({"precisions", "cpu", "kernels", "threads"}, set(got))
        keys = {"precision", "load_ms", "prefill_tok_s", "decode_tok_s", "compress_ms",
                "compress_backward_ms", "ntp_step_ms", "sft_step_ms", "peak_rss_bytes",
                "top1_agreement", "mean_kl"}
        for row in got["precisions"]:
            self.assertEqual(set(row), keys)
            self.assertEqual(set(row["compress_ms"]), {"gate", "mass", "plan", "slots", "project"})
            for key in ("load_ms", "prefill_tok_s", "decode_tok_s", "ntp_step_ms", "sft_step_ms",
                        "peak_rss_bytes"):
                self.assertGreater(row[key], 0)


if __name__ == "__main__":
    main_with_golden()
