"""New containers that processes write."""

import os
import shutil
import signal
import time
from contextlib import closing
from unittest import mock

import pytest
import xxhash

from fastphash.clean import shard_writers
from fastphash.clean.outcome import WrittenShards
from fastphash.clean.shard_jobs import ShardJob
from fastphash.clean.shard_writers import write_shards
from fastphash.files.own_names import copy_names
from fastphash.sources.local import LocalReader
from fastphash.sources.protocol import Stamp
from tests.support.command_line import run
from tests.support.containers import files_of, make_parquet, make_tar, make_zip
from tests.support.scenes import scenes


class DeadlyStamp(Stamp):
    """A stamp that ends the process that compares it: when the container is written."""

    def __ne__(self, other):
        os.kill(os.getpid(), signal.SIGKILL)


class Slow(dict):
    """Images that nobody waits for."""

    def values(self):
        time.sleep(600)


@pytest.fixture(autouse=True)
def with_processes():
    with mock.patch.object(shard_writers, "_WORTH_PROCESSES", 0):
        yield


def job(folder, number, images):
    path = os.fsencode(make_tar(folder / f"{number}.tar", [("1.jpg", b"a"), ("2.jpg", b"b")]))
    target = os.fsencode(folder / "new" / f"{number}.tar")
    stamp = LocalReader(b"").stamp(path)
    return ShardJob("x", b"%d" % number, path, target, stamp, None, None, "copy", images)


@pytest.mark.slow
def test_processes_write_what_threads_write(tmp_path):
    pictures = files_of(scenes(tmp_path / "in", range(7)))
    for number in range(3):
        some = [pictures[number], pictures[3], pictures[number + 4]]
        make_tar(tmp_path / "sh" / f"{number}.tar", some)
        make_zip(tmp_path / "sh" / f"{number}.zip", some)
        make_parquet(tmp_path / "sh" / f"{number}.parquet", some)
    run("audit", "train=sh/*", "-o", "out", "--workers", "1", cwd=tmp_path)
    run("clean", "out", cwd=tmp_path)
    words = ("clean", "out", "tree", "--apply", "--to", "copy", "--json")
    done = run(*words, cwd=tmp_path).stdout
    new = dict(files_of(tmp_path / "tree"))
    shutil.rmtree(tmp_path / "tree")
    with mock.patch.object(shard_writers, "_WORTH_PROCESSES", 1 << 60):
        assert run(*words, cwd=tmp_path).stdout == done
    assert len(new) > 1
    assert dict(files_of(tmp_path / "tree")) == new
    # what is there already is compared, and what is in the way is kept
    taken = tmp_path / "tree" / min(new)
    taken.write_text("precious")
    done = run(*words, cwd=tmp_path, status=1).stdout
    assert '"why": "its name is taken"' in done
    assert taken.read_text() == "precious"


def test_a_container_that_ends_processes_costs_itself(tmp_path):
    jobs = [job(tmp_path, number, {b"1.jpg": False, b"2.jpg": True}) for number in range(4)]
    jobs[1] = jobs[1]._replace(stamp=DeadlyStamp(*jobs[1].stamp))
    outcomes = {outcome.container: outcome for outcome in write_shards(jobs)}
    assert outcomes.pop(b"1").problem == "the worker process died of it twice, by SIGKILL"
    assert {outcome.counts for outcome in outcomes.values()} == {WrittenShards(1, 0, 0, 1, 1)}
    assert sorted(os.listdir(tmp_path / "new")) == ["0.tar", "2.tar", "3.tar"]


def test_nothing_half_written_stays_behind_an_interrupted_run(tmp_path):
    jobs = [job(tmp_path, number, {}) for number in range(2)]
    jobs[1] = jobs[1]._replace(images=Slow())
    target = jobs[1].destination
    draft = copy_names(target, xxhash.xxh3_128_digest(os.path.basename(target)))[0]
    with closing(write_shards(jobs)) as outcomes:
        assert next(outcomes).made
        with open(draft, "w"):
            pass
    assert os.listdir(tmp_path / "new") == ["0.tar"]


def test_threads_write_where_no_processes_start(tmp_path):
    resource = pytest.importorskip("resource")
    jobs = [job(tmp_path, number, {}) for number in range(2)]
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 8, limits[1]))
    try:
        assert all(outcome.made for outcome in write_shards(jobs))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
