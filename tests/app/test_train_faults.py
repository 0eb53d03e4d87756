#!/usr/bin/env -S python3 -B
"""Training when files fail: killed at writes, full and faulty disks, lost power."""
import json
import os
import random
import shutil
import subprocess
import time
import unittest

from faults import (SANITIZED, STEPS, in_parallel, last_saved, made_up_text, read_journal, shim, train,
                    train_words, weights)
from harness import PROGRAM, call, main_with_golden, temporary_folder

# Slower by ten times, a sanitizer sees every eighth point.
EACH = 8 if SANITIZED else 1
POWER_CUTS = int(os.environ.get("POWER_CUTS", "60"))  # `make power-cuts` tries more


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = temporary_folder(cls.addClassCleanup).resolve()
        cls.data = cls.path / "text"
        cls.data.write_text(made_up_text())
        journal, run = cls.path / "journal", cls.path / "straight"
        status, messages = train(cls.data, run,
                                 environment=shim("file_faults", root=run, journal=journal))
        assert status == 0, messages
        cls.straight = weights(run)
        cls.ready = weights(run, "compressor.safetensors")
        cls.journal = [(op, name.replace(str(run), ""), at, data)
                       for op, name, at, data in read_journal(journal)]
        # A file is many writes that are all alike: the ends and the middle of each do.
        cls.points, first = [], None
        for i, (op, name, _, _) in enumerate(cls.journal + [("end", "", 0, b"")], 1):
            same = first and op == "write" and cls.journal[first - 1][1] == name
            if first and not same:
                cls.points += sorted({first, (first + i - 1) // 2, i - 1})
            first = first if same else i
        cls.points = [p for p in cls.points if p <= len(cls.journal)]

    def check_whole(self, run):
        """Every file of a finished run is there and says what it should."""
        self.assertEqual(weights(run), self.straight)
        self.assertEqual(weights(run, "compressor.safetensors"), self.ready)
        self.assertEqual([p.name for p in run.iterdir() if ".tmp-" in p.name], [])
        lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        self.assertEqual([x["step"] for x in lines if "lr" in x], list(range(1, STEPS + 1)))
        self.assertEqual([x["step"] for x in lines if "validation" in x], [0, STEPS // 2, STEPS])

    def finish(self, run, saved):
        """Goes on with a run that ended early; `saved`: what it had reported."""
        if list(run.glob("step-*.safetensors")):
            status, messages = train(self.data, run, "--resume")
            self.assertEqual(status, 0, messages)
            resumed = int(messages.split("resumed at step ")[1].split()[0])
            self.assertGreaterEqual(resumed, saved)
        else:
            self.assertEqual(saved, 0)
            status, messages = train(self.data, run)
            self.assertEqual(status, 0, messages)
        self.check_whole(run)

    def faulty_run(self, name, **settings):
        run = self.path / name
        status, messages = train(self.data, run,
                                 environment=shim("file_faults", root=run, **settings))
        return run, status, messages

    def test_killed_at_a_write(self):
        def kill(point):
            run, status, messages = self.faulty_run(f"kill-{point}", at=point, kind="kill")
            self.assertEqual(status, -9, messages)
            self.finish(run, last_saved(messages))
            shutil.rmtree(run)
        self.assertGreater(len(self.points), 80)
        in_parallel(kill, self.points[::EACH])

    def test_killed_at_any_time(self):
        """Also between writes, in a step, or before the first and after the last."""
        began = time.monotonic()
        train(self.data, self.path / "whole")
        lasts = time.monotonic() - began

        def kill(seed):
            run = self.path / f"sudden-{seed}"
            with subprocess.Popen([PROGRAM, *map(str, train_words(self.data, run))],
                                  env=dict(os.environ, OMP_NUM_THREADS="1"), text=True,
                                  stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
                try:
                    messages = process.communicate(timeout=random.Random(seed).random() * lasts)[1]
                except subprocess.TimeoutExpired:
                    process.kill()
                    messages = process.communicate()[1]
            self.assertIn(process.returncode, (-9, 0), messages)
            self.finish(run, last_saved(messages))
            shutil.rmtree(run)
        in_parallel(kill, range(POWER_CUTS // 5))

    def test_one_write_fails(self):
        """The run goes on where it can, and ends with one line and 4 where not."""
        def fail(case):
            kind, point = case
            run, status, messages = self.faulty_run(f"{kind}-{point}", at=point, kind=kind)
            self.assertIn(status, (0, 4), messages)
            if status == 4:
                self.assertTrue(messages.splitlines()[-1].startswith(f"comprexit: {run}"), messages)
                self.finish(run, last_saved(messages))
            else:
                self.assertEqual(weights(run), self.straight)
            shutil.rmtree(run)
        in_parallel(fail, [(("enospc", "eio")[i % 2], p) for i, p in enumerate(self.points[::EACH])])

    def test_a_full_disk(self):
        """Twenty sizes of a disk: said each time, and older checkpoints stay good."""
        total = sum(len(data) for op, _, _, data in self.journal if op == "write")

        def fill(level):
            run, status, messages = self.faulty_run(f"full-{level}", room=total * level // 20)
            self.assertEqual(status, 4, messages)
            self.assertIn("No space left on device", messages)
            saved = last_saved(messages)
            for step in run.glob("step-*"):
                self.assertEqual(call("check", step)[0], 0)
            if saved:
                self.assertIn(f"step {STEPS}/{STEPS}", messages, "the run went on")
            self.finish(run, saved)
        in_parallel(fill, range(20))

    def test_interrupted_and_short_calls_change_nothing(self):
        runs = [{"kind": "short", "at": 1, "stays": 1}]
        runs += [{"kind": "eintr", "at": p} for p in self.points[::8]]
        runs += [{"kind": kind, "at": at, "reads": 1} for kind in ("short", "eintr")
                 for at in range(1, 4)]

        def disturb(case):
            index, settings = case
            run, status, messages = self.faulty_run(f"disturbed-{index}", **settings)
            self.assertEqual(status, 0, messages)
            self.check_whole(run)
        in_parallel(disturb, enumerate(runs))

    def test_reading_fails_at_resume(self):
        run = self.path / "unreadable"
        train(self.data, run)
        for at in range(1, 20):
            status, messages = train(self.data, run, "--resume", environment=shim(
                "file_faults", root=run, reads=1, at=at, kind="eio"))
            if status == 0:
                break
            self.assertEqual((status, len(messages.splitlines()[-1:])), (4, 1), messages)
            self.assertIn(str(run), messages.splitlines()[-1])
        self.assertGreater(at, 1)
        self.check_whole(run)

    def test_lost_power(self):
        """States of the disk that a cut may leave: what was not synced is there, or not,
        or garbage. The newest checkpoint that the run had reported is never lost."""
        def replay(seed):
            draw = random.Random(seed)
            run = self.path / f"power-{seed}"
            run.mkdir()
            cut = draw.randrange(1, len(self.journal))
            saved = self.lay_out(run, cut, draw)
            self.finish(run, saved)
            shutil.rmtree(run)
        in_parallel(replay, range(POWER_CUTS))

    def lay_out(self, run, cut, draw):
        """Writes the files of such a state; returns the newest step that was reported."""
        files, durable, names, pending = {}, {}, {}, []
        saved, key = 0, 0
        for i, (op, name, at, data) in enumerate(self.journal[:cut]):
            if op in ("open", "truncated"):
                if name not in names:
                    key += 1
                    names[name] = key
                    files[key] = bytearray()
                    pending.append(("link", name, key))
            elif op == "write":
                content = files[names[name]]
                content[at:at + len(data)] = data
            elif op == "ftruncate":
                content = files[names[name]]
                del content[at:]
                content.extend(bytes(at - len(content)))
            elif op == "rename":
                target = data.decode().replace(str(self.path / "straight"), "")
                names[target] = names.pop(name)
                pending.append(("rename", name, target, names[target]))
            elif op == "unlink":
                names.pop(name, None)
                pending.append(("unlink", name))
            elif op == "fsync" and name == "":
                self.apply(durable, pending)
                pending = []
                # the read-back after the sync is what lets the run say "saved"
                done = [n for n in names if n.startswith("/step-")]
                saved = max([saved, *(int(n[6:12]) for n in done if i + 1 < cut)])
            elif op == "fsync":
                files[f"synced {names[name]}"] = bytes(files[names[name]])
        kept = pending[:draw.randrange(len(pending) + 1)]
        self.apply(durable, kept)
        for name, key in durable.items():
            synced, newest = files.get(f"synced {key}", b""), bytes(files[key])
            content = synced
            if newest != synced:
                rest = newest[len(synced):]
                content = synced + draw.choice([b"", rest, rest[:len(rest) // 2],
                                                bytes(len(rest)), draw.randbytes(len(rest))])
            (run / name[1:]).write_bytes(content)
        return saved

    @staticmethod
    def apply(durable, changes):
        for change, name, *rest in changes:
            if change == "link":
                durable[name] = rest[0]
            elif change == "rename":
                durable.pop(name, None)
                durable[rest[0]] = rest[1]
            else:
                durable.pop(name, None)


if __name__ == "__main__":
    main_with_golden()
