#!/usr/bin/env -S python3 -B
"""tokenize, score, ask, info and check on the reference models."""
import json
import math
import pathlib
import struct
import unittest

from harness import (GOLDEN, PROGRAM, ROOT, ProgramTest, call, golden_first, main_with_golden, read_safetensors,
                     strict_json, temporary_folder)

from tests.support.pseudo_terminal import PseudoTerminal  # noqa: E402 (harness sets the path)

MODEL_A = golden_first("modelA/A-F32.gguf", "modelA")
MODEL_B = golden_first("modelB/B-Q8_0.gguf", "modelB/B-Q4_K_M.gguf")
GGUF = golden_first("modelA/A-F32.gguf", "modelA/A-Q8_0.gguf")
# The repository's set has modelB only as GGUF.
DIRECTORY_B = golden_first("modelB/model.safetensors.index.json", "modelB/B-Q4_K_M.gguf")
DIRECTORY_B = DIRECTORY_B.parent if DIRECTORY_B.suffix == ".json" else DIRECTORY_B
COMPRESSOR = GOLDEN / "compressorA.safetensors"


def lines_of(path):
    return [json.loads(line) for line in path.read_text().split("\n") if line]


class Tokenize(ProgramTest):
    def check_fixture(self, model, fixture):
        rows = lines_of(fixture)
        texts = "".join(json.dumps({"text": row["text"]}) + "\n" for row in rows).encode()
        status, out, err = call("tokenize", "-", "--jsonl", "--json", "-m", model, stdin=texts)
        self.assertEqual((status, err), (0, b""))
        got = [strict_json(line) for line in out.decode().splitlines()]
        self.assertEqual(got, [{"ids": row["ids"]} for row in rows])
        status, back, err = call("tokenize", "--jsonl", "--decode", "-m", model, stdin=out)
        self.assertEqual((status, err), (0, b""))
        return rows, [strict_json(line)["text"] for line in back.decode().splitlines()]

    def test_fixtures_there_and_back(self):
        for model, fixture in ((MODEL_A, "modelA"), (GOLDEN / "modelA", "modelA"),
                               (MODEL_B, "modelB"), (DIRECTORY_B, "modelB")):
            with self.subTest(model):
                rows, back = self.check_fixture(model, GOLDEN / fixture / "tokenizer_fixture.jsonl")
                self.assertEqual(len(back), len(rows))
                same = sum(text == row["text"] for text, row in zip(back, rows))
                self.assertGreater(same, 0.9 * len(rows))

    def test_one_text(self):
        document = self.run_json("tokenize", "-m", MODEL_A, stdin=b"Salt")
        self.assertEqual(document["n"], len(document["ids"]))
        bare = self.run_json("tokenize", "--no-special", "-m", MODEL_A, stdin=b"Salt")
        self.assertEqual(document["ids"][1:], bare["ids"])
        plain = call("tokenize", "-m", MODEL_A, stdin=b"Salt")[1]
        self.assertEqual(plain.decode().split(), [str(i) for i in document["ids"]])
        for ids in (plain, json.dumps(document["ids"]).encode(), json.dumps(document).encode()):
            self.assertEqual(call("tokenize", "--decode", "-m", MODEL_A, stdin=ids)[1], b"Salt")
        self.assertEqual(self.run_json("tokenize", "--decode", "-m", MODEL_A, stdin=plain),
                         {"text": "Salt"})

    def test_bad_lines_name_their_place(self):
        for stdin, place in ((b'{"text": "a"}\n{"txt": 1}\n', ":2: expected"),
                             (b'{"text": "a"}\n\n{"text": \n', ":3: "), (b"[1", ":1: ")):
            status, _, err = call("tokenize", "--jsonl", "-m", MODEL_A, stdin=stdin)
            self.assertEqual(status, 3)
            self.assertIn("standard input" + place, err.decode())
        for stdin in (b"[99999]", b"[-1]", b"[1.5]", b"12 x", b'{"ids": 3}'):
            self.assertEqual(call("tokenize", "--decode", "-m", MODEL_A, stdin=stdin)[0], 3)


class Score(ProgramTest):
    def test_a_byte_order_mark_is_no_part_of_a_document(self):
        plain, marked = (self.run_json("score", "-", "-m", MODEL_A, stdin=mark + b"Salt and peat")
                         for mark in (b"", b"\xef\xbb\xbf"))
        self.assertEqual(marked["nll"], plain["nll"])

    def test_losses_are_those_of_the_reference_logits(self):
        want, _ = read_safetensors(GOLDEN / "frozenA.safetensors")
        ids = list(want["s0.ids"].values)
        vocab = want["s0.logits"].shape[1]
        path = temporary_folder(self.addCleanup) / "ids.json"
        path.write_text(json.dumps(ids))
        got = self.run_json("score", "--ids", path, "-m", MODEL_A)
        self.assertEqual((got["n"], len(got["nll"])), (len(ids), len(ids) - 1))
        self.assertAlmostEqual(got["mean_nll"], sum(got["nll"]) / len(got["nll"]), places=5)
        compared = 0
        for row, position in enumerate(want["s0.lpos"].values):
            if position + 1 >= len(ids):
                continue
            logits = want["s0.logits"].values[row * vocab:(row + 1) * vocab]
            top = max(logits)
            nll = top + math.log(sum(math.exp(x - top) for x in logits)) - logits[ids[position + 1]]
            self.assertAlmostEqual(got["nll"][position], nll, delta=6e-4)
            compared += 1
        self.assertGreater(compared, 0)

    def test_after_a_context(self):
        folder = temporary_folder(self.addCleanup)
        context, end = folder / "context.txt", folder / "end.txt"
        context.write_text("The ponds were lined with clay and the brine ran down a gutter. " * 3)
        end.write_text("From the ponds the brine ran down to the boiling house.")
        means = {}
        for given in ("full", "compressed", "none"):
            got = self.run_json("score", end, "--context", context, "--given", given, "-m",
                                MODEL_A, "-c", COMPRESSOR, "--window", 16)
            self.assertEqual(len(got["nll"]), got["n"])
            self.assertEqual(got["given"], given)
            means[given] = got["mean_nll"]
        self.assertEqual(len(set(means.values())), 3)


class Ask(ProgramTest):
    KEYS = {"mode", "text", "tokens", "context_positions", "kv_bytes", "prepare_ms",
            "first_token_ms", "tokens_per_s"}

    def ask(self, *options):
        text = b"The tide tables were worked out by Silas Brand and printed on grey card."
        return self.run_json("ask", "-", "-q", "Who?", "-m", MODEL_A, "-c", COMPRESSOR,
                             "--max-tokens", 5, *options, stdin=text)

    def test_modes(self):
        document = self.ask("--mode", "all")
        self.assertEqual([a["mode"] for a in document["answers"]], ["full", "compressed", "none"])
        for answer in document["answers"]:
            self.assertLessEqual(self.KEYS, set(answer))
            self.assertLessEqual(answer["tokens"], 5)
            self.assertGreater(answer["kv_bytes"], 0)
        full, compressed, none = document["answers"]
        self.assertGreater(full["context_positions"], compressed["context_positions"])
        self.assertGreater(full["kv_bytes"], compressed["kv_bytes"])
        self.assertEqual(none["context_positions"], 0)
        for mode in ("full", "compressed", "none"):
            alone = self.ask("--mode", mode)["answers"]
            self.assertEqual([a["mode"] for a in alone], [mode])
            same = [a for a in document["answers"] if a["mode"] == mode][0]
            self.assertEqual(alone[0]["text"], same["text"])

    def test_what_was_cut_is_told(self):
        """In a field, and to a reader on a terminal; an answer that ends by itself is whole."""
        answer, = self.ask("--mode", "full")["answers"]
        self.assertEqual((answer["cut"], answer["tokens"]), (True, 5))
        for tokens in range(1, 200, 40):
            answer, = self.ask("--mode", "none", "--max-tokens", tokens)["answers"]
            self.assertEqual(answer["cut"], answer["tokens"] == tokens)
        document = ROOT / "assets/questions.txt"
        words = [PROGRAM, "ask", document, "-q", "Who?", "-m", MODEL_A, "-c", COMPRESSOR,
                 "--max-tokens", "3", "--mode", "none"]
        with PseudoTerminal(words) as terminal:
            terminal.wait_for(b"none: cut at 3 tokens; --max-tokens allows more")
            self.assertEqual(terminal.wait_exit(), 0)

    def test_plain_output(self):
        words = ["ask", "-", "-q", "Who?", "-m", MODEL_A, "-c", COMPRESSOR, "--max-tokens", "3"]
        status, out, err = call(*words, stdin=b"Salt and peat and coal.")
        self.assertEqual((status, err), (0, b""))
        self.assertNotIn(b"\x1b", out)
        status, out, _ = call(*words, "--mode", "all", stdin=b"Salt and peat and coal.")
        self.assertEqual([line.split(b":")[0] for line in out.splitlines()],
                         [b"full", b"compressed", b"none"])

    def test_a_file_of_questions(self):
        words = ["ask", ROOT / "assets/questions.txt", "-m", MODEL_A, "-c", COMPRESSOR,
                 "--max-tokens", "3", "--questions", "-"]
        status, out, err = call(*words, "--json", stdin=b"Who pays?\n\nWho sells?\r\n")
        self.assertEqual((status, err), (0, b""))
        rows = [strict_json(line) for line in out.decode().splitlines()]
        self.assertEqual([row["question"] for row in rows], ["Who pays?", "Who sells?"])
        self.assertEqual([[a["mode"] for a in row["answers"]] for row in rows], 2 * [["compressed"]])
        status, out, _ = call(*words, stdin=b"Who pays?\nWho sells?")
        self.assertEqual((status, len(out.splitlines())), (0, 2))
        self.run_error(2, "ask", "-", "--questions", "-")
        self.run_error(2, "ask", "-", "--questions", "x", "-q", "y")

    def test_how_the_text_goes_on(self):
        text = b"Salt and peat and coal. The barge came"
        words = ["ask", "-", "-m", MODEL_A, "-c", COMPRESSOR, "--max-tokens", "6", "--continue",
                 "--mode", "all"]
        document = self.run_json(*words, stdin=text)
        self.assertIsNone(document["question"])
        full, compressed, none = document["answers"]
        self.assertEqual([a["tokens"] for a in document["answers"]], [6, 6, 6])
        self.assertEqual(none["context_positions"], 0)
        self.assertEqual(len({a["text"] for a in (full, compressed, none)}), 3)
        words[words.index("6")] = "3"
        for longer, shorter in zip(document["answers"],
                                   self.run_json(*words, stdin=text)["answers"]):
            self.assertTrue(longer["text"].startswith(shorter["text"]))
        self.run_error(2, *words, "-q", "Who?")
        self.run_error(2, *words, "--questions", "x")

    def test_a_model_is_named_as_on_screen(self):
        error = self.run_error(3, "ask", ROOT / "assets/harbour.txt", "-q", "Who?", "-m", MODEL_B,
                               "-c", COMPRESSOR)
        self.assertRegex(error["message"], r"made for .*\b(open is|that of) B Q\d")

    def test_from_a_slots_file(self):
        """What compress -o wrote answers as its document does; nothing else is taken."""
        folder = temporary_folder(self.addCleanup)
        text, slots = folder / "notes.txt", folder / "a.safetensors"
        text.write_bytes(b"The tide tables were worked out by Silas Brand and printed on grey card.")
        made = ("-m", MODEL_A, "-c", COMPRESSOR)
        self.run_json("compress", text, *made, "-o", slots)
        answers = [self.run_json("ask", path, *made, "-q", "Who?", "--mode", "all", "--max-tokens", 5)
                   for path in (text, slots)]
        kept = [[(a["mode"], a["text"], a["context_positions"]) for a in document["answers"]]
                for document in answers]
        self.assertEqual(kept[0], kept[1])
        self.assertIsNone(answers[1]["compressor"])
        error = self.run_error(3, "ask", slots, "-q", "Who?", "-m", MODEL_B)
        self.assertIn("made for another model", error["message"])
        self.run_json("compress", text, *made, "-o", slots, "--dump", "gate")
        error = self.run_error(3, "ask", slots, "-q", "Who?", *made)
        self.assertIn("no tensor slots", error["message"])
        slots.write_bytes(slots.read_bytes()[:-1])
        self.run_error(3, "ask", slots, "-q", "Who?", *made)


class Info(ProgramTest):
    def test_machine(self):
        document = self.run_json("info")
        self.assertLessEqual({"version", "cpu", "cores", "memory_bytes", "cpu_features", "kernels",
                              "libraries", "sandbox"}, set(document))
        self.assertGreaterEqual(document["cores"], 1)

    def test_model(self):
        got = self.run_json("info", GGUF)
        self.assertEqual((got["kind"], got["format"], got["file_type"]),
                         ("model", "gguf", GGUF.stem.removeprefix("A-")))
        config = got["config"]
        self.assertEqual([config[k] for k in ("hidden_size", "layers", "heads", "kv_heads", "head_dim",
                                              "ffn", "vocab")], [64, 3, 4, 2, 16, 96, 400])
        self.assertTrue(got["tokenizer"]["adds_bos"])
        self.assertEqual(sum(t["tensors"] for t in got["tensor_types"].values()), got["tensors"])
        tied = self.run_json("info", DIRECTORY_B)
        self.assertEqual(tied["format"], "safetensors" if DIRECTORY_B.is_dir() else "gguf")
        self.assertTrue(tied["config"]["tied_embeddings"])
        both = self.run_json("info", GOLDEN / "refckpt")
        self.assertEqual(both["compressor"]["hidden_size"], both["config"]["hidden_size"])

    def test_compressor_and_data(self):
        got = self.run_json("info", COMPRESSOR)
        self.assertEqual(got["kind"], "safetensors")
        self.assertEqual([got["compressor"][k] for k in ("gate_width", "metric_width",
                                                         "projector_depth")], [32, 24, 2])
        got = self.run_json("info", GOLDEN / "modelA/tokenizer_fixture.jsonl")
        self.assertEqual((got["kind"], got["form"]), ("data", "JSON lines"))
        for path in (MODEL_A, COMPRESSOR, GOLDEN / "refckpt"):
            status, out, _ = call("info", path)
            self.assertEqual(status, 0)
            self.assertNotIn(b"\x1b", out)


def safetensors_bytes(tensors):
    header, data = {}, b""
    for name, values in tensors.items():
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": [len(values)],
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Check(ProgramTest):
    def setUp(self):
        self.path = temporary_folder(self.addCleanup)

    def test_good_files(self):
        got = self.run_json("check", MODEL_A, DIRECTORY_B, COMPRESSOR, GOLDEN / "refckpt",
                            GOLDEN / "modelA/tokenizer_fixture.jsonl", "--quiet")
        self.assertEqual(got["problems"], 0)
        self.assertEqual(len(got["files"]), 5)

    def test_problems_have_a_place(self):
        nan = self.path / "nan.safetensors"
        nan.write_bytes(safetensors_bytes({"good": [1, 2], "bad": [math.nan, 1, math.inf]}))
        short = self.path / "short.gguf"
        short.write_bytes(GGUF.read_bytes()[:-1])
        lines = self.path / "lines.jsonl"
        good = json.dumps({"text": "a word"}) + "\n"
        lines.write_text(good * 150 + "{\n" + good)
        empty = self.path / "empty"
        empty.write_bytes(b"")
        status, out, err = call("check", nan, short, lines, empty, self.path / "missing")
        self.assertEqual((status, err), (3, b""))
        rows = out.decode().splitlines()
        self.assertEqual(rows[0], f"{nan}: tensor bad holds 2 non-finite values")
        self.assertTrue(rows[1].startswith(f"{short}: "), rows[1])
        self.assertTrue(rows[2].startswith(f"{lines}:151: "), rows[2])
        self.assertEqual(rows[3], f"{empty}: empty file")
        self.assertTrue(rows[4].startswith(f"{self.path / 'missing'}: cannot open"), rows[4])
        self.assertEqual(len(rows), 5)
        status, out, _ = call("check", nan, COMPRESSOR, "--json")
        document = strict_json(out)
        self.assertEqual((status, document["problems"]), (3, 1))
        self.assertEqual([len(f["problems"]) for f in document["files"]], [1, 0])

    def test_run_directory(self):
        text = self.path / "text.txt"
        text.write_text("".join(f"Barge {i} brought peat, salt and coal.\n" for i in range(120)))
        run = self.path / "run"
        settings = {"blocks": "32+16", "window": 16, "valid_every": 2, "valid_samples": 1,
                    "held_out_tokens": 64, "save_every": 1, "batch": 2, "init": "published"}
        status, _, err = call("train", "ntp", "-m", MODEL_A, "--data", text, "--run", run, "--steps", 2,
                              *(f"--set={key}={value}" for key, value in settings.items()))
        self.assertEqual(status, 0, err.decode())
        got = self.run_json("info", run)
        self.assertEqual((got["kind"], got["config"]["batch"]), ("run directory", 2))
        self.assertEqual(got["last_step"]["step"], 2)
        self.assertIn("step-000002.safetensors", got["files"])
        self.assertEqual(self.run_json("check", run, "--quiet")["problems"], 0)
        checkpoint = run / "step-000001.safetensors"
        data = bytearray(checkpoint.read_bytes())
        data[-1000] ^= 1
        checkpoint.write_bytes(data)
        with (run / "log.jsonl").open("a") as log:
            log.write("{\n")
        status, out, _ = call("check", run)
        rows = out.decode().splitlines()
        self.assertEqual((status, len(rows)), (3, 2), rows)
        self.assertRegex(rows[0], r"/log\.jsonl:\d+: ")
        self.assertEqual(rows[1], f"{checkpoint}: checksum mismatch: the file was damaged")


if __name__ == "__main__":
    main_with_golden()
