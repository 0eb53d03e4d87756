"""A program on a pseudo terminal, byte by byte: what it wrote, what it is sent, what
it leaves behind.

    with PseudoTerminal([PROGRAM, "notes.md"], rows=24, columns=80) as terminal:
        terminal.wait_for(b"ask>")
        terminal.type(b"q")
        status = terminal.wait_exit()

It answers the question for the cursor position as a terminal does that shows block
characters in `ambiguous` columns. Standard library only.
"""
import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from tests.support import processes
from tests.support.processes import PATIENCE, Patience
from tests.support.screen_model import ScreenModel

PAIR = b"\xe2\x96\x80\x1b[6n"  # the probe: a half block, then "where is the cursor?"
LOOK = 0.02  # seconds between two looks at what the program does


class PseudoTerminal:
    def __init__(self, arguments, rows=24, columns=80, environment=None, cwd=None, ambiguous=1,
                 answers=True, speed=None):
        self.output = b""
        self.status = None
        self.ambiguous, self.answers, self.answered = ambiguous, answers, 0
        settings = dict(os.environ, OMP_NUM_THREADS="1", LC_ALL="C.UTF-8", TERM="xterm-256color",
                        INPUTRC="/dev/null")
        for name in ("COLORTERM", "NO_COLOR", "COLORFGBG", "LINES", "COLUMNS"):
            settings.pop(name, None)
        for name, value in (environment or {}).items():
            settings.pop(name, None)
            if value is not None:
                settings[name] = value
        self.screen, self.drawn = ScreenModel(rows, columns), 0
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if speed:
            modes = termios.tcgetattr(slave)
            modes[4] = modes[5] = speed
            termios.tcsetattr(slave, termios.TCSANOW, modes)
        self.modes = termios.tcgetattr(slave)
        self.slave = slave
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(slave, fd)
            os.closerange(3, 256)
            if cwd:
                os.chdir(cwd)
            try:
                os.execve(arguments[0], [str(a) for a in arguments], settings)
            finally:
                os._exit(127)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if not self.has_exited():
            processes.end([self.pid, *processes.descendants(self.pid)])
        for fd in (self.master, self.slave):
            if fd is not None:
                os.close(fd)

    def pump(self, seconds=0.0):
        """Takes in output for so long (at least once); True while anything came."""
        until, some = time.monotonic() + seconds, False
        while True:
            wait = max(0.0, until - time.monotonic())
            if not select.select([self.master], [], [], wait)[0]:
                return some
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return some
            if not data:
                return some
            self.output += data
            some = True
            self.answer()
            if time.monotonic() >= until:
                return some

    def answer(self):
        asked = self.output.count(b"\x1b[6n")
        while self.answers and self.answered < asked:
            self.answered += 1
            self.type(b"\x1b[2;%dR" % (1 + self.ambiguous))

    def type(self, data):
        """Sends bytes as typed, taking in output when the program does not read."""
        view = memoryview(data)
        while view:
            readable, writable, _ = select.select([self.master], [self.master], [], PATIENCE)
            if readable:
                self.output += os.read(self.master, 65536)
            if writable:
                view = view[os.write(self.master, view[:512]):]
            if not readable and not writable:
                raise TimeoutError("the program does not read its terminal")

    def wait_until(self, condition, seconds=PATIENCE, what="what was waited for"):
        """Until it holds, taking in output; also after the program has ended."""
        patience = Patience(seconds)
        while not condition():
            if patience.is_over():
                raise TimeoutError(f"{what} did not come; the end was {self.output[-400:]!r}")
            self.pump(LOOK)

    def wait_for(self, text, seconds=PATIENCE, since=0):
        """Until text is in the output after `since`; its end."""
        return self.wait_match(re.escape(text), seconds, since).end()

    def wait_match(self, expression, seconds=PATIENCE, since=0):
        """Until the output after `since` matches; the match."""
        pattern, patience = re.compile(expression), Patience(seconds)
        while not (found := pattern.search(self.output, since)):
            if self.has_exited():
                self.drain()
                if found := pattern.search(self.output, since):
                    break
                raise TimeoutError(f"the program ended ({self.status}) before {expression!r}: "
                                   f"{self.output[-400:]!r}")
            if patience.is_over():
                raise TimeoutError(f"{expression!r} did not come; the end was {self.output[-400:]!r}")
            self.pump(0.05)
        return found

    def is_busy(self):
        """Are there keys that were not read, or does a thread of the session run, or want to? A
        program that a busy machine does not let run is not done."""
        if self.slave is not None and processes.unread_bytes(self.slave):
            return True
        return any(processes.runs(pid) for pid in self.session())

    def session(self):
        """The processes of this terminal: not those with a session of their own."""
        for pid in (self.pid, *processes.descendants(self.pid)):
            known = processes.fields(pid)
            if known and int(known[3]) == self.pid:
                yield pid

    def settle(self, quiet=0.15, seconds=PATIENCE):
        """Until the program has done all that it had to: for so long it neither writes nor wants
        to run, nor had a turn between two looks."""
        patience, calm, before = Patience(seconds), 0, None
        while calm < quiet / LOOK:
            some = self.pump(LOOK) or self.is_busy()
            turns = [processes.scheduled(pid) for pid in self.session()]
            calm = 0 if some or turns != before else calm + 1
            before = turns
            if patience.is_over():
                raise TimeoutError(f"the program does not come to rest: {self.output[-400:]!r}")

    def drain(self):
        """What an ended program has written last."""
        while self.pump(0.05):
            pass

    def lines(self):
        """What the screen shows."""
        self.screen.feed(self.output[self.drawn:])
        self.drawn = len(self.output)
        return self.screen.lines()

    def wait_shown(self, text):
        """Until a line of the screen has the text, also where the program left letters out that
        were there."""
        self.wait_until(lambda: any(text in line for line in self.lines()), what=repr(text))

    def resize(self, rows, columns):
        self.screen, self.drawn = ScreenModel(rows, columns), len(self.output)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def has_exited(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def wait_exit(self, seconds=PATIENCE):
        """Exit status, negative for a signal."""
        self.wait_until(self.has_exited, seconds, "the end of the program")
        self.drain()
        return self.status

    def modes_now(self):
        return termios.tcgetattr(self.slave)

    def hang_up(self):
        """The terminal is closed."""
        os.close(self.slave)
        os.close(self.master)
        self.slave = self.master = None

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
