"""Where the files of tests lie."""

import os
import shutil
import tempfile
from pathlib import Path

from tests.support.skipping import missing

#: A disk of Linux that is memory.
MEMORY = Path("/dev/shm")
#: What tests write to it at most, with room to spare: their folders go when they pass.
_ROOM = 2 << 30


def write_into_memory(environment=os.environ):
    """Let pytest make the folders of tests in memory, where there is room.

    They sync thousands of small files, and a disk takes milliseconds for each. The same calls are
    made. Who names a place, by --basetemp or PYTEST_DEBUG_TEMPROOT, gets that one.
    """
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= _ROOM:
        environment.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def in_memory():
    """A folder whose files may have any time and size."""
    if not MEMORY.is_dir():
        missing(f"no {MEMORY}")
    return MEMORY


def elsewhere(folder):
    """A folder on another device than this one."""
    device = os.stat(folder).st_dev
    for other in (MEMORY, Path(tempfile.gettempdir()), Path("/var/tmp")):
        if other.is_dir() and other.stat().st_dev != device:
            return other
    missing(f"no folder on another device than {folder}")
    return None
