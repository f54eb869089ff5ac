"""Joins and groups that might explode, of nothing, without memory, or interrupted."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from fastphash import TooManyPairsError, group, join, self_join
from tests.support.command_line import command, run, run_process, screen
from tests.support.examples import campaign_of
from tests.support.fault_runs import contents
from tests.support.scenes import save, scenes
from tests.support.stores import write_hashes, write_store

# the high water mark of the process itself: what getrusage says begins with that of its parent
PEAK = """
import sys
import numpy as np
import fastphash

hashes = np.load(sys.argv[1])
for radius in map(int, sys.argv[2].split(",")):
    print(len(np.unique(fastphash.group(hashes, radius, grouping=sys.argv[3]).label)))
with open("/proc/self/status") as file:
    print(int(file.read().split("VmHWM:")[1].split()[0]) // 1024)
"""


def groups_in(tmp_path, hashes, radii, grouping="star"):
    """Groups at each radius, and the most megabytes that finding them took in all."""
    np.save(tmp_path / "hashes.npy", hashes)
    words = [sys.executable, "-c", PEAK, str(tmp_path / "hashes.npy"), radii, grouping]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    *groups, megabytes = map(int, done.stdout.split())
    return groups, megabytes


@pytest.mark.slow
def test_38_identical_hashes(tmp_path):
    groups, megabytes = groups_in(tmp_path, np.full(1_000_000, 77, np.uint64), "0,4,8")
    assert groups == [1, 1, 1]
    assert megabytes < 500
    with pytest.raises(TooManyPairsError, match="499,999,500,000"):
        self_join(np.full(1_000_000, 77, np.uint64), max_pairs=1000)


def ball(count):
    """Different hashes, each at most four bits from one."""
    rng = np.random.default_rng(39)
    centre = rng.integers(0, 2**64, dtype=np.uint64)
    bits = rng.permuted(np.tile(np.arange(64, dtype=np.uint64), (2 * count, 1)), axis=1)[:, :4]
    flips = np.bitwise_or.reduce(np.uint64(1) << bits, axis=1)
    return centre ^ rng.permutation(np.unique(flips))[:count]


@pytest.mark.slow
@pytest.mark.parametrize("count", [30_000, 100_000])
def test_39_one_ball(tmp_path, count):
    hashes = ball(count)
    assert np.unique(hashes).size == count
    groups, megabytes = groups_in(tmp_path, hashes, "4,8")
    assert groups[1] == 1
    assert megabytes < 500
    write_hashes(tmp_path / "ball.parquet", path=[f"{i}" for i in range(hashes.size)], phash=hashes)
    write_hashes(tmp_path / "other.parquet", path=["x"], phash=hashes[:1])
    words = ("join", "ball.parquet", "other.parquet", "-o", "pairs.parquet", "--radius", "8")
    error = run(*words, "--max-pairs", "5000", status=1, cwd=tmp_path).stderr
    assert re.search(r"at least [\d,]+ pairs, more than the limit of 5,000", error)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ball.parquet",
        "hashes.npy",
        "other.parquet",
    ]


def test_40_empty(tmp_path):
    none = np.empty(0, np.uint64)
    for radius in (0, 4, 64):
        assert join(none, none, radius).left.size == 0
        assert self_join(np.array([5], np.uint64), radius).left.size == 0
        assert group(none, radius).label.size == 0
        assert group(np.array([5], np.uint64), radius).keeper.tolist() == [0]
    write_store(tmp_path / "empty")
    write_store(
        tmp_path / "one", {"path": ["a"], "split": ["other"], "phash": np.array([7], np.uint64)}
    )
    for radius in ("0", "4"):
        for words in (("join", "empty", "one"), ("group", "empty"), ("group", "one")):
            done = run(
                *words, "-o", "out", "--radius", radius, "--overwrite", "--json", cwd=tmp_path
            )
            found = json.loads(done.stdout)
            assert found.get("pairs", found.get("groups")) == 0
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.jpg").write_text("no image")
    assert "has no images" in run("hash", "in", "-o", "rejected", status=1, cwd=tmp_path).stderr
    done = run("group", "rejected", "-o", "out", "--overwrite", "--json", cwd=tmp_path)
    counts = {"images": 0, "groups": 0, "copies": {}, "unseen": 0}
    assert json.loads(done.stdout) == {"hash": "phash", "bits": 64, **counts}


@pytest.mark.slow
def test_41_memory_limit(tmp_path):
    rng = np.random.default_rng(41)
    hashes = rng.integers(0, 2**64, 4_000_000, dtype=np.uint64)
    names = np.char.add("folder/", np.arange(hashes.size).astype(str))
    for name in ("one", "other"):
        write_hashes(tmp_path / f"{name}.parquet", path=names, phash=hashes)
    # address space in which everything is imported, and the rows are too many
    few = limited(1_250_000_000)
    for words in (("join", "one.parquet", "other.parquet"), ("group", "one.parquet")):
        how = ("-o", "out", "--radius", "2")
        error = run_process(*words, *how, status=1, cwd=tmp_path, preexec_fn=few).stderr
        assert "out of memory" in error
        assert len(list(tmp_path.iterdir())) == 2


def limited(limit):
    """What gives a process that is to be started so many bytes of address space."""
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def processes_of(group):
    """Processes of a group that have not ended."""
    lines = subprocess.run(
        ["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [line for line in lines if int(line.split()[0]) == group and "Z" not in line.split()[1]]


def masks(pid):
    """Signals that a process ignores, and those that it handles, as sets of one moment."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = file.read()
    bits = (int(status.split(f"{name}:")[1].split()[0], 16) for name in ("SigIgn", "SigCgt"))
    return [{number for number in signal.Signals if mask >> (number - 1) & 1} for mask in bits]


def begun(pid):
    """Whether fastphash has taken Ctrl-C from Python, which answers it with a traceback."""
    ignored, handled = masks(pid)
    # Python's own start ignores SIGPIPE and handles SIGINT
    return signal.SIGTERM in handled or (signal.SIGPIPE in ignored and signal.SIGINT not in handled)


def listening(pid):
    """Whether everything is imported, and signals are tidied up after."""
    return signal.SIGTERM in masks(pid)[1]


def hashing(pid):
    """Whether it has started its two workers; the others are the server and the tracker."""
    return len(psutil.Process(pid).children(recursive=True)) == 4


def at_work(pid):
    """Whether it has computed for a while after that: in its own time, however slow the machine."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        ticks = sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
    return listening(pid) and ticks > 5 * os.sysconf("SC_CLK_TCK")


def interrupted(words, state, after, number, send=os.killpg):
    """Run a command and send it a signal, so many seconds after it has come to a state.

    See that it ends at once; its exit status.
    """
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=screen(), start_new_session=True
    )
    while process.poll() is None and not state(process.pid):
        time.sleep(0.01)
    time.sleep(after)
    sent = time.monotonic()
    if process.poll() is None:
        send(process.pid, number)
    _, errors = process.communicate(timeout=30)
    while processes_of(process.pid):
        assert time.monotonic() < sent + 5
        time.sleep(0.05)
    assert time.monotonic() < sent + 5
    assert b"Traceback" not in errors, errors
    return process.returncode


def stop_hashing(tmp_path, number, state, times, large=60):
    """Stop the same run after each of some times; in the end it is as if nothing had been."""
    folder = scenes(tmp_path / "in", range(40))
    picture = save(tmp_path / "x.png", np.zeros((3000, 3000), np.uint8)).read_bytes()
    for i in range(large):
        (folder / f"large-{i:02d}.png").write_bytes(picture + b"%d" % i)
    store = tmp_path / "s"
    words = command("hash", str(folder), "-o", str(store), "--workers", "2")
    send = os.killpg if number == signal.SIGINT else os.kill
    for after in times:
        assert interrupted(words, state, after, number, send) in (0, 128 + number, -number)
    run("hash", str(folder), "-o", str(store), "--workers", "2")
    run("hash", str(folder), "-o", str(tmp_path / "whole"), "--workers", "2")
    assert contents(store) == contents(tmp_path / "whole")


@pytest.mark.slow
def test_42_signals_while_hashing(tmp_path):
    stop_hashing(tmp_path, signal.SIGINT, hashing, [0.1], large=24)


@pytest.mark.slow
@pytest.mark.parametrize("times", campaign_of(8, least=3))
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_42_signals_at_random_times(tmp_path, number, times):
    stop_hashing(tmp_path, number, begun, np.random.default_rng(42).uniform(0.1, 3, times))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_42_signals_while_joining(tmp_path, number):
    rng = np.random.default_rng(42)
    hashes = rng.integers(0, 2**64, 1_500_000, dtype=np.uint64)
    names = [f"{i}" for i in range(hashes.size)]
    write_hashes(tmp_path / "hashes.parquet", path=names, phash=hashes)
    words = command(
        "group", str(tmp_path / "hashes.parquet"), "-o", str(tmp_path / "out"), "--radius", "16"
    )
    status = interrupted(words, at_work, 0, number, os.kill)
    assert status == 128 + number
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hashes.parquet"]


def test_43_one_worker_or_many(tmp_path):
    folder = scenes(tmp_path / "in", range(200))
    (folder / "100.png").write_bytes(b"broken")
    for count in ("1", "2", "5"):
        run("hash", str(folder), "-o", str(tmp_path / count), "--workers", count)
    assert contents(tmp_path / "1") == contents(tmp_path / "2") == contents(tmp_path / "5")
