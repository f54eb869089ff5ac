"""Groups of processes with a limit of memory, as containers have (Linux, root)."""

import contextlib
import os
import tempfile
import time
from pathlib import Path

from tests.support.skipping import missing

_ROOT = Path("/sys/fs/cgroup")
# of version 2 and of version 1: where groups are, and names of the limit and of the killed
_KINDS = (
    (_ROOT, "memory.max", "memory.events"),
    (_ROOT / "memory", "memory.limit_in_bytes", "memory.oom_control"),
)


class MemoryGroup:
    """A group; `join` is for `preexec_fn`."""

    def __init__(self, folder, events):
        self._folder = folder
        self._events = events

    def join(self):
        (self._folder / "cgroup.procs").write_text(str(os.getpid()))

    @property
    def killed(self):
        """How many processes the system has ended because they took too much."""
        lines = (self._folder / self._events).read_text().splitlines()
        return int(dict(line.split() for line in lines)["oom_kill"])


def _remove(folder):
    """Remove an empty group; the system counts a process as in it for a moment after its end."""
    until = time.monotonic() + 30
    while True:
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > until:
                left = (folder / "cgroup.procs").read_text().split()
                raise AssertionError(f"processes that outlive their program: {left}") from None
            time.sleep(0.1)
        else:
            return


@contextlib.contextmanager
def memory_group(limit):
    """A group that may take so many bytes; the test is skipped where none can be made."""
    for root, limit_name, events in _KINDS:
        try:
            folder = Path(tempfile.mkdtemp(prefix="fastphash-test-", dir=root))
        except OSError:
            continue
        try:
            if (folder / limit_name).exists():
                (folder / limit_name).write_text(str(limit))
                yield MemoryGroup(folder, events)
                return
        finally:
            _remove(folder)
    missing("no control group for memory can be made: root makes them")
