#!/usr/bin/env python3
"""Setting a machine up: what it lacks is named with its package, what is installed is told.
Programs of the test's own stand in for pkg-config, dpkg-query and apt-get."""
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.support.processes import PATIENCE, temporary_folder  # noqa: E402

# A make that runs the tests must not speak to those that they run.
OUTER = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}


class SetupTest(unittest.TestCase):
    def setUp(self):
        self.bin = temporary_folder(self.addCleanup)

    def tool(self, name, script):
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def call(self, *arguments, path=None):
        done = subprocess.run([str(a) for a in arguments], cwd=ROOT, capture_output=True, text=True,
                              timeout=PATIENCE, check=False,
                              env=dict(OUTER, PATH=path or f"{self.bin}:{OUTER['PATH']}"))
        return done.returncode, done.stdout, done.stderr

    def alone(self):
        """A PATH with nothing but the shell's tools and our own."""
        for name in ("grep", "id", "cat"):
            for folder in os.environ["PATH"].split(":"):
                if (pathlib.Path(folder) / name).exists() and not (self.bin / name).exists():
                    (self.bin / name).symlink_to(pathlib.Path(folder) / name)
        return str(self.bin)

    def test_missing_libraries_are_named_with_their_packages(self):
        self.tool("pkg-config", 'case "$2" in jansson|openblas) exit 1;; esac')
        status, out, err = self.call("make/missing", "deps", "gcc", "zlib:zlib1g-dev",
                                     "jansson:libjansson-dev", "openblas:libopenblas-openmp-dev")
        self.assertEqual((status, out), (1, ""))
        self.assertEqual(err, "comprexit: missing: jansson, openblas\ncomprexit: 'make deps' installs "
                              "it, or: apt-get install libjansson-dev libopenblas-openmp-dev\n")

    def test_nothing_missing_is_silent(self):
        self.tool("pkg-config", "exit 0")
        self.tool("compiler", "cat >/dev/null")
        self.assertEqual(self.call("make/missing", "deps", "compiler", "a:b"), (0, "", ""))

    def test_missing_tools_and_headers(self):
        self.tool("compiler", "exit 1")
        status, _, err = self.call("/bin/sh", "make/missing", "deps", "compiler", "a:b",
                                   path=self.alone())
        self.assertEqual(status, 1)
        self.assertIn("missing: pkg-config, stb_truetype.h", err)
        self.assertIn("apt-get install pkg-config libstb-dev", err)
        status, _, err = self.call("/bin/sh", "make/missing", "deps", "no-such-cc",
                                   path=self.alone())
        self.assertIn("missing: the compiler no-such-cc, pkg-config", err)

    def test_a_build_stops_before_compiling(self):
        self.tool("pkg-config", "exit 1")
        status, out, err = self.call("make", "all", "BUILD=" + str(self.bin / "build"))
        self.assertNotEqual(status, 0)
        self.assertIn("comprexit: missing: ncursesw, readline,", err)
        self.assertNotIn("compile", out)

    def test_tests_name_their_own_library(self):
        self.tool("pkg-config", '[ "$2" != cmocka ]')
        status, out, err = self.call("make", "tests-build", "BUILD=" + str(self.bin / "build"))
        self.assertNotEqual(status, 0)
        self.assertIn("comprexit: missing: cmocka\ncomprexit: 'make deps-check' installs it, or: "
                      "apt-get install libcmocka-dev\n", err)
        self.assertNotIn("compile", out)

    def test_every_library_has_a_package(self):
        self.tool("dpkg-query", "exit 1")
        self.tool("apt-get", "exit 0")
        self.tool("sudo", '"$@"')
        status, out, err = self.call("make", "deps")
        self.assertEqual((status, err), (0, ""))
        installed = out.split()
        self.assertEqual(installed[0], "installing:")
        for package in ("gcc", "pkg-config", "libncurses-dev", "libreadline-dev", "libstb-dev",
                        "libjansson-dev", "libpcre2-dev", "libzstd-dev", "zlib1g-dev", "nettle-dev",
                        "libutf8proc-dev", "libfontconfig-dev", "libopenblas-openmp-dev"):
            self.assertIn(package, installed)
        readme = (ROOT / "README.md").read_text()
        for package in set(installed[1:]) - {"gcc", "make", "pkg-config"}:
            self.assertIn(f"`{package}`", readme, "each dependency is named in the README")

    def test_what_is_there_is_not_installed(self):
        self.tool("dpkg-query", 'case "$4" in b) exit 1;; esac; echo install ok installed')
        self.tool("apt-get", "exit 0")
        self.tool("sudo", '"$@"')
        self.assertEqual(self.call("make/install", "a", "b", "c"), (0, "installing: b\n", ""))
        self.assertEqual(self.call("make/install", "a", "c"), (0, "", ""))

    def test_failures_name_the_packages(self):
        self.tool("dpkg-query", "exit 1")
        self.tool("apt-get", '[ "$1" = update ]')
        self.tool("sudo", '"$@"')
        status, _, err = self.call("make/install", "a", "b")
        self.assertEqual(status, 1)
        self.assertIn("comprexit: apt-get could not install: a b", err)
        (self.bin / "apt-get").unlink()
        status, _, err = self.call("/bin/sh", "make/install", "a", "b", path=self.alone())
        self.assertEqual(status, 1)
        self.assertIn("comprexit: no apt-get here: install what these Debian packages hold: a b", err)


if __name__ == "__main__":
    result = unittest.TextTestRunner(stream=sys.stdout).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    print(f"[==========] {result.testsRun} test(s) run.")
    sys.exit(0 if result.wasSuccessful() else 1)
