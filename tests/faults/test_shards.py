"""Runs over containers and buckets, killed at random moments, and what the next makes of them."""

import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from fastphash.store.store import open_store
from tests.support.containers import files_of, make_tar
from tests.support.object_server import serving
from tests.support.scenes import scenes

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
# by where the pictures are
KILLS = {"files": 50, "shards in a bucket": 12, "objects": 12}


def started(program, *arguments):
    return subprocess.Popen([sys.executable, program, *arguments])


def store_bytes(store):
    return {path.name: path.read_bytes() for path in store.iterdir() if path.name != "_lock"}


@pytest.fixture(params=KILLS)
def kills_and_split(request, tmp_path):
    """The same pictures in shards or as objects: how often to kill, and what names them."""
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
        yield KILLS[request.param], words[request.param]


@pytest.mark.slow
def test_60_killed_while_hashing_containers(tmp_path, kills_and_split):
    kills, split = kills_and_split
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
