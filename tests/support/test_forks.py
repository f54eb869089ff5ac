"""What is forked is a process as any other, and one that goes wrong leaves the next alone."""

import os
import signal
import sys
import time

import pytest

from tests.support.command_line import USAGE, screen
from tests.support.forks import Forks, command, send

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")


@pytest.fixture(scope="module")
def forks():
    with Forks(screen()) as started:
        yield started


@pytest.mark.slow
def test_status_and_streams_are_those_of_a_command(forks):
    assert forks.run(command, "--version").stdout.startswith(b"fastphash")
    wrong = forks.run(command, "info")
    assert wrong.returncode == USAGE
    assert wrong.stdout == b""
    assert b"Error: " in wrong.stderr


def test_each_is_a_process_of_its_own(forks):
    pids = []
    for _ in range(2):
        forks.run(command, "--version", meanwhile=lambda pid, *_: pids.append(pid))
    assert len({os.getpid(), *pids}) == 3


def test_it_can_be_killed(forks, tmp_path):
    words = ("demo", "-o", str(tmp_path / "demo"))
    assert forks.run(command, *words, seconds=0).returncode == -signal.SIGKILL
    killed = forks.run(command, *words, meanwhile=lambda pid, *_: send(pid, signal.SIGKILL))
    assert killed.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_after_a_failure_the_next_one_runs(forks):
    def fail(*_):
        raise ValueError("in the test")

    with pytest.raises(ValueError, match="in the test"):
        forks.run(command, "--version", meanwhile=fail)
    with pytest.raises(AssertionError):
        forks.run(command, "--version", before=["false"])
    assert forks.run(command, "--version").returncode == 0


def test_a_signal_may_come_after_its_end(forks):
    def wait_and_send(pid, _, has_ended):
        while not has_ended():
            time.sleep(0.001)
        send(pid, signal.SIGTERM)

    assert forks.run(command, "--version", meanwhile=wait_and_send).returncode == 0
