"""An audit in a process of its own, its stages timed, the memory of all its processes watched.

Run as a program, it audits: ``python -m benchmarks.support.staged_audit TRAIN VAL OUT``, with what
`fastphash.audit` is to be called with as JSON.
"""

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.support.processes import peak_memory, resident_memory, with_descendants

# seconds between two looks at the memory of all processes
_BETWEEN_LOOKS = 0.05


class StagedAudit(NamedTuple):
    """What an audit took.

    Attributes
    ----------
    seconds : float
        With the start of the process.
    stages : dict of str to float
        Seconds of each stage, in order; stages that come again count together.
    parent_memory, memory : int
        Peak resident bytes of the process itself, and of it and all its workers together. Pages
        that several processes share count for each.
    """

    seconds: float
    stages: dict[str, float]
    parent_memory: int
    memory: int


def run_staged_audit(train: Path, val: Path, out: Path, **options: Any) -> StagedAudit:
    """Audit two splits in a new process."""
    command = [sys.executable, "-m", __name__, str(train), str(val), str(out), json.dumps(options)]
    start = time.perf_counter()
    memory = parent = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            memory = max(memory, sum(map(resident_memory, with_descendants(process.pid))))
            with contextlib.suppress(OSError, AssertionError):  # it has just ended
                parent = max(parent, peak_memory(process.pid))
            time.sleep(_BETWEEN_LOOKS)
        seconds = time.perf_counter() - start
        assert process.stdout is not None
        printed = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"the audit failed with status {process.returncode}")
    stages = json.loads(printed)
    return StagedAudit(seconds, stages, parent, max(memory, parent))


class _Stages:
    """Notes when each stage begins."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage = "starting"
        self._began = time.perf_counter()

    def __call__(self, stage: str, done: int, total: int) -> None:  # noqa: ARG002 - a Progress
        if stage != self._stage:
            self.end()
            self._stage = stage

    def end(self) -> None:
        now = time.perf_counter()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0) + now - self._began
        self._began = now


def main() -> None:
    stages = _Stages()
    import fastphash  # its import is part of the start

    train, val, out, options = sys.argv[1:]
    splits = {"train": train, "val": val}
    fastphash.audit(splits, out, progress=stages, **json.loads(options))
    stages.end()
    print(json.dumps(stages.seconds))


if __name__ == "__main__":
    main()
