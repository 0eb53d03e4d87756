#!/usr/bin/env -S python3 -B
"""Arguments, exit codes and generated documents of the running program, without a model."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import ROOT, ProgramTest, call, main, strict_json



class Usage(ProgramTest):
    def test_help_and_version(self):
        for words in (["--help"], ["-h"], ["help"]):
            status, out, err = call(*words)
            self.assertEqual((status, err), (0, b""))
            self.assertIn(b"Examples", out)
        status, out, _ = call("-V")
        self.assertRegex(out, rb"^comprexit \d+\.\d+\.\d+\n$")
        self.assertIn(b"General Public License", call("--license")[1])

    def test_every_command_has_help(self):
        listed = [line.split()[0] for line in call("help")[1].decode().split("Commands\n")[1]
                  .split("\n\n")[0].splitlines() if line.startswith("  ") and line[2] != " "]
        self.assertIn("help", listed)
        for name in listed:
            status, out, _ = call(name, "--help")
            self.assertEqual(status, 0)
            self.assertEqual(out, call("help", name)[1])

    def test_usage_errors(self):
        for words, message in (
                (["help", "--fromat", "man"], "help: unknown option --fromat, did you mean --format?"),
                (["help", "--format", "pdf"], "--format pdf: expected one of text|man|markdown"),
                (["help", "hlep"], "help: no command hlep, did you mean help?"),
                (["hlep"], "hlep: no such command or file, did you mean help?"),
                (["compres", "notes.md", "--ratio", "8"],
                 "compres: no such command or file, did you mean compress?"),
                (["completion"], "completion: expected bash|zsh|fish"),
                (["help", "--seed"], "option --seed needs a value: N"),
                (["help", "--iters=0"], "--iters 0: expected a whole number in 1..100000"),
        ):
            with self.subTest(words):
                status, out, _ = call("--json", *words)
                self.assertEqual(status, 2)
                self.assertEqual(strict_json(out)["error"]["message"], message)

    def test_escapes_are_shown(self):
        status, out, err = call("help", "\x1b[31m\u202e")
        self.assertEqual((status, out), (2, b""))
        self.assertNotIn(b"\x1b", err)
        self.assertIn(b"^[[31m<U+202E>", err)

    def test_full_device(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([os.environ["COMPREXIT"], "help"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"standard output", done.stderr)

    def test_closed_pipe_is_quiet(self):
        script = "set -o pipefail; \"$COMPREXIT\" help --format man | head -c1 >/dev/null"
        done = subprocess.run(["bash", "-c", script], stderr=subprocess.PIPE, check=False)
        self.assertIn(done.returncode, (0, 141))
        self.assertEqual(done.stderr, b"")


class Generated(ProgramTest):
    def test_readme_blocks_are_current(self):
        readme = (ROOT / "README.md").read_text()
        for name, words in (("commands", ["help"]), ("keys", ["help", "keys"])):
            block = readme.split(f"<!-- {name}: begin -->\n")[1].split(f"<!-- {name}: end -->\n")[0]
            self.assertEqual(block, call(*words, "--format", "markdown")[1].decode(),
                             "run `make readme`")

    def test_completion_completes(self):
        script = call("completion", "bash")[1].decode()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "completion"
            path.write_text(script)

            def complete(*words):
                quoted = " ".join(f"'{w}'" for w in words)
                program = (f". {path}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
                           "_comprexit; printf '%s\\n' \"${COMPREPLY[@]}\"")
                return subprocess.run(["bash", "-c", program], stdout=subprocess.PIPE, cwd=folder,
                                      check=True).stdout.decode().split()
            self.assertEqual(complete("comprexit", "hel"), ["help"])
            self.assertEqual(complete("comprexit", "help", "--form"), ["--format"])
            self.assertEqual(complete("comprexit", "help", "--format", "m"), ["man", "markdown"])
            self.assertEqual(complete("comprexit", "help", "--align", ""), ["tail", "head"])
            for name in ("a.gguf", "a.txt", "a.png", "a.svg", "a.safetensors"):
                (pathlib.Path(folder) / name).touch()
            (pathlib.Path(folder) / "about").mkdir()
            for option, offered in (("-m", {"about", "a.gguf"}), ("-c", {"about", "a.safetensors"}),
                                    ("--from-figure", {"about", "a.png", "a.svg"})):
                self.assertEqual(set(complete("comprexit", "explore", option, "a")), offered)
            self.assertEqual(complete("comprexit", "train", "--run", "a"), ["about"])
            self.assertIn("a.txt", complete("comprexit", "train", "--data", "a"))

    def test_completion_for_zsh_and_fish(self):
        """Their own shells, where they are installed, take the scripts and complete by them."""
        with tempfile.TemporaryDirectory() as folder:
            env = {**os.environ, "HOME": folder, "XDG_CONFIG_HOME": folder}
            for shell in ("zsh", "fish"):
                path = pathlib.Path(folder) / shell
                path.write_bytes(call("completion", shell)[1])
                if shutil.which(shell):
                    done = subprocess.run([shell, "-n", path], stderr=subprocess.PIPE, env=env,
                                          check=False)
                    self.assertEqual((done.returncode, done.stderr), (0, b""), shell)
            if not shutil.which("fish"):
                self.skipTest("no fish")
            for name in ("a.gguf", "b.gguf", "a.txt", "a.png", "a.svg", "a b.svg", "gguf"):
                (pathlib.Path(folder) / name).touch()
            (pathlib.Path(folder) / "about").mkdir()
            for line, expected in (("comprexit hel", ["help"]),
                                   ("comprexit ask --mode c", ["compressed"]),
                                   ("comprexit train --optimizer ", ["adamw", "muon"]),
                                   ("comprexit explore -m a", ["a.gguf", "about/"]),
                                   ("comprexit explore --model ", ["a.gguf", "about/", "b.gguf"]),
                                   ("comprexit explore --from-figure a",
                                    ["a b.svg", "a.png", "a.svg", "about/"])):
                done = subprocess.run(["fish", "-c", f"source {path}; complete -C '{line}'"], env=env,
                                      stdout=subprocess.PIPE, check=True, cwd=folder)
                self.assertEqual([x.split("\t")[0] for x in done.stdout.decode().splitlines()],
                                 expected)

    def test_man_page_is_clean(self):
        if not shutil.which("groff"):
            self.skipTest("no groff")
        page = call("help", "--format", "man")[1]
        done = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-ww"], input=page, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"EXIT STATUS", done.stdout)


if __name__ == "__main__":
    main()
