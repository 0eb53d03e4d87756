#!/usr/bin/env python3
"""The program as it is shipped: position independent, read-only relocations, no executable
stack, stack protector, checked library calls, no search path for libraries, and nothing
writable and executable."""
import os
import re
import subprocess
import sys
import unittest

PROGRAM = os.environ.get("COMPREXIT", "build/release/comprexit")


def readelf(*options):
    return subprocess.run(["readelf", "-W", *options, PROGRAM], capture_output=True, text=True,
                          check=True).stdout


class Hardening(unittest.TestCase):
    def setUp(self):
        if "/release/" not in PROGRAM:
            self.skipTest("only the shipped variant is hardened")

    def test_position_independent(self):
        self.assertRegex(readelf("-h"), r"Type:\s+DYN")

    def test_relocations_are_read_only(self):
        self.assertIn("GNU_RELRO", readelf("-l"))
        self.assertRegex(readelf("-d"), r"BIND_NOW|FLAGS_1.*NOW")

    def test_nothing_is_writable_and_executable(self):
        segments = readelf("-l")
        self.assertRegex(segments, r"GNU_STACK.*RW ")
        self.assertNotRegex(segments, r"RWE")

    def test_stack_protector_and_checked_calls(self):
        symbols = readelf("--dyn-syms")
        self.assertIn("__stack_chk_fail", symbols)
        self.assertRegex(symbols, r"__\w+_chk")

    def test_no_library_search_path(self):
        self.assertNotRegex(readelf("-d"), r"\((RPATH|RUNPATH)\)")

    def test_no_unbounded_calls(self):
        names = set(re.findall(r" (\w+)@", readelf("--dyn-syms")))
        self.assertFalse(names & {"strcpy", "strcat", "sprintf", "gets", "system", "popen"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
