"""Signals to a command at random moments, and what is left behind: hung, or lying about."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from tests.support.command_line import command, run, screen
from tests.support.scenes import planted
from tests.support.stores import write_hashes

#: Seconds after a signal in which everything must have ended.
PATIENCE = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
#: Whom a signal is sent to: the program, all its processes as a terminal does, or a worker.
TARGETS = ("program", "program", "group", "worker")
#: Where stdout goes.
STREAMS = ("file", "file", "closed pipe")

_HASHES = "a.parquet", "b.parquet"
_SPLITS = "train=train", "val=val"
_ON_DISK = "--scratch", "work"
#: The commands, in a folder as `prepare` makes it. The data of some may change.
COMMANDS = {
    "hash": ("hash", *_SPLITS, "-o", "new", "--workers", "2"),
    "info": ("info", "out/hashes"),
    "audit": ("audit", *_SPLITS, "-o", "new", "--workers", "2"),
    "audit again": ("audit", *_SPLITS, "-o", "out", "--workers", "2"),
    "join": ("join", *_HASHES, "-o", "p.parquet", "--radius", "12"),
    "group": ("group", "a.parquet", "-o", "g.parquet", "--radius", "8"),
    "query": ("query", "train/000.png", "--in", "out/hashes", "-o", "near.csv"),
    "report": ("report", "out", "-o", "r.html"),
    "inspect": ("inspect", "out", "--no-browser", "--port", "0"),
    "clean": ("clean", "out"),
    "lists": ("clean", "out", "lists", "--apply"),
    "copy": ("clean", "out", "tree", "--apply", "--to", "copy"),
    "hardlink": ("clean", "out", "tree", "--apply", "--to", "hardlink"),
    "symlink": ("clean", "out", "tree", "--apply", "--to", "symlink"),
    "move": ("clean", "out", "aside", "--apply", "--to", "move"),
    "undo": ("clean", "moved", "--undo"),
    "evaluate": ("evaluate", "out", "truth.csv"),
    "calibrate": ("calibrate", "out/hashes", "-o", "c.svg"),
    "convert": ("convert", "out/hashes@train", "hashes.json"),
    "demo": ("demo", "-o", "made", "--workers", "2"),
    "join on the disk": ("join", *_HASHES, "-o", "p.parquet", "--radius", "6", *_ON_DISK),
    "group on the disk": ("group", "b.parquet", "-o", "g.parquet", "--radius", "4", *_ON_DISK),
    "audit on the disk": ("audit", *_SPLITS, "-o", "new", "--workers", "2", *_ON_DISK),
}
# how names of what multiprocessing shares begin
_SHARED = "sem.", "psm_", "pymp"
# seconds after which a server that nobody asks anything is taken to have done all it does
_SERVED = 3.0


def prepare(folder: Path) -> Path:
    """Data for every command: returns the folder."""
    run("audit", *planted(folder), "-o", "out", cwd=folder)
    run("clean", "out", cwd=folder)
    shutil.copytree(folder / "out", folder / "moved")
    (folder / "truth.csv").write_text("needle,haystack\ntrain/000.png,train/again.png\n")
    rng = np.random.default_rng(42)
    for name, count in zip(_HASHES, (3_000, 50_000), strict=True):
        hashes = rng.integers(0, 2**64, count, dtype=np.uint64)
        write_hashes(folder / name, path=[str(i) for i in range(count)], phash=hashes)
    return folder


@dataclass
class Trial:
    """A command, and when it gets which signals.

    Attributes
    ----------
    name : str
        Of the command.
    since : {"start", "handled", "output"}
        Its start, the moment when it has begun to answer signals, or its first output: for most
        commands the beginning of the end.
    after : float
        Seconds after that.
    numbers : list of int
        One signal or two, `between` seconds after one another.
    target : {"program", "group", "worker"}
    stream : {"file", "closed pipe"}
    """

    name: str
    since: str
    after: float
    numbers: list[int]
    between: float
    target: str
    stream: str


@dataclass
class Outcome:
    """What a trial showed.

    Attributes
    ----------
    status : int
    took : float
        Seconds from the last signal to the end of the program; 0 if it had ended before.
    errors : str
        What it wrote to stderr.
    faults : list of str
        What was wrong: it hung, or printed a traceback, or left something.
    """

    status: int
    took: float
    errors: str
    faults: list[str] = field(default_factory=list)


@dataclass
class Usual:
    """Seconds that a command takes: in all, and from the moment when it answers signals."""

    whole: float
    handled: float


def random_trial(rng: random.Random, name: str, usual: Callable[[str], Usual]) -> Trial:
    """A trial of a command: a third of them while it starts, works and ends.

    ``usual(name)`` says how long it takes; it is asked only where that counts.
    """
    since = rng.choice(["start", "handled", "output"])
    if since == "output":
        most = 0.1
    else:
        most = usual(name).whole if since == "start" else usual(name).handled
    after = rng.uniform(0, 1) ** (2 if since == "output" else 1) * most
    numbers = [rng.choice(SIGNALS)]
    if rng.random() < 0.3:
        numbers.append(rng.choice(SIGNALS))
    between = rng.choice([0, 0.001, 0.02, 0.2])
    return Trial(name, since, after, numbers, between, rng.choice(TARGETS), rng.choice(STREAMS))


class Place:
    """A folder where trials run, made anew for each: audits know their images by absolute names."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._data = folder / "place", folder / "data"
        self._folder.mkdir(parents=True)
        prepare(self._folder)
        self._folder.rename(self._data)

    def fresh(self, name: str) -> Path:
        """The folder with all data of a command as it was."""
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(self._data, self._folder)
        (self._folder / "temporary").mkdir()
        if name == "undo":
            run("clean", "moved", "aside", "--apply", "--to", "move", cwd=self._folder)
        return self._folder

    def usual(self, name: str) -> Usual:
        """How long a command takes; a server would take for ever."""
        if name == "inspect":
            return Usual(_SERVED, _SERVED)
        folder = self.fresh(name)
        began = time.monotonic()
        process = _start(name, folder, "file")
        _wait_until(process, lambda: _handles_signals(process.pid))
        handled = time.monotonic()
        process.wait()
        assert process.returncode == 0, (folder / "errors").read_text()
        return Usual(time.monotonic() - began, time.monotonic() - handled)

    def run(self, trial: Trial) -> Outcome:
        """One trial, and what was wrong."""
        folder = self.fresh(trial.name)
        shared = _shared_memory()
        process = _start(trial.name, folder, trial.stream)
        sent, reached = _send(process, trial, folder)
        if trial.name == "inspect" and not (reached and set(trial.numbers) - {signal.SIGPIPE}):
            # it would serve for ever
            sent = time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        faults = []
        # nobody is asked to end by a closed pipe that isn't written to, or if a worker dies
        spared = trial.target == "worker" or set(trial.numbers) == {signal.SIGPIPE} or not reached
        try:
            process.wait(PATIENCE + (60 if spared and trial.name != "inspect" else 0))
        except subprocess.TimeoutExpired:
            faults.append(f"hung: {_stacks(process.pid)}")
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        outcome = Outcome(process.returncode, time.monotonic() - sent, "", faults)
        outcome.errors = (folder / "errors").read_text(errors="replace")
        faults += _faults(outcome, trial, folder, process.pid, shared)
        return outcome


def _start(name: str, folder: Path, stream: str) -> "subprocess.Popen[bytes]":
    environment = screen() | {"TMPDIR": str(folder / "temporary")}
    reader, writer = os.pipe()
    try:
        with open(folder / "output", "wb") as out, open(folder / "errors", "wb") as errors:
            os.close(reader)
            return subprocess.Popen(
                command(*COMMANDS[name]),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=writer if stream == "closed pipe" else out,
                stderr=errors,
                start_new_session=True,
            )
    finally:
        os.close(writer)


def _send(process: "subprocess.Popen[bytes]", trial: Trial, folder: Path) -> tuple[float, bool]:
    """Send the signals; when the last was sent, and whether the program was still there."""
    if trial.since == "handled":
        _wait_until(process, lambda: _handles_signals(process.pid))
    elif trial.since == "output":
        shown = folder / ("errors" if trial.stream == "closed pipe" else "output")
        _wait_until(process, lambda: shown.stat().st_size or any(folder.rglob("_*.tmp")))
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(trial.after)
    reached = False
    sent = time.monotonic()
    for i, number in enumerate(trial.numbers):
        if i:
            time.sleep(trial.between)
        if process.poll() is not None:
            break
        sent = time.monotonic()
        reached |= _signal(process.pid, number, trial.target)
    return sent, reached


def _wait_until(process: "subprocess.Popen[bytes]", reached: Callable[[], object]) -> None:
    """Wait until a process has come so far, or has ended."""
    end = time.monotonic() + 60
    while process.poll() is None and not reached() and time.monotonic() < end:
        time.sleep(0.001)


def _handles_signals(pid: int) -> bool:
    """Whether a process tidies up after SIGTERM: it has imported what it needs."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        return bool(int(status.split("SigCgt:")[1].split()[0], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def _signal(pid: int, number: int, target: str) -> bool:
    """Send a signal; whether the program itself gets it."""
    with contextlib.suppress(ProcessLookupError, psutil.Error):
        if target == "group":
            os.killpg(pid, number)
        elif target == "program":
            os.kill(pid, number)
        else:
            workers = psutil.Process(pid).children(recursive=True)
            for worker in workers[-1:]:
                os.kill(worker.pid, number)
            return False
    return True


def _faults(
    outcome: Outcome, trial: Trial, folder: Path, group: int, shared: set[str]
) -> list[str]:
    faults = []
    told = [line for line in outcome.errors.splitlines() if _is_trace(line)]
    if told:
        faults.append(f"said: {outcome.errors[-1500:]}")
    if processes := _wait_for_none(group):
        faults.append(f"processes left: {processes}")
    if segments := _unused(_shared_memory() - shared):
        faults.append(f"shared memory left: {sorted(segments)}")
    if not _status_fits(outcome.status, trial):
        faults.append(f"status {outcome.status}: {outcome.errors[-500:]}")
    # a second signal ends a process at once
    if len(trial.numbers) == 1:
        left = [*folder.rglob("*.tmp"), *(folder / "temporary").iterdir()]
        # what ends a process at once leaves its files: the next run takes them away
        if left and outcome.status >= 0:
            faults.append(f"files left: {[str(path.relative_to(folder)) for path in left]}")
    return faults


def _is_trace(line: str) -> bool:
    return any(
        word in line for word in ("Traceback", "Exception ignored", "Fatal Python", "rror in")
    )


def _status_fits(status: int, trial: Trial) -> bool:
    expected = {0, *(128 + number for number in trial.numbers), *(-n for n in trial.numbers)}
    # what is sent to a worker may hit the server that workers are forked from: one line says so
    if trial.stream == "closed pipe" or trial.target == "worker":
        expected.add(1)
    if trial.name == "inspect":
        expected |= {128 + signal.SIGINT, -signal.SIGINT}
    return status in expected


def _wait_for_none(group: int) -> list[str]:
    """Processes of a group that haven't ended some seconds after their program."""
    end = time.monotonic() + PATIENCE
    while (left := _living(group)) and time.monotonic() < end:
        time.sleep(0.02)
    for pid, _ in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return [words for _, words in left]


def _living(group: int) -> list[tuple[int, str]]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, pgid = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(pgid) == group and state not in "ZX":
                words = (stat.parent / "cmdline").read_bytes().replace(b"\0", b" ")
                found.append((int(stat.parent.name), words.decode(errors="replace")[:200]))
    return found


def _shared_memory() -> set[str]:
    with contextlib.suppress(OSError):
        return {
            name for name in os.listdir("/dev/shm") if name.startswith(("sem.", "psm_", "pymp"))
        }
    return set()


def _unused(names: set[str]) -> set[str]:
    """Those segments of shared memory that no process has: other programs make some meanwhile."""
    if not names:
        return names
    used: set[int] = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):
            # a semaphore is mapped under the name that it has before it gets its own
            lines = maps.read_text(errors="replace").splitlines()
            used |= {int(line.split()[4]) for line in lines if "/dev/shm/" in line}
    unused = set()
    for name in names:
        with contextlib.suppress(OSError):
            if os.stat(f"/dev/shm/{name}").st_ino not in used:
                unused.add(name)
    return unused


def _stacks(pid: int) -> str:
    """Where each thread of a process waits, as far as the system says."""
    lines = []
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):
            lines.append((thread / "wchan").read_text())
    return ", ".join(lines)
