#!/usr/bin/env python3
"""Figures that are opened again on a terminal: what they were made of is looked for, and asked
for where it is not found."""
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import COMPRESSOR, ExplorerTest, MODEL, PROGRAM, SAMPLE, main  # noqa: E402
from tests.app.harness import GOLDEN, call  # noqa: E402
from tests.support import tmux  # noqa: E402

QUANTIZED = GOLDEN / "modelA/A-Q8_0.gguf"


@unittest.skipUnless(tmux.AVAILABLE, "no tmux")
class ReopenTest(ExplorerTest):
    def setUp(self):
        super().setUp()
        self.places = {name: self.home / name.lower() for name in
                       ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
        self.models = self.places["XDG_CACHE_HOME"] / "comprexit/models"
        self.models.mkdir(parents=True)
        self.document, self.figure = self.home / "text.txt", self.home / "made/figure.png"
        self.figure.parent.mkdir()
        shutil.copy(SAMPLE, self.document)

    def make(self, model):
        status, _, said = call("export", self.document, "-m", model, "-c", COMPRESSOR, "--view",
                               "plan", "--window", "3", "--eps", "0.3", "-o", self.figure,
                               environment={k: str(v) for k, v in self.places.items()})
        self.assertEqual(status, 0, said)

    def screen(self, *arguments):
        screen = tmux.Tmux([PROGRAM, *arguments], columns=150, cwd=self.home,
                           environment=dict(self.places, HOME=self.home))
        self.addCleanup(screen.__exit__)
        return screen

    def reopen(self, *arguments):
        return self.screen("-c", COMPRESSOR, "--from-figure", self.figure, *arguments)

    @staticmethod
    def leave(screen):
        screen.command("quit!")
        screen.wait("ended 0")

    def test_a_document_that_is_not_found_is_asked_for(self):
        self.make(MODEL)
        s = self.reopen("-m", MODEL)
        s.wait("The figure's document is not here", "its document text.txt is neither",
               "Choose the document")
        s.keys("Enter")
        s.wait("Open a document", "text.txt")
        s.keys("Escape")
        s.wait("Open a document ...", "The demo")
        s.command(f"open {self.document}")
        s.wait("window 3 of 13", "eps 0.30", "token 2")
        s.command("log")
        self.assertNotIn("differs", s.wait("Log"))
        self.leave(s)

    def test_another_document_is_told(self):
        self.make(MODEL)
        self.document.write_bytes(b"Other text. " + SAMPLE.read_bytes())
        s = self.reopen("-m", MODEL)
        s.wait("The figure's document is not here")
        s.keys("Escape")
        s.wait("Open a document ...", "The demo")
        s.command(f"open {self.document}")
        s.wait("window 3 of 13", "eps 0.30", "document differs from the one in the figure (sha256 ")
        self.leave(s)

    def test_a_model_is_found_by_its_hash(self):
        shutil.copy(QUANTIZED, self.models / "first.gguf")
        self.make(self.models / "first.gguf")
        shutil.move(self.document, self.figure.parent)
        (self.models / "first.gguf").rename(self.models / "second.gguf")
        (self.models / "other.gguf").write_bytes(QUANTIZED.read_bytes()[:-4] + b"\0\0\0\0")
        s = self.reopen()
        s.wait("second Q8_0", "window 3 of 13")
        self.leave(s)

    def test_a_model_that_is_not_found_is_asked_for(self):
        shutil.copy(QUANTIZED, self.models / "first.gguf")
        self.make(self.models / "first.gguf")
        shutil.move(self.document, self.figure.parent)
        (self.models / "first.gguf").rename(self.home / "away.gguf")
        s = self.reopen()
        s.wait("The figure's model is not here", "its model first", "Choose a model ...")
        s.keys("Escape")
        s.gone("is not here")
        s.command(f"model {self.home / 'away.gguf'}")
        s.wait("window 3 of 13", "away Q8_0", "eps 0.30")
        self.leave(s)
        s = self.reopen("-m", MODEL)
        s.wait("window 3 of 13", "model differs from the one in the figure (sha256 ")
        self.leave(s)


if __name__ == "__main__":
    main()
