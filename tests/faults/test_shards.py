"""Runs over containers and buckets, killed at random moments, and what the next makes of them."""

import itertools
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
import xxhash

from fastphash.store.store import open_store
from tests.support.command_line import run
from tests.support.containers import files_of, make_tar
from tests.support.examples import campaign_of
from tests.support.forks import command
from tests.support.object_server import serving
from tests.support.scenes import scenes
from tests.support.skipping import missing

# parts of few rows, so that many moments are between two of them
PROGRAM = """
import sys
from pathlib import Path
from fastphash.ingest import part_writer
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.sources.named_splits import named_sources

if __name__ == "__main__":
    part_writer.PART_ROWS = 16
    hash_into(Path(sys.argv[2]), named_sources([sys.argv[1]]), IngestOptions(workers=2))
"""
# drafts of new containers
OWN = [f".fastphash-{xxhash.xxh3_128_hexdigest(b'%d.tar' % shard)}" for shard in range(3)]


def started(program, *arguments):
    return subprocess.Popen([sys.executable, program, *arguments])


def store_bytes(store):
    return {path.name: path.read_bytes() for path in store.iterdir() if path.name != "_lock"}


@pytest.fixture(params=["files", "shards in a bucket", "objects"])
def split(request, tmp_path):
    """The same pictures in shards or as objects, as a word of the command line."""
    pictures = scenes(tmp_path / "in", range(240))
    files = files_of(pictures)
    for shard in range(8):
        make_tar(tmp_path / "sh" / f"{shard}.tar", files[30 * shard : 30 * shard + 30])
    with serving() as server:
        server.put_folder(tmp_path / "sh", "bucket/sh")
        server.put_folder(pictures, "bucket/in")
        words = {
            "files": f"train={tmp_path}/sh/{{0..7}}.tar",
            "shards in a bucket": "train=s3://bucket/sh/{0..7}.tar",
            "objects": "train=s3://bucket/in",
        }
        yield words[request.param]


@pytest.mark.slow
@pytest.mark.parametrize("kills", campaign_of(50, least=3))
def test_60_killed_while_hashing_containers(tmp_path, split, kills):
    rng = random.Random(13)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    begun = time.monotonic()
    assert started(program, split, tmp_path / "undisturbed").wait() == 0
    seconds = time.monotonic() - begun
    undisturbed = store_bytes(tmp_path / "undisturbed")
    assert len(open_store(tmp_path / "undisturbed").parts) == 15
    store = tmp_path / "killed"
    while kills:
        process = started(program, split, store)
        time.sleep(seconds * rng.uniform(0.3, 1))
        process.kill()
        if process.wait() == -signal.SIGKILL:
            kills -= 1
        else:  # it came to its end: the next run has everything to do again
            assert store_bytes(store) == undisturbed
            shutil.rmtree(store)
    assert started(program, split, store).wait() == 0
    assert store_bytes(store) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("times", [(1,), (2, 3, 5, 8)])
def test_61_killed_while_new_containers_are_written(forks, tmp_path, times):
    """No half container has its name, and the next run makes what an undisturbed one makes."""
    strace = shutil.which("strace")
    if strace is None:
        missing("no strace")
    pictures = files_of(scenes(tmp_path / "in", range(6)))
    for shard in range(3):
        make_tar(
            tmp_path / "sh" / f"{shard}.tar", [pictures[shard], pictures[3], pictures[shard + 3]]
        )
    run("audit", "train=sh/*.tar", "-o", "out", "--workers", "1", cwd=tmp_path)
    run("clean", "out", cwd=tmp_path)
    apply = ("clean", "out", "tree", "--apply", "--to", "copy")
    run(*apply, cwd=tmp_path)
    wanted = dict(files_of(tmp_path / "tree"))
    assert len(wanted) == 3
    killed = 0
    for call, number in itertools.product(("fsync", "renameat2", "write"), times):
        shutil.rmtree(tmp_path / "tree")
        names = [tmp_path / "tree" / "train", *(tmp_path / "tree" / "train" / n for n in OWN)]
        paths = [word for name in names for word in ("-P", str(name))]
        inject = f"inject={call}:signal=KILL:when={number}"
        before = [
            strace,
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            *paths,
            "-e",
            f"trace={call}",
            "-e",
            inject,
        ]
        killed += forks.run(command, *apply, cwd=tmp_path, before=before).returncode != 0
        for path in (tmp_path / "tree").rglob("*.tar"):
            assert path.read_bytes() == wanted[path.relative_to(tmp_path / "tree").as_posix()]
        run(*apply, cwd=tmp_path)
        assert dict(files_of(tmp_path / "tree")) == wanted
    assert killed
