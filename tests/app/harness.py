"""What the tests of the running program share: calling it, reading safetensors, comparing.

COMPREXIT is the program, COMPREXIT_GOLDEN the folder of reference vectors. Only the
standard library is used, so that the tests run wherever the program builds.
"""
import array
import json
import math
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.support.processes import PATIENCE, temporary_folder  # noqa: E402, F401

PROGRAM = os.path.abspath(os.environ.get("COMPREXIT", ROOT / "build/release/comprexit"))
GOLDEN = pathlib.Path(os.environ.get("COMPREXIT_GOLDEN", ROOT / "tests/golden"))
SKIPPED = 77
# What whoever runs the tests has opened and set is not theirs.
OWN = tempfile.TemporaryDirectory()
os.environ.update(XDG_STATE_HOME=f"{OWN.name}/state", XDG_CONFIG_HOME=f"{OWN.name}/config")
CODES = {"F32": "f", "I32": "i", "F64": "d", "U8": "B", "I64": "q"}


def golden_first(*names):
    """The first of these that the set has: the repository's own is trimmed."""
    return next((GOLDEN / name for name in names if (GOLDEN / name).exists()), GOLDEN / names[-1])


def call(*arguments, stdin=b"", environment=None, limit=2 * PATIENCE, folder=None):
    """Runs the program; returns (exit status, stdout, stderr) as bytes."""
    settings = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, timeout=limit,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=settings, cwd=folder,
                          check=False)
    return done.returncode, done.stdout, done.stderr


class Tensor:
    """Shape and flat values of one tensor."""

    def __init__(self, shape, values):
        self.shape, self.values = shape, values


def read_safetensors(path):
    """Returns ({name: Tensor}, metadata); BF16 is widened."""
    data = pathlib.Path(path).read_bytes()
    size = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw = data[8 + size + begin:8 + size + end]
        if entry["dtype"] == "BF16":
            halves = array.array("H", raw)
            values = [struct.unpack("<f", struct.pack("<I", h << 16))[0] for h in halves]
        else:
            values = array.array(CODES[entry["dtype"]], raw)
        tensors[name] = Tensor(entry["shape"], values)
    return tensors, metadata


def strict_json(text):
    """Parses one JSON document: no NaN, nothing behind it."""
    def refuse(word):
        raise ValueError(f"{word} is not JSON")
    return json.loads(text, parse_constant=refuse)


class ProgramTest(unittest.TestCase):
    def run_json(self, *arguments, **settings):
        """Exit status 0 and one document on standard output."""
        status, out, err = call(*arguments, "--json", **settings)
        self.assertEqual(status, 0, err.decode(errors="replace"))
        self.assertEqual(err, b"")
        return strict_json(out)

    def run_error(self, code, *arguments, **settings):
        """The error document of a call that must fail with this exit code."""
        status, out, err = call(*arguments, "--json", **settings)
        self.assertEqual(status, code, (out + err).decode(errors="replace"))
        document = strict_json(out)
        self.assertEqual(set(document), {"error"})
        error = document["error"]
        self.assertEqual(set(error), {"code", "message", "file"})
        self.assertEqual(error["code"], code)
        self.assertEqual(err.decode(), f"comprexit: {error['message']}\n")
        self.assertNotIn("\x1b", error["message"])
        return error

    def assert_near(self, name, got, want, tolerance):
        self.assertEqual(list(got.shape), list(want.shape), name)
        worst = max((abs(g - w) if math.isfinite(g) else math.inf
                     for g, w in zip(got.values, want.values)), default=0.0)
        self.assertLessEqual(worst, tolerance, f"{name}: off by {worst}")


def main():
    """Runs the calling module's tests; prints the count in the form tests/run reads."""
    result = unittest.TextTestRunner(stream=sys.stdout).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    print(f"[==========] {result.testsRun} test(s) run.")
    if result.skipped:
        print(f"[  SKIPPED ] {len(result.skipped)} test(s)")
    sys.exit(0 if result.wasSuccessful() else 1)


def main_with_golden():
    if not (GOLDEN / "forward.json").exists():
        print("no golden vectors: set COMPREXIT_GOLDEN")
        sys.exit(SKIPPED)
    main()
