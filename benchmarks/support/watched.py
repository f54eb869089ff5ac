"""What a command of fastphash and all its processes take (Linux)."""

import contextlib
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.support.processes import (
    FASTPHASH,
    peak_memory,
    resident_memory,
    with_descendants,
)

_TICKS = os.sysconf("SC_CLK_TCK")


class Taken(NamedTuple):
    """What a run took: seconds, CPU seconds, bytes of memory and written, and what it printed.

    Memory is the peak of all processes together; a page that several share counts for each. Written
    bytes are the first process's.
    """

    seconds: float
    cpu: float
    memory: int
    written: int
    printed: str


def run_and_watch(*words: str, environment: Mapping[str, str] | None = None) -> Taken:
    """Run a command of fastphash in a process of its own."""
    start = time.perf_counter()
    memory = written = 0
    cpu: dict[int, float] = {}
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*FASTPHASH, *words],
            stdout=printed,
            stderr=errors,
            env={**os.environ, **(environment or {})},
        )
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            with contextlib.suppress(OSError, AssertionError):  # it has just ended
                found = with_descendants(process.pid)
                memory = max(memory, sum(map(resident_memory, found)), peak_memory(process.pid))
                written = max(written, bytes_written(process.pid))
                for one in found:
                    cpu[one] = max(cpu.get(one, 0.0), cpu_seconds(one))
            # to look each time takes milliseconds of a processor that the command could use
            time.sleep(min(max(0.02, (time.perf_counter() - start) / 100), 1.0))
        seconds = time.perf_counter() - start
        _, status, usage = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(f"fastphash {words[0]} failed: {errors.read()}")
        # those that are waited for are in the usage; Java and what it starts may not be
        return Taken(
            seconds,
            max(usage.ru_utime + usage.ru_stime, sum(cpu.values())),
            memory,
            written,
            printed.read(),
        )


def cpu_seconds(process: int) -> float:
    """CPU seconds of a process so far, those of others not included; 0 if it is gone."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def bytes_written(process: int) -> int:
    """What a process has written to files so far."""
    found = re.search(r"wchar: (\d+)", Path(f"/proc/{process}/io").read_text())
    assert found
    return int(found[1])
