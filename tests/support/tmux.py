"""A program in a terminal of tmux, as a person has it: keys in, the screen out.

    with Tmux([PROGRAM, "notes.md"], columns=120, rows=36) as screen:
        screen.wait("? help")
        screen.keys("Tab", "Enter")

The server is its own (-L), and ends with it. Standard library only.
"""
import os
import shlex
import shutil
import subprocess
import time

from tests.support.processes import PATIENCE

AVAILABLE = shutil.which("tmux") is not None


class Tmux:
    count = 0

    def __init__(self, arguments, columns=120, rows=36, environment=None, cwd=None):
        Tmux.count += 1
        self.socket = f"comprexit-story-{os.getpid()}-{Tmux.count}"
        settings = dict(OMP_NUM_THREADS="1", LC_ALL="C.UTF-8", INPUTRC="/dev/null",
                        **(environment or {}))
        line = " ".join(["env", *(f"{k}={shlex.quote(str(v))}" for k, v in settings.items()),
                         *(shlex.quote(str(a)) for a in arguments)])
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  "-c", str(cwd or "."), f"{line}; echo ended $?; exec sleep 1000")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], capture_output=True, check=False)

    def tmux(self, *words):
        return subprocess.run(["tmux", "-L", self.socket, *words], capture_output=True, check=True,
                              timeout=PATIENCE).stdout.decode()

    def text(self):
        return self.tmux("capture-pane", "-p")

    def keys(self, *keys):
        """tmux's names of keys; a text of several characters is typed as it is with type()."""
        for key in keys:
            self.tmux("send-keys", key)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def command(self, line):
        """A command at the prompt."""
        self.type(":")
        self.wait("\n:")
        self.type(line)
        self.keys("Enter")

    def until(self, condition, problem):
        """Until it holds of the screen; the screen."""
        end = time.monotonic() + PATIENCE
        while not condition(screen := self.text()):
            if time.monotonic() > end:
                raise AssertionError(f"{problem}:\n{screen}")
            time.sleep(0.05)
        return screen

    def wait(self, *texts):
        """Until all of them are on the screen; the screen."""
        return self.until(lambda screen: all(text in screen for text in texts),
                          f"not all of {texts} on the screen")

    def gone(self, text):
        return self.until(lambda screen: text not in screen, f"{text!r} stays on the screen")

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))
