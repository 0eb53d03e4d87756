#!/usr/bin/env python3
"""A set of golden vectors of other shapes, seeds and case names than tests/golden.

usage: tests/gen/make_golden.py OUT SEED          (needs torch, numpy, gguf, tokenizers)

Same layout as tests/golden/README.md states, made by reference.py in float64, so
`make golden-check GOLDEN=OUT` must pass on it whatever the seed. Nothing in it is of
the real model. The seed chooses sizes, heads, blocks, windows, ratios, depths, biases,
rotary scaling, quantisation and the cases.
"""
import json
import pathlib
import sys

import numpy as np
import torch

import golden_files as files
import reference as ref

ONE_SCALE = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "IQ4_NL"]
K_TYPES = ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
ZERO = [ref.POOL + n for n in ("layer_fusion_k_prj.bias", "source_mass.ln.bias",
                               "source_mass.mass_prj.bias")]


class Maker:
    def __init__(self, out, seed):
        self.out, self.seed = out, seed
        self.rng = np.random.default_rng(seed)
        out.mkdir(parents=True, exist_ok=True)

    def pick(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def ids(self, n, vocab, bos=False):
        ids = self.rng.integers(2, vocab, n).astype("<i4")
        if bos:
            ids[0] = 0
        return ids

    def json(self, name, value):
        (self.out / name).write_text(json.dumps(value))

    # ---- frozen models -------------------------------------------------------------------

    def config(self, hidden, layers):
        head_dim = self.pick(8, 16, 32)
        groups = self.pick(1, 2, 3)
        scaling = self.pick(
            None, {"rope_type": "linear", "factor": 2.5},
            {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0,
             "high_freq_factor": 3.0, "original_max_position_embeddings": 40})
        return files.llama_config(
            hidden, groups * self.pick(1, 2, 3), groups, head_dim, layers,
            32 * int(self.rng.integers(2, 6)), int(self.rng.integers(300, 500)),
            rope_theta=self.pick(10000.0, 500000.0, 1000.0), rope_scaling=scaling,
            rms_norm_eps=self.pick(1e-5, 1e-6, 1e-3), tie_word_embeddings=self.pick(True, False),
            attention_bias=self.pick(True, False), mlp_bias=self.pick(True, False))

    def frozen(self, letter, config, pre, bos, dtype, shards, kinds):
        directory = self.out / f"model{letter}"
        tokenizer = files.make_tokenizer(pre, config["vocab_size"], self.rng, bos)
        weights = files.llama_weights(config, self.rng, exact_bf16=dtype == "BF16")
        files.write_directory(directory, config, weights, tokenizer, bos, shards, dtype)
        files.write_fixture(directory / "tokenizer_fixture.jsonl", tokenizer, self.rng)
        doubles = files.doubles(weights)
        facts = {"seed": self.seed, "sequences": [], "files": {}}
        tensors = {"q.ids": self.ids(int(self.rng.integers(5, 40)), config["vocab_size"], bos)}
        for j, n in enumerate([int(self.rng.integers(2, 9)), int(self.rng.integers(50, 280))]):
            ids = self.ids(n, config["vocab_size"], bos)
            hidden = ref.llama(config, doubles, ref.embed(doubles, ids))
            where = np.unique(np.r_[0, n - 1, self.rng.integers(0, n, 4)]).astype("<i4")
            tensors.update({f"s{j}.ids": ids, f"s{j}.hpos": where, f"s{j}.lpos": where[-2:],
                            f"s{j}.hidden": hidden[:, where].float(),
                            f"s{j}.logits": ref.logits(doubles, hidden[-1][where[-2:]]).float()})
            facts["sequences"].append({"n": n})
        for kind in kinds:
            name, layers = f"{letter}{'' if kind == 'F32' else 1}-{kind}", config["num_hidden_layers"]
            self.gguf(letter, config, weights, tokenizer, pre, bos, kind, name,
                      layers if kind == "F32" else self.pick(1, layers), facts, tensors)
        self.json(f"frozen{letter}.json", facts)
        files.write_tensors(self.out / f"frozen{letter}.safetensors", tensors)
        return config, doubles, weights

    def gguf(self, letter, config, weights, tokenizer, pre, bos, kind, name, layers, facts, tensors):
        scaling = config["rope_scaling"]
        freqs = None
        if scaling and scaling["rope_type"] == "llama3":
            plain = ref.frequencies({**config, "rope_scaling": None})
            freqs = (plain / ref.frequencies(config)).numpy()
        meaning, all_facts = files.write_gguf(
            self.out / f"model{letter}" / f"{name}.gguf", config, weights, kind, tokenizer, pre, bos,
            self.rng, layers, freqs)
        doubles = files.doubles(meaning)
        normed = ref.llama(config, doubles, ref.embed(doubles, tensors["q.ids"]), layers)[-1]
        tensors[f"q.{name}.last_logits"] = ref.logits(doubles, normed[-1]).float()
        entry = {"layers": layers, "tensors": {}}
        for target, (type_, values) in list(all_facts.items())[:8]:
            tensors[f"q.{name}.{target}.first512"] = values.reshape(-1)[:512].astype("<f4")
            entry["tensors"][target] = files.tensor_fact(type_, values)
        facts["files"][f"{name}.gguf"] = entry

    # ---- compressor, forward ---------------------------------------------------------------

    def case(self):
        W = int(self.pick(4, 7, 12, 16, 33, 64, 128))
        r = self.pick(1, 2, 3, 4, 8, W)
        n = int(self.pick(1, 2, W - 1, W, W + 1, 2 * W, 3 * W + int(self.rng.integers(1, W))))
        s = ref.settings(W=W, r=r, align=self.pick("head", "tail"), eps=self.pick(0.1, 0.03, 0.5),
                         iters=int(self.pick(1, 2, 5, 30, 100)))
        if self.pick(True, False, False):
            s.update(gate_tau=self.pick(0.3, 1.5), source_tau=self.pick(0.5, 2.0),
                     lambda_floor=self.pick(0.0, 0.3, 1.0))
        return s, max(1, min(n, 300))

    def forward(self, model, bos, params, shape):
        config, weights = model
        (self.out / "forward").mkdir(exist_ok=True)
        index = {"seed": self.seed, "model": "modelA", **shape, "cases": {}}
        for i in range(8):
            s, n = self.case()
            ids, query = self.ids(n, config["vocab_size"], bos), self.ids(8, config["vocab_size"])
            hidden = ref.llama(config, weights, ref.embed(weights, ids))
            got = ref.compress(params, s, hidden)
            start = 0 if bos else None
            out = {"ids": ids, "query": query, "hidden": hidden.float(),
                   "dec_logits": ref.decode(model, got["slots"], query, start).float()}
            for key, value in got.items():
                out[key] = value.to(torch.uint8) if value.dtype == torch.bool else value.float()
            name = f"case{i}_w{s['W']}_{s['align']}"
            files.write_tensors(self.out / "forward" / f"{name}.safetensors", out)
            index["cases"][name] = {**s, "n": n, "K": got["b"].shape[1],
                                    "slots": got["slots"].shape[0]}
            if i % 3 == 0:
                index["cases"][name]["generate_compact"] = ref.greedy(model, got["slots"], query,
                                                                      start, 4)
        if config["num_hidden_layers"] > 1:
            index["topk"] = self.top_k(model, bos, params)
        self.json("forward.json", index)

    def top_k(self, model, bos, params):
        config, weights = model
        k, s = int(self.rng.integers(1, config["num_hidden_layers"])), ref.settings(W=16, r=4)
        ids, query = self.ids(37, config["vocab_size"], bos), self.ids(8, config["vocab_size"])
        hidden = ref.llama(config, weights, ref.embed(weights, ids), k)
        got = ref.compress(params, s, hidden)
        files.write_tensors(self.out / "forward" / "topk.safetensors", {
            "ids": ids, "query": query, "hidden_last": hidden[-1].float(),
            "alpha": got["alpha"].float(), "x": got["x"].float(), "slots": got["slots"].float(),
            "dec_logits": ref.decode(model, got["slots"], query, 0 if bos else None).float()})
        return {"top_k_layers": k, "M": k + 1, **s, "n": 37}

    # ---- training -----------------------------------------------------------------------------

    def sample(self, vocab, n, m, labels=None):
        context, query = self.ids(n, vocab), self.ids(m, vocab)
        wanted = query.copy()
        wanted[:0 if labels is None else m - labels] = -100
        return context, query, wanted

    def gradients(self, model, params, s, samples, bos, budget):
        leaves = {k: v.clone().requires_grad_(True) for k, v in params.items()}
        loss = ref.batch_loss(model, leaves, s, samples, bos, budget)
        loss.backward()
        grads = {k: v.grad for k, v in leaves.items()}
        norm = float(torch.sqrt(sum((g * g).sum() for g in grads.values())))
        return float(loss.detach()), norm, grads

    def put_samples(self, tensors, prefix, samples):
        for i, parts in enumerate(samples):
            for name, ids in zip(("context", "query", "labels"), parts):
                tensors[f"{prefix}.{i}.{name}"] = ids

    def train(self, model, params, bos):
        vocab, W, r = model[0]["vocab_size"], int(self.pick(8, 16, 20)), self.pick(2, 4, 5)
        budget, start = 3 * W, 0 if bos else None
        facts = {"W": W, "r": r, "budget": budget, "gen": 24, "bos": 0, "eos": 1, "cases": {},
                 "zero_gradient_params": ZERO, "runs": {}}
        tensors = {}
        whole, short, odd = budget, budget - W - 3, W // 2 + 1
        cases = {"one": [(whole, 11, None)], "short_tail": [(whole, 9, None), (short, 9, None)],
                 "tiny_tail": [(odd, 6, None), (short, 12, None), (whole, 5, None)],
                 "answers": [(whole, 14, 4), (odd, 13, 6)], "heads_compact": [(short, 9, 9)] * 2,
                 "answers_compact": [(short, 10, 3), (odd, 9, 1)]}
        for name, sizes in cases.items():
            s = ref.settings(W=W, r=r, align="head" if "head" in name else "tail")
            samples = [self.sample(vocab, *size) for size in sizes]
            gap = "compact" not in name
            loss, norm, grads = self.gradients(model, params, s, samples, start,
                                               budget if gap else None)
            self.put_samples(tensors, name, samples)
            tensors.update({f"{name}.grad64.{k}": g for k, g in grads.items()})
            facts["cases"][name] = {
                "align": s["align"], "loss_f64": loss, "grad_norm_f64": norm,
                "positions": "reference (gap kept)" if gap else "contiguous"}
        s = ref.settings(W=W, r=r)
        batches = [[self.sample(vocab, whole, 8) for _ in range(2)] for _ in range(3)]
        for b, samples in enumerate(batches):
            self.put_samples(tensors, f"run.batch{b}", samples)
        for name, lr, warm, clip, steps in (("slow", 1e-3, 0.3, 20.0, 7), ("cut", 2e-3, 0.0, 0.2, 5)):
            facts["runs"][name] = self.run(model, params, s, batches, start, budget, tensors, name,
                                           lr, warm, clip, steps)
        self.json("train.json", facts)
        files.write_tensors(self.out / "train.safetensors", tensors)

    def run(self, model, params, s, batches, start, budget, tensors, name, lr, warm, clip, steps):
        values = {k: v.clone() for k, v in params.items()}
        first = {k: torch.zeros_like(v) for k, v in params.items()}
        second = {k: torch.zeros_like(v) for k, v in params.items()}
        warmup = int(np.ceil(warm * steps))
        facts = {"lr": lr, "warmup_ratio": warm, "warmup_steps": warmup, "clip": clip,
                 "steps": steps, "lr_per_step": [], "loss_f64": [], "grad_norm_f64": []}
        for t in range(steps):
            rate = lr * (t / warmup if t < warmup else (steps - t) / (steps - warmup))
            loss, norm, grads = self.gradients(model, values, s, batches[t % len(batches)], start,
                                               budget)
            for key, series in zip(("lr_per_step", "loss_f64", "grad_norm_f64"), (rate, loss, norm)):
                facts[key].append(series)
            scale = min(1, clip / (norm + 1e-6))
            for k, g in grads.items():
                g = g * scale
                first[k] = 0.9 * first[k] + 0.1 * g
                second[k] = 0.999 * second[k] + 0.001 * g * g
                step = (first[k] / (1 - 0.9 ** (t + 1))) / (
                    torch.sqrt(second[k] / (1 - 0.999 ** (t + 1))) + 1e-8)
                values[k] = values[k] - rate * step
        tensors.update({f"run.{name}.final.{k}": v.float() for k, v in values.items()})
        return facts

    # ---- a checkpoint directory -----------------------------------------------------------------

    def checkpoint(self, config, weights, params, bos, shape):
        directory = self.out / "refckpt"
        directory.mkdir(exist_ok=True)
        rounded = {k: files.round_bf16(v) for k, v in weights.items()}
        W, r, n = int(self.pick(8, 16, 24)), self.pick(2, 4), 45
        tensors = {**{"lm." + k: v for k, v in rounded.items()}, **params}
        dtypes = {"lm." + k: "BF16" for k in rounded}
        files.write_tensors(directory / "model.safetensors", tensors, dtypes, {"format": "pt"})
        (directory / "config.json").write_text(json.dumps({
            "architectures": ["HierarchicalCompressor"], "compression_ratio": r,
            "ot_window_size": W, "ot_n_iter": 30, "ot_metric_dim": shape["metric_dim"],
            "layerwise_pooling_gate_hidden": shape["gate_width"], "top_k_layers": -1,
            "layerwise_pooling_temperature": 0.7, "num_hidden_layers": shape["projector_depth"],
            "pooling_method": "ot-dy-src", "hidden_size": config["hidden_size"],
            "context_length": 512, "map_reduce_seg_len": 512, "backbone_config_dict": config}))
        self.json("refckpt_keys.json", {
            "case": {"W": W, "r": r, "n": n, "align": "tail"},
            "keys": {k: [dtypes.get(k, "F32"), list(v.shape)] for k, v in tensors.items()}})
        model, s = (config, files.doubles(rounded)), ref.settings(W=W, r=r)
        ids, query = self.ids(n, config["vocab_size"], bos), self.ids(8, config["vocab_size"])
        hidden = ref.llama(*model, ref.embed(model[1], ids))
        got = ref.compress(files.doubles(params), s, hidden)
        files.write_tensors(self.out / "refckpt_expect.safetensors", {
            "ids": ids, "query": query, "alpha": got["alpha"].float(), "slots": got["slots"].float(),
            "dec_logits": ref.decode(model, got["slots"], query, 0 if bos else None).float()})

    def all(self):
        layers = int(self.rng.integers(1, 5))
        config = self.config(int(self.pick(32, 48, 64, 96)), layers)
        A = self.frozen("A", config, "llama-bpe", True, "F32", self.pick(1, 3),
                        ["F32", *self.rng.choice(ONE_SCALE, 3, replace=False)])
        self.frozen("B", self.config(256, int(self.pick(1, 2))), "gpt-2", False, "BF16",
                    self.pick(1, 2), [*self.rng.choice(K_TYPES, 3, replace=False),
                                      self.pick(*ONE_SCALE)])
        shape = {"gate_width": int(self.pick(8, 20, 32)), "metric_dim": int(self.pick(6, 24, 40)),
                 "projector_depth": int(self.pick(1, 2, 3))}
        params = files.compressor_params(config["hidden_size"], layers + 1, shape["gate_width"],
                                         shape["metric_dim"], shape["projector_depth"], self.rng)
        files.write_tensors(self.out / "compressorA.safetensors", params)
        doubles = files.doubles(params)
        self.forward(A[:2], True, doubles, shape)
        self.train(A[:2], doubles, True)
        self.checkpoint(config, A[2], params, True, shape)


if __name__ == "__main__":
    torch.set_num_threads(1)
    Maker(pathlib.Path(sys.argv[1]), int(sys.argv[2])).all()
