#!/usr/bin/env python3
"""The running program against reference.py, on models and settings that a seed draws.

usage: tests/gen/compare_program.py PROGRAM SEED...      (needs what make_golden.py needs)

compress with every tensor, score, ask, eval --ntp and train: files of every format that
the seed chooses, as a user would give them. Prints one line a seed, and each disagreement.
"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

import golden_files as files
import reference as ref
from make_golden import K_TYPES, ONE_SCALE, Maker

# Of values up to 10; what is larger has its rounding in proportion. Golden tests feed each
# stage its stored input; here rounding goes through all of them, from the tokens on.
STAGES = 3
TOLERANCE = {"gate": 3e-5, "anchors": 1e-4, "mass": 5e-6, "plan": 5e-6, "cost": 2e-5,
             "raw_slots": 5e-5, "slots": 5e-5, "hidden": 2e-4, "nll": 3e-4}
NAMES = {"gate": "alpha", "anchors": "x", "mass": "a", "plan": "P", "cost": "C",
         "raw_slots": "z", "slots": "slots"}
QUERY_END = "Answer the question directly with a short span only, no explanation. Answer:"


def read_tensors(path):
    data = pathlib.Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    out = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        kind = {"F32": "<f4", "I32": "<i4"}[entry["dtype"]]
        out[name] = np.frombuffer(data[8 + length + begin:8 + length + end], kind).reshape(
            entry["shape"])
    return out, metadata


class Comparison:
    def __init__(self, program, seed, place):
        self.program, self.seed, self.place = program, seed, place
        self.maker = Maker(place, seed)
        self.rng, self.worst, self.bad = self.maker.rng, 0.0, 0

    def run(self, *arguments, expect=0):
        command = [self.program, *map(str, arguments)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        if done.returncode != expect:
            self.complain(f"{' '.join(command)}: status {done.returncode}: {done.stderr.decode()}")
            return None
        return done.stdout.decode()

    def complain(self, text):
        self.bad += 1
        print(f"seed {self.seed}: {text}")

    def near(self, what, got, want, tolerance):
        got, want = np.asarray(got, "f8"), np.asarray(want, "f8")
        if got.shape != want.shape:
            return self.complain(f"{what}: shape {got.shape}, expected {want.shape}")
        if got.size:
            tolerance *= max(1.0, float(np.abs(want).max()) / 10)
            used = float(np.abs(got - want).max()) / tolerance
            self.worst = max(self.worst, used)
            if not used <= 1:
                self.complain(f"{what}: off by {used * tolerance:g}, allowed {tolerance:g}")
        return None

    # ---- a model, a tokenizer, a compressor ---------------------------------------------

    def build(self):
        make, rng = self.maker, self.rng
        self.config = make.config(int(make.pick(32, 64, 96, 256)), int(rng.integers(1, 5)))
        self.bos = make.pick(True, False)
        pre = make.pick("llama-bpe", "gpt-2")
        self.tokenizer = files.make_tokenizer(pre, self.config["vocab_size"], rng, self.bos)
        shown = {**self.config, "bos_token_id": 0 if self.bos else None}
        dtype = make.pick("F32", "BF16", "F16")
        weights = files.llama_weights(self.config, rng, exact_bf16=dtype != "F32")
        if dtype == "F16":
            weights = {k: v.astype("<f2").astype("<f4") for k, v in weights.items()}
        directory = self.place / "model"
        files.write_directory(directory, shown, weights, self.tokenizer, self.bos,
                              int(make.pick(1, 2, 3)), dtype)
        kinds = ["F32", *ONE_SCALE] + (K_TYPES if self.config["hidden_size"] == 256 else [])
        kind, freqs = make.pick(*kinds), None
        if (self.config["rope_scaling"] or {}).get("rope_type") == "llama3":
            plain = ref.frequencies({**self.config, "rope_scaling": None})
            freqs = (plain / ref.frequencies(self.config)).numpy()
        meaning, _ = files.write_gguf(self.place / "model.gguf", self.config, weights, kind,
                                      self.tokenizer, pre, self.bos, rng, None, freqs)
        self.models = {directory: files.doubles(weights),
                       self.place / "model.gguf": files.doubles(meaning)}
        self.label = f"{dtype} {kind} H {self.config['hidden_size']} bos {self.bos}"
        M = self.config["num_hidden_layers"] + 1
        self.params = files.compressor_params(
            self.config["hidden_size"], M, int(make.pick(4, 16, 40)), int(make.pick(4, 30)),
            int(make.pick(1, 2, 3)), rng)
        self.compressor = self.place / "compressor.safetensors"
        files.write_tensors(self.compressor, self.params)

    def text(self, words):
        return files.sentence(self.rng, words).strip()

    def tokens(self, text, special=True):
        return self.tokenizer.encode(text, add_special_tokens=special).ids

    def model_options(self, path):
        return ["-m", path, "-c", self.compressor, "--soft-prompt", "none", "--precision", "f32",
                "--quiet"]

    @staticmethod
    def plan_options(s, segment):
        return ["--window", s["W"], "--ratio", s["r"], "--eps", s["eps"], "--iters", s["iters"],
                "--align", s["align"], "--segment", segment]

    # ---- what is compared ------------------------------------------------------------------

    def settings(self):
        s, n = self.maker.case()
        s = {**ref.DEFAULTS, **{k: s[k] for k in ("W", "r", "align", "eps", "iters")}}
        if self.maker.pick(True, False):
            s["r"] = round(float(self.rng.uniform(1, s["W"])), 2)
        return s, n

    def compress(self, path, weights):
        s, n = self.settings()
        segment = int(self.maker.pick(512, max(1, n // 2), s["W"], s["W"] + 3))
        ids = self.maker.ids(n, self.config["vocab_size"])
        (self.place / "ids.json").write_text(json.dumps(ids.tolist()))
        out = self.place / "out.safetensors"
        what = f"{path.name} compress {s} segment {segment} n {n}"
        if self.run("compress", "--ids", self.place / "ids.json", *self.model_options(path),
                    *self.plan_options(s, segment), "--force", "-o", out, "--dump",
                    ",".join([*NAMES, "hidden"])) is None:
            return
        got, metadata = read_tensors(out)
        parts, hidden = [], []
        for begin in range(0, n, segment):
            inputs = ref.embed(weights, ids[begin:begin + segment])
            hidden.append(ref.llama(self.config, weights, inputs))
            parts.append(ref.compress(files.doubles(self.params), s, hidden[-1]))
        self.near(what + " tokens", got["tokens"], ids, 0.5)
        self.near(what + " hidden", got["hidden"], torch.cat(hidden, 1), TOLERANCE["hidden"])
        for name, key in NAMES.items():
            want = torch.cat([p[key] for p in parts])
            self.near(f"{what} {name}", got[name], want, STAGES * TOLERANCE[name])
        stated = (int(metadata["window"]), float(metadata["ratio"]), int(metadata["iters"]),
                  metadata["align"], int(metadata["segment"]), int(metadata["slots_per_window"]))
        wanted = (s["W"], s["r"], s["iters"], s["align"], segment, math.ceil(s["W"] / s["r"]))
        if stated != wanted:
            self.complain(f"{what}: metadata {stated}, expected {wanted}")

    def score(self, path, weights):
        model, start = (self.config, weights), 0 if self.bos else None
        ids = self.maker.ids(int(self.rng.integers(2, 300)), self.config["vocab_size"])
        (self.place / "ids.json").write_text(json.dumps(ids.tolist()))
        answer = self.run("score", "--ids", self.place / "ids.json", "--json",
                          *self.model_options(path))
        if answer:
            got, want = json.loads(answer), ref.token_losses(model, ids)
            self.near(f"{path.name} score", got["nll"], want, TOLERANCE["nll"])
            self.near(f"{path.name} mean", got["mean_nll"], float(want.mean()), TOLERANCE["nll"])
        s, segment = self.settings()[0], int(self.maker.pick(512, 20))
        context, text = self.text(20), self.text(6)
        (self.place / "context.txt").write_text(context)
        (self.place / "text.txt").write_text(text)
        before, after = self.tokens(context), self.tokens(text, special=False)
        for mode in ("full", "compressed", "none"):
            answer = self.run("score", self.place / "text.txt", "--context",
                              self.place / "context.txt", "--given", mode, "--json", "--force",
                              *self.model_options(path), *self.plan_options(s, segment))
            if not answer:
                continue
            front = [ref.embed(weights, [0])] if self.bos and mode != "full" else []
            if mode == "full":
                front.append(ref.embed(weights, before))
            if mode == "compressed":
                front.append(ref.compress_ids(model, files.doubles(self.params), s, before, segment))
            inputs = torch.cat([*front, ref.embed(weights, after)])
            rows = ref.logits(weights, ref.llama(*model, inputs)[-1])[-len(after) - 1:-1]
            want = torch.nn.functional.cross_entropy(
                rows, torch.tensor(after[-rows.shape[0]:]), reduction="none")
            got = json.loads(answer)["nll"]
            if rows.shape[0] < len(after) and got.pop(0) is not None:
                self.complain("score without anything in front predicts its first token")
            self.near(f"{path.name} score given {mode} {s} segment {segment}", got, want,
                      TOLERANCE["nll"])

    def ask(self, path, weights):
        model = (self.config, weights)
        s, document, question = self.settings()[0], self.text(30), self.text(4)
        (self.place / "document.txt").write_text(document)
        answer = self.run("ask", self.place / "document.txt", "-q", question, "--mode", "all",
                          "--max-tokens", 5, "--json", "--force", *self.model_options(path),
                          *self.plan_options(s, 512))
        if not answer:
            return
        query = self.tokens("Question: " + question, False)[:64] + self.tokens(QUERY_END, False)
        context, start = self.tokens(document), [0] if self.bos else []
        slots = ref.compress_ids(model, files.doubles(self.params), s, context)
        fronts = {"full": ref.embed(weights, context),
                  "compressed": torch.cat([ref.embed(weights, start), slots]),
                  "none": ref.embed(weights, start)}
        for got in json.loads(answer)["answers"]:
            want, margin = self.continuation(model, fronts[got["mode"]], query, 5)
            text = self.tokenizer.decode(want, skip_special_tokens=True)
            # ask shows what the model said up to the end of its line; eval cuts at a full stop
            line = text.lstrip(" \t\r\n").split("\n")[0]
            if margin > 1e-3 and got["text"].strip() != line.strip().replace("\0", ""):
                self.complain(f"{path.name} ask {got['mode']}: {got['text']!r}, expected {text!r} "
                              f"(margin {margin:g})")

    @staticmethod
    def continuation(model, front, query, count):
        ids, margin = list(query), math.inf
        for _ in range(count):
            inputs = torch.cat([front, ref.embed(model[1], ids)])
            best = ref.logits(model[1], ref.llama(*model, inputs)[-1, -1]).topk(2)
            margin = min(margin, float(best.values[0] - best.values[1]))
            if int(best.indices[0]) == 1:
                break
            ids.append(int(best.indices[0]))
        return ids[len(query):], margin

    def blocks(self, path, context, predict):
        """A text of some blocks, and the blocks."""
        text = " ".join(self.text(40) for _ in range(4))
        path.write_text(text)
        ids, size = self.tokens(text), context + predict
        return [(ids[i:i + context], ids[i + context:i + size])
                for i in range(0, len(ids) - size + 1, size)]

    def evaluate(self, path, weights):
        model, start = (self.config, weights), 0 if self.bos else None
        s, context, predict = self.settings()[0], 40, 12
        blocks = self.blocks(self.place / "blocks.txt", context, predict)[:3]
        answer = self.run("eval", "--ntp", self.place / "blocks.txt", "--context", context,
                          "--predict", predict, "--blocks", len(blocks), "--json", "--modes",
                          "full,compressed,wrong,none", *self.model_options(path), "--force",
                          *self.plan_options(s, 512))
        if not answer:
            return
        params, losses = files.doubles(self.params), {}
        slots, n = [ref.compress_ids(model, params, s, c) for c, _ in blocks], len(blocks)
        # the wrong passage comes from far away in the text, not from the next block
        order = [(n + 1) // 2 + k // 2 if k % 2 else k // 2 for k in range(n)]
        wrong = dict(zip(order, order[1:] + order[:1]))
        for i, (before, after) in enumerate(blocks):
            front = [] if start is None else [ref.embed(weights, [start])]
            for mode, given in (("full", ref.embed(weights, before)), ("compressed", slots[i]),
                                ("wrong", slots[wrong[i]]), ("none", None)):
                # the full context of a block is read as it stands: a block has no BOS of its own
                lead = front if mode != "full" else []
                inputs = torch.cat([*lead, *([] if given is None else [given]),
                                    ref.embed(weights, after)])
                rows = ref.logits(weights, ref.llama(*model, inputs)[-1])[-len(after) - 1:-1]
                losses.setdefault(mode, []).append(torch.nn.functional.cross_entropy(
                    rows, torch.tensor(after[-rows.shape[0]:]), reduction="none"))
        for got in json.loads(answer)["results"]:
            want = float(torch.cat(losses[got["mode"]]).mean())
            self.near(f"{path.name} eval --ntp {got['mode']} {s}", got["mean_nll"], want, 1e-4)

    def train(self, path, weights):
        """Every step sees the whole text, so the order of the blocks does not matter."""
        model, start = (self.config, weights), 0 if self.bos else None
        W, r, steps, lr = int(self.maker.pick(8, 10)), int(self.maker.pick(2, 4)), 4, 1e-3
        context, predict = 4 * W, 10
        blocks = self.blocks(self.place / "train.txt", context, predict)
        run = self.place / f"run-{path.name}"
        answer = self.run(
            "train", "ntp", "--data", self.place / "train.txt", "--run", run, "--init",
            self.compressor, "--steps", steps, "--batch", len(blocks), "--lr", lr, "--force", "-m",
            path, "--quiet", "--set", f"blocks={context}+{predict}", "--set", f"window={W}", "--set",
            f"ratio_schedule=0:{r}", "--set", "held_out_tokens=0", "--set", "valid_every=0",
            "--set", "frozen_precision=f32", "--set", "warmup=0", "--set", "clip=20", "--set",
            "optimizer=adamw", "--set", "eps_schedule=0:0.1", "--set", "gate_rate=1")
        if answer is None:
            return
        log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        got = [(e["loss"], e["grad_norm"]) for e in log if "loss" in e and "grad_norm" in e]
        samples = [(c, q, q) for c, q in blocks]
        tensors = {}
        want = self.maker.run(model, files.doubles(self.params), ref.settings(W=W, r=r), [samples],
                              start, None, tensors, "cli", lr, 0.0, 20.0, steps)
        self.near(f"{path.name} train losses", [g[0] for g in got], want["loss_f64"], 1e-4)
        norms = np.array(want["grad_norm_f64"])
        self.near(f"{path.name} train norms", np.array([g[1] for g in got]) / norms, norms / norms,
                  1e-3)

    def all(self):
        self.build()
        for path, weights in self.models.items():
            for _ in range(4):
                self.compress(path, weights)
            self.score(path, weights)
            self.ask(path, weights)
            self.evaluate(path, weights)
        self.train(*list(self.models.items())[0])
        print(f"seed {self.seed}: {self.bad} disagreements, at most {100 * self.worst:.1f}% of a "
              f"tolerance used ({self.label})", flush=True)
        return self.bad


def main():
    torch.set_num_threads(1)
    bad = 0
    for seed in sys.argv[2:]:
        with tempfile.TemporaryDirectory() as place:
            bad += Comparison(sys.argv[1], int(seed), pathlib.Path(place)).all()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
