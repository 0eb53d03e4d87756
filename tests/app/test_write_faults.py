#!/usr/bin/env -S python3 -B
"""Writing that fails, in every flow that writes a file over an older one: each call that changes
one gives an error, finds no room, transfers less, is interrupted, or is the last that the process
makes. The file is then the old one or the new one, whole; nothing is left beside it."""
import unittest

from faults import MODEL, SANITIZED, in_parallel, shim
from harness import GOLDEN, call, main_with_golden, temporary_folder

COMPRESSOR = GOLDEN / "compressorA.safetensors"
OLD = b"what was there before\n"
KINDS = ("eio", "enospc", "short", "eintr", "kill")
EACH = 4 if SANITIZED else 1


class Writes(unittest.TestCase):
    def setUp(self):
        self.path = temporary_folder(self.addCleanup)
        self.document = self.path / "document.txt"
        self.document.write_text("Salt and peat.\nThe barge left the pond at high tide.\n")

    def run_into(self, name, words, files, environment=None, **fault):
        """One call; returns its status, what it said, and the files as they are then."""
        folder = self.path / name
        folder.mkdir()
        for file in files:
            (folder / file).write_bytes(OLD)
        status, _, err = call(*words(folder), environment=dict(
            shim("file_faults", root=folder, **fault), **(environment or {})))
        held = {path.name: path.read_bytes() for path in folder.iterdir()}
        return status, err.decode(), held

    def torture(self, words, files, **settings):
        """words(folder) is a command that writes `files` there."""
        count = self.path / "count"
        status, said, new = self.run_into("whole", words, files, count=count, **settings)
        self.assertEqual((status, sorted(new)), (0, sorted(files)), said)
        self.assertNotIn(OLD, new.values())
        calls = int(count.read_text())
        self.assertGreaterEqual(calls, 3 * len(files))  # written, synced, renamed

        def disturb(case):
            kind, at = case
            status, said, held = self.run_into(f"{kind}-{at}", words, files, at=at, kind=kind,
                                               **settings)
            where = f"{kind} at {at}: {status}\n{said}{sorted(held)}"
            for file in files:
                allowed = (OLD, new[file]) if status else (new[file],)
                self.assertIn(held.pop(file), allowed, where)
            if kind == "kill":
                self.assertEqual(status, -9, where)
                return
            self.assertEqual(held, {}, where)
            if kind in ("short", "eintr"):
                self.assertEqual((status, said), (0, ""), where)
            elif status:
                self.assertEqual(status, 4, where)
                self.assertIn(f"{kind}-{at}/", said.splitlines()[-1], where)
        in_parallel(disturb, [(kind, at) for kind in KINDS
                              for at in range(1, calls + 1)][::EACH])

    def test_compress(self):
        self.torture(lambda folder: [
            "compress", self.document, "-m", MODEL, "-c", COMPRESSOR, "--quiet", "--force",
            "-o", folder / "slots.safetensors"], ["slots.safetensors"])

    def test_export(self):
        files = [f"plan.{kind}" for kind in ("png", "svg", "npy", "csv", "json")]
        self.torture(lambda folder: [
            "export", self.document, "-m", MODEL, "-c", COMPRESSOR, "--quiet", "--force",
            *(word for file in files for word in ("-o", folder / file))], files)

    def test_a_session_and_a_figure_of_a_script(self):
        def words(folder):
            script = folder.with_suffix(".rc")
            script.write_text(f"wait idle\nsave! {folder}/kept.cxt\nwait idle\n"
                              f"export! plan {folder}/plan.svg\nwait idle\n")
            return [self.document, "-m", MODEL, "-c", COMPRESSOR, "--play", script, "--headless"]
        self.torture(words, ["kept.cxt", "plan.svg"],
                     environment={"XDG_STATE_HOME": str(self.path / "state"),
                                  "XDG_CONFIG_HOME": str(self.path / "config")})


if __name__ == "__main__":
    main_with_golden()
