"""Fault 42 again: signals while a command ends."""

import functools
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from tests.support.command_line import run
from tests.support.examples import campaign_of, slow_but
from tests.support.forks import command, send
from tests.support.scenes import planted, save, scene
from tests.support.signal_trials import COMMANDS as ALL_COMMANDS
from tests.support.signal_trials import Place, random_trial
from tests.support.stores import write_hashes

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An audit in `out`, and two tables of hashes."""
    folder = tmp_path_factory.mktemp("ending")
    run("audit", *planted(folder), "-o", "out", cwd=folder)
    rng = np.random.default_rng(42)
    for name, count in (("a", 3_000), ("b", 100_000)):
        hashes = rng.integers(0, 2**64, count, dtype=np.uint64)
        write_hashes(folder / f"{name}.parquet", path=[str(i) for i in range(count)], phash=hashes)
    return folder


COMMANDS = {
    "join": ("join", "a.parquet", "b.parquet", "-o", "p.parquet", "--overwrite", "--radius", "12"),
    "group": ("group", "a.parquet", "-o", "g.parquet", "--overwrite", "--radius", "8"),
    "report": ("report", "out", "-o", "r.html", "--overwrite"),
    "clean": ("clean", "out"),
    "info": ("info", "out/hashes"),
}


# what a command writes last, before it says so
DRAFTS = {
    "join": "_p.parquet.fastphash.tmp",
    "group": "_g.parquet.fastphash.tmp",
    "report": "_r.html.fastphash.tmp",
    "clean": "out/_plan.parquet.fastphash.tmp",
}


def ended(forks, name, place, number, after, *, early):
    """Status and stderr of a command that gets a signal so long after its first output.

    With `early`, it is so long after it has begun to write its result.
    """
    draft = place / DRAFTS[name] if early and name in DRAFTS else None
    if draft:
        # one that a command left when it was killed would end the wait before it has begun
        draft.unlink(missing_ok=True)

    def signalled(pid, output, has_ended):
        while not (draft.exists() if draft else output.stat().st_size) and not has_ended():
            time.sleep(0.0005)
        time.sleep(after)
        if not has_ended():
            send(pid, number)

    # killed after that, it hung
    done = forks.run(command, *COMMANDS[name], cwd=place, meanwhile=signalled, seconds=5)
    return done.returncode, done.stderr


def end_many(forks, place, names, delays):
    """Each command gets each signal, before and after its first output, which comes last."""
    for name in names:
        for i, after in enumerate(delays):
            number = NUMBERS[i % 3]
            status, errors = ended(forks, name, place, number, after, early=i % 4 < 2)
            assert status in (0, 128 + number, -number), (name, after, errors.decode())
            assert b"Traceback" not in errors, (name, after, errors.decode())
            assert b"Exception" not in errors, (name, after, errors.decode())


def test_42_signals_as_a_command_ends(forks, place):
    end_many(forks, place, ["join"], [0, 0.01, 0])


@pytest.mark.slow
@pytest.mark.parametrize("times", campaign_of(24, least=9))
@pytest.mark.parametrize("name", COMMANDS)
def test_42_signals_in_the_last_100_ms(forks, place, name, times):
    # more of them early: most commands end within some ms of their first output
    delays = np.random.default_rng(7).uniform(0, 1, times) ** 2 * 0.1
    end_many(forks, place, [name], delays.tolist())


@pytest.mark.slow(seconds=60)
def test_42_random_signals_to_every_command(tmp_path_factory, request):
    rng = random.Random(request.config.getoption("--seed"))
    count = request.config.getoption("--signals")
    # a short name: sockets lie in a folder below it, and their paths hold 107 bytes
    place, names = Place(tmp_path_factory.mktemp("s")), list(ALL_COMMANDS)
    rng.shuffle(names)
    # a command is timed only if a moment of one of its trials depends on it
    usual = functools.cache(place.usual)
    for i in range(count):
        trial = random_trial(rng, names[i % len(names)], usual)
        outcome = place.run(trial)
        assert not outcome.faults, (trial, outcome)


# A process that is interrupted again and again while threads work for it: it must not wait for ever
STORM = """
import random, signal, sys, time
from fastphash.base.threads import run_all

class Interrupt(BaseException):
    pass

def interrupt(*_):
    raise Interrupt

signal.signal(signal.SIGALRM, interrupt)
# an exception in a destructor is printed, and forgotten
sys.unraisablehook = lambda _: None
rng, interrupted = random.Random(5), 0
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    try:
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, 1e-3))
        try:
            for _ in range(100):
                run_all(2, [lambda: None] * 8)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Interrupt:
        interrupted += 1
for _ in range(200):
    if len(sys._current_frames()) == 1:
        break
    time.sleep(0.01)
print(interrupted, len(sys._current_frames()))
"""


def storm(seconds):
    words = [sys.executable, "-c", STORM, str(seconds)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 20, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return list(map(int, done.stdout.split()))


@pytest.mark.parametrize("seconds", slow_but([0.5], [0.5, 2]))
def test_42_threads_end_whenever_they_are_interrupted(seconds):
    interrupted, threads = storm(seconds)
    assert interrupted > 50
    assert threads == 1


# An iterator with threads that only the search for garbage at the very end of Python closes
LEFT_BEHIND = """
from fastphash.base.threads import interleave

def steps():
    while True:
        yield 1

class Keeper:
    pass

keeper = Keeper()
keeper.itself, keeper.left = keeper, interleave(2, [steps(), steps()])
print(next(keeper.left))
"""


def test_42_a_process_ends_although_an_error_left_threads_behind():
    words = [sys.executable, "-c", LEFT_BEHIND]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


AUDIT = """
import fastphash as fp
fp.audit({{"in": "many"}}, {out!r}, workers=2, progress=False)
"""
# seconds until something must have happened, on however busy a machine
PATIENCE = 60


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder with so many names of one picture that hashing takes some seconds."""
    folder = tmp_path_factory.mktemp("many")
    first = save(folder / "many" / "first.jpg", scene(1, 300, 300))
    for number in range(20_000):
        os.link(first, folder / "many" / f"{number}.jpg")
    return folder


def workers_of(program):
    """The processes that hash for one, once there are two."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = [one for one in program.children(recursive=True) if one.ppid() != program.pid]
        if len(found) == 2:
            return found
        time.sleep(0.01)
    raise TimeoutError


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.0, 1.0])
def test_42_a_script_on_standard_input_is_interrupted(many, tmp_path, after):
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-"], cwd=many, **pipes) as script:
        script.stdin.write(AUDIT.format(out=str(tmp_path)))
        script.stdin.close()
        program = psutil.Process(script.pid)
        workers = workers_of(program)
        started = program.children()
        time.sleep(after)
        script.send_signal(signal.SIGINT)
        said = script.stderr.read()
    assert said.endswith("KeyboardInterrupt\n")
    assert said.count("Traceback") == 1
    assert script.returncode == -signal.SIGINT
    assert psutil.wait_procs([*workers, *started], PATIENCE)[1] == []


def reply(client, request):
    """What a kernel answers to a request: while it started, it was asked others."""
    while True:
        message = client.get_shell_msg(timeout=PATIENCE)
        if message["parent_header"]["msg_id"] == request:
            return message["content"]


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.0, 1.0])
def test_42_a_cell_of_a_notebook_is_interrupted(many, tmp_path, after):
    kernels = pytest.importorskip("jupyter_client.manager")
    pytest.importorskip("ipykernel")
    manager, client = kernels.start_new_kernel(cwd=str(many))
    audit = AUDIT.format(out=str(tmp_path))
    try:
        first = client.execute(audit)
        workers = workers_of(psutil.Process(manager.provisioner.process.pid))
        time.sleep(after)
        manager.interrupt_kernel()
        assert reply(client, first)["ename"] == "KeyboardInterrupt"
        assert psutil.wait_procs(workers, PATIENCE)[1] == []
        # the kernel goes on, and so does the audit
        assert reply(client, client.execute(audit))["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
