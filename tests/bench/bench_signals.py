#!/usr/bin/env python3
"""How soon a training run of the default model ends on signals: SIGINT and SIGTERM between its
steps and within one, until the compressor is saved and the process has ended; and a second SIGINT
within a step of minutes. Prints what it found, nothing else.

usage: tests/bench/bench_signals.py [PROGRAM [TIMES]]
"""
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/comprexit")
TIMES = int(sys.argv[2]) if len(sys.argv) > 2 else 20
APART = 0.6  # seconds: of two signals that come sooner the second is the same wish


def start(run, batch):
    words = ["train", "ntp", "--data", ROOT / "assets/saltworks.txt", "--run", run, "--steps", 100000]
    for setting in ("blocks=64+32", f"batch={batch}", "micro_batch=2", "valid_every=0", "save_every=0"):
        words += ["--set", setting]
    return subprocess.Popen([PROGRAM, *map(str, words)], stderr=subprocess.PIPE, text=True)


def until(process, words):
    """Reads on; when the line with the words came."""
    for line in process.stderr:
        if words in line:
            return time.monotonic()
    raise AssertionError(f"the run ended with {process.wait()} before {words!r}")


def first_signal(run, number, within):
    """Seconds from the end of the last step, or from the signal if that came later."""
    process = start(run, 2)
    reached = until(process, "step 2/")
    time.sleep(within)
    process.send_signal(number)
    sent = time.monotonic()
    told = []
    for line in process.stderr:
        told.append((time.monotonic(), line))
    process.wait()
    ended = time.monotonic()
    assert process.returncode == 128 + number, (process.returncode, told)
    steps = [at for at, line in told if re.search(r"step \d+/", line)]
    assert len(list(pathlib.Path(run).glob("step-*.safetensors"))) == 1
    return ended - max([reached, sent, *steps])


def second_signal(run):
    """Seconds from the second signal to the end, in a step of minutes."""
    process = start(run, 50000)
    until(process, "1 record")
    time.sleep(APART)
    process.send_signal(signal.SIGINT)
    time.sleep(APART)
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    process.communicate()
    ended = time.monotonic()
    assert process.returncode == -signal.SIGINT, process.returncode
    return ended - sent


def tell(name, seconds):
    seconds.sort()
    print(f"{name}: median {1e3 * seconds[len(seconds) // 2]:.0f} ms, longest of {len(seconds)} "
          f"{1e3 * seconds[-1]:.0f} ms")


def main():
    chance = random.Random(19)
    with tempfile.TemporaryDirectory() as folder:
        runs = (pathlib.Path(folder) / str(i) for i in range(10**6))
        numbers = (signal.SIGINT, signal.SIGTERM)
        tell("saved and ended after the step", [
            first_signal(next(runs), numbers[i % 2], chance.random()) for i in range(TIMES)])
        tell("ended at the second SIGINT", [second_signal(next(runs)) for _ in range(TIMES)])


if __name__ == "__main__":
    main()
