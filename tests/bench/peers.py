#!/usr/bin/env python3
"""`make bench-peers`: this program beside llama.cpp and PyTorch on the same machine. The
peers live in a virtual environment outside of the tree ($COMPREXIT_PEERS, or
comprexit/peers in the cache), installed once; one that cannot be installed is left out.
Rounds are interleaved, so that what else the machine does meets all alike; the table has
medians over the rounds, times in milliseconds, and how often each precision finds the same
token most likely as f32, with the mean KL divergence. The limit is what the machine allows:
products of bfloat16 by PyTorch's library at their best, and reading the model's bytes once
a token.

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
    "torch": (["torch==2.13.0", "numpy"], {}),
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
    """{name: {column: value}} of each precision."""
    words = ["--threads", options.threads] if options.threads else []
    got = output_of([options.program, "bench", "--json", "--repeat", 1, "-m", options.model, *words])
    rows = {}
    for row in (got or {"precisions": []})["precisions"]:
        compress = sum(row["compress_ms"].values())
        rows[f"comprexit {row['precision']}"] = {
            "prefill": 512e3 / row["prefill_tok_s"], "decode": 1e3 / row["decode_tok_s"],
            "compress": compress, "both": compress + row["compress_backward_ms"],
            "ntp": row["ntp_step_ms"], "sft": row["sft_step_ms"],
            "top-1": row["top1_agreement"], "KL": row["mean_kl"]}
    return rows


def model_peer(name, command):
    got = output_of(command)
    return {name: {"prefill": got["prefill_512_ms"]["median"],
                   "decode": got["decode_token_ms"]["median"]}} if got else {}


def add_steps(rows, command):
    """What peer_step.py measures, to the rows of PyTorch."""
    got = output_of(command) or {}
    for kind in ("f32", "bf16"):
        row = rows.get(f"PyTorch {kind}")
        if row and kind in got:
            row |= {"ntp": got[kind]["ntp_step_ms"]["median"], "sft": got[kind]["sft_step_ms"]["median"]}
    if "published" in got and "PyTorch f32" in rows:
        rows["PyTorch f32"] |= {"compress": got["published"]["compress_ms"]["median"],
                                "both": got["published"]["compress_both_ms"]["median"]}


def one_round(options, python):
    words = ["--repeat", 1, *(["--threads", options.threads] if options.threads else [])]
    rows = ours(options)
    rows |= model_peer("llama.cpp", [python, HERE / "peer_llama.py", options.model, *words])
    for kind in ("f32", "bf16"):
        rows |= model_peer(f"PyTorch {kind}", [python, HERE / "peer_torch.py", "--type", kind, *words])
    add_steps(rows, [python, HERE / "peer_step.py", *words])
    limit = output_of([python, HERE / "peer_limit.py", options.model, *words])
    if limit:
        rows["limit"] = limit
    return rows


COLUMNS = {"prefill": "{:.0f}", "decode": "{:.2f}", "compress": "{:.1f}", "both": "{:.0f}",
           "ntp": "{:.0f}", "sft": "{:.0f}", "top-1": "{:.4f}", "KL": "{:.1e}"}


# What is wanted: so many times faster than a peer, column by column.
TARGETS = [("prefill", "llama.cpp", 5), ("prefill", "PyTorch bf16", 1.3), ("decode", "llama.cpp", 1.8),
           ("compress", "PyTorch f32", 8), ("both", "PyTorch f32", 8), ("ntp", "PyTorch bf16", 1.5),
           ("ntp", "PyTorch f32", 3), ("sft", "PyTorch bf16", 1.5), ("sft", "PyTorch f32", 3)]


def medians(rounds):
    """{name: {column: median over the rounds}}, without what no round measured."""
    result = {}
    for name in dict.fromkeys(name for rows in rounds for name in rows):
        columns = {column: [rows[name][column] for rows in rounds
                            if rows.get(name, {}).get(column) is not None] for column in COLUMNS}
        result[name] = {column: statistics.median(values) for column, values in columns.items() if values}
    return result


def print_table(rows):
    print(f"{'':16}" + "".join(f"{name:>10}" for name in COLUMNS))
    for name, row in rows.items():
        cells = "".join(f"{form.format(row[column]) if column in row else '':>10}"
                        for column, form in COLUMNS.items())
        print(f"{name:16}" + cells)


def print_targets(rows):
    """Each target beside what `auto` reaches (mixed, as far as it skips), and the fastest of ours."""
    ours = {name: row for name, row in rows.items() if name.startswith("comprexit")}
    print(f"\n{'times faster':24}{'wanted':>8}{'mixed':>8}{'best':>8}")
    for column, peer, wanted in TARGETS:
        theirs = rows.get(peer, {}).get(column)
        if theirs is None or not ours:
            continue
        best = min(ours, key=lambda name: ours[name][column])
        mixed = theirs / ours.get("comprexit mixed", ours[best])[column]
        print(f"{column + ', ' + peer:24}{wanted:8}{mixed:8.2f}{theirs / ours[best][column]:8.2f}"
              f"  ({best.removeprefix('comprexit ')})")


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
    rows = medians(rounds)
    print_table(rows)
    print_targets(rows)


if __name__ == "__main__":
    main()
