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
    # Spark writes so much that a pipe which nobody reads meanwhile would stop it
    with open(folder / "stdout", "wb") as stdout, open(folder / "stderr", "wb") as stderr:
        return subprocess.Popen(
            [*command, "--conf", "spark.ui.enabled=false", program, *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
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


def kill_one_at_work(submitted):
    """Kill an executor as soon as it has Python at work; False if none ever has."""
    while submitted.poll() is None:
        for executor in executors(submitted):
            if len(executor.children(recursive=True)) > 1:
                executor.send_signal(signal.SIGKILL)
                return True
        time.sleep(0.1)
    return False


def run_with_a_kill(folder, *words):
    """Run a command by spark-submit, and kill one of its executors; what it prints."""
    submitted = submit(folder, *words, "--engine", "spark")
    killed = kill_one_at_work(submitted)
    status = submitted.wait()
    stdout, stderr = ((folder / name).read_text() for name in ("stdout", "stderr"))
    assert killed, stderr
    assert status == 0, stderr
    return stdout


def test_a_join_survives_an_executor(tmp_path):
    needs_spark()
    rng = np.random.default_rng(14)
    values = uniform(rng)
    words = ["join"]
    for name, own in (("x", values), ("y", near(values, 900, 3, rng))):
        names = [f"{i}" for i in range(own.size)]
        words.append(str(write_hashes(tmp_path / f"{name}.parquet", path=names, phash=own)))
    words += ["--radius", "4", "-o"]
    run(*words, str(tmp_path / "local.parquet"))
    said = run_with_a_kill(tmp_path, *words, str(tmp_path / "spark.parquet"))
    assert "Pairs of" in said
    made = [(tmp_path / f"{engine}.parquet").read_bytes() for engine in ("local", "spark")]
    assert made[0] == made[1]


def test_an_audit_survives_an_executor(tmp_path, encoded, photo, request):
    needs_spark()
    folders = [tmp_path / name for name in ("train", "val")]
    for folder in folders:
        folder.mkdir()
    for number in range(request.config.getoption("--cluster-images")):
        pixels = photo(60 + number % 50, 70, number)
        (folders[0] / f"{number:05d}.png").write_bytes(encoded(pixels, "PNG"))
        if number % 9 == 0:
            copy = encoded(np.rot90(pixels), "JPEG", quality=80)
            (folders[1] / f"{number:05d}.jpg").write_bytes(copy)
    words = ["audit", *(f"{folder.name}={folder}" for folder in folders), "-o"]
    run(*words, str(tmp_path / "local"))
    said = run_with_a_kill(tmp_path, *words, str(tmp_path / "spark"))
    assert "train" in said
    for name in ("leaks.parquet", "groups.parquet", "summary.json"):
        made = [(tmp_path / engine / name).read_bytes() for engine in ("local", "spark")]
        assert made[0] == made[1], name
