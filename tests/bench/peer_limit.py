#!/usr/bin/env python3
"""What the machine allows: the products of a 512-token prefill of SmolLM2-135M's shape as
large matrices in bfloat16 by PyTorch's library, and reading the model's bytes once, as a
token of decoding must. Prints one JSON object; exit status 77 when PyTorch is not installed.

    python3 tests/bench/peer_limit.py MODEL.gguf [--threads N] [--repeat N]
"""
import argparse
import json
import os
import sys
import time

try:
    import torch
    from peer_torch import FFN, HEAD, HEADS, HIDDEN, KV_HEADS, LAYERS
except ImportError:
    print("PyTorch is not installed")
    sys.exit(77)

TOKENS, SIZE, READ = 512, 1536, 1 << 28


def best(repeat, function):
    """Seconds of the fastest of a few calls."""
    times = []
    for _ in range(3 + repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    a = torch.randn(SIZE, SIZE).bfloat16()
    seconds = best(options.repeat, lambda: a @ a)
    width = HEADS * HEAD
    layer = 2 * HIDDEN * width + 2 * HIDDEN * KV_HEADS * HEAD + 3 * HIDDEN * FFN + TOKENS * width
    memory = torch.ones(READ // 8, dtype=torch.int64)
    read = best(options.repeat, memory.sum)
    print(json.dumps({"prefill": 1e3 * seconds * LAYERS * TOKENS * layer / SIZE**3,
                      "decode": 1e3 * read * os.path.getsize(options.model) / READ}))


if __name__ == "__main__":
    main()
