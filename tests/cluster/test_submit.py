"""A cluster of processes of its own, with a real spark-submit, and an executor that is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.cluster.test_join_stages import near, uniform
from tests.support.cluster import needs_spark
from tests.support.command_line import run
from tests.support.stores import write_hashes

pytestmark = pytest.mark.slow
# two executors of one core and 1 GB each
CLUSTER = "local-cluster[2,1,1024]"
PROGRAM = "from fastphash.__main__ import run\n\nrun()\n"
EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"


def submit(folder, *words):
    """Start spark-submit with the command line as its program."""
    program = folder / "program.py"
    program.write_text(PROGRAM)
    command = [Path(sys.executable).with_name("spark-submit"), "--master", CLUSTER]
    if not command[0].exists():
        import pyspark

        command[0] = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    return subprocess.Popen(
        [*command, "--conf", "spark.ui.enabled=false", program, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def executors(of):
    """The executors that a process has started, by way of others."""
    found = []
    for process in psutil.Process(of.pid).children(recursive=True):
        try:
            if EXECUTOR in process.cmdline():
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def kill_one_at_work(submitted, seconds=120):
    """Kill an executor as soon as it has Python at work."""
    until = time.monotonic() + seconds
    while submitted.poll() is None and time.monotonic() < until:
        for executor in executors(submitted):
            if len(executor.children(recursive=True)) > 1:
                executor.send_signal(signal.SIGKILL)
                return True
        time.sleep(0.1)
    return False


def test_a_join_survives_an_executor(tmp_path):
    needs_spark()
    rng = np.random.default_rng(14)
    values = uniform(rng)
    sides = [
        str(
            write_hashes(
                tmp_path / f"{name}.parquet", path=[f"{i}" for i in range(own.size)], phash=own
            )
        )
        for name, own in (("x", values), ("y", near(values, 900, 3, rng)))
    ]
    words = ["join", *sides, "--radius", "4", "-o"]
    run(*words, str(tmp_path / "local.parquet"))
    submitted = submit(tmp_path, *words, str(tmp_path / "spark.parquet"), "--engine", "spark")
    killed = kill_one_at_work(submitted)
    stdout, stderr = submitted.communicate(timeout=240)
    assert killed, stderr
    assert submitted.returncode == 0, stderr
    assert "Pairs of" in stdout
    made = [(tmp_path / f"{engine}.parquet").read_bytes() for engine in ("local", "spark")]
    assert made[0] == made[1]
