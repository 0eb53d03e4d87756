#!/usr/bin/env python3
"""Measures the explorer on a pseudo terminal and prints what it found, nothing else: first
screen, gates and answer, keys while answers are made, while a long document is read or walked
through and while a run is trained, processor time and bytes of a frame, idling, memory over random keys and over
minutes of them.

usage: tests/bench/bench_explorer.py [PROGRAM [DOCUMENT [MEASURE...]]]
"""
import os
import pathlib
import random
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.support.pseudo_terminal import PseudoTerminal  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/comprexit")
DOCUMENT = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else ROOT / "assets/saltworks.txt")
TICKS = os.sysconf("SC_CLK_TCK")
KEYS, FRAMES, IDLE_SECONDS, STARTS = 200, 200, 10, 7
MEMORY_KEYS = int(os.environ.get("MEMORY_KEYS", "6000"))
UNDER_WAY = 3  # seconds after which a question is being read or answered, long before its end
SOAK_MINUTES = int(os.environ.get("SOAK_MINUTES", "10"))


def start(*options, document=DOCUMENT, rows=36, columns=120):
    state = tempfile.mkdtemp()
    return PseudoTerminal([PROGRAM, document, *options], rows=rows, columns=columns,
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


def cold_start():
    """From the start of the program, with a question and 498 tokens: the first screen, the first
    gates, the first token ("salt") of the answer from slots."""
    marks = {"screen": b"Document", "gate": b"mean entropy", "answer": b"salt"}
    times = {name: [] for name in marks}
    for _ in range(STARTS):
        begin, mark = time.monotonic(), 0
        with start("-q", "What replaced peat as the fuel of the pans?") as terminal:
            for name, text in marks.items():
                wait_output(terminal, text, mark)
                times[name].append(1e3 * (time.monotonic() - begin))
                mark = len(terminal.output)
            quit_explorer(terminal)
    for name, values in times.items():
        print(f"start to {name}".ljust(19), quantiles(values))


def answered_keys(terminal, name):
    """Help is opened again and again while something long goes on; a key counts as
    answered when the help is on the screen."""
    times = []
    for _ in range(KEYS):
        mark = len(terminal.output)
        terminal.type(b"?")
        times.append(wait_output(terminal, b"Keys here", mark))
        terminal.type(b"\x1b[27u")
        terminal.pump(0.08)
    print(name.ljust(19), quantiles(times))


def keys_while_answering():
    with start() as terminal:
        terminal.wait_for(b"? help", seconds=60)
        terminal.type(b":set max-tokens 1000\r:answers full\r:ask Tell the whole story again.\r")
        terminal.pump(UNDER_WAY)
        answered_keys(terminal, "key while answering")
        terminal.type(b"\x03")
        quit_explorer(terminal)


def long_document(folder):
    """111,000 tokens."""
    long = pathlib.Path(folder) / "long.txt"
    long.write_bytes((ROOT / "assets/saltworks.txt").read_bytes() * 224)
    return long


def keys_that_move():
    """Moves of all kinds through a long document, each after all is read that the one before brought
    on the screen; answered when the first byte of the frame comes."""
    moves = [b"l", b"j", b"\x1b[6~", b"]", b"}", b"\x1b[5~", b"h", b"[", b"G", b"k", b"g", b"\x04"]
    with tempfile.TemporaryDirectory() as folder, start("--no-answers",
                                                        document=long_document(folder)) as terminal:
        terminal.wait_for(b"token 0 of", seconds=60)
        terminal.settle(1.5, 30)
        times = []
        for i in range(KEYS):
            terminal.settle(0.1, 10)
            mark, begin = len(terminal.output), time.monotonic()
            terminal.type(moves[i % len(moves)])
            while len(terminal.output) == mark and time.monotonic() - begin < 5:
                terminal.pump(0.0005)
            times.append(1e3 * (time.monotonic() - begin))
        quit_explorer(terminal)
    print("key in long text   ", quantiles(times))


def keys_while_reading():
    """A document of 111,000 tokens, read because a question is asked about all of it."""
    with tempfile.TemporaryDirectory() as folder:
        with start(document=long_document(folder)) as terminal:
            terminal.wait_for(b"? help", seconds=60)
            terminal.type(b":set ratio 64\r:answers compressed\r:ask What is it about?\r")
            terminal.pump(UNDER_WAY)
            answered_keys(terminal, "key while reading")
            terminal.type(b"\x03")
            quit_explorer(terminal)


def keys_while_training():
    with tempfile.TemporaryDirectory() as folder:
        text = pathlib.Path(folder) / "text.txt"
        text.write_bytes((ROOT / "assets/saltworks.txt").read_bytes() * 224)
        with start("--no-answers") as terminal:
            terminal.wait_for(b"? help", seconds=60)
            terminal.type(f":train ntp data={text} run={folder}/run blocks=128+64 batch=2 micro_batch=2 "
                          "valid_every=0 start\r".encode())
            terminal.wait_for(b"  loss", seconds=120)
            answered_keys(terminal, "key while training")
            terminal.type(b":quit!\r:quit!\r")
            terminal.wait_exit(60)


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
        terminal.settle(1.5, 30)
        terminal.pump(6)  # notes end
        before, mark = processor_seconds(terminal), len(terminal.output)
        terminal.pump(IDLE_SECONDS)
        spent, written = processor_seconds(terminal) - before, len(terminal.output) - mark
        quit_explorer(terminal)
    print(f"idle                {100 * spent / IDLE_SECONDS:.2f} % of a processor, {written} bytes in "
          f"{IDLE_SECONDS} s")


def memory():
    """Resident memory every thousand random keys: letters that move, look and change."""
    keys, draw = b"hjklgG[]{}vVwzts,.pmo<>ux%cib +-H\t", random.Random(1)
    with start("--no-answers") as terminal:
        terminal.wait_for(b"? help", seconds=60)
        terminal.settle(1.5, 30)
        sizes = []
        for i in range(1, MEMORY_KEYS + 1):
            terminal.type(bytes([draw.choice(keys)]) if i % 20 else b"\x1b[27u\x1b[27u1")
            terminal.pump(0.002)
            if i % 1000 == 0:
                terminal.settle(0.5, 20)
                sizes.append(terminal.resident_bytes() / 2**20)
        quit_explorer(terminal)
    print("memory, MiB        ", " ".join(f"{size:.0f}" for size in sizes), "every 1000 keys")


def soak():
    """Resident memory each minute of random keys, an answer now and then, and its slope."""
    keys, draw = b"hjklgG[]{}vVwzts,.pmo<>ux%cibBf +-H123\trr", random.Random(2)
    sizes, pressed = [], 0
    with start("-q", "What replaced peat?") as terminal:
        terminal.wait_for(b"done", seconds=60)
        begin = time.monotonic()
        while len(sizes) <= SOAK_MINUTES:
            for _ in range(20):
                terminal.type(bytes([draw.choice(keys)]))
                terminal.pump(0.02)
            terminal.type(b"\x1b[27u\x1b[27u1")
            terminal.pump(0.02)
            pressed += 20
            if time.monotonic() - begin >= 60 * len(sizes):
                sizes.append(terminal.resident_bytes() / 2**20)
                print(f"minute {len(sizes) - 1}: {sizes[-1]:.1f} MiB, {pressed} keys", file=sys.stderr)
                terminal.output = b""  # an hour of it would slow down this program
                terminal.answered = 0
        quit_explorer(terminal)
    late = sizes[1:]  # behind the first minute, in which everything was used once
    middle = (len(late) - 1) / 2
    slope = (sum((i - middle) * size for i, size in enumerate(late)) /
             sum((i - middle)**2 for i in range(len(late))))
    print("soak, MiB          ", " ".join(f"{size:.0f}" for size in sizes),
          f"each minute, {pressed} keys: {60 * slope:+.1f} MiB an hour")


MEASURES = {"first": first_screen, "start": cold_start, "answering": keys_while_answering,
            "reading": keys_while_reading, "training": keys_while_training, "moving": keys_that_move,
            "frames": lambda: (frames(60, 200), frames(36, 120)), "idle": idling, "memory": memory, "soak": soak}

if __name__ == "__main__":
    for measure in sys.argv[3:] or [name for name in MEASURES if name != "soak"]:
        MEASURES[measure]()
