"""Groups of processes with a limit of memory, as containers have (Linux, root)."""

import contextlib
import os
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


@contextlib.contextmanager
def memory_group(limit):
    """A group that may take so many bytes; the test is skipped where none can be made."""
    for root, limit_name, events in _KINDS:
        folder = root / f"fastphash-test-{os.getpid()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            if (folder / limit_name).exists():
                (folder / limit_name).write_text(str(limit))
                yield MemoryGroup(folder, events)
                return
        finally:
            folder.rmdir()
    missing("no control group for memory can be made: root makes them")
