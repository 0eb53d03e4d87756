#!/usr/bin/env python3
"""The explorer on a pseudo terminal: it starts and ends everywhere, in the colours that
the terminal has, and refuses in words where it cannot."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import (COMPRESSOR, GOLDEN, MODEL, PROGRAM, SAMPLE, SANITIZED,  # noqa: E402
                                ExplorerTest, main)
from tests.support import processes  # noqa: E402
from tests.support.processes import PATIENCE  # noqa: E402
from tests.support.pseudo_terminal import PseudoTerminal  # noqa: E402


class StartTest(ExplorerTest):
    def test_start_and_quit(self):
        with self.open() as terminal:
            terminal.wait_for(b"? help")
            self.assertIn(b"\x1b[?1049h", terminal.output)
            self.assertIn(b"\x1b[?2004h", terminal.output)
            self.assertNotEqual(terminal.modes_now(), terminal.modes)
            self.quit(terminal)
            self.assertEqual(terminal.modes_now(), terminal.modes)
            end = terminal.output[-200:]
            for sequence in (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?2004l"):
                self.assertIn(sequence, end)

    def test_recent_documents_tell_where_they_were_left(self):
        """The window and the questions; and when the model of then is not there any more."""
        model, document = self.home / "model", self.home / "notes.md"
        shutil.copytree(MODEL, model)
        document.write_bytes(SAMPLE.read_bytes())
        os.utime(document, (1e9, 1e9))  # what counts is when it was open here
        own = dict(XDG_STATE_HOME=str(self.home / "state"), HOME=str(self.home))

        def start(*arguments):
            return PseudoTerminal([PROGRAM, *arguments, "-c", COMPRESSOR], environment=own,
                                  cwd=self.home)
        with start(document, "-m", model) as terminal:
            terminal.wait_for(b"mass")
            terminal.settle()
            terminal.type(b"]")
            terminal.settle()
            self.quit(terminal)
        with start("-m", MODEL) as terminal:
            terminal.wait_for(b"notes.md")
            terminal.wait_for(b"today ")
            terminal.wait_for(b"window 2")
            self.quit(terminal)
        shutil.rmtree(model)
        with start("-m", MODEL) as terminal:
            terminal.wait_for(b"notes.md")
            terminal.wait_for(b"model file is missing")
            self.quit(terminal)

    def test_lists_scroll_with_their_keys(self):
        """Commands, and help in one column: the end comes into sight with End and the arrows."""
        with self.open() as terminal:
            terminal.wait_for(b"mass")
            terminal.settle()
            for key, down, last in ((b"\x1bOQ", b"\x1b[F", b"give the terminal back for a while"),
                                    (b"?", b"\x1b[B" * 30, b"APPLICATION")):
                at = len(terminal.output)
                terminal.type(key)
                terminal.wait_for(b"Esc closes", since=at)
                self.assertNotIn(last, terminal.output[at:])
                terminal.type(down)
                terminal.wait_for(last, since=at)
                terminal.type(b"\x1b[27u")  # a bare Esc and the next key may be read together
                terminal.settle()
            self.quit(terminal)

    def test_text_is_up_before_the_model(self):
        """0.2 s on an idle machine; how long we both waited for a processor does not count."""
        start, delayed = time.monotonic(), processes.delayed_seconds(os.getpid())
        with self.open() as terminal:
            terminal.wait_for(b"saltworks")
            took = time.monotonic() - start
            waited = processes.delayed_seconds(os.getpid()) - delayed
            waited += processes.delayed_seconds(terminal.pid)
            self.assertLess(took - waited, 2)
            self.quit(terminal)

    def test_every_terminal_locale_and_size(self):
        types = ["xterm-256color", "xterm", "screen-256color", "vt100", "linux", "rxvt"]
        sizes = [(1, 1), (5, 20), (24, 80), (60, 200), (200, 500)]
        for kind in types:
            for locale in ("C", "C.UTF-8"):
                for rows, columns in sizes:
                    with self.subTest(kind=kind, locale=locale, rows=rows), \
                            self.open(rows=rows, columns=columns, answers=kind != "vt100",
                                      environment={"TERM": kind, "LC_ALL": locale}) as terminal:
                        terminal.wait_until(lambda: terminal.output)
                        terminal.settle(0.1)
                        self.assertFalse(terminal.has_exited(), terminal.output)
                        self.quit(terminal)
                        if locale == "C":
                            self.assertTrue(terminal.output.isascii())

    def test_no_usable_terminal(self):
        for kind, said in ((None, b"TERM is not set"), ("dumb", b"TERM is dumb"),
                           ("no-such-thing", b"TERM=no-such-thing: no description")):
            with self.subTest(kind=kind), self.open(environment={"TERM": kind}) as terminal:
                self.assertEqual(terminal.wait_exit(), 8)
                self.assertIn(said, terminal.output)
                self.assertNotIn(b"\x1b", terminal.output)

    def test_pipes(self):
        done = subprocess.run([str(a) for a in self.arguments()], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 8)
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"the explorer needs a terminal; for pipes use ask, compress, export",
                      done.stderr)
        self.assertNotIn(b"\x1b", done.stderr)

    def test_missing_document_ends_before_the_screen(self):
        with self.open(document="no-such-file.txt") as terminal:
            self.assertEqual(terminal.wait_exit(), 3)
            self.assertIn(b"no-such-file.txt", terminal.output)
            self.assertNotIn(b"\x1b", terminal.output)

    def test_document_from_a_pipe(self):
        script = f"printf 'piped text here' | {' '.join(map(str, self.arguments(document='-')))}"
        with PseudoTerminal(["/bin/sh", "-c", script], cwd=self.home,
                            environment={"XDG_STATE_HOME": str(self.home)}) as terminal:
            terminal.wait_for(b"piped")
            terminal.settle()
            terminal.type(b"q")
            self.assertEqual(terminal.wait_exit(), 0)

    def test_no_document_shows_the_start_screen(self):
        with self.open(document=None) as terminal:
            terminal.wait_for(b"Open a document")
            self.quit(terminal)


class SuspendTest(ExplorerTest):
    def test_shell_gets_the_terminal_and_gives_it_back(self):
        with PseudoTerminal(["/bin/bash", "--norc", "--noprofile", "-i"], rows=36, columns=120,
                            cwd=self.home, environment={"PS1": "shell> ",
                                                        "HOME": str(self.home)}) as terminal:
            terminal.wait_for(b"shell> ")
            shell_modes = terminal.modes_now()
            terminal.type(" ".join(map(str, self.arguments())).encode() + b"\r")
            terminal.wait_for(b"? help")
            terminal.settle()
            mark = len(terminal.output)
            terminal.type(b"\x1a")
            left = terminal.wait_for(b"Stopped", since=mark)
            self.assertIn(b"\x1b[?1049l", terminal.output[mark:left])
            terminal.wait_for(b"shell> ", since=left)
            terminal.settle()
            self.assertEqual(terminal.modes_now(), shell_modes)
            terminal.resize(24, 80)
            mark = len(terminal.output)
            terminal.type(b"fg\r")
            terminal.wait_for(b"\x1b]11;?\x07", since=mark)
            terminal.type(b"\x1b]11;rgb:ffff/ffff/ffff\x07")
            terminal.wait_for(b"[Document]", since=mark)  # the narrow layout of the new size
            terminal.settle()
            mark = len(terminal.output)
            terminal.type(b"j")
            terminal.wait_for(b"m", since=mark)
            terminal.type(b"q")
            terminal.wait_for(b"shell> ", since=mark)
            self.assertEqual(terminal.modes_now(), shell_modes)


class ChangedFileTest(ExplorerTest):
    def test_variables_about_the_size_do_not_count(self):
        """Not when curses comes back either."""
        with self.open("--no-answers", rows=30, columns=100, environment={
                "LINES": "99999", "COLUMNS": "99999", "EDITOR": "true"}) as terminal:
            terminal.wait_for(b"? help")
            terminal.type(b"a\x18\x05")
            terminal.wait_for(b"\x1b[?1049h", since=terminal.wait_for(b"\x1b[?1049l"))
            terminal.settle()
            terminal.type(b"\x07")
            terminal.settle()
            self.quit(terminal)

    def test_keys_from_a_fifo_are_not_waited_for(self):
        os.mkfifo(self.home / "keys")
        (self.home / "outer").write_text("$include keys\n")
        for name in ("keys", "outer"):
            self.starts_without_keys(name, b"is no regular file")

    def test_keys_that_include_themselves_are_not_read(self):
        """Readline would follow them until its stack ends."""
        (self.home / "one").write_text("$include one\n")
        (self.home / "odd").write_text("set bell-style none\n  $Include\todd\r\n")
        (self.home / "two").write_text("$include three\n$include three\n")
        (self.home / "three").write_text("$if mode=vi\n$include ~/two\n$endif\n")
        (self.home / "wide").write_text("$include leaf\n" * 70)
        (self.home / "leaf").write_text("set bell-style none\n")
        for name in ("one", "odd", "two", "wide"):
            self.starts_without_keys(name, b"it includes itself, or too many files")

    def starts_without_keys(self, name, reason):
        with self.subTest(name), self.open("--no-answers", rows=36, columns=120,
                                           environment={"INPUTRC": name}) as terminal:
            terminal.wait_for(b"? help")
            terminal.type(b":log\r")
            terminal.wait_for(b"keys of " + name.encode() + b" are not used")
            terminal.wait_for(reason)
            self.quit(terminal)

    def test_no_keys_are_no_reason_for_a_note(self):
        for name in ("/dev/null", "missing", ""):
            with self.subTest(name), self.open("--no-answers",
                                               environment={"INPUTRC": name}) as terminal:
                terminal.wait_for(b"? help")
                terminal.settle()
                self.assertNotIn(b"are not used", terminal.output)
                self.quit(terminal)

    def test_keys_may_be_spread_over_files(self):
        (self.home / "outer").write_text("$include inner\n$include missing\n")
        (self.home / "inner").write_text('"\\C-o": beginning-of-line\n')
        with self.open("--no-answers", environment={"INPUTRC": "outer"}) as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            terminal.type(b":og\x0fl\r")
            terminal.wait_for(b"Log")
            terminal.type(b"\x1b[27u")
            terminal.settle()
            self.quit(terminal)

    def test_signals_that_end_programs_give_the_terminal_back(self):
        """Each that the system has and that nobody only stops or ignores."""
        ignored = {signal.SIGCHLD, signal.SIGURG, signal.SIGCONT, signal.SIGWINCH, signal.SIGPIPE,
                   signal.SIGXFSZ}
        stop = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGKILL}
        faults = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL,
                  signal.SIGSYS, signal.SIGTRAP, signal.SIGQUIT}
        real_time = {signal.SIGRTMIN, signal.SIGRTMIN + 1, signal.SIGRTMAX}
        ending = {n for n in signal.valid_signals() if n < signal.SIGRTMIN} | real_time
        for number in sorted(ending - ignored - stop):
            with self.subTest(number), self.open("--no-answers") as terminal:
                terminal.wait_for(b"? help")
                os.kill(terminal.pid, number)
                terminal.wait_for(b"\x1b[?1049l")
                status = terminal.wait_exit()
                if not SANITIZED or number not in faults:  # it reports those itself, after us
                    self.assertEqual(status, -number if number in faults else 128 + number)
                self.assertEqual(terminal.modes_now(), terminal.modes)
                self.assertIn(b"\x1b[?25h", terminal.output.rpartition(b"\x1b[?25l")[2])

    def test_a_broken_pipe_ends_nothing(self):
        with self.open("--no-answers") as terminal:
            terminal.wait_for(b"? help")
            os.kill(terminal.pid, signal.SIGPIPE)
            terminal.settle()
            self.quit(terminal)

    def test_document_that_changes_is_told_and_opened_again(self):
        document = self.home / "notes.txt"
        document.write_text("Peat was burned before. " * 20)
        with self.open(document=document, rows=36, columns=120) as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            document.write_text("Then coal came by barge. " * 20)
            terminal.wait_for(b"notes.txt changed on disk \xc2\xb7 r opens it again")
            mark = len(terminal.output)
            terminal.type(b"r")
            terminal.wait_for(b"barge", since=mark)
            terminal.settle()
            self.quit(terminal)

    def test_model_that_changes_is_told_and_opened_again(self):
        model = self.home / "m.gguf"
        data = (GOLDEN / "modelA/A-Q8_0.gguf").read_bytes()
        model.write_bytes(data)
        with self.open("-m", model, rows=36, columns=120) as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            (self.home / "new.gguf").write_bytes(data)
            (self.home / "new.gguf").rename(model)
            terminal.wait_for(b"m.gguf changed on disk \xc2\xb7 r opens it again")
            mark = len(terminal.output)
            terminal.type(b"r")
            terminal.wait_for(b"model m.gguf is open", since=mark)
            self.quit(terminal)


class ExportTest(ExplorerTest):
    def test_keys_are_answered_while_a_figure_is_written(self):
        with self.open(rows=36, columns=120) as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            mark = len(terminal.output)
            terminal.type(b":export gate big.png width=8000px dpi=300 height=8000px\r:log\r")
            shown = terminal.wait_for(b"Log", since=mark)
            self.assertFalse((self.home / "big.png").exists())
            terminal.type(b"\x1b[27u")
            written = terminal.wait_for(b"big.png written", since=mark)
            self.assertGreater(written, shown)
            self.assertTrue((self.home / "big.png").exists())
            self.quit(terminal)

    def test_failures_arrive_as_notes(self):
        with self.open() as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            terminal.type(b":export plan no-such-folder/a.png\r")
            terminal.wait_for(b"no-such-folder/a.png")
            terminal.wait_for(b"No such file or directory")
            self.quit(terminal)

    def test_leaving_waits_for_the_files(self):
        with self.open() as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            terminal.type(b":export plan a.png a.svg\r:export plan none/a.png\rq")
            self.assertEqual(terminal.wait_exit(), 0, terminal.output[-400:])
            self.assertTrue((self.home / "a.png").exists() and (self.home / "a.svg").exists())
            self.assertIn(b"comprexit: none/a.png", terminal.output.rpartition(b"\x1b[?1049l")[2])


class ColourTest(ExplorerTest):
    def shown(self, *more, **environment):
        with self.open(*more, environment=environment) as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            self.quit(terminal)
            return terminal.output

    def test_ladder(self):
        self.assertIn(b"\x1b[38;2;", self.shown(COLORTERM="truecolor"))
        deep = self.shown()
        self.assertIn(b"\x1b[38;5;", deep)
        self.assertNotIn(b"38;2;", deep)
        self.assertNotIn(b"38;5;", self.shown(TERM="xterm"))

    def test_no_colour(self):
        coloured = re.compile(rb"\x1b\[[0-9;]*\b(?:3[0-8]|4[0-8]|9[0-7])[;0-9]*m")
        for output in (self.shown(NO_COLOR="1"), self.shown("--color", "never"),
                       self.shown(TERM="vt100")):
            self.assertIsNone(coloured.search(output))
        self.assertIsNotNone(coloured.search(self.shown("--color", "always", NO_COLOR="1")))

    def test_wide_blocks_mean_ascii(self):
        with self.open(ambiguous=2) as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            self.quit(terminal)
            drawn = terminal.output.replace(b"\xe2\x96\x80", b"", 1)  # the probe itself
            self.assertTrue(drawn.isascii())


if __name__ == "__main__":
    main()
