#!/usr/bin/env python3
"""Measures the explorer on a pseudo terminal and prints what it found, nothing else: first
screen, keys while answers are made, processor time and bytes of a frame, idling.

usage: tests/bench/bench_explorer.py [PROGRAM [DOCUMENT]]
"""
import os
import pathlib

import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.support.pseudo_terminal import PseudoTerminal  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/comprexit")
DOCUMENT = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else ROOT / "assets/saltworks.txt")
TICKS = os.sysconf("SC_CLK_TCK")
KEYS, FRAMES, IDLE_SECONDS = 200, 200, 10


def start(*options, rows=36, columns=120):
    state = tempfile.mkdtemp()
    return PseudoTerminal([PROGRAM, DOCUMENT, *options], rows=rows, columns=columns,
                          environment={"XDG_STATE_HOME": state, "XDG_CONFIG_HOME": state,
                                       "OMP_NUM_THREADS": None})


def processor_seconds(terminal):
    fields = pathlib.Path(f"/proc/{terminal.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wait_output(terminal, text, mark, seconds=30):
    """Milliseconds until text comes, looked for as soon as bytes arrive."""
    begin = time.monotonic()
    while text not in terminal.output[mark:]:
        if time.monotonic() - begin > seconds:
            raise TimeoutError(text)
        terminal.pump(0.0005)
    return 1e3 * (time.monotonic() - begin)


def quantiles(times):
    times = sorted(times)
    return (f"median {times[len(times) // 2]:.1f}, 99th percentile "
            f"{times[int(len(times) * 0.99)]:.1f}, longest {times[-1]:.1f} ms")


def quit_explorer(terminal):
    terminal.type(b"\x1b[27u\x1b[27u:quit!\r")
    terminal.wait_exit()


def first_screen():
    times = []
    for _ in range(10):
        with start("--no-answers") as terminal:
            times.append(wait_output(terminal, b"Document", 0))
            terminal.settle()
            quit_explorer(terminal)
    print("first screen       ", quantiles(times))


def answered_keys():
    """Help is opened again and again while a long answer is made; a key counts as
    answered when the help is on the screen."""
    with start() as terminal:
        terminal.wait_for(b"? help", seconds=60)
        terminal.type(b":set max-tokens 1000\r:answers full\r:ask Tell the whole story again.\r")
        terminal.settle(0.3, 3)
        times = []
        for _ in range(KEYS):
            mark = len(terminal.output)
            terminal.type(b"?")
            times.append(wait_output(terminal, b"Keys here", mark))
            terminal.type(b"\x1b[27u")
            terminal.pump(0.08)
        terminal.type(b"\x03")
        quit_explorer(terminal)
    print("key while answering", quantiles(times))


def frames(rows, columns):
    with start("--no-answers", rows=rows, columns=columns) as terminal:
        terminal.wait_for(b"? help", seconds=60)
        terminal.settle(1.5, 30)
        before, mark = processor_seconds(terminal), len(terminal.output)
        for i in range(FRAMES):
            terminal.type(b"l" if i % 50 < 40 else b"]")
            terminal.pump(0.04)
        terminal.settle()
        spent, written = processor_seconds(terminal) - before, len(terminal.output) - mark
        quit_explorer(terminal)
    print(f"frame at {columns}x{rows}".ljust(19), f"{1e3 * spent / FRAMES:.1f} ms of processor, "
          f"{written / FRAMES:.0f} bytes")


def idling():
    with start("--no-answers") as terminal:
        terminal.wait_for(b"? help", seconds=60)
        terminal.settle(6, 30)  # notes end
        before, mark = processor_seconds(terminal), len(terminal.output)
        terminal.pump(IDLE_SECONDS)
        spent, written = processor_seconds(terminal) - before, len(terminal.output) - mark
        quit_explorer(terminal)
    print(f"idle                {100 * spent / IDLE_SECONDS:.2f} % of a processor, {written} bytes in "
          f"{IDLE_SECONDS} s")


if __name__ == "__main__":
    first_screen()
    answered_keys()
    frames(60, 200)
    frames(36, 120)
    idling()
