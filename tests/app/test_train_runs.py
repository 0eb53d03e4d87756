#!/usr/bin/env -S python3 -B
"""Training as a process: signals, the lock, the number of threads, memory that is known
before, and whether a long run keeps what it takes of memory, files and descriptors."""
import ctypes
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

from faults import SANITIZED, last_saved, made_up_text, train, train_words, weights
from harness import GOLDEN, PATIENCE, PROGRAM, main_with_golden, temporary_folder
from tests.support import processes

LONG = 150
SOAK_STEPS = 1500 if SANITIZED else 5000
PAUSE, PAGE = 5, 4096
PR_SET_THP_DISABLE = 41


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = temporary_folder(cls.addClassCleanup)
        cls.data = cls.path / "text"
        cls.data.write_text(made_up_text())

    def start(self, run, *extra, steps=LONG, settings=(), until="step 3/", group=None):
        """A run that has come to the line `until`; in a process group of its own for group=0."""
        words = train_words(self.data, run, *extra, steps=steps, settings=settings)
        process = subprocess.Popen(
            [PROGRAM, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE"), text=True,
            process_group=group, pipesize=PAGE)  # it cannot be further ahead of us than that
        self.addCleanup(self.reap, process)
        self.read_until(process, until)
        return process

    @staticmethod
    def read_until(process, words):
        seen = []
        for line in process.stderr:
            seen.append(line)
            if words in line:
                return "".join(seen)
        raise AssertionError("".join(seen))

    @staticmethod
    def reap(process):
        process.kill()
        process.wait()
        process.stderr.close()

    def test_all_that_the_shell_makes_of_a_pattern(self):
        """`--data *.txt` is one option and further words: all of them are data."""
        other = self.path / "other"
        other.write_text(made_up_text())
        words = train_words(self.data, self.path / "pattern", "--dry-run", steps=2)
        at = words.index("--data") + 2
        done = subprocess.run([PROGRAM, *map(str, [*words[:at], other, *words[at:]])],
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        missing = [*words[:at], self.path / "missing", *words[at:]]
        done = subprocess.run([PROGRAM, *map(str, missing)], capture_output=True, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(b"missing", done.stderr)

    def test_of_options_and_set_the_last_counts(self):
        """--steps N and --set steps=N are the same setting: their order on the line decides."""
        def config(*words):
            done = subprocess.run([PROGRAM, "train", "ntp", "--print-config", *words], capture_output=True, check=True, text=True)
            return dict(re.findall(r"(?m)^(\w+) += +(.*?) *(?:#.*)?$", done.stdout))
        for option, key, one, other in (("steps", "steps", "7", "9"), ("batch", "batch", "4", "8"), ("lr", "lr", "0.002", "0.003"),
                                        ("optimizer", "optimizer", "muon", "adamw"), ("distill", "distill", "2", "3"),
                                        ("init", "init", "warm", "published"), ("soft-prompt", "soft_prompt", "a.safetensors", "none")):
            with self.subTest(option=option):
                self.assertEqual(config(f"--{option}", one, "--set", f"{key}={other}")[key], other)
                self.assertEqual(config("--set", f"{key}={other}", f"--{option}", one)[key], one)
                self.assertEqual(config("--set", f"{key}={other}", f"--{option}", one, "--set", f"{key}={other}")[key], other)
        self.assertEqual(config("--mix", "ntp=0.5,sft=0.5", "--set", "mix_sft=0.2")["mix_sft"], "0.2")
        self.assertEqual(config("--set", "mix_sft=0.2", "--mix", "ntp=0.5,sft=0.5")["mix_sft"], "0.5")

    def test_a_signal_ends_after_the_step_and_saves(self):
        settings = ["valid_every=0", "save_every=1000"]
        train(self.data, self.path / "straight", steps=LONG, settings=settings)
        name = f"step-{LONG:06d}.safetensors"
        straight = weights(self.path / "straight", name)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                run = self.path / number.name
                process = self.start(run, settings=settings)
                process.send_signal(number)
                _, messages = process.communicate(timeout=PATIENCE)
                self.assertEqual(process.returncode, 128 + number, messages)
                saved = last_saved(messages)
                self.assertGreaterEqual(saved, 3)
                self.assertLess(saved, LONG)
                last = [int(n) for n in re.findall(r"step (\d+)/", messages)][-1:] or [saved]
                self.assertEqual(last, [saved], "the step that ran when the signal came is kept")
                status, messages = train(self.data, run, "--resume", steps=LONG, settings=settings)
                self.assertEqual(status, 0, messages)
                self.assertIn(f"resumed at step {saved}", messages)
                self.assertEqual(weights(run, name), straight)

    def test_a_signal_loses_no_message(self):
        """Not the one either that nobody has read yet when it comes."""
        process = self.start(self.path / "unread", steps=100000, settings=["valid_every=0"],
                             until="step 1/")
        processes.wait_until(lambda: processes.unread_bytes(process.stderr) > PAGE - 300 and
                             processes.state(process.pid) == "S")  # no room for another line
        process.send_signal(signal.SIGTERM)
        self.until_signal(process, "ShdPnd", False)
        messages = process.stderr.read()
        process.wait(PATIENCE)
        told = [int(n) for n in re.findall(r"step (\d+)/", messages)]
        self.assertEqual(told, list(range(told[0], last_saved(messages) + 1)))

    def test_a_stop_of_the_process_is_no_time(self):
        """Ctrl-Z and fg, as a shell does it: the log tells no step of seconds."""
        began = time.monotonic()
        process = self.start(self.path / "stopped", steps=100000, group=0, until="step 1/")
        os.kill(process.pid, signal.SIGTSTP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        time.sleep(PAUSE)
        os.kill(process.pid, signal.SIGCONT)
        messages = self.read_until(process, "step 40/")
        took = 1e3 * (time.monotonic() - began - PAUSE)
        told = list(map(int, re.findall(r"\| (\d+) ms", messages)))
        self.assertGreater(len(told), 30, messages)
        self.assertLess(sum(told), took, messages)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 128 + signal.SIGINT)

    def test_a_sick_plan_ends_a_run_that_wants_it(self):
        """With one balancing round the plan is not balanced: the second validation in a row
        that says so ends the run, saved; without the setting nothing does."""
        settings = ["valid_every=2", "save_every=100", "iters=1"]
        status, messages = train(self.data, self.path / "sick", steps=12,
                                 settings=[*settings, "health_stop=2"])
        self.assertEqual(status, 1, messages)
        self.assertIn("plan health: senders off", messages)
        self.assertIn("2 validations in a row with senders off", messages)
        self.assertEqual(last_saved(messages), 2)
        status, messages = train(self.data, self.path / "sick-free", steps=4, settings=settings)
        self.assertEqual(status, 0, messages)

    def test_a_second_signal_ends_at_once(self):
        """Within a step that would take minutes; what was saved before is untouched."""
        run = self.path / "twice"
        train(self.data, run, steps=2)
        before = weights(run, "step-000002.safetensors")
        long_step = ["batch=50000", "valid_every=0"]
        again = self.path / "again"
        process = self.start(again, settings=long_step, until="text, 1 record")
        self.until_signal(process, "SigCgt", True)
        process.send_signal(signal.SIGINT)
        self.until_signal(process, "ShdPnd", False)
        time.sleep(0.5)  # of two that come sooner the second is the same wish
        self.assertIsNone(process.poll(), "the first one waits for the step")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertEqual(list(again.glob("step-*")), [])
        self.assertEqual(weights(run, "step-000002.safetensors"), before)

    @staticmethod
    def until_signal(process, which, wanted):
        """Until the process catches what ends it, or has none of it before it."""
        def holds():
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            signals = int(re.search(rf"^{which}:\s*(\w+)", status, re.M).group(1), 16)
            mask = 1 << (signal.SIGINT - 1) | 1 << (signal.SIGTERM - 1)
            return bool(signals & mask) == wanted
        processes.wait_until(holds)

    def test_a_signal_that_comes_twice_is_one_wish(self):
        """timeout(1) sends its signal to the process and then to its group. Two that wait while the
        process is stopped come together, however busy the machine is; of one kind they were one."""
        run = self.path / "doubled"
        process = self.start(run, settings=["valid_every=0", "save_every=1000"])
        for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
            process.send_signal(number)
        _, messages = process.communicate(timeout=PATIENCE)
        self.assertIn(process.returncode - 128, (signal.SIGINT, signal.SIGTERM), messages)
        self.assertGreaterEqual(last_saved(messages), 3)

    def test_a_gpu_that_is_not_there_is_an_error(self):
        run = self.path / "gpu"
        status, messages = train(self.data, run, settings=["device=cuda", "frozen_precision=f32"])
        self.assertIn(status, (1, 2), messages)
        self.assertRegex(messages, "built without CUDA|no CUDA device")
        self.assertFalse(list(run.glob("step-*")))
        status, messages = train(self.data, run, settings=["frozen_precision=tf32"])
        self.assertEqual(status, 2, messages)
        self.assertIn("frozen_precision tf32 is not for device cpu: f32, q16,", messages)
        status, messages = train(self.data, run, settings=["device=cuda"])
        self.assertEqual(status, 2, messages)
        self.assertIn("frozen_precision mixed is not for device cuda: f32 and tf32 are", messages)

    def test_a_mixture_that_the_data_do_not_have(self):
        """What is missing, which setting asks for it, and both ways out."""
        status, messages = train(self.data, self.path / "mixed", "--mix", "ntp=0.5,sft=0.5")
        self.assertEqual(status, 3, messages)
        self.assertRegex(messages, r"no sft sample with \d+ tokens of context in the data, but "
                                   r"mix_sft is 0\.5: add a question-answer file, or set mix_sft=0\n")
        self.assertFalse((self.path / "mixed" / "compressor.safetensors").exists())

    def test_a_second_process_is_refused(self):
        run = self.path / "locked"
        process = self.start(run, steps=1000000, settings=["valid_every=0"])
        for _ in range(20):
            status, messages = train(self.data, run, "--resume")
            self.assertEqual(status, 7, messages)
            self.assertIn(f"({process.pid})", messages)
        process.kill()
        process.communicate()
        self.start(run, "--resume", until="resumed at step")

    def test_the_log_gives_learning_curves(self):
        """Loss against samples and hours, from start to end over a stop."""
        run = self.path / "curves"
        process = self.start(run, settings=["valid_every=10", "save_every=1000"])
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        settings = ["valid_every=10", "save_every=1000"]
        self.assertEqual(train(self.data, run, "--resume", steps=LONG, settings=settings)[0], 0)
        lines = [json.loads(x) for x in (run / "log.jsonl").read_text().splitlines()]
        steps = [x for x in lines if "lr" in x]
        checks = [x for x in lines if "validation" in x]
        health = {"gate_max", "gate_entropy_bits", "spread_tokens", "senders_off"}
        self.assertEqual([x["samples"] for x in steps], [2 * i for i in range(1, LONG + 1)])
        self.assertEqual([x["samples"] for x in checks], list(range(0, 2 * LONG + 1, 20)))
        for kind, keys in ((steps, {"loss", "grad_norm", "lr", "tokens", "ms", "ratio", "eps"}),
                           (checks, {"compressed", "wrong", "full", "none", "gap_closed",
                                     "about_text", "held_out"})):
            seconds = [x["seconds"] for x in kind]
            self.assertEqual(seconds, sorted(seconds))
            for x in kind:
                self.assertLessEqual(keys | health | {"step"}, set(x))

    def test_text_and_questions_of_several_lengths(self):
        """Blocks of two shapes and groups of questions in one run; taken up in the middle."""
        questions = self.path / "questions.jsonl"
        questions.write_text("".join(json.dumps(
            {"context": made_up_text(20 + 3 * c, seed=c), "question": f"What {q}?",
             "answers": ["salt"]}) + "\n" for c in range(12) for q in range(c % 4 + 1)))
        settings = ["blocks=16+8,40+8", "mix_ntp=0.5", "mix_sft=0.5", "sft_group=3",
                    "sft_context=48", "batch=6", "micro_batch=3", "held_out_questions=6"]
        run = self.path / "mixed"
        words = ("--data", questions)
        status, messages = train(self.data, run, *words, settings=settings)
        self.assertEqual(status, 0, messages)
        for kind in ("ntp 16+8", "ntp 40+8", "sft 48+128"):
            self.assertIn(f"held-out {kind}", messages)
        straight = weights(run)
        for name in ("step-000008.safetensors", "best.safetensors"):
            (run / name).unlink()
        status, messages = train(self.data, run, *words, "--resume", settings=settings)
        self.assertEqual(status, 0, messages)
        self.assertIn("resumed at step 6", messages)
        self.assertEqual(weights(run), straight)

    def test_threads_change_nothing(self):
        results = []
        for name, threads in (("one", "1"), ("again", "1"), ("two", "2")):
            status, messages = train(self.data, self.path / name,
                                     environment={"OMP_NUM_THREADS": threads})
            self.assertEqual(status, 0, messages)
            results.append(weights(self.path / name))
        self.assertEqual(results[0], results[1])
        self.assertEqual(results[0], results[2])

    def peak(self, *words, code=0, huge_pages=True):
        """Most resident bytes of a call, and what it printed."""
        def small_pages():
            ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
        process = subprocess.Popen(
            [PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE"),
            preexec_fn=None if huge_pages else small_pages)
        with process.stdout, process.stderr:
            out, messages = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, code, messages)
        return usage.ru_maxrss * 1024, out, messages.decode()

    @unittest.skipIf(SANITIZED, "a sanitizer takes memory of its own")
    def test_memory_is_known_before(self):
        """The estimate of four configurations against what their runs take, within 10 %, whether
        the system has huge pages to give or not."""
        for i, (model, settings) in enumerate((
                ("modelA", ["blocks=256+128", "batch=12", "micro_batch=12", "valid_samples=8"]),
                ("modelA", ["blocks=512+128", "batch=8", "micro_batch=8"]),
                ("modelB/B-Q4_K_M.gguf", ["blocks=128+64", "ratio_schedule=0:1", "micro_batch=12",
                                            "batch=12"]),
                ("modelB/B-Q4_K_M.gguf", ["blocks=256+256", "micro_batch=4", "batch=4",
                                            "distill=1"]))):
            with self.subTest(settings):
                words = ["train", "ntp", "-m", GOLDEN / model, "--data", self.data, "--steps", 2,
                         "--run", self.path / f"memory-{i}"]
                for setting in ["init=published", "held_out_tokens=2000", *settings]:
                    words += ["--set", setting]
                _, out, _ = self.peak(*words, "--dry-run", "--json")
                estimate = json.loads(out)["peak_bytes"]
                for huge_pages in (True, False):
                    words[words.index("--run") + 1] = self.path / f"memory-{i}-{huge_pages}"
                    taken, _, _ = self.peak(*words, huge_pages=huge_pages)
                    self.assertLess(abs(estimate - taken), 0.1 * taken, (estimate, taken))

    def test_a_run_that_does_not_fit_is_refused(self):
        run = self.path / "huge"
        words = train_words(self.data, run, settings=["micro_batch=5000000", "batch=5000000"])
        taken, _, messages = self.peak(*words, code=5)
        self.assertIn("GiB more memory", messages.splitlines()[-1])
        self.assertIn("micro_batch (5000000)", messages.splitlines()[-1])
        if not SANITIZED:
            self.assertLess(taken, 200 << 20)
        self.assertEqual(list(run.glob("step-*")), [])

    def test_a_long_run_keeps_its_size(self):
        run = self.path / "soak"
        settings = ["valid_every=500", "save_every=100", "blocks=8+4", "window=8"]
        process = self.start(run, "--log-every", "100", "--probe", "none", steps=100000,
                             settings=settings, until="step 600/")
        before = self.takes_at_least(process, run)
        self.read_until(process, f"step {SOAK_STEPS}/")
        after = self.takes_at_least(process, run)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 128 + signal.SIGINT)
        self.assertEqual(after[1:], before[1:])
        if not SANITIZED:
            self.assertLess((after[0] - before[0]) / (SOAK_STEPS - 600), 1024)
        self.assertEqual(len(list(run.glob("step-*"))), 2)

    def test_looks_do_not_pile_up(self):
        """Beyond 32 every second one goes; a resumed run's own count. The files are those
        that the list names."""
        run = self.path / "looks"
        settings = ["valid_every=1", "save_every=5", "blocks=8+4", "window=8"]
        for words in (("--steps", "40"), ("--steps", "70", "--resume")):
            status, messages = train(self.data, run, *words, steps=40, settings=settings)
            self.assertEqual(status, 0, messages)
        lines = [json.loads(line) for line in (run / "probes.jsonl").read_text().splitlines()]
        steps = [line["step"] for line in lines]
        self.assertLessEqual(len(steps), 33)
        self.assertEqual((steps[0], steps[-1]), (0, 70))
        self.assertEqual(steps, sorted(set(steps)))
        self.assertEqual({line["file"] for line in lines}, {p.name for p in run.glob("probe-*")})

    @unittest.skipIf(SANITIZED, "a sanitizer takes memory of its own")
    def test_looks_take_no_more_and_more_memory(self):
        settings = ["valid_every=1", "save_every=100", "blocks=8+4", "window=8"]
        few, many = (self.peak(*train_words(self.data, self.path / f"looks-{steps}", steps=steps,
                                            settings=settings))[0] for steps in (10, 200))
        self.assertLess(many - few, 1500 * 1024)

    def takes_at_least(self, process, run):
        """The least of many looks while 100 steps pass: a checkpoint that is being written, or a
        validation, takes more for a moment."""
        def lines():
            return (run / "log.jsonl").read_bytes().count(b"\n")
        end, looks = lines() + 100, [self.takes(process, run)]
        while lines() < end:
            looks.append(self.takes(process, run))
            time.sleep(0.005)
        return min(looks, key=lambda look: look[0])

    @staticmethod
    def takes(process, run):
        """Resident bytes, descriptors, lasting files of the run directory, while it stands."""
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        place = pathlib.Path(f"/proc/{process.pid}")
        pages = int((place / "statm").read_text().split()[1])
        files = {p.name for p in run.iterdir() if not p.name.startswith(("step-", "probe-"))}
        links = {pathlib.Path(os.readlink(p)) for p in (place / "fd").iterdir()}
        # A checkpoint may just be written: what is open for it goes again.
        lasting = [x for x in links if x.name in ("log.jsonl", "lock") or run not in (x, x.parent)]
        process.send_signal(signal.SIGCONT)
        return (pages * os.sysconf("SC_PAGE_SIZE"), len(lasting),
                {n for n in files if ".tmp-" not in n})


if __name__ == "__main__":
    main_with_golden()
