#!/usr/bin/env python3
"""The explorer under the mouse, and on a line that is slower than its frames."""
import os
import pathlib
import re
import select
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import ExplorerTest, main  # noqa: E402


def redrawn(terminal):
    """The whole screen as text, escape sequences taken out."""
    terminal.settle()
    mark = len(terminal.output)
    terminal.type(b"\x0c")
    terminal.settle()
    return re.sub(rb"\x1b(?:\[[0-9;?]*[A-Za-z]|\([AB0]|[=>])", b" ",
                  terminal.output[mark:]).decode(errors="replace")


def wait_on_screen(terminal, text, seconds=60):
    """The screen that has text: only cells that change are written, so it need not come as one."""
    until = time.monotonic() + seconds
    while text not in (screen := redrawn(terminal)):
        if time.monotonic() > until:
            raise TimeoutError(f"{text!r} is not on the screen: {screen}")
    return screen


def token(screen):
    return int(re.search(r"token (\d+) of \d+", screen).group(1))


class MouseTest(ExplorerTest):
    def open_ready(self):
        terminal = self.open("--color", "never", rows=36, columns=120)
        terminal.__enter__()
        self.addCleanup(terminal.__exit__, None, None, None)
        terminal.wait_for(b"? help")
        terminal.settle()
        return terminal

    @staticmethod
    def press(terminal, row, column, button=0):
        terminal.type(b"\x1b[<%d;%d;%dM" % (button, column + 1, row + 1))

    @staticmethod
    def release(terminal, row, column):
        terminal.type(b"\x1b[<0;%d;%dm" % (column + 1, row + 1))

    def click(self, terminal, row, column):
        self.press(terminal, row, column)
        self.release(terminal, row, column)

    def test_click_moves_and_locks(self):
        terminal = self.open_ready()
        self.click(terminal, 4, 20)
        first = token(redrawn(terminal))
        self.assertGreater(first, 5)
        self.click(terminal, 6, 20)
        self.assertGreater(token(redrawn(terminal)), first)
        self.click(terminal, 6, 20)
        self.click(terminal, 4, 20)
        screen = redrawn(terminal)
        self.assertEqual(token(screen), first)
        self.assertIn("locked", screen)
        self.quit(terminal)

    def test_lists_are_chosen_from(self):
        """The first click chooses, another takes it; in boxes and on screens that are lists."""
        terminal = self.open_ready()
        self.click(terminal, 0, 46)
        self.assertIn("[4 Train]", redrawn(terminal))
        self.click(terminal, 4, 8)
        self.assertRegex(redrawn(terminal), r">\s+Preset\s+cpu-ntp")
        self.click(terminal, 4, 8)
        self.assertRegex(redrawn(terminal), r"Preset\s+cpu-sft")
        self.click(terminal, 28, 8)  # a line that is no choice
        self.press(terminal, 8, 8, button=65)
        self.assertRegex(redrawn(terminal), r">\s+Settings")
        (self.home / "notes.txt").write_text("Peat was burned before. " * 20)
        terminal.type(b"1O")
        for row in range(22, 12, -1):  # from below, to the last choice
            self.click(terminal, row, 60)
            if re.search(r">\s+notes.txt", redrawn(terminal)):
                break
        self.click(terminal, row, 60)
        self.assertRegex(redrawn(terminal), r"notes.txt . modelA")
        self.quit(terminal)

    def test_a_second_click_locks_in_every_pane(self):
        """Also what stands for several: a word, a cell of two tokens, a row of two slots; and in a
        zoomed pane, and where the light was moved by keys."""
        terminal = self.open_ready()
        for row, column, keys in ((4, 20, b""), (5, 60, b""), (20, 60, b""), (8, 20, b"w"), (12, 20, b"w"), (5, 70, b"w"),
                                  (12, 60, b"z"), (6, 20, b":zoom plan\r")):
            with self.subTest(row=row, column=column, keys=keys):
                terminal.type(keys)
                self.click(terminal, row, column)
                self.assertNotIn("locked", redrawn(terminal))
                self.click(terminal, row, column)
                self.assertRegex(redrawn(terminal), r"── .* \* ")
                self.click(terminal, row, column)
                self.assertNotRegex(redrawn(terminal), r"── .* \* ")
        self.quit(terminal)

    def test_rows_and_maps_of_the_other_screens(self):
        terminal = self.open_ready()
        terminal.type(b"b:set eps 0.02\r")
        terminal.settle()
        terminal.type(b"2")
        self.click(terminal, 6, 60)
        screen = redrawn(terminal)
        compared = re.search(r'slot s(\d+) .* token (\d+) "', screen)
        self.assertTrue(compared, screen)
        self.assertGreater(int(compared[1]), 3)
        self.assertGreater(int(compared[2]), 5)
        self.click(terminal, 6, 60)  # the second one locks, on another place the light stays
        self.assertRegex(redrawn(terminal), r"B  compressorA .* \*.*")
        self.click(terminal, 12, 60)
        screen = redrawn(terminal)
        self.assertRegex(screen, r"slot s\d+ and locked slot s%s: [\d.]+%% of the slot" % compared[1])
        self.assertIn("*%s" % compared[1], screen)
        self.click(terminal, 6, 60)
        self.click(terminal, 6, 60)
        self.assertNotIn("locked", redrawn(terminal))
        data = self.home / "qa.jsonl"
        data.write_text("".join('{"context": "Peat %d.", "question": "What?", "answers": ["Peat"]}\n' % i
                                for i in range(9)))
        terminal.type(b":data %s\r" % bytes(data))
        wait_on_screen(terminal, "Sample 0 as the trainer")
        self.click(terminal, 7, 20)
        self.assertIn("Sample 4 as the trainer", redrawn(terminal))
        self.press(terminal, 7, 20, button=65)
        self.assertIn("Sample 7 as the trainer", redrawn(terminal))
        terminal.type(b":eval %s limit 4\r" % bytes(data))
        wait_on_screen(terminal, "4 of 4 questions")
        terminal.type(b":view all\r")
        self.click(terminal, 8, 20)
        self.assertRegex(redrawn(terminal), r">\s+1\s+Peat")
        self.quit(terminal)

    def test_drag_is_a_range(self):
        terminal = self.open_ready()
        self.press(terminal, 6, 20)
        self.release(terminal, 4, 20)  # backwards
        found = re.search(r"range: tokens (\d+) to (\d+)", redrawn(terminal))
        self.assertLess(int(found.group(1)), int(found.group(2)))
        self.quit(terminal)

    def test_wheel_scrolls_the_pane_under_it(self):
        terminal = self.open_ready()
        self.press(terminal, 28, 50, button=64)
        before = redrawn(terminal)
        self.press(terminal, 10, 20, button=65)
        after = redrawn(terminal)
        self.assertGreater(token(after), token(before))
        self.press(terminal, 10, 20, button=64)
        self.assertEqual(token(redrawn(terminal)), token(before))
        self.quit(terminal)

    def test_places_to_go(self):
        terminal = self.open_ready()
        title = redrawn(terminal).splitlines()[0]
        self.assertIn("3 Data", title)
        self.click(terminal, 0, 40)
        self.assertIn("[3 Data]", redrawn(terminal))
        self.click(terminal, 0, 15)
        self.assertIn("[1 Explore]", redrawn(terminal))
        self.click(terminal, 14, 43)  # low in the minimap
        self.assertGreater(token(redrawn(terminal)), 800)
        self.quit(terminal)

    def test_off_means_off(self):
        terminal = self.open_ready()
        self.assertIn(b"\x1b[?1000h", terminal.output)
        mark = len(terminal.output)
        terminal.type(b"M")
        terminal.wait_for(b"\x1b[?1000l", since=mark)
        self.quit(terminal)


class SlowLineTest(ExplorerTest):
    KEYS = 120

    def bytes_for_moves(self, after_each):
        """Bytes that the program wrote for many moves; the cursor must have arrived at the end."""
        with self.open("--color", "never", rows=36, columns=120) as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            mark = len(terminal.output)
            for i in range(self.KEYS):
                os.write(terminal.master, b"]" if i % 8 else b"[")  # type() would take output in
                after_each(terminal)
            while not self.rests(terminal):
                self.take(terminal)
            written = len(terminal.output) - mark
            self.assertIn("window 13 of 13", redrawn(terminal))
            self.quit(terminal)
            return written

    def rests(self, terminal):
        """No output for so many looks, and nothing that is left to do."""
        for _ in range(10):
            time.sleep(0.033)
            if select.select([terminal.master], [], [], 0)[0] or terminal.is_busy():
                return False
        return True

    @staticmethod
    def take(terminal, size=256, pause=0.035):
        """What a slow line lets through."""
        if select.select([terminal.master], [], [], 0)[0]:
            terminal.output += os.read(terminal.master, size)
        time.sleep(pause)

    def test_frames_are_left_out(self):
        fast = self.bytes_for_moves(lambda terminal: terminal.settle(0.06))  # a frame each
        slow = self.bytes_for_moves(self.take)
        self.assertLess(slow, fast / 2)

    def move_slowly(self, terminal, keys, rate=3000):
        """Bytes that were written for so many moves on a line of `rate` bytes a second."""
        mark = len(terminal.output)
        for _ in range(keys):
            terminal.type(b"]")
            while not self.rests(terminal):
                self.take(terminal, 100, 100 / rate)
        return len(terminal.output) - mark

    def test_colours_are_left_out_of_a_slow_line(self):
        with self.open(rows=36, columns=120, environment={"COLORTERM": "truecolor"}) as terminal:
            terminal.wait_for(b"? help")
            terminal.settle()
            mark = len(terminal.output)
            terminal.type(b"]")
            terminal.settle()
            colored = len(terminal.output) - mark
            self.assertIn(b"48;2;", terminal.output[mark:])
            self.move_slowly(terminal, 3)
            terminal.settle()
            mark = len(terminal.output)
            self.assertLess(self.move_slowly(terminal, 2), colored)
            self.assertNotIn(b";2;", terminal.output[mark:])
            terminal.settle()
            mark = len(terminal.output)
            terminal.type(b"\x0c")
            terminal.wait_for(b"48;2;", since=mark)
            terminal.settle()
            self.quit(terminal)

    def test_another_speed_is_noticed(self):
        with self.open(rows=36, columns=120) as terminal:
            terminal.wait_for(b"48;5;")
            for speed, told in ((termios.B9600, b"a slow line: shades"), (termios.B38400, b"48;5;")):
                terminal.settle()
                mark, modes = len(terminal.output), termios.tcgetattr(terminal.slave)
                modes[4] = modes[5] = speed
                termios.tcsetattr(terminal.slave, termios.TCSANOW, modes)
                terminal.wait_for(told, since=mark)
            self.quit(terminal)

    def test_a_line_that_says_it_is_slow_has_no_colours_from_the_start(self):
        for speed, colors in ((termios.B9600, False), (termios.B38400, True)):
            with self.subTest(speed), self.open(rows=36, columns=120, speed=speed) as terminal:
                terminal.wait_for(b"? help")
                terminal.type(b"]")
                terminal.settle()
                self.assertEqual(b"48;5;" in terminal.output, colors)
                terminal.type(b"\x0c")  # who wants them has them
                terminal.wait_for(b"48;5;")
                self.quit(terminal)


if __name__ == "__main__":
    main()
