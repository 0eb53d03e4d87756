#!/usr/bin/env -S python3 -B
"""The limits that SECURITY.md states are the constants of the source."""
import re
import unittest

from harness import ROOT, main

ROW = re.compile(r"^\| (?P<what>[^|]+) \| (?P<value>\d+) \| `(?P<name>\w+)` in `(?P<file>[\w/.]+)` \|$", re.M)


def constant(path, name):
    """The value of `NAME = 16 << 20` or `#define NAME 16` in a source file."""
    text = (ROOT / path).read_text()
    found = re.search(rf"\b{name}\s*(?:=|\s)\s*([\d\s<*()]+?)\s*[,;}}\n/]", text)
    return eval(found.group(1), {"__builtins__": {}}) if found else None  # digits and << only


class Limits(unittest.TestCase):
    def test_table_equals_constants(self):
        text = (ROOT / "SECURITY.md").read_text()
        table = text.split("## Limits")[1].split("\n## ")[0]
        rows = list(ROW.finditer(table))
        self.assertEqual(len(rows), table.count("\n| ") - 2, "a row that cannot be read")
        self.assertGreater(len(rows), 10)
        for row in rows:
            with self.subTest(row["what"]):
                self.assertEqual(constant(row["file"], row["name"]), int(row["value"]))


if __name__ == "__main__":
    main()
