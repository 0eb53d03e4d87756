#!/usr/bin/env python3
"""What the explorer reads of unknown origin, it reads in threads that cannot change anything:
rc files, scripts, histories, sessions, the figure and whatever is looked for by its hash."""
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import SAMPLE, ExplorerTest, main  # noqa: E402
from tests.app.faults import shim  # noqa: E402
from tests.app.harness import ROOT  # noqa: E402


class ConfinedTest(ExplorerTest):
    def write(self, name, *lines):
        path = self.home / name
        path.write_text("\n".join(lines) + "\n")
        return path

    def run_script(self, *lines, arguments=(), document=SAMPLE, environment=None):
        script = self.write("play.rc", "wait idle", *lines, "quit")
        with self.open("--play", script, *arguments, document=document, rows=36, columns=120,
                       environment=environment) as terminal:
            self.assertEqual(terminal.wait_exit(60), 0, terminal.output[-400:])

    def test_files_are_read_in_confined_threads(self):
        document = self.home / "notes.txt"
        document.write_bytes(SAMPLE.read_bytes())
        (self.home / "figures").mkdir()
        self.run_script("type :log", "key Enter Esc", "set iterations 4", "wait idle",
                        "save kept.cxt", "export plan figures/f.png", "wait idle",
                        document=document)
        shutil.copytree(ROOT / "assets", self.home / "assets")
        rc = self.write("my.rc", "source more.rc", f"source {self.home / 'more.rc'}")
        self.write("more.rc", "set iterations 3")
        steps = self.write("steps.rc", "view gates", "say Look.")
        log = self.home / "opened"
        self.run_script("type :", "key Up Esc", f"present {steps}", "present", "open",
                        f"compare {self.home / 'kept.cxt'}", "switch explore",
                        "ask Who pays?", "wait idle", "control", "wait idle",
                        f"restore {self.home / 'kept.cxt'}", document=None,
                        arguments=("--from-figure", self.home / "figures/f.png", "--rc", rc),
                        environment=shim("opened", root=self.home, opened=log) |
                        {"COMPREXIT_ASSETS": str(self.home / "assets")})
        opened = {tuple(line.split(" ", 1)) for line in log.read_text().splitlines()}
        self.assertEqual({path for who, path in opened if who == "free"}, set())
        for name in ("play.rc", "my.rc", "more.rc", "steps.rc", "kept.cxt", "figures/f.png",
                     "notes.txt", "assets/harbour.txt"):
            self.assertIn(("confined", str(self.home / name)), opened)
        for part in ("recent", "history"):
            self.assertTrue([path for _, path in opened if part in path], opened)


if __name__ == "__main__":
    main()
