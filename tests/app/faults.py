"""What the tests that make the program fail share: the shims, and a tiny training run."""
import concurrent.futures
import json
import os
import pathlib
import random
import re
import struct

from harness import GOLDEN, PROGRAM, call

MODEL = GOLDEN / "modelA"
SHIMS = pathlib.Path(PROGRAM).parent / "tests/shims"
SANITIZED = "asan" in PROGRAM or "tsan" in PROGRAM
STEPS = 8
TINY = ["blocks=16+8", "window=16", "init=published", "ratio_schedule=0:2,4:4", "micro_batch=1",
        "valid_every=4", "valid_samples=2", "held_out_tokens=200", "save_every=2", "keep=2"]


def shim(name, **settings):
    """The environment in which the program runs with a shim in front."""
    variables = {f"FAULT_{key.upper()}": str(value) for key, value in settings.items()}
    return dict(variables, LD_PRELOAD=str(SHIMS / f"{name}.so"), OMP_WAIT_POLICY="PASSIVE",
                ASAN_OPTIONS="verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", ""))


def made_up_text(words=4000, seed=3):
    draw = random.Random(seed)
    return " ".join(draw.choice("salt kiln peat barge pond tide crane rope. In the".split())
                    for _ in range(words))


def train_words(data, run, *extra, steps=STEPS, settings=()):
    probe = pathlib.Path(data).with_name("probe")  # short: each of many runs looks at it
    if not probe.exists():
        probe.write_text("The kiln burned peat. The crane lifted rope.")
    words = ["train", "ntp", "-m", MODEL, "--data", data, "--run", run, "--steps", steps,
             "--batch", 2, "--lr", "1e-3", "--probe", probe, "--probe-question", "What?", *extra]
    for setting in [*TINY, *settings]:
        words += ["--set", setting]
    return words


def train(data, run, *extra, environment=None, steps=STEPS, settings=()):
    """One run; returns (exit status, messages)."""
    status, _, err = call(*train_words(data, run, *extra, steps=steps, settings=settings),
                          environment=dict(environment or {}, OMP_WAIT_POLICY="PASSIVE"))
    return status, err.decode()


def weights(run, name=f"step-{STEPS:06d}.safetensors"):
    """The numbers of a checkpoint; metadata hold seconds, which differ."""
    data = (run / name).read_bytes()
    size = 8 + struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:size])
    header.pop("__metadata__")
    return {key: data[size + t["data_offsets"][0]:size + t["data_offsets"][1]]
            for key, t in header.items()}


def last_saved(messages):
    """The newest step that was reported as saved, or 0."""
    return max(map(int, re.findall(r"step (\d+) \| saved", messages)), default=0)


def in_parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, items))


def read_journal(path):
    """[(operation, path, offset, bytes)] of a FAULT_JOURNAL."""
    data, at, entries = path.read_bytes(), 0, []
    while at < len(data):
        end = data.index(b"\n", at)
        operation, name, offset, length = data[at:end].decode().split(" ")
        body = data[end + 1:end + 1 + int(length)]
        entries.append((operation, name, int(offset), body))
        at = end + 1 + int(length)
    return entries
