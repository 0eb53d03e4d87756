"""What a terminal shows after all that was written to it. A program that draws only what has changed
leaves out letters that are there already: a word is on the screen, and not in the output.

Known is what the explorer writes to a terminal that takes ANSI sequences: text, moves of the cursor,
erasing, deleting, scrolling, the alternate screen. All other sequences change no text. Standard
library only.
"""
import re
import unicodedata

SEQUENCE = re.compile(r"\x1b\[([?!>]?)([0-9;]*)[ -/]*([@-~])"
                      r"|\x1b\].*?(?:\x07|\x1b\\)|\x1b[()].|\x1b[^\[\]()]")
UNFINISHED = re.compile(r"\x1b(?:\[[0-9;?!>]*|\][^\x07\x1b]*|[()])?$")
MOVES = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1)}


class ScreenModel:
    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.row = self.column = 0
        self.top, self.bottom = 0, rows
        self.rest = b""
        self.erase()

    def erase(self):
        self.cells = [[" "] * self.columns for _ in range(self.rows)]

    def lines(self):
        return ["".join(row) for row in self.cells]

    def feed(self, output):
        """Takes in more bytes; of what is cut in the middle, the end comes with the next ones."""
        text = (self.rest + output).decode("utf-8", errors="surrogateescape")
        cut = UNFINISHED.search(text)
        end = cut.start() if cut else len(text.rstrip("".join(map(chr, range(0xDC80, 0xDD00)))))
        self.rest = text[end:].encode("utf-8", errors="surrogateescape")[-4096:]
        at = 0
        while at < end:
            found = SEQUENCE.match(text, at)
            if found and found.group() == "\x1bM":
                self.go_up()
                at = found.end()
            elif found:
                self.obey(*found.groups())
                at = found.end()
            else:
                self.put(text[at])
                at += 1

    def obey(self, private, numbers, letter):
        n, m = ([int(x or 0) for x in (numbers or "").split(";")] + [0])[:2]
        if private == "?" and n == 1049 or letter == "J" and n == 2:
            self.erase()
        elif private:
            return
        elif letter in ("H", "f"):
            self.row, self.column = max(n, 1) - 1, max(m, 1) - 1
        elif letter == "G":
            self.column = max(n, 1) - 1
        elif letter == "d":
            self.row = max(n, 1) - 1
        elif letter in MOVES:
            down, right = MOVES[letter]
            self.row += max(n, 1) * down
            self.column += max(n, 1) * right
        elif letter in ("J", "K", "X", "P"):
            self.take_away(letter, n)
        elif letter in ("S", "T"):
            self.scroll(max(n, 1) if letter == "S" else -max(n, 1))
        elif letter == "r":
            self.top, self.bottom = max(n, 1) - 1, m or self.rows
            self.row = self.column = 0
        self.row = min(max(self.row, 0), self.rows - 1)
        self.column = min(max(self.column, 0), self.columns - 1)

    def take_away(self, letter, n):
        here, line = self.column, self.cells[self.row]
        if letter == "P":
            line[here:] = (line[here + max(n, 1):] + [" "] * max(n, 1))[:self.columns - here]
        elif letter == "X":
            self.blank(self.row, here, here + max(n, 1))
        elif n == 0:
            self.blank(self.row, here)
            for row in range(self.row + 1, self.rows if letter == "J" else 0):
                self.blank(row, 0)
        elif letter == "K":
            self.blank(self.row, 0, here + 1 if n == 1 else self.columns)

    def blank(self, row, column, end=None):
        end = self.columns if end is None else min(end, self.columns)
        self.cells[row][column:end] = [" "] * (end - column)

    def go_up(self):
        if self.row == self.top:
            self.scroll(-1)
        else:
            self.row = max(self.row - 1, 0)

    def scroll(self, n):
        """The lines of the region go up by n."""
        region, empty = self.cells[self.top:self.bottom], [[" "] * self.columns for _ in range(abs(n))]
        moved = (region + empty)[n:] if n > 0 else (empty + region)[:n]
        self.cells[self.top:self.bottom] = moved[:len(region)] if n < 0 else moved[-len(region):]

    def put(self, letter):
        if letter == "\r":
            self.column = 0
        elif letter == "\b":
            self.column = max(self.column - 1, 0)
        elif letter == "\n" and self.row == self.bottom - 1:
            self.scroll(1)
        elif letter == "\n":
            self.row = min(self.row + 1, self.rows - 1)
        elif letter < " ":
            pass
        elif unicodedata.combining(letter):
            self.cells[self.row][max(self.column - 1, 0)] += letter
        else:
            wide = unicodedata.east_asian_width(letter) in "WF"
            if self.column < self.columns:
                self.cells[self.row][self.column] = letter
            if wide and self.column + 1 < self.columns:
                self.cells[self.row][self.column + 1] = ""
            self.column += 2 if wide else 1
