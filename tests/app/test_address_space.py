#!/usr/bin/env -S python3 -B
"""Under limits on the address space (ulimit -v) every command ends: well, or with exit code 5
and one line. OpenBLAS by itself asks for its work areas for ever."""
import os
import resource
import subprocess
import sys
import unittest

from faults import MODEL, SANITIZED, made_up_text, train_words
from harness import GOLDEN, PATIENCE, PROGRAM, SKIPPED, main_with_golden, temporary_folder

LIMITS = [60, 200, 280, 330, 370, 400, 430, 460, 500, 560, 700, 900, 1100, 1500, 3000]  # MiB


class AddressSpace(unittest.TestCase):
    def setUp(self):
        self.path = temporary_folder(self.addCleanup)
        self.text = self.path / "text"
        self.text.write_text(made_up_text(600))

    def ends(self, words, threads):
        """With 0 or 5 and a message at each limit; 5 at the least, 0 at the most."""
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        codes = []
        for mebi in LIMITS:
            bytes_most = mebi << 20
            done = subprocess.run(
                [PROGRAM, *map(str, words(mebi))], timeout=PATIENCE, env=environment, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (bytes_most,) * 2))
            where = f"{mebi} MiB, {threads} threads: {done.returncode}\n{done.stderr.decode()}"
            self.assertIn(done.returncode, (0, 5), where)
            if done.returncode:
                self.assertTrue(done.stderr.decode().splitlines()[-1].startswith("comprexit: "),
                                where)
            codes.append(done.returncode)
        self.assertEqual((codes[0], codes[-1]), (5, 0))

    def test_version(self):
        for threads in 1, 2:
            self.ends(lambda mebi: ["--version"], threads)

    def test_compress(self):
        for threads in 1, 2, 64:
            self.ends(lambda mebi: [
                "compress", self.text, "-m", MODEL, "-c", GOLDEN / "compressorA.safetensors", "-o",
                self.path / f"{threads}-{mebi}.safetensors"], threads)

    def test_train(self):
        self.ends(lambda mebi: train_words(self.text, self.path / f"run-{mebi}", steps=2), 2)


if __name__ == "__main__":
    if SANITIZED:
        print("a sanitizer takes terabytes of address space")
        sys.exit(SKIPPED)
    main_with_golden()
