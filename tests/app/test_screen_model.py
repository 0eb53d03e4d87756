#!/usr/bin/env python3
"""The screen model of the tests: what a terminal shows, in whichever pieces the bytes come."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.harness import main  # noqa: E402
from tests.support.screen_model import ScreenModel  # noqa: E402

DRAWN = ("\x1b[?1049h\x1b[H\x1b[2Jhello wörld\x1b[2;3H\x1b[1;31mstopping\x1b[m\x1b[2;8Hed\x1b[K\r\n漢x"
         "\x1b]11;?\x07\x1b[3;10Hq\x1b[Dz\x1b[4;1Hgone\x1b[H\x1b[4d\x1b[J").encode()
SHOWN = ["hello wörld         ", "  stopped           ", "漢x      z          ", " " * 20]


# Erasing letters and the beginning of a line, deleting, scrolling a region up and down.
ERASED = ("\x1b[H\x1b[2Jabcdef\x1b[1;2H\x1b[3X\r\n123456\x1b[2;3H\x1b[1K\x1b[2P\r\nthree\r\nfour"
          "\x1b[2;4r\x1b[S\x1b[4;1Hlast\n\x1b[3;1H\x1bM\x1bM\x1b[r").encode()
LEFT = ["a   ef              ", " " * 20, "four                ", "last                "]


class ModelTest(unittest.TestCase):
    def test_what_is_shown(self):
        for piece in (1, 2, 3, len(DRAWN)):
            model = ScreenModel(4, 20)
            for i in range(0, len(DRAWN), piece):
                model.feed(DRAWN[i:i + piece])
            self.assertEqual(model.lines(), SHOWN)

    def test_what_is_taken_away(self):
        for piece in (1, len(ERASED)):
            model = ScreenModel(4, 20)
            for i in range(0, len(ERASED), piece):
                model.feed(ERASED[i:i + piece])
            self.assertEqual(model.lines(), LEFT)


if __name__ == "__main__":
    main()
