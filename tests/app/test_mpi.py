#!/usr/bin/env -S python3 -B
"""A training run that two processes share (built with MPI): the step of one process with
twice the batch, the same from a checkpoint on, and one end for both."""
import json
import os
import shutil
import subprocess
import sys
import unittest

from faults import made_up_text, train_words, weights
from harness import (PATIENCE, PROGRAM, ROOT, SKIPPED, main_with_golden, read_safetensors,
                     temporary_folder)

MPI_PROGRAM = ROOT / "build/mpi/comprexit"
STEPS = 8
# Of one float operation on the terms of a gradient, of which the largest are about 0.01.
ROUNDING = 1e-9


class Ranks(unittest.TestCase):
    def setUp(self):
        self.path = temporary_folder(self.addCleanup)
        self.data = self.path / "text"
        self.data.write_text(made_up_text())

    def train(self, run, ranks, batch, *extra, code=0, settings=()):
        words = train_words(self.data, run, *extra, settings=[f"batch={batch}", *settings])
        start = ["mpirun", "--oversubscribe", "-np", str(ranks)] if ranks > 1 else []
        settings = dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE",
                        OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                        OMPI_MCA_btl_vader_single_copy_mechanism="none",
                        OMPI_MCA_rmaps_base_oversubscribe="1")
        done = subprocess.run([*start, MPI_PROGRAM, *map(str, words)], env=settings, timeout=2 * PATIENCE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        messages = done.stderr.decode()
        self.assertEqual(done.returncode, code, messages)
        return done.stdout.decode(), messages

    def near(self, one, other):
        """All parameters together within 1e-6 (as a norm), each tensor within 1e-5 of its
        largest number (some are sums of little but rounding), and all losses within 1e-6."""
        name = f"step-{STEPS:06d}.safetensors"
        first, _ = read_safetensors(one / name)
        second, _ = read_safetensors(other / name)
        self.assertEqual(set(first), set(second))
        off = size = 0.0
        for key, want in first.items():
            # a softmax does not see these: their gradient is rounding, which AdamW blows up
            if any(x in key for x in ("k_prj.bias", "mass_prj.bias", "source_mass.ln.bias")):
                continue
            apart = [abs(a - b) for a, b in zip(want.values, second[key].values)]
            self.assertLessEqual(max(apart), 1e-5 * (max(map(abs, want.values)) or 1) + ROUNDING, key)
            if not key.startswith("moment"):
                off += sum(x * x for x in apart)
                size += sum(x * x for x in want.values)
        self.assertLessEqual(off, 1e-12 * size)
        logs = [[json.loads(x) for x in (run / "log.jsonl").read_text().splitlines()]
                for run in (one, other)]
        self.assertEqual(len(logs[0]), len(logs[1]))
        for got, want in zip(*logs):
            for key in ("loss", "grad_norm", "compressed", "samples", "tokens"):
                if key in want:
                    self.assertLessEqual(abs(got[key] - want[key]), 1e-6 * abs(want[key]), key)

    def test_two_processes_are_one_with_twice_the_batch(self):
        plain = ["optimizer=adamw", "init=published", "micro_batch=2", "adam_eps=1e-3"]
        one, two = self.path / "one", self.path / "two"
        self.train(one, 1, 4, settings=plain)
        out, messages = self.train(two, 2, 2, settings=plain)
        self.assertEqual(out, f"{two}/compressor.safetensors\n")
        self.assertEqual(messages.count(f"step {STEPS}/{STEPS}"), 1, "one of them tells")
        self.near(one, two)

    def test_resume_is_bit_exact(self):
        straight, cut = self.path / "straight", self.path / "cut"
        self.train(straight, 2, 2)
        self.train(cut, 2, 2)
        for name in (f"step-{STEPS:06d}.safetensors", "best.safetensors"):
            (cut / name).unlink()
        self.train(cut, 2, 2, "--resume")
        self.assertEqual(weights(cut), weights(straight))

    def test_an_error_of_one_ends_all(self):
        run = self.path / "run"
        self.train(run, 2, 2)
        _, messages = self.train(run, 2, 2, code=2)
        self.assertIn("holds a run already", messages)


if __name__ == "__main__":
    if not shutil.which("mpirun") or not MPI_PROGRAM.exists() or "release" not in PROGRAM:
        print("no MPI: libopenmpi-dev and openmpi-bin are not installed")
        sys.exit(SKIPPED)
    main_with_golden()
