"""Commands of fastphash in processes of their own, and the memory of a process (Linux)."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FASTPHASH = (sys.executable, "-m", "fastphash")


def time_fastphash(*arguments: str, **environment: str) -> float:
    """Seconds that a command takes, its start included; what it prints is dropped."""
    start = time.perf_counter()
    done = subprocess.run(
        [*FASTPHASH, *arguments],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    took = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"fastphash {arguments[0]} failed:\n{done.stderr}")
    return took


def peak_memory(process: int | str = "self") -> int:
    """Highest resident memory of a process so far, in bytes."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def run_watched(*arguments: str) -> tuple[int, str]:
    """Run a command of fastphash; the peak memory of all its processes, and what it printed.

    Pages that several processes share count for each.
    """
    command = [*FASTPHASH, *arguments]
    peak = 0
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=printed, stderr=errors)
        while process.poll() is None:
            peak = max(peak, sum(map(resident_memory, with_descendants(process.pid))))
            with contextlib.suppress(OSError, AssertionError):  # it has just ended
                peak = max(peak, peak_memory(process.pid))
            time.sleep(0.02)
        printed.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(f"fastphash {arguments[0]} failed:\n{errors.read()}")
        return peak, printed.read()


def with_descendants(root: int) -> list[int]:
    """A process and all its descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_text()
            except OSError:
                continue
            parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def resident_memory(process: int) -> int:
    """Resident memory in bytes; pages shared by several processes count for each."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
