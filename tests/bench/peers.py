#!/usr/bin/env python3
"""`make bench-peers`: this program beside llama.cpp and PyTorch on the same machine. The
peers live in a virtual environment outside of the tree ($COMPREXIT_PEERS, or
comprexit/peers in the cache), installed once; one that cannot be installed is left out.
Rounds are interleaved, so that what else the machine does meets all alike; the table has
medians over the rounds.

    tests/bench/peers.py PROGRAM [--model M.gguf] [--rounds N] [--threads N] [--no-install]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "comprexit"
MODEL = CACHE / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
PACKAGES = {
    "torch": (["torch", "numpy"], {}),
    "llama_cpp": (["llama-cpp-python", "--no-binary", "llama-cpp-python"],
                  {"CMAKE_ARGS": "-DGGML_NATIVE=ON"}),
}


def environment():
    where = pathlib.Path(os.environ.get("COMPREXIT_PEERS") or CACHE / "peers")
    if not (where / "bin/python").exists():
        venv.create(where, with_pip=True)
    return where / "bin/python"


def install(python):
    for module, (packages, extra) in PACKAGES.items():
        if subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode:
            print(f"installing {packages[0]}", file=sys.stderr)
            subprocess.run([python, "-m", "pip", "install", "-q", *packages],
                           env={**os.environ, **extra})


def output_of(command):
    """The JSON that a peer prints, or None where it is not installed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode not in (0, 77):
        print(f"{command[1]}: {done.stderr.strip()[-300:]}", file=sys.stderr)
    return json.loads(done.stdout) if done.returncode == 0 else None


def ours(options):
    """{name: {quantity: milliseconds}} of each precision."""
    words = ["--threads", options.threads] if options.threads else []
    got = output_of([options.program, "bench", "--json", "--repeat", 1, "-m", options.model, *words])
    return {f"comprexit {row['precision']}": {"prefill": 512e3 / row["prefill_tok_s"],
                                              "decode": 1e3 / row["decode_tok_s"],
                                              "compress": sum(row["compress_ms"].values())}
            for row in (got or {"precisions": []})["precisions"]}


def peer(name, command):
    got = output_of(command)
    return {name: {"prefill": got["prefill_512_ms"]["median"],
                   "decode": got["decode_token_ms"]["median"]}} if got else {}


def one_round(options, python):
    words = ["--repeat", 1, *(["--threads", options.threads] if options.threads else [])]
    rows = ours(options)
    rows |= peer("llama.cpp", [python, HERE / "peer_llama.py", options.model, *words])
    for kind in ("f32", "bf16"):
        rows |= peer(f"PyTorch {kind}", [python, HERE / "peer_torch.py", "--type", kind, *words])
    return rows


def print_table(rounds):
    print(f"{'':16} {'prefill 512':>18} {'decode':>18} {'compressor':>12}")
    for name in dict.fromkeys(name for rows in rounds for name in rows):
        def median(key):
            values = [rows[name][key] for rows in rounds if key in rows.get(name, {})]
            return statistics.median(values) if values else None
        prefill, decode, rest = median("prefill"), median("decode"), median("compress")
        print(f"{name:16} {prefill:8.0f} ms {512e3 / prefill:4.0f}/s {decode:8.1f} ms "
              f"{1e3 / decode:4.0f}/s {f'{rest:9.1f} ms' if rest else '':>12}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--no-install", action="store_true")
    options = parser.parse_args()
    python = environment()
    if not options.no_install:
        install(python)
    rounds = [one_round(options, python) for _ in range(options.rounds)]
    print_table(rounds)


if __name__ == "__main__":
    main()
