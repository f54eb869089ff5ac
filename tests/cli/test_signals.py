"""Signals and closed pipes: the process ends, and the same command goes on."""

import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest

from tests.support.command_line import FAILED, command, run, screen
from tests.support.scenes import save


@pytest.mark.parametrize(
    "words", [["info", "out/hashes"], ["info", "out/hashes", "--json"], ["-h"]]
)
def test_a_closed_pipe_is_no_traceback(data, words):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command(*words), cwd=data, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode in (0, FAILED)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Some hundred small files of large pictures: seconds of work."""
    folder = tmp_path_factory.mktemp("many")
    picture = save(folder / "x.png", np.zeros((4000, 4000), np.uint8)).read_bytes()
    (folder / "in").mkdir()
    for i in range(200):
        (folder / "in" / f"{i:03d}.png").write_bytes(picture + b"%d" % i)
    return folder


def living(group):
    """Command lines of the processes of a group that have not ended."""
    lines = subprocess.run(
        ["ps", "-A", "-o", "pgid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    fields = [line.split(None, 2) for line in lines]
    return [args for pgid, state, *args in fields if int(pgid) == group and state[0] != "Z"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "send"), [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill)]
)
def test_a_signal_ends_it_all_and_the_same_command_goes_on(many, tmp_path, number, send):
    words = command("audit", str(many / "in"), "-o", str(tmp_path / "out"), "--workers", "2")
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=screen(),
        start_new_session=True,
    )
    began = time.monotonic()
    # a worker is a process beside fastphash, its fork server and the tracker of its resources
    while len(living(process.pid)) < 5:
        assert process.poll() is None
        assert time.monotonic() < began + 30
        time.sleep(0.05)
    time.sleep(0.5)
    sent = time.monotonic()
    send(process.pid, number)
    _, errors = process.communicate(timeout=30)
    while living(process.pid) and time.monotonic() < sent + 5:
        time.sleep(0.05)
    assert living(process.pid) == []
    assert time.monotonic() < sent + 5
    assert process.returncode == 128 + number
    assert b"Traceback" not in errors
    if number == signal.SIGINT:
        kept = any((tmp_path / "out" / "hashes").glob("part-*"))
        goes_on = b": run the same command again to go on."
        begins_anew = b" before anything was kept: the same command begins anew."
        assert errors.strip() == b"Interrupted" + (goes_on if kept else begins_anew)
    for path in (many / "in").glob("[012]*[1-9].png"):
        path.unlink()
    done = run("audit", str(many / "in"), "-o", str(tmp_path / "out"), "--json")
    assert json.loads(done.stdout)["splits"]["in"]["images"] == 20
