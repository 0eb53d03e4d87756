#!/usr/bin/env python3
"""The Train screen: a run is measured, started, held, saved, watched and stopped, by a script
and on a terminal; what becomes of it when the explorer goes."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import MODEL, ExplorerTest, ScriptTest, main  # noqa: E402
from tests.app.harness import PROGRAM  # noqa: E402
from tests.support import processes  # noqa: E402
from tests.support.processes import PATIENCE  # noqa: E402
from tests.support.pseudo_terminal import PseudoTerminal  # noqa: E402

SETTINGS = ("steps=40 blocks=32+16 batch=2 micro_batch=2 valid_every=5 valid_samples=2 save_every=10 "
            "window=32 warm_gate=6 sft_context=64")

RACE_SECONDS = 30


def write_text(folder):
    """Made-up text, long enough for held-out blocks."""
    text = "".join(f"The pan number {i} boiled salt for {i % 7} hours in the wet spring. "
                   for i in range(400))
    path = pathlib.Path(folder) / "text.txt"
    path.write_text(text)
    return path


def log_of(run):
    """The lines of the log; the last one is left out while it is being written."""
    whole, _, _ = (run / "log.jsonl").read_text().rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


class RunTest(ScriptTest):
    def setUp(self):
        super().setUp()
        self.text, self.run_folder = write_text(self.home), self.home / "run"

    def train(self, *more):
        return " ".join(("train", f"data={self.text}", f"run={self.run_folder}", SETTINGS, *more))


class FormTest(RunTest):
    def test_form(self):
        self.plays("switch train", 'expect "Train a compressor"', 'expect "> Data"',
                   "key Up Up Up Up Up Enter", 'expect "> Phase          sft"',
                   'expect "Preset         cpu-sft"', "key Enter", 'expect "> Phase          prompt"', "train preset=paper-sft",
                   'expect "paper-sft"', "key Down Down", "train data=a.txt", 'expect "> Dry run"', "key Esc", 'expect "── Document"')

    def test_tells_what_the_run_would_do(self):
        """Beside the form where there is room: all settings, whose they are, what they come to."""
        self.plays("size 200x60", "switch train", 'expect "What it will do: cpu-ntp"',
                   'expect "600 steps of 8: 4,800 samples in all; 7 validations, 24 checkpoints"',
                   'expect "= optimizer          muon"', 'expect "  beta1              0.9"',
                   'expect "Plain text for ntp"', "key Up", 'expect "All settings under one name"',
                   "train steps=30 batch=3", 'expect "+ steps              30"',
                   'expect "= micro_batch        3"',
                   "size 112x30", 'expect "+ steps              30"',
                   'expect "more: comprexit train ntp"', f"train preset={self.text}",
                   f'expect "expected key = value"', "train preset=cpu-ntp micro_batch=2",
                   'expect "a multiple of micro_batch"', "size 80x24", 'expect "── Preset ──"')

    def test_proposes_what_was_looked_at(self):
        """The file of the Data screen, until data are named."""
        questions = self.home / "questions.jsonl"
        questions.write_text('{"context": "The pier was built in 1888.", "question": "When?",'
                             ' "answers": ["1888"]}\n' * 3)
        self.plays(f"data {self.text}", "wait idle", "key 4", "size 200x60",
                   'expect "text.txt, as on the Data screen"', 'expect "> Dry run"', "key 3",
                   f"data {questions}", "wait idle", "key 4", 'expect "questions.jsonl, as on"',
                   'expect "Phase          sft"', "train data=mine.txt", "key 3 4",
                   'expect "Data           mine.txt"')

    def test_lists_the_runs_that_are_there(self):
        run = self.home / "runs/one"
        settings = [part for word in SETTINGS.split() for part in ("--set", word)]
        subprocess.run([PROGRAM, "train", "ntp", "-m", MODEL, "--data", self.text, "--run", run,
                        *settings, "--steps", "5"], check=True, capture_output=True)
        self.plays("switch train", 'expect "ntp · all 5 steps are done"', "key End Enter",
                   'expect "finished · 5/5"', folder=self.home)

    def test_phase_and_preset_go_together(self):
        """Of two that do not, the one that was said last holds; a preset of the phase stays."""
        self.plays("train preset=cpu-sft", 'expect "Phase          sft"', "train preset=paper-ntp",
                   'expect "Phase          ntp"', "train ntp", 'expect "Preset         paper-ntp"',
                   "train prompt", 'expect "Preset         cpu-prompt"', f"train preset={self.text}",
                   'expect "Phase          prompt"')

    def test_what_is_wrong_is_said(self):
        for line, message in (("train start", "no data to train on · :train data=FILE"),
                              (f"train data={self.text} start", "no directory for the run · :train run=DIR"),
                              ("train epochs=3", "epochs"), ("watch nowhere", "no such run directory"),
                              ("pause", "no run of this program is in progress"),
                              ("checkpoint", "no run of this program is in progress"),
                              ("wait step", "wait wants idle, step N")):
            with self.subTest(line=line):
                self.fails(2 if "watch" not in line else 3, message, line)

    def test_dry_run_leaves_nothing(self):
        self.plays(self.train("dry-run"), "wait idle", 'expect "The dry run found:"',
                   'expect "> Start"')
        self.assertFalse(self.run_folder.exists())

    def test_failed_start_says_why(self):
        self.plays(f"train data={self.home / 'no-such.txt'} run={self.run_folder} start", "wait idle",
                   'expect "no-such.txt: cannot open"', "size 200x60",
                   'expect ":train changes the form · no step was done"')


class StoryTest(RunTest):
    def test_engineer(self):
        """Starts a run, watches, holds and saves it, looks elsewhere, stops."""
        self.plays(self.train("steps=100000", "start"), "wait step 6", 'expect "[4 Train]"',
                   'expect "o held-out ntp 32+16"', 'expect "best held-out"', "key v",
                   'expect "Learning rate"', "key v %", 'expect "log scale"', "view loss",
                   "key P", 'wait for "paused"', "key S", "key P", "key 1",
                   'expect "── Document"', "key l", 'expect "token 1 of"', "key 4",
                   "wait step 30", "key C-c", 'expect "Stop after this step and save?"', "key Enter",
                   "wait idle", 'expect "ended"', 'expect "stopped after step"')
        lines = log_of(self.run_folder)
        last = lines[-1]["step"]
        self.assertGreaterEqual(last, 30)
        self.assertTrue((self.run_folder / f"step-{last:06}.safetensors").exists())
        self.assertTrue((self.run_folder / "compressor.safetensors").exists())
        self.plays(f"watch {self.run_folder}", f'expect "{last}/100000"', 'expect "watching"',
                   f'expect "saved step {last}"')

    def test_a_pause_before_the_first_step(self):
        """Goes on as a run that trains, not as one that starts for ever."""
        self.plays(self.train("steps=100000", "batch=200", "start"), 'wait for "held-out"', "pause",
                   'wait for "paused"', "resume", "wait step 1", 'expect "training · "', "stop!",
                   "wait idle")

    def test_the_sandbox_is_for_the_run_too(self):
        for choice, confined in (("on", b"1"), ("off", b"0")):
            folder = self.home / choice
            command = self.train(f"run={folder}", "steps=100000", "start")
            with self.subTest(choice), self.open("--sandbox", choice, "--no-answers") as terminal:
                terminal.wait_for(b"? help")
                terminal.type(f":{command}\r".encode())
                terminal.wait_until((folder / "log.jsonl").exists)
                children = pathlib.Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children")
                child, = children.read_text().split()
                status = pathlib.Path(f"/proc/{child}/status").read_bytes()
                self.assertIn(b"NoNewPrivs:\t" + confined, status)
                terminal.type(b":stop!\r")
                terminal.wait_until(lambda: not children.read_text())
                self.quit(terminal)

    @unittest.skipUnless("tsan" in PROGRAM, "for a build that sees races (make tsan)")
    def test_races(self):
        """30 s of training by two threads, with a checkpoint every five steps, while the screens
        change: neither the run nor the explorer reports anything."""
        looks = ("key 4", "key v", "key 1", "key l", "size 80x24", "key j", "key 4", "size 120x40")
        options = {"TSAN_OPTIONS": f"log_path={self.home / 'race'}"}
        with unittest.mock.patch.dict(os.environ, options):
            self.plays(self.train("steps=100000", "save_every=5", "start"), "wait step 1",
                       *(line for i in range(4 * RACE_SECONDS)
                         for line in (looks[i % len(looks)], "wait 250ms")),
                       "stop!", "wait idle", options=("--threads", "2", "--sandbox", "off"))
        self.assertEqual([path.read_text() for path in self.home.glob("race*")], [])
        self.assertGreater(log_of(self.run_folder)[-1]["step"], 5)

    def test_what_ended_tells_for_how_long(self):
        with self.open("--no-answers", rows=36, columns=120) as terminal:
            terminal.wait_for(b"? help")
            terminal.type(f":{self.train('steps=2', 'start')}\r".encode())
            terminal.wait_for(b"saved and read back")
            terminal.wait_for(b"ended")
            terminal.pump(2.3)
            mark = len(terminal.output)
            terminal.type(b"\x0c")
            ago = terminal.wait_match(rb"saved step 2 \((\d+) (s|min) ago", since=mark)
            self.assertTrue(ago.group(2) == b"min" or int(ago.group(1)) >= 2, ago)
            self.quit(terminal)

    def test_save_now(self):
        self.plays(self.train("save_every=1000000", "steps=100000", "start"), "wait step 2",
                   "checkpoint", "wait step 40", f"screen {self.home / 'screen.txt'}", "stop!",
                   "wait idle")
        steps = sorted(path.name for path in self.run_folder.glob("step-*.safetensors"))
        self.assertEqual(len(steps), 2, steps)

    def test_a_pause_is_not_time_of_the_step(self):
        """All steps together took less than everything but the pause."""
        began, pause = time.monotonic(), 5000
        self.plays(self.train("steps=100000", "start"), "wait step 3", "pause", 'wait for "paused"',
                   f"wait {pause}ms", "resume", "wait step 20", "stop!", "wait idle")
        took = 1e3 * (time.monotonic() - began) - pause
        self.assertLess(sum(line.get("ms", 0) for line in log_of(self.run_folder)), took)

    def test_end_of_the_explorer_saves_the_run(self):
        """A script that ends leaves its run alone: it saves after its step and ends."""
        self.plays(self.train("save_every=1000000", "steps=100000", "start"), "wait step 5")
        processes.wait_until(processes.all_ended)
        saved, = self.run_folder.glob("step-*.safetensors")
        self.assertEqual(int(saved.stem[5:]), log_of(self.run_folder)[-1]["step"])

    def test_resume_goes_on(self):
        self.plays(self.train("start"), "wait step 10", "stop!", "wait idle")
        stopped = log_of(self.run_folder)[-1]["step"]
        self.plays(self.train("resume", "start"), "wait step 40", "wait idle",
                   'expect "all steps are done"')
        steps = [line["step"] for line in log_of(self.run_folder) if "loss" in line]
        self.assertEqual(steps, list(range(1, 41)))
        self.assertLess(stopped, 40)


class ProbeTest(RunTest):
    """What the run shows of itself at each validation."""

    def test_time_lapse(self):
        self.plays("size 120x36", self.train("steps=10", "start"), "wait step 10", "wait idle",
                   'expect "step 10, look 3 of 3"', 'expect "order kept"',
                   'expect "Who founded the saltworks"', 'expect "F1 0."', "key ,",
                   'expect "step 5, look 2 of 3"', "key , ,", 'expect "step 0, look 1 of 3"',
                   "key p", 'wait for "step 10, look 3 of 3"', "key ,", "key Enter",
                   'expect "[1 Explore]"', 'expect "step 5"', 'expect "Who founded the saltworks"')
        lines = [json.loads(line) for line in
                 (self.run_folder / "probes.jsonl").read_text().splitlines()]
        self.assertEqual([line["step"] for line in lines], [0, 5, 10])
        for line in lines:
            self.assertTrue((self.run_folder / line["file"]).exists())
        self.plays("size 120x36", f"watch {self.run_folder}", 'expect "step 10, look 3 of 3"',
                   "key , Enter", f"compare {self.run_folder}/probe-000000.cxt",
                   'expect "[2 Compare]"', 'expect "A  step 5"',
                   'expect "B  step 0"', 'expect "B - A"')

    def test_a_figure_of_looks_tells_what_it_was_made_of(self):
        """A session has no hashes of its own: opened on the document, the figure says so."""
        self.plays("size 120x36", self.train("steps=5", "start"), "wait step 5", "wait idle",
                   f"restore {self.run_folder}/probe-000000.cxt",
                   f"compare {self.run_folder}/probe-000005.cxt",
                   f"export diff {self.run_folder}/d.png")
        self.plays("size 200x60", 'expect "the figure was made of step 0, not of compressorA"',
                   options=("--from-figure", f"{self.run_folder}/d.png"))

    def test_what_keys_mean_here(self):
        """Those of other screens are refused, not carried out unseen; + and - know a direction."""
        self.plays("size 120x36", self.train("steps=5", "start"), "wait step 5", "wait idle",
                   "key {", 'expect "{ has no use in the Train screen"', "key /",
                   'expect "/ has no use in the Train screen"', 'expect "Probe: gates and plan"',
                   "key + +", "key ?", 'expect "log: a line back"', "key Esc", "key -", "key -",
                   'expect "Probe: gates and plan"', "key Left", 'expect "look 1 of 2"',
                   "key Right", 'expect "look 2 of 2"')
        self.fails(1, "Probe: gates and plan", f"watch {self.run_folder}", "key + +",
                   'expect "Probe: gates and plan"')

    def test_looking_changes_no_number(self):
        """The same run without looks has the same losses."""
        losses = []
        for probe in ((), ("--probe", "none")):
            run = self.home / f"run{len(probe)}"
            settings = [part for word in SETTINGS.split() for part in ("--set", word)]
            subprocess.run([PROGRAM, "train", "ntp", "-m", MODEL, "--data", self.text, "--run", run,
                            *settings, "--steps", "10", *probe], check=True, capture_output=True)
            losses.append([(line["step"], line.get("loss"), line.get("compressed"))
                           for line in log_of(run)])
            self.assertEqual((run / "probes.jsonl").exists(), not probe)
        self.assertEqual(losses[0], losses[1])

    def test_own_text(self):
        note = self.home / "note.txt"
        note.write_text("The pier was built in 1888. It has two lamps. " * 4)
        settings = [part for word in SETTINGS.split() for part in ("--set", word)]
        run = self.home / "own"
        subprocess.run([PROGRAM, "train", "ntp", "-m", MODEL, "--data", self.text, "--run", run,
                        *settings, "--steps", "5", "--probe", note, "--probe-question", "How many?"],
                       check=True, capture_output=True)
        line = json.loads((run / "probes.jsonl").read_text().splitlines()[-1])
        self.assertEqual((line["question"], line["f1"]), ("How many?", -1.0))
        self.plays(f"watch {run}", "focus samples", 'expect "How many?"', "size 40x10",
                   'expect "[Samples]"')


class ControlTest(RunTest):
    """`train --control`, for programs that steer a run."""

    def start(self, *more):
        settings = [part for word in SETTINGS.split() for part in ("--set", word)]
        return subprocess.Popen(
            [PROGRAM, "train", "ntp", "-m", MODEL, "--data", self.text, "--run", self.run_folder,
             *settings, *more, "--control"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, pipesize=4096)

    def events(self, process):
        out, _ = process.communicate(timeout=PATIENCE)
        return [json.loads(line) for line in out.splitlines()]

    def test_events(self):
        process = self.start()
        process.stdin.write(b"nonsense\npause\nresume\nsave\n")
        process.stdin.flush()
        kinds = []
        for line in process.stdout:
            kinds.append(json.loads(line)["event"])
            if kinds[-1] == "end":
                break
        process.stdin.close()
        process.wait(PATIENCE)
        process.stdout.close()
        process.stderr.close()
        self.assertEqual(process.returncode, 0)
        for kind in ("stage", "started", "paused", "resumed", "step", "saved", "note", "end"):
            self.assertIn(kind, kinds)
        self.assertEqual(kinds[-1], "end")

    def test_a_slow_reader_hears_the_end(self):
        """Steps alone are more than the pipe holds; nobody reads before all is done."""
        process = self.start("--set", "valid_every=0", "--set", "save_every=1000000",
                             "--set", "steps=600")
        processes.wait_until((self.run_folder / "step-000600.safetensors").exists)
        processes.wait_until(lambda: process.poll() is not None or not processes.runs(process.pid))
        kinds = [json.loads(line)["event"] for line in process.stdout]
        self.assertEqual(kinds[-1], "end")
        self.assertLess(kinds.count("step"), 600)
        self.events(process)

    def test_stop_and_end_of_input(self):
        process = self.start("--steps", "100000")
        events = self.events(process)
        self.assertEqual(events[-1]["code"], 130)
        self.assertEqual(len(list(self.run_folder.glob("step-*.safetensors"))), 1)

    def test_a_signal_ends_a_pause(self):
        process = self.start("--steps", "100000")
        process.stdin.write(b"pause\n")
        process.stdin.flush()
        for line in process.stdout:
            if b"paused" in line:
                break
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.events(process)[-1]["event"], "end")


class TerminalTest(ExplorerTest):
    def test_watch_and_quit(self):
        text, run = write_text(self.home), self.home / "run"
        settings = [part for word in SETTINGS.split() for part in ("--set", word)]
        subprocess.run([PROGRAM, "train", "ntp", "-m", MODEL, "--data", text, "--run", run,
                        *settings, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        with PseudoTerminal([PROGRAM, "train", "--watch", run, "-m", MODEL, "-c", "none"],
                            environment={"XDG_STATE_HOME": str(self.home)}, rows=36, columns=120,
                            cwd=self.home) as terminal:
            terminal.wait_for(b"finished")
            terminal.wait_for(b"40/40")
            terminal.wait_match(rb"\+\d+:\d\d")
            self.quit(terminal)

    def test_quit_lets_the_run_save(self):
        text, run = write_text(self.home), self.home / "run"
        settings = [part for word in SETTINGS.split() for part in ("--set", word)]
        with PseudoTerminal([PROGRAM, "train", "ntp", "-m", MODEL, "-c", "none", "--data", text, "--run",
                             run, *settings, "--steps", "100000", "--ui"],
                            environment={"XDG_STATE_HOME": str(self.home)}, rows=36, columns=120,
                            cwd=self.home) as terminal:
            terminal.wait_for(b"held-out")
            terminal.type(b"q")
            terminal.wait_for(b"Quit?")
            terminal.type(b"q")
            self.assertEqual(terminal.wait_exit(), 0, terminal.output[-400:])
        last = log_of(run)[-1]["step"]
        self.assertTrue((run / f"step-{last:06}.safetensors").exists())


if __name__ == "__main__":
    main()
