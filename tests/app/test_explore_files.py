#!/usr/bin/env python3
"""What the explorer opens: rc files, models, compressors, figures, and what it says where one
of them is missing or bad. Played from scripts on the golden model."""
import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import COMPRESSOR, MODEL, PROGRAM, SAMPLE, ScriptTest, main  # noqa: E402
from tests.app.harness import PATIENCE, call  # noqa: E402


class FilesTest(ScriptTest):
    def test_bad_rc_lines_are_notes(self):
        rc = self.home / "rc"
        rc.write_text('# mine\nset epsilon 3\nbind w unit word\ncolors cividis\nnonsense here\n')
        self.plays("log", 'expect "rc:2: unknown setting \\"epsilon\\", did you mean \\"eps\\"?"',
                   'expect "rc:5: unknown command"', "key Esc", "key ?",
                   'expect "Changed by your rc file: \\"w\\" was \\"unit next\\""', "key Esc", "key w", 'expect "unit: word"', options=("--rc", rc))

    def test_a_file_of_commands_that_runs_itself(self):
        """Ten such lines would be run ten to the eighth times."""
        rc, other = self.home / "rc", self.home / "other"
        rc.write_text(f"source {other}\n" * 10)
        other.write_text(f"source {rc}\n" * 10 + "unit word\n")
        self.plays("log", 'expect "a file of commands cannot run itself"', f"source {other}",
                   options=("--rc", rc))

    def test_settings_of_the_rc_file_reach_the_engine(self):
        rc = self.home / "rc"
        rc.write_text("set eps 0.7\nset iterations 12\n")
        self.plays('expect "iter 12/12 · eps 0.70"', options=("--rc", rc))

    def test_the_rc_file_may_name_model_and_compressor(self):
        """Option before environment before rc file."""
        rc, script, other = (self.home / name for name in ("rc", "play.rc", "other.gguf"))
        other.write_bytes((MODEL / "A-Q8_0.gguf").read_bytes())
        rc.write_text(f"model {other}\ncompressor none\n")
        places = {"XDG_STATE_HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home)}
        for options, environment, wanted in (
                ((), {}, "other Q8_0 · warm start"),
                (("-m", MODEL, "-c", COMPRESSOR), {}, "modelA F32 · compressorA"),
                ((), {"COMPREXIT_MODEL": str(MODEL), "COMPREXIT_COMPRESSOR": str(COMPRESSOR)},
                 "modelA F32 · compressorA")):
            script.write_text(f'size 160x36\nwait idle\nexpect "{wanted}"\n')
            status, _, said = call(SAMPLE, "--rc", rc, "--play", script, "--headless", *options,
                                   environment=places | environment)
            self.assertEqual(status, 0, said.decode())

    def test_missing_files_stop_before_the_screen(self):
        self.fails(3, "none.rc: cannot open", options=("--rc", self.home / "none.rc"))
        self.fails(3, "none.txt: cannot open", document=self.home / "none.txt")

    def test_default_rc_is_a_file_of_commands(self):
        done = subprocess.run([PROGRAM, "--default-rc"], capture_output=True, check=True,
                              timeout=PATIENCE)
        text = done.stdout.decode()
        self.assertIn("set brush.min 5%\n", text)
        self.assertIn("\n#bind C-r redo\n", text)
        rc = self.home / "rc"
        rc.write_text(re.sub(r"^#(bind|set) ", r"\1 ", text, flags=re.M))
        self.plays("log", f"screen {self.home / 'log.txt'}", options=("--rc", rc))
        self.assertNotIn("rc:", (self.home / "log.txt").read_text())

    def test_headless_wants_a_script(self):
        status, _, err = call(SAMPLE, "--headless")
        self.assertEqual(status, 2)
        self.assertIn(b"--headless wants --play FILE", err)

    def test_problems_leave_everything_as_it_was(self):
        bad = self.home / "bad.gguf"
        bad.write_bytes(b"not a model")
        self.plays(f"model {bad}", "wait idle", 'expect "Cannot use this model"',
                   f'expect "where      {bad}"', 'expect "got        a file of 11 bytes that begins"',
                   'expect "expected   a Llama-family model"',
                   'expect "Nothing was changed: modelA F32 stays in use."',
                   'expect "> Choose another model ..."', "key Esc", 'expect "modelA F32"',
                   'expect "token 0 of 1571"')

    def test_a_compressor_of_another_model(self):
        """Both owners are told, also when it was named on the command line."""
        data, other = COMPRESSOR.read_bytes(), self.home / "other.safetensors"
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8:8 + length])
        header["__metadata__"] = {"base_sha256": "ab" * 32, "base_layers": "3"}
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        other.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length:])
        owners = ('expect "Cannot use this compressor"', 'expect "made for   a model"',
                  'expect "sha256 abab..abab"', f'expect "where      {other}"')
        self.plays(f"compressor {other}", "wait idle", *owners, 'expect "open now   modelA F32"',
                   'expect "Nothing was changed: compressorA stays in use."',
                   'expect "> Choose another compressor ..."')
        self.plays(*owners, 'expect "Nothing was changed."', options=("-c", other))

    def test_the_next_model_gets_the_compressor_that_is_open(self):
        self.plays("compressor none", "wait idle", f"model {MODEL}", "wait idle",
                   'expect "UNTRAINED"')

    def test_a_broken_compressor(self):
        bad = self.home / "bad.safetensors"
        bad.write_bytes(b"12345678{}")
        self.plays('expect "Cannot use this compressor"', f'expect "where      {bad}"',
                   'expect "got        a file of 10 bytes"', 'expect "Nothing was changed."',
                   options=("-c", bad))

    def test_figure_opens_again(self):
        document = self.home / "text.txt"
        document.write_bytes(SAMPLE.read_bytes())
        figure = self.home / "figure.png"
        self.plays("set eps 0.3", "wait idle", "goto 300", "view plan likeness", "mute s2",
                   "wait idle", f"export plan {figure}", document=document,
                   options=("-q", "What replaced peat?"))
        again = ('expect "window 3 of 13"', "set eps", 'expect "eps 0.3:"', "view next",
                 'expect "Plan: cost"', "undo", 'expect "ask> What replaced peat?"')
        self.plays(*again[:5], 'expect "s2 off"', again[-1], document=None,
                   options=("--from-figure", figure))
        self.plays("goto 10", f"open {figure}", "wait idle", *again[:3],
                   'expect "ask> What replaced peat?"', 'expect "s2 off"', document=SAMPLE)
        (self.home / "bare.png").write_bytes(b"no figure at all")
        self.fails(3, "bare.png: not a PNG file", f"open {self.home / 'bare.png'}")
        document.write_bytes(b"Other text. " + SAMPLE.read_bytes())
        self.plays("log", 'expect "document differs from the one in the figure"', document=None,
                   options=("--from-figure", figure))
        document.rename(self.home / "moved.txt")
        self.plays('expect "document differs from the one in the figure"', document=None,
                   options=("--from-figure", figure, "--doc", self.home / "moved.txt"))
        self.fails(3, "its document text.txt is neither beside it nor a recent one", document=None,
                   options=("--from-figure", figure))

    def test_a_loss_map_is_measured_again(self):
        figure, again = self.home / "loss.png", self.home / "again.png"
        self.plays("loss", "wait idle", f"export loss {figure} range=200-330",
                   document=SAMPLE)
        shows = ('expect "costs"', f"export loss {again}")
        (self.home / SAMPLE.name).write_bytes(SAMPLE.read_bytes())
        self.plays(*shows, document=None, options=("--from-figure", figure))
        self.assertEqual(figure.read_bytes(), again.read_bytes())
        again.unlink()
        self.plays(f"open {figure}", "wait idle", *shows, document=SAMPLE)
        self.assertEqual(figure.read_bytes(), again.read_bytes())


if __name__ == "__main__":
    main()
