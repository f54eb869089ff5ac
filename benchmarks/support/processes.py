"""Commands of fastphash in processes of their own, and the memory of a process (Linux)."""

import os
import re
import subprocess
import sys
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
