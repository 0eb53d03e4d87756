#!/usr/bin/env -S python3 -B
"""`comprexit data`: every form of file, what is counted and named of bad records, and files
that are hostile."""
import gzip
import json
import os
import pathlib
import resource
import struct
import subprocess
import unittest
import zlib

from faults import MODEL, made_up_text
from harness import PROGRAM, ProgramTest, call, main_with_golden, strict_json, temporary_folder

MIB = 1 << 20


def zstd_of(data):
    """A zstd frame of uncompressed blocks (the format needs no more)."""
    frame = b"\x28\xb5\x2f\xfd" + bytes([0x00, 0x58])  # no checksum; window of 2 MiB
    blocks = [data[i:i + 100_000] for i in range(0, len(data), 100_000)]
    for i, block in enumerate(blocks):
        header = len(block) << 3 | (i == len(blocks) - 1)
        frame += struct.pack("<I", header)[:3] + block
    return frame


def qa(i, **more):
    return {"context": f"The barge {i} left at high tide.", "question": f"What left {i}?",
            "answers": [f"barge {i}", "the barge"], "id": f"q{i}", **more}


def json_lines(records):
    return "".join(json.dumps(r) + "\n" for r in records)


def squad(n, version=1, impossible=0):
    qas = [{"id": f"q{i}", "question": f"What left {i}?",
            "answers": [{"text": f"barge {i}", "answer_start": 4}]} for i in range(n)]
    qas += [{"id": f"i{i}", "question": "Who?", "answers": [], "is_impossible": True}
            for i in range(impossible)]
    return json.dumps({"version": f"{version}.0", "data": [{"title": "Tide", "paragraphs": [
        {"context": "The barge left at high tide.", "qas": qas}]}]}, indent=1)


def mrqa(n):
    return json_lines([{"header": {"dataset": "made up"}}] + [
        {"context": f"[TLE] Tide [PAR] The barge {i} left.",
         "qas": [{"qid": f"q{i}", "question": "what left", "answers": ["barge"]}]}
        for i in range(n)])


class Data(ProgramTest):
    def setUp(self):
        self.path = temporary_folder(self.addCleanup)

    def file(self, content, name="data"):
        path = self.path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def data(self, content, *extra):
        """(document, messages) of a file with this content."""
        status, out, err = call("data", self.file(content), "-m", MODEL, "--json", *extra)
        self.assertEqual(status, 0, err.decode())
        return strict_json(out), err.decode()

    def refused(self, content, *words):
        """The message that refuses it, with exit code 3 and everything said in `words`."""
        path = content if isinstance(content, pathlib.Path) else self.file(content)
        status, _, err = call("data", path, "-m", MODEL)
        self.assertEqual(status, 3, err.decode())
        last = err.decode(errors="strict").splitlines()[-1]
        self.assertNotIn("\x1b", last)
        for word in words:
            self.assertIn(word, last)
        return last

    def test_every_form(self):
        text = made_up_text(200)
        for name, content, form, good, questions in (
                ("text", text, "text", 1, 0),
                ("text with a mark and CRLF", "\ufeffSalt.\r\nPeat.\r\n", "text", 1, 0),
                ("JSON lines of text", json_lines([{"text": text}] * 3), "JSON lines", 3, 0),
                ("JSON lines of questions", json_lines(map(qa, range(4))), "JSON lines", 4, 4),
                ("one answer", json_lines([qa(0, answers="barge")]), "JSON lines", 1, 1),
                ("SQuAD 1", squad(3), "SQuAD", 1, 3),
                ("SQuAD 2", squad(3, 2, 2), "SQuAD", 1, 3),
                ("MRQA", mrqa(5), "MRQA", 5, 5)):
            raw = content.encode()
            for packed in (raw, gzip.compress(raw), zstd_of(raw),
                           gzip.compress(raw[:9]) + gzip.compress(raw[9:])):
                with self.subTest(name):
                    got, _ = self.data(packed)
                    self.assertEqual((got["form"], got["good"], got["bad"], got["questions"]),
                                     (form, good, 0, questions))

    def test_one_is_no_plural(self):
        one = self.file(json_lines([qa(0)]))
        for arguments in (["data", one, "--phase", "sft", "--show", 1], ["score", self.file("A", "text")],
                          ["compress", self.file("A", "text")]):
            status, out, err = call(*arguments, "-m", MODEL)
            self.assertNotRegex((out + err).decode(), r"(?<![\d.,])1 (?:\w+ )?\w+[^s\W]s\b(?! of)", arguments)

    def test_a_text_shorter_than_a_sample_is_said_to_be(self):
        status, out, _ = call("data", self.file("A short text.", "text"), "-m", MODEL)
        self.assertEqual(status, 0)
        self.assertIn(b"0 ntp samples of 512 + 128 tokens: no text is long enough", out)

    def test_names_do_not_matter(self):
        path = self.file(gzip.compress(squad(2).encode()), "notes.txt.zst")
        status, out, _ = call("data", path, "-m", MODEL, "--json")
        self.assertEqual((status, strict_json(out)["form"]), (0, "SQuAD"))

    def test_samples_are_what_is_trained(self):
        got, _ = self.data(squad(1), "--show", 1)
        shown = got["shown"][0]
        self.assertEqual(shown["context"], "The barge left at high tide.")
        self.assertEqual(shown["query"], "Question: What left 0?Answer the question directly with "
                                         "a short span only, no explanation. Answer:")
        self.assertTrue(shown["counted"].startswith("barge 0"), shown)
        words = made_up_text(200)
        got, _ = self.data(words, "--show", 2, "--context", 16, "--predict", 8)
        self.assertEqual([s["counted_tokens"] for s in got["shown"]], [8, 8])
        self.assertIn(got["shown"][1]["context"].strip()[:20], words)

    def test_cut_contexts_are_counted(self):
        long = qa(0, context="Salt dries. " * 60 + "The barge left.")
        got, _ = self.data(json_lines([qa(1), long]), "--context", 32, "--show", 2, "--cut-only")
        self.assertEqual((got["contexts_cut"], len(got["shown"])), (1, 1))
        self.assertTrue(got["shown"][0]["context"].endswith("The barge left."))

    def test_other_names(self):
        records = [{"p": "Salt dries.", "q": "What dries?", "a": ["salt"], "n": i}
                   for i in range(3)]
        got, _ = self.data(json_lines(records), "--map", "context=p,question=q,answers=a")
        self.assertEqual((got["good"], got["questions"]), (3, 3))
        got, _ = self.data(json_lines({"body": "Salt."} for _ in range(3)), "--map", "text=body")
        self.assertEqual(got["good"], 3)
        got, _ = self.data("one\n%%\ntwo\n%%\nthree\n", "--separator", "%%")
        self.assertEqual(got["good"], 3)
        for bad in ("context", "what=p", "context=", "=p"):
            self.run_error(2, "data", self.file(json_lines(records)), "-m", MODEL, "--map", bad)

    def test_bad_records_have_lines(self):
        """Each is counted and named, and up to 1 % do not stop the reading."""
        for bad, reason in (
                (b"{half", "expected"), (b"17", "not a JSON object"),
                (b'{"context": 3, "question": "?"}', '"context" is not a string'),
                (b'{"context": "c"}', '"question" is missing'),
                (b'{"context": "c", "question": "q"}', '"answers" is missing'),
                (b'{"context": "c", "question": "q", "answers": []}', '"answers" is'),
                (b'{"context": "", "question": "q", "answers": ["a"]}', '"context" is empty'),
                (b'{"context": "a\\u0000b", "question": "q", "answers": ["a"]}', "NUL"),
                (b'{"context": "\xff", "question": "q", "answers": ["a"]}', "invalid UTF-8")):
            lines = json_lines(map(qa, range(199))).encode().splitlines(keepends=True)
            lines.insert(120, bad + b"\n")
            with self.subTest(reason):
                got, messages = self.data(b"".join(lines))
                self.assertEqual((got["good"], got["bad"]), (199, 1))
                self.assertEqual(len(messages.splitlines()), 1)
                self.assertIn("data:121: ", messages)
                self.assertIn(reason, messages)
            self.refused(b"".join([*lines[:100], bad + b"\n", bad + b"\n"]),
                         "2 of 102 records are bad", "1 %")

    def test_nothing_usable(self):
        for content in ("", " \n\t\n", "\ufeff", json.dumps({"header": {}}) + "\n",
                        json.dumps({"version": "2.0", "data": []}, indent=1)):
            with self.subTest(content):
                self.refused(content, "no usable records")
        self.refused(squad(0, 2, 2), "no usable records")

    def test_mixed_forms(self):
        self.refused(json_lines([qa(1), {"text": "Salt."}]), "line 2", "questions and plain text")

    def test_wrong_phase(self):
        status, _, err = call("data", self.file(squad(1)), "-m", MODEL, "--phase", "ntp")
        self.assertEqual(status, 3)
        self.assertIn(b"phase ntp cannot use", err)

    def test_what_is_not_read(self):
        self.refused(b"PAR1\x15\x04\x15\x10", "Parquet", "JSON lines")
        self.refused(self.path, "not a regular file")
        self.refused(self.path / "nowhere", "nowhere")
        escape = self.path / "a\x1b]0;b\x07\nc"
        self.assertNotIn("\x07", self.refused(escape, "^["))

    def test_damaged_files(self):
        whole = gzip.compress(json_lines(map(qa, range(3000))).encode())
        self.refused(whole[:len(whole) // 2], "corrupt gzip at compressed byte", "lines read")
        crc = bytearray(whole)
        crc[-6] ^= 1
        self.refused(bytes(crc), "corrupt gzip")
        self.refused(whole + b"rubbish", "corrupt gzip", "rubbish")
        frame = zstd_of(b"Salt and peat. " * 10000)
        self.refused(frame[:-5], "corrupt zstd")

    def bounded(self, path, *words):
        """Refused with less than 256 MiB and 2 s of processor time."""
        def limit():
            resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
        process = subprocess.Popen([PROGRAM, "data", path, "-m", MODEL], preexec_fn=limit,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        messages = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status = os.waitstatus_to_exitcode(status)
        self.assertEqual(status, 3, messages)
        for word in words:
            self.assertIn(word, messages)
        if "asan" not in PROGRAM:
            self.assertLess(usage.ru_maxrss, 256 * 1024)

    def test_bombs(self):
        packer, parts = zlib.compressobj(9, zlib.DEFLATED, 31), []
        zeros = bytes(MIB)
        for _ in range(200):
            parts.append(packer.compress(zeros))
        parts.append(packer.flush())
        self.bounded(self.file(b"".join(parts)), "expands over 1000:1")
        window = b"\x28\xb5\x2f\xfd" + bytes([0x00, 21 << 3]) + b"\x21\x00\x00Salt"
        self.bounded(self.file(window), "zstd window over the limit of 128 MiB")
        sparse = self.path / "sparse"
        with open(sparse, "wb") as out:
            out.truncate(2 << 30)
        self.bounded(sparse, "line 1 longer than 64 MiB")
        deep = '{"text": ' + "[" * 100_000
        self.refused(deep + "\n", "1 of 1 record is bad")


if __name__ == "__main__":
    main_with_golden()
