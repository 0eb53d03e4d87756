#!/usr/bin/env python3
"""What llama.cpp takes for 512 tokens of prefill (logits of the last alone, no hidden
states) and for decoding, through llama-cpp-python. Prints one JSON object; exit status
77 when it is not installed.

    python3 tests/bench/peer_llama.py MODEL.gguf [--threads N] [--repeat N]
"""
import argparse
import json
import statistics
import sys
import time

try:
    import llama_cpp
except ImportError:
    print("llama-cpp-python is not installed")
    sys.exit(77)

PREFILL, DECODE = 512, 64


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    threads = options.threads or None
    model = llama_cpp.Llama(options.model, n_ctx=PREFILL + DECODE, n_batch=PREFILL, n_ubatch=PREFILL,
                            n_threads=threads, n_threads_batch=threads, verbose=False)
    ids = [(i * 7919 + 13) % model.n_vocab() for i in range(PREFILL)]
    prefill, decode = [], []
    for _ in range(options.repeat + 1):
        model.reset()
        start = time.perf_counter()
        model.eval(ids)
        middle = time.perf_counter()
        for token in ids[:DECODE]:
            model.eval([token])
        prefill.append((middle - start) * 1000)
        decode.append((time.perf_counter() - middle) * 1000 / DECODE)
    print(json.dumps({"llama_cpp": llama_cpp.__version__,
                      "prefill_512_ms": {"median": statistics.median(prefill[1:])},
                      "decode_token_ms": {"median": statistics.median(decode[1:])}}))


if __name__ == "__main__":
    main()
