#!/usr/bin/env python3
"""What interrupts the explorer: Ctrl-C in each place, Ctrl-Z and fg while it answers and while it
trains, a terminal that is closed. What was done is kept, and no pause is counted as work."""
import fcntl
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import ExplorerTest, SAMPLE, SANITIZED, main  # noqa: E402
from tests.app.harness import read_safetensors  # noqa: E402
from tests.app.test_train_screen import SETTINGS, log_of, write_text  # noqa: E402
from tests.support import processes  # noqa: E402
from tests.support.pseudo_terminal import PseudoTerminal  # noqa: E402

PAUSE = 5
COPIES = 4 if SANITIZED else 16  # of the sample: seconds of reading; its slots are less than 512


class InterruptTest(ExplorerTest):
    def setUp(self):
        super().setUp()
        self.long = self.home / "long.txt"
        self.long.write_bytes(SAMPLE.read_bytes() * COPIES)
        self.run_folder = self.home / "run"
        self.text = write_text(self.home)

    def shell(self):
        """An interactive shell, whose jobs can be stopped."""
        own = {name: str(self.home / name.lower()) for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME")}
        return PseudoTerminal(["/bin/bash", "--norc", "--noprofile", "-i"], rows=36, columns=120,
                              cwd=self.home, environment=own | {"PS1": "shell> ", "HOME": str(self.home)})

    def start_in(self, shell, **settings):
        shell.wait_for(b"shell> ")
        shell.type(" ".join(map(str, self.arguments("--no-answers", **settings))).encode() + b"\r")
        shell.wait_for(b"? help")
        shell.settle()

    @staticmethod
    def leave(shell):
        mark = len(shell.output)
        shell.type(b":quit!\r")
        shell.wait_for(b"shell> ", since=mark)

    @staticmethod
    def ask(terminal):
        """What takes seconds to answer: the long text is compressed for it first."""
        mark = len(terminal.output)
        terminal.type(b":answers compressed\r:set ratio 64\r:ask What was it?\r")
        terminal.wait_match(rb"waiting|answering", since=mark)

    @staticmethod
    def stop_and_go_on(shell):
        mark = len(shell.output)
        shell.type(b"\x1a")
        shell.wait_for(b"Stopped", since=mark)
        shell.pump(PAUSE)
        shell.type(b"fg\r")
        shell.wait_for(b"\x1b[?1049h", since=mark)

    def train(self, terminal, *more):
        line = " ".join((f":train ntp data={self.text} run={self.run_folder}", SETTINGS,
                         "steps=1000000", *more, "start"))
        terminal.type(line.encode() + b"\r")
        terminal.wait_until(lambda: self.steps() >= 1)

    def steps(self):
        log = self.run_folder / "log.jsonl"
        return max([line["step"] for line in log_of(self.run_folder) if "step" in line] or [0]) \
            if log.exists() else 0

    def assert_saved(self):
        """The run has ended, and its last step is in a checkpoint."""
        saved = max(int(path.stem[5:]) for path in self.run_folder.glob("step-*.safetensors"))
        self.assertEqual(saved, self.steps())

    # ---- Ctrl-Z ------------------------------------------------------------------------

    def test_a_stopped_answer_is_not_slow(self):
        with self.shell() as terminal:
            self.start_in(terminal, document=self.long)
            began = time.monotonic()
            self.ask(terminal)
            self.stop_and_go_on(terminal)
            mark = len(terminal.output)
            terminal.type(b"\x0c")
            terminal.wait_for(b"done", since=mark)
            took = 1e3 * (time.monotonic() - began)
            terminal.type(b":save kept.cxt\r")
            terminal.wait_until((self.home / "kept.cxt").exists)
            words = json.loads(read_safetensors(self.home / "kept.cxt")[1]["comprexit-session"])
            answer = words["answers"]["compressed"]
            told = answer["compress_ms"] + answer["prepare_ms"] + answer["first_ms"]
            self.assertLess(told, took - 1e3 * (PAUSE - 1))
            self.leave(terminal)

    def test_a_stopped_run_stands_still(self):
        with self.shell() as terminal:
            self.start_in(terminal)
            began = time.monotonic()
            self.train(terminal)
            mark = len(terminal.output)
            terminal.type(b"\x1a")
            terminal.wait_for(b"Stopped", since=mark)
            self.rests(terminal)
            before = self.steps()
            terminal.pump(PAUSE)
            self.assertEqual(self.steps(), before)
            terminal.type(b"fg\r")
            terminal.wait_until(lambda: self.steps() >= before + 2)  # one may begin before the stop
            told = sum(line.get("ms", 0) for line in log_of(self.run_folder))
            self.assertLess(told, 1e3 * (time.monotonic() - began - PAUSE))
            terminal.type(b":stop!\r")
            self.wait_saved()
            self.leave(terminal)

    @staticmethod
    def rests(terminal):
        """Until the run, a session of its own, has ended its step and sleeps."""
        run, = (pid for pid in processes.descendants(terminal.pid)
                if int(processes.fields(pid)[3]) == pid)
        calm = 0
        while calm < 25:
            terminal.pump(0.02)
            calm = 0 if processes.runs(run) else calm + 1

    # ---- Ctrl-C ------------------------------------------------------------------------

    def test_ctrl_c_leaves_the_prompt(self):
        with self.open() as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            mark = len(terminal.output)
            terminal.type(b":set eps 3\x03")
            terminal.settle()
            terminal.type(b":set eps\r")
            terminal.wait_for(b"eps 0.1:", since=mark)
            terminal.pump(1.1)
            self.quit(terminal)

    def test_ctrl_c_keeps_what_an_answer_has(self):
        with self.open("--no-answers", document=self.long, rows=36, columns=120) as terminal:
            terminal.wait_for(b"? help")
            self.ask(terminal)
            self.assertFalse(any("stopped" in line for line in terminal.lines()))
            terminal.type(b"\x03")
            terminal.wait_shown("stopped")
            self.quit(terminal)

    def test_ctrl_c_asks_before_it_stops_a_run(self):
        with self.open("--no-answers") as terminal:
            terminal.wait_for(b"? help")
            self.train(terminal)
            mark = len(terminal.output)
            terminal.type(b"\x03")
            terminal.wait_for(b"Stop after this step and save?", since=mark)
            terminal.type(b"\x1b[27u")  # no
            before = self.steps()
            terminal.wait_until(lambda: self.steps() > before + 2)  # one is ended even by a stop
            terminal.pump(1)
            mark = len(terminal.output)
            terminal.type(b"\x03")
            terminal.wait_for(b"Stop after this step and save?", since=mark)
            terminal.type(b"\r")
            terminal.wait_for(b"ended", since=mark)
            self.wait_saved()
            children = pathlib.Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children")
            terminal.wait_until(lambda: not children.read_text())
            self.quit(terminal)

    def test_three_end_the_program_after_a_save(self):
        with self.open("--no-answers") as terminal:
            terminal.wait_for(b"? help")
            self.train(terminal, "save_every=1000000")
            terminal.type(b"\x03\x03\x03")
            self.assertEqual(terminal.wait_exit(), 130)
            self.assertEqual(terminal.modes_now(), terminal.modes)
            self.wait_saved()

    # ---- the terminal is gone ----------------------------------------------------------

    def test_a_closed_terminal_lets_the_run_save(self):
        with self.open("--no-answers") as terminal:
            terminal.wait_for(b"? help")
            self.train(terminal, "save_every=1000000")
            terminal.hang_up()
            processes.wait_until(terminal.has_exited)
            self.wait_saved()

    def wait_saved(self):
        """The run is a process of its own: it may end a little later."""
        lock = self.run_folder / "lock"
        processes.wait_until(lambda: not lock.exists() or not is_locked(lock))
        self.assert_saved()


def is_locked(path):
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


if __name__ == "__main__":
    main()
