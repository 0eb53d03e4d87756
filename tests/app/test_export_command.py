#!/usr/bin/env -S python3 -B
"""`export` on a reference model: figures, their numbers, and figures made again."""
import csv
import json
import pathlib
import re
import struct
import unittest
import xml.etree.ElementTree

from harness import (GOLDEN, ROOT, ProgramTest, call, golden_first, main_with_golden,
                     read_safetensors, temporary_folder)

MODEL, COMPRESSOR = golden_first("modelA/A-F32.gguf", "modelA"), GOLDEN / "compressorA.safetensors"
USING = ("-m", MODEL, "-c", COMPRESSOR)


def read_npy(path):
    """Shape and rows of a float32 matrix."""
    data = path.read_bytes()
    size = struct.unpack_from("<H", data, 8)[0]
    header = eval(data[10:10 + size], {"__builtins__": {}})  # a dictionary of literals
    rows, columns = header["shape"]
    values = struct.unpack_from(f"<{rows * columns}f", data, 10 + size)
    return [values[i * columns:(i + 1) * columns] for i in range(rows)]


class Export(ProgramTest):
    def setUp(self):
        self.path = temporary_folder(self.addCleanup)
        self.document = self.path / "notes.txt"
        self.document.write_text((ROOT / "assets/harbour.txt").read_text()[:420])

    def export(self, *options):
        """The names of the files that were written, which lie in self.path."""
        document = self.run_json("export", self.document, *USING, *options)
        for name in document["files"]:
            self.assertTrue((self.path / name).is_file())
        return [pathlib.Path(name) for name in document["files"]]

    def test_numbers_are_those_of_compress(self):
        npy, table = self.path / "plan.npy", self.path / "plan.csv"
        self.export("--view", "plan", "--window", "2", "-o", npy, "-o", table)
        tensors = self.path / "all.safetensors"
        self.run_json("compress", self.document, *USING, "-o", tensors, "--dump", "plan,mass")
        plan, mass = (read_safetensors(tensors)[0][name] for name in ("plan", "mass"))
        windows, width, slots = plan.shape
        self.assertGreater(windows, 2)
        rows = read_npy(npy)
        self.assertEqual((len(rows), len(rows[0])), (slots, width))
        for slot, row in enumerate(rows):
            for token, value in enumerate(row):
                self.assertEqual(value, plan.values[(width + token) * slots + slot])
        lines = list(csv.DictReader(table.open(newline="")))
        self.assertEqual(len(lines), width)
        self.assertEqual([int(line["index"]) for line in lines], list(range(width)))
        for token, line in enumerate(lines):
            self.assertAlmostEqual(float(line["mass"]), mass.values[width + token], delta=1e-7)
            self.assertAlmostEqual(float(line["s1"]), rows[1][token], delta=1e-7)

    def test_a_figure_is_made_again(self):
        first = self.path / "first.png"
        self.export("--view", "gate", "--window", "2", "--ratio", "8", "--eps", "0.2", "--scale",
                    "sqrt", "-o", first, "--width", "183mm", "--formats", "npy")
        again = self.path / "again.npy"
        document = self.run_json("export", "--from-figure", first, *USING, "-o", again)
        self.assertEqual(document["view"], "gate")
        self.assertEqual(read_npy(again), read_npy(self.path / "first.npy"))
        record = self.run_json("info", first)
        self.assertEqual(record["settings"]["ratio"], 8)
        self.assertEqual(record["document"]["name"], "notes.txt")
        self.assertEqual(len(record["model"]["sha256"]), 64)
        self.assertEqual(record["model"]["size"],
                         None if MODEL.is_dir() else MODEL.stat().st_size)
        self.assertNotIn(str(self.path), str(record | {"file": ""}))
        self.document.write_text("Something else altogether. " * 20)
        status, _, err = call("export", "--from-figure", first, *USING, "-o", again)
        self.assertEqual(status, 0, err)
        self.assertIn("document differs from the one in the figure (sha256 ", err.decode())
        self.document.unlink()
        error = self.run_error(3, "export", "--from-figure", first, *USING)
        self.assertIn("notes.txt is neither beside it nor a recent one", error["message"])

    def test_widths_that_are_too_small_say_which_would_do(self):
        def export(run, width, *expected):
            return run(*expected, "export", self.document, *USING, "--view", "plan", "--range", "0-63",
                       "--width", f"{width}mm", "-o", self.path / "small.png")

        least = int(re.search(r"width=(\d+)mm", export(self.run_error, 25, 2)["message"])[1])
        refused = export(self.run_error, least - 1, 2)["message"]
        self.assertLess(float(re.search(r"leave (\S+) pixels each", refused)[1]), 3, refused)
        export(self.run_json, least)

    def test_the_question_belongs_to_the_view(self):
        """It is recorded where no answer is drawn too, as by the key, and comes back."""
        first, again = self.path / "first.png", self.path / "again.png"
        self.export("--view", "plan", "-q", "Who?", "-o", first)
        self.assertEqual(self.run_json("info", first)["question"], "Who?")
        self.run_json("export", "--from-figure", first, *USING, "-o", again)
        self.assertEqual(first.read_bytes(), again.read_bytes())

    def test_all_windows_share_their_limits(self):
        # These name their files themselves, in the current folder.
        status, out, err = call("export", self.document, *USING, "--all-windows", "--formats",
                                "json", folder=self.path)
        self.assertEqual(status, 0, err)
        names = out.decode().split()
        self.assertEqual(names[0], "notes-w01-plan.json")
        records = [json.loads((self.path / name).read_text()) for name in names]
        self.assertEqual([r["window"] for r in records], list(range(1, len(records) + 1)))
        top = max(max(max(row) for row in r["values"]) for r in records)
        for record in records:
            self.assertAlmostEqual(record["limits"][1], top, delta=1e-7)

    def test_losses_begin_behind_the_first_window(self):
        table = self.path / "one.csv"
        self.export("--view", "loss", "-o", table)
        first = next(csv.DictReader(table.open(newline="")))
        self.assertGreater(int(first["token"]), 0)
        status, out, err = call("export", self.document, *USING, "--all-windows", "--view", "loss",
                                "--formats", "json", folder=self.path)
        self.assertEqual(status, 0, err)
        self.assertEqual(out.decode().split()[0], "notes-w02-loss.json")
        error = self.run_error(2, "export", self.document, *USING, "--view", "loss", "--window", 1)
        self.assertIn("behind the first window", error["message"])

    def test_svg_is_xml(self):
        out = self.path / "f.svg"
        self.export("--window", "2", "-o", out, "--title", "a < b & \"c\"", "--cells", "rect")
        root = xml.etree.ElementTree.parse(out).getroot()
        texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn('a < b & "c"', texts)
        self.assertEqual(root.get("width"), "89mm")

    def test_answers(self):
        out = self.path / "answers.json"
        self.export("--view", "answers", "-q", "When?", "--gold", "1888", "-o", out)
        error = self.run_error(2, "export", self.document, *USING, "--view", "answers")
        self.assertIn("-q", error["message"])

    def test_a_context_that_does_not_fit_is_told_in_its_row(self):
        self.document.write_text((ROOT / "assets/harbour.txt").read_text())  # more than 512 tokens
        out, page = self.path / "answers.json", self.path / "answers.svg"
        status, _, err = call("export", self.document, *USING, "--view", "answers", "-q", "When?",
                              "-o", out, "-o", page)
        self.assertEqual(status, 0, err)
        self.assertIn(b"full: 1554 context tokens", err)
        answers = {a["mode"]: a for a in json.loads(out.read_text())["answers"]}
        self.assertEqual([answers[m]["state"] for m in ("full", "compressed", "none")],
                         ["failed", "done", "done"])
        self.assertIn("positions, the model has 512", answers["full"]["error"])
        texts = " ".join(xml.etree.ElementTree.parse(page).getroot().itertext())
        self.assertIn("the model has 512", " ".join(texts.split()))

    def test_the_model_of_a_figure_is_found_by_its_hash(self):
        model = GOLDEN / "modelA/A-Q8_0.gguf"
        figure, again = self.path / "f.png", self.path / "again.png"
        status, _, err = call("export", self.document, "-m", model, "-c", COMPRESSOR, "-o", figure)
        self.assertEqual(status, 0, err)
        models = self.path / "cache/comprexit/models"
        models.mkdir(parents=True)
        (models / "renamed.gguf").write_bytes(model.read_bytes())
        status, _, err = call("export", "--from-figure", figure, "-c", COMPRESSOR, "-o", again,
                              environment={"XDG_CACHE_HOME": str(self.path / "cache"),
                                           "COMPREXIT_MODEL": "/nowhere"})
        self.assertEqual((status, err), (0, b""))
        record, before = (self.run_json("info", f) for f in (again, figure))
        self.assertEqual(record["model"]["sha256"], before["model"]["sha256"])

    def test_mistakes(self):
        for options, code, words in (
                (["--map", "jet"], 2, "rainbow"),
                (["--window", "99"], 2, "windows 1 to"),
                (["--dpi", "20"], 2, "would do"),
                (["-o", "x.gif"], 2, ".svg"),
                (["-o", self.path / "no/x.png"], 4, "no/x.png"),
                (["--all-windows", "-o", "x.png"], 2, "--formats"),
                (["--from-figure", self.document], 3, "not a PNG"),
                (["--width", "1e9mm"], 2, "5000")):
            with self.subTest(options):
                error = self.run_error(code, "export", self.document, *USING, *options)
                self.assertIn(words, error["message"])
        self.assertEqual([p.name for p in self.path.iterdir()], ["notes.txt"])


if __name__ == "__main__":
    main_with_golden()
