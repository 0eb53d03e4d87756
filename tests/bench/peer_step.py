#!/usr/bin/env python3
"""One training step and the compressor alone in plain PyTorch, the same work as
ntp_step_ms, sft_step_ms and compress_ms of `comprexit bench`: a context of 512 tokens is read by a frozen Llama of SmolLM2-135M's shape,
the compressor makes 128 slots of its hidden states, the frozen model predicts what follows
behind [BOS] and the slots, and the gradients go back to the compressor, which AdamW moves.
Weights are random: times do not depend on them. Prints one JSON object; exit status 77 when
PyTorch is not installed.

    python3 tests/bench/peer_step.py [--threads N] [--repeat N] [--dtype f32|bf16]
"""
import argparse
import json
import math
import sys

try:
    import torch
    import torch.nn.functional as F
    from peer_torch import HIDDEN, LAYERS, VOCAB, Model, timed
except ImportError:
    print("PyTorch is not installed")
    sys.exit(77)

CONTEXT, WINDOW, SLOTS, WIDTH = 512, 128, 32, 256
EPS, ITERATIONS, TEMPERATURE, FLOOR = 0.1, 30, 0.7, 0.05
NTP = (128, 128)  # tokens behind the slots, of which so many count
SFT = (40, 8)


class Compressor(torch.nn.Module):
    """The method with its published shape; the gate in its factored form, which is what the
    program computes too."""

    def __init__(self):
        super().__init__()
        layers = LAYERS + 1
        self.fusion = torch.nn.Parameter(torch.zeros(layers))
        self.q, self.k = torch.nn.Linear(HIDDEN, WIDTH), torch.nn.Linear(HIDDEN, WIDTH)
        self.v = torch.nn.Linear(HIDDEN, HIDDEN)
        self.layers = torch.nn.Parameter(torch.randn(layers, WIDTH) * 0.02)
        self.metric_norm, self.metric = torch.nn.LayerNorm(HIDDEN), torch.nn.Linear(HIDDEN, WIDTH)
        self.value_norm, self.value = torch.nn.LayerNorm(HIDDEN), torch.nn.Linear(HIDDEN, HIDDEN)
        self.mass_norm, self.mass = torch.nn.LayerNorm(HIDDEN), torch.nn.Linear(HIDDEN, 1)
        self.first, self.second = (torch.nn.Linear(HIDDEN, HIDDEN) for _ in range(2))

    def forward(self, hidden):
        """hidden [layers, tokens, HIDDEN] -> slots [tokens / 4, HIDDEN]."""
        pooled = torch.einsum("l,lth->th", torch.softmax(self.fusion, 0), hidden)
        query = self.q(pooled)
        logits = torch.einsum("th,lth->tl", query @ self.k.weight, hidden)
        logits = (logits + query @ (self.k.bias + self.layers).T) / math.sqrt(WIDTH) / TEMPERATURE
        mixed = torch.einsum("tl,lth->th", torch.softmax(logits, 1), hidden)
        return self.transmit(self.v(mixed).view(-1, WINDOW, HIDDEN))

    def published(self, hidden):
        """The same with a key and a value of every layer projected, as published."""
        pooled = torch.einsum("l,lth->th", torch.softmax(self.fusion, 0), hidden)
        keys = self.k(hidden) + self.layers[:, None]
        logits = torch.einsum("th,lth->tl", self.q(pooled), keys) / math.sqrt(WIDTH) / TEMPERATURE
        mixed = torch.einsum("tl,lth->th", torch.softmax(logits, 1), self.v(hidden))
        return self.transmit(mixed.view(-1, WINDOW, HIDDEN))

    def transmit(self, x):
        """x [windows, WINDOW, HIDDEN]."""
        windows = x.shape[0]
        receivers = x.view(windows, SLOTS, WINDOW // SLOTS, HIDDEN).mean(2)
        senders = F.normalize(self.metric(self.metric_norm(x)), dim=-1)
        targets = F.normalize(self.metric(self.metric_norm(receivers)), dim=-1)
        scores = (senders @ targets.transpose(1, 2) - 1) / EPS
        mass = torch.softmax(self.mass(self.mass_norm(x))[..., 0], 1)
        log_a = torch.log((1 - FLOOR) * mass + FLOOR / WINDOW)
        log_b = -math.log(SLOTS)
        g = torch.zeros(windows, SLOTS)
        for _ in range(ITERATIONS):
            f = log_a - torch.logsumexp(scores + g[:, None], 2)
            g = log_b - torch.logsumexp(scores + f[..., None], 1)
        plan = torch.exp(scores + f[..., None] + g[:, None])
        raw = SLOTS * plan.transpose(1, 2) @ self.value(self.value_norm(x))
        return self.second(F.gelu(self.first(raw))).view(-1, HIDDEN)


def cast(model, dtype):
    """The frozen model's weights in another precision, in place."""
    model.embedding, model.norm = model.embedding.to(dtype), model.norm.to(dtype)
    for block in model.blocks:
        for name, value in vars(block).items():
            setattr(block, name, value.to(dtype))


def make_step(model, compressor, dtype, behind, counted):
    ids = torch.randint(0, VOCAB, (CONTEXT + behind,))
    targets = ids[-counted:]
    optimizer = torch.optim.AdamW(compressor.parameters(), lr=1e-4, weight_decay=0.0)

    def step():
        with torch.no_grad():
            taps = torch.cat(model.hidden(model.embedding[ids[:CONTEXT]][None])).float()
        optimizer.zero_grad(set_to_none=True)
        slots = compressor(taps).to(dtype)
        x = torch.cat((model.embedding[1:2], slots, model.embedding[ids[CONTEXT:-1]]))[None]
        last = model.hidden(x)[-1][0, -counted:]
        F.cross_entropy((last @ model.embedding.T).float(), targets).backward()
        torch.nn.utils.clip_grad_norm_(compressor.parameters(), 20.0)
        optimizer.step()

    return step


def time_compressor(repeat, compressor):
    """As published, on hidden states that are there: forward, and forward and backward. So
    short that another program's slice shows: the median of seven runs, like the program's."""
    repeat = max(repeat, 7)
    hidden = torch.randn(LAYERS + 1, CONTEXT, HIDDEN)

    def forward():
        with torch.no_grad():
            compressor.published(hidden)

    def both():
        compressor.zero_grad(set_to_none=True)
        compressor.published(hidden).sum().backward()

    return {"compress_ms": timed(repeat, forward), "compress_both_ms": timed(repeat, both)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--dtype", choices=("f32", "bf16"), action="append")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model, compressor = Model(), Compressor()
    result = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        if options.dtype and name not in options.dtype:
            continue
        cast(model, dtype)
        result[name] = {
            "ntp_step_ms": timed(options.repeat, make_step(model, compressor, dtype, *NTP)),
            "sft_step_ms": timed(options.repeat, make_step(model, compressor, dtype, *SFT))}
    result["published"] = time_compressor(options.repeat, compressor)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
