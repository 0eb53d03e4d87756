#!/usr/bin/env python3
"""What plain PyTorch takes for the work that `comprexit bench` times: a Llama of
SmolLM2-135M's shape with random weights, 512 tokens of prefill with all
hidden states kept, decoding with a key/value cache, and one training step's forward
and backward pass to the input embeddings. Prints one JSON object; exit status 77
when PyTorch is not installed.

    python3 tests/bench/peer_torch.py [--threads N] [--repeat N] [--type f32|bf16]
"""
import argparse
import json
import statistics
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("PyTorch is not installed")
    sys.exit(77)

HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD, FFN, VOCAB = 576, 30, 9, 3, 64, 1536, 49152


class Block:
    def __init__(self):
        def weight(rows, cols):
            return torch.randn(rows, cols) / cols**0.5

        self.norm1, self.norm2 = torch.ones(HIDDEN), torch.ones(HIDDEN)
        self.q = weight(HEADS * HEAD, HIDDEN)
        self.k, self.v = weight(KV_HEADS * HEAD, HIDDEN), weight(KV_HEADS * HEAD, HIDDEN)
        self.o = weight(HIDDEN, HEADS * HEAD)
        self.gate, self.up = weight(FFN, HIDDEN), weight(FFN, HIDDEN)
        self.down = weight(HIDDEN, FFN)


def rms_norm(x, weight):
    return F.rms_norm(x, (HIDDEN,), weight, 1e-5)


def turns(first, n):
    frequency = 10000.0 ** (-torch.arange(0, HEAD, 2).float() / HEAD)
    angle = torch.arange(first, first + n).float()[:, None] * frequency[None]
    return torch.cos(angle).to(torch.get_default_dtype()), torch.sin(angle).to(torch.get_default_dtype())


def rotate(x, cosine, sine):
    a, b = x[..., : HEAD // 2], x[..., HEAD // 2 :]
    return torch.cat((a * cosine - b * sine, a * sine + b * cosine), -1).to(x.dtype)


def run_block(block, x, table, past):
    """x [batch, n, HIDDEN]; past: None, or the keys and values so far."""
    batch, n, _ = x.shape
    y = rms_norm(x, block.norm1)
    q = (y @ block.q.T).view(batch, n, HEADS, HEAD).transpose(1, 2)
    k = (y @ block.k.T).view(batch, n, KV_HEADS, HEAD).transpose(1, 2)
    v = (y @ block.v.T).view(batch, n, KV_HEADS, HEAD).transpose(1, 2)
    q, k = rotate(q, *table), rotate(k, *table)
    if past is not None:
        k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
    attended = F.scaled_dot_product_attention(q, k, v, is_causal=past is None, enable_gqa=True)
    x = x + attended.transpose(1, 2).reshape(batch, n, -1) @ block.o.T
    y = rms_norm(x, block.norm2)
    return x + (F.silu(y @ block.gate.T) * (y @ block.up.T)) @ block.down.T, (k, v)


class Model:
    def __init__(self):
        self.embedding = torch.randn(VOCAB, HIDDEN) * 0.1
        self.norm = torch.ones(HIDDEN)
        self.blocks = [Block() for _ in range(LAYERS)]

    def hidden(self, x, caches=None):
        """All hidden states; caches (a list, one a block) is continued in place."""
        first = caches[0][0].shape[2] if caches else 0
        table, taps = turns(first, x.shape[1]), [x]
        for i, block in enumerate(self.blocks):
            x, cache = run_block(block, x, table, caches[i] if caches else None)
            if caches:
                caches[i] = cache
            taps.append(x)
        taps[-1] = rms_norm(x, self.norm)
        return taps


def timed(repeat, function):
    times = []
    for _ in range(repeat + 1):
        start = time.perf_counter()
        function()
        times.append((time.perf_counter() - start) * 1000)
    return {"best": round(min(times[1:]), 1), "median": round(statistics.median(times[1:]), 1)}


def training_step(model, sequences, slots, labels):
    """Forward, loss and backward to the input embeddings, weights frozen."""
    n = 1 + slots + labels
    x = (torch.randn(sequences, n, HIDDEN) * 0.1).requires_grad_()
    targets = torch.randint(0, VOCAB, (sequences * labels,))

    def step():
        last = model.hidden(x)[-1][:, slots : slots + labels].reshape(-1, HIDDEN)
        F.cross_entropy(last @ model.embedding.T, targets).backward()

    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--type", choices=("f32", "bf16"), default="f32")
    options = parser.parse_args()
    torch.set_default_dtype(torch.bfloat16 if options.type == "bf16" else torch.float32)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = Model()
    ids = torch.randint(0, VOCAB, (512,))
    empty = torch.zeros(1, KV_HEADS, 512, HEAD)
    with torch.inference_mode():
        prefill = timed(options.repeat, lambda: model.hidden(model.embedding[ids][None]))
        caches = [(empty, empty)] * LAYERS
        decode = timed(4 * options.repeat,
                       lambda: model.hidden(model.embedding[ids[:1]][None], caches)[-1][0]
                       @ model.embedding.T)
    training = timed(max(options.repeat // 2, 1), training_step(model, 4, 128, 128))
    print(json.dumps({"torch": torch.__version__, "type": options.type, "threads": torch.get_num_threads(),
                      "prefill_512_ms": prefill, "decode_token_ms": decode,
                      "training_4_blocks_ms": training}))


if __name__ == "__main__":
    main()
