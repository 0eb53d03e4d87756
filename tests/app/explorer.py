"""What the tests of the explorer share: opening it on a pseudo terminal with the golden
model, playing scripts, and finding escape sequences that are not its own."""
import re
import sys
import unittest

from tests.app.harness import GOLDEN, PROGRAM, ROOT, SKIPPED, call
from tests.support.processes import temporary_folder
from tests.support.pseudo_terminal import PseudoTerminal

SANITIZED = "asan" in PROGRAM or "tsan" in PROGRAM
MODEL, COMPRESSOR = GOLDEN / "modelA", GOLDEN / "compressorA.safetensors"
SAMPLE = ROOT / "assets/saltworks.txt"

# What curses, the probe and the modes may write; everything else is a leak.
ALLOWED = re.compile(
    rb"\x1b\[[0-9;]*[@ABCDEFGHIJKLMPSTXZ`bdfgmr]"  # cursor, erase, insert, delete, attributes
    rb"|\x1b\[\?(?:1|7|12|25|1000|1006|1049|2004)(?:;25)?[hl]"
    rb"|\x1b\[4[hl]|\x1b\[\?12;25h|\x1b\[!p|\x1b\[\?3;4l"
    rb"|\x1b[=>78MDEHc]|\x1b[()][AB012]|[\x0e\x0f]"
    rb"|\x1b\[22;0;0t|\x1b\[23;0;0t"
    rb"|[\r\n\b\t]")
PROBES = [b"\x1b]11;?\x07", b"\x1b[6n"]
HIDDEN = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"


def leaks(output):
    """Control bytes that are left when all allowed sequences are taken away."""
    for probe in PROBES:
        output = output.replace(probe, b"", 1)
    rest = ALLOWED.sub(b"", output)
    found = re.findall(rb"[\x00-\x1f\x7f][^\x00-\x1f]{0,12}|\xc2[\x80-\x9f]", rest)
    text = rest.decode("utf-8", errors="surrogateescape")
    found += [c for c in text if "\udc80" <= c <= "\udcff" or c in HIDDEN]
    return found


class ExplorerTest(unittest.TestCase):
    def setUp(self):
        self.home = temporary_folder(self.addCleanup)

    def arguments(self, *more, document=SAMPLE):
        return [PROGRAM, *([document] if document else []), "-m", MODEL, "-c", COMPRESSOR, *more]

    def open(self, *more, document=SAMPLE, environment=None, **settings):
        own = dict(XDG_STATE_HOME=str(self.home / "state"), XDG_CONFIG_HOME=str(self.home / "config"),
                   XDG_CACHE_HOME=str(self.home / "cache"), EDITOR="true", HOME=str(self.home))
        return PseudoTerminal(self.arguments(*more, document=document), environment=own |
                              (environment or {}), cwd=self.home, **settings)

    def quit(self, terminal):
        terminal.type(b"q")
        self.assertEqual(terminal.wait_exit(), 0, terminal.output[-400:])


class ScriptTest(ExplorerTest):
    def play(self, *lines, document=SAMPLE, options=(), folder=None):
        """Status and messages of a script; its first lines set a size and wait."""
        script = self.home / "play.rc"
        script.write_text("\n".join(("size 120x36", "wait idle", *lines)) + "\n")
        named = [document] if document else []
        status, out, err = call(*named, "-m", MODEL, "-c", COMPRESSOR, "--play", script,
                                "--headless", *options,
                                environment={"XDG_STATE_HOME": str(self.home),
                                             "XDG_CONFIG_HOME": str(self.home)}, folder=folder)
        self.assertEqual(out, b"")
        return status, err.decode()

    def plays(self, *lines, **settings):
        status, said = self.play(*lines, **settings)
        self.assertEqual(status, 0, said)
        self.assertEqual(said, "")

    def fails(self, status, message, *lines, **settings):
        got, said = self.play(*lines, **settings)
        self.assertEqual(got, status, said)
        self.assertIn(message, said.splitlines()[-1])


def main():
    if not MODEL.exists() or not COMPRESSOR.exists():
        print("no golden models")
        sys.exit(SKIPPED)
    unittest.main()
