"""The processes that a test starts, and those that they start in turn: what they are doing, and
their end before the folder into which they write is taken away. Standard library only."""
import array
import contextlib
import ctypes
import fcntl
import os
import pathlib
import signal
import tempfile
import termios
import time

PR_SET_CHILD_SUBREAPER = 36
# Only a test that fails takes that long.
PATIENCE, MOST_DELAYED = 120, 1800


def temporary_folder(cleanup):
    """A folder; `cleanup` (addCleanup, addClassCleanup) takes it away, and before that ends all
    that still may write into it."""
    # A process whose parent has ended becomes a child of this one, and is found as such.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    folder = tempfile.TemporaryDirectory()
    cleanup(folder.cleanup)
    cleanup(end_all)
    return pathlib.Path(folder.name)


class Patience:
    """That long, without the time for which what this process has started was not let run: on a
    busy machine a run of low priority may get a hundredth of a processor."""

    def __init__(self, seconds=PATIENCE):
        self.began, self.seconds, self.before = time.monotonic(), seconds, delays()

    def is_over(self):
        beyond = time.monotonic() - self.began - self.seconds
        return beyond > 0 and beyond > min(self.delayed(), MOST_DELAYED)

    def delayed(self):
        """Seconds of the thread that waited longest."""
        return max((waited - self.before.get(thread, 0) for thread, waited in delays().items()),
                   default=0)


def delays():
    """Seconds for which each thread that this process has started has waited for a processor."""
    return {(pid, i): 1e-9 * waited for pid in descendants(os.getpid())
            for i, (_, waited, _) in enumerate(scheduled(pid))}


def wait_until(condition, seconds=PATIENCE, what="it does not come"):
    patience = Patience(seconds)
    while not condition():
        if patience.is_over():
            raise AssertionError(what)
        time.sleep(0.02)


def children(pid):
    """Of all its threads."""
    found = []
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def descendants(pid):
    found, parents = [], [pid]
    while parents:
        more = children(parents.pop())
        found += more
        parents += more
    return found


def fields(pid, task=None):
    """What /proc tells of a process or a thread behind its name: state, parent, group, session
    and so on; None when it is gone."""
    path = f"/proc/{pid}/task/{task}/stat" if task else f"/proc/{pid}/stat"
    try:
        return pathlib.Path(path).read_text().rpartition(")")[2].split()
    except OSError:
        return None


def state(pid):
    """R runs or wants to, S sleeps, D waits for a disk, T is stopped, Z has ended, X is gone."""
    known = fields(pid)
    return known[0] if known else "X"


def runs(pid):
    """Does any thread run, or want to?"""
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            known = fields(pid, task)
            if known and known[0] in "RD":
                return True
    return False


def cpu_seconds(pid):
    """Processor time of a living process so far."""
    user, system = fields(pid)[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def scheduled(pid):
    """Of each thread: nanoseconds on a processor and of waiting for one, turns; nothing where the
    kernel does not count them."""
    found = []
    with contextlib.suppress(OSError):
        tasks = sorted(pathlib.Path(f"/proc/{pid}/task").iterdir(), key=lambda task: int(task.name))
        if "/tsan/" in os.readlink(f"/proc/{pid}/exe"):
            del tasks[1:2]  # ThreadSanitizer's own, the first to start: ten turns a second
        for task in tasks:
            found.append(tuple(map(int, (task / "schedstat").read_text().split())))
    return found


def delayed_seconds(pid):
    """For how long the threads of a process have waited for a processor, together."""
    return 1e-9 * sum(waited for _, waited, _ in scheduled(pid))


def unread_bytes(terminal):
    """What was typed and is not taken yet."""
    count = array.array("i", [0])
    fcntl.ioctl(terminal, termios.FIONREAD, count)
    return count[0]


def end(pids):
    """Kills them, and returns when none of them can do anything any more."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        wait_until(lambda pid=pid: has_ended(pid), what=f"process {pid} does not end")


def has_ended(pid):
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return state(pid) in "ZX"


def all_ended():
    """Has everything that this process has started?"""
    return all([has_ended(pid) for pid in descendants(os.getpid())])


def end_all():
    """Ends everything that this process has started."""
    while left := descendants(os.getpid()):
        end(left)
        for pid in left:
            has_ended(pid)  # it may have become a child since
