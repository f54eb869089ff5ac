"""Stores in buckets: read part by part, where they lie."""

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from fastphash.errors import RemoteError
from fastphash.hashing.definition import Definition
from fastphash.sources.remote.paths import RemotePath
from fastphash.store.manifest import MANIFEST
from fastphash.store.open import read_hashes, same_rows
from fastphash.store.schema import Layout
from tests.support.cluster import needs_spark
from tests.support.command_line import error_of, run, run_process
from tests.support.object_server import serving
from tests.support.stores import write_hashes, write_store

NAMES = Definition().columns


def columns_of(rng, split, rows=300):
    hashes = rng.integers(0, 2**64, (rows, 8), np.uint64)
    hashes[::7] = hashes[0]
    hashes[1::9, 0] = hashes[2, 3] ^ np.uint64(5)
    named = {name: np.ascontiguousarray(hashes[:, t]) for t, name in enumerate(NAMES)}
    paths = [f"{split}-{row}.jpg" for row in range(rows)]
    return {"path": paths, "split": [split] * rows, **named}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    rng = np.random.default_rng(31)
    path = tmp_path_factory.mktemp("store") / "hashes"
    pieces = [columns_of(rng, split) for split in ("val", "train", "train")]
    pieces[2]["path"] = [f"more-{path}" for path in pieces[2]["path"]]
    write_store(path, *pieces, layout=Layout(thumbnails=False))
    return path


@pytest.fixture
def server(folder):
    with serving() as server:
        # a sign for splits in the name of the folder
        server.put_folder(folder, "bucket/st@re")
        yield server


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "words",
    [
        ["group", "{}", "--radius", "3"],
        ["join", "{}@val", "{}@train", "--radius", "3"],
        ["group", "{}", "--radius", "3", "--scratch", "scratch"],
    ],
    ids=["group", "join", "disk"],
)
def test_commands_write_what_they_write_of_a_folder(folder, words, tmp_path):
    made = []
    for name, store in (("local", str(folder)), ("bucket", "s3://bucket/st@re/")):
        path = tmp_path / f"{name}.parquet"
        run(*(word.format(store) for word in words), "-o", str(path), cwd=tmp_path)
        made.append(path.read_bytes())
    assert made[0] == made[1]


def test_rows_are_those_of_the_folder(server, folder):
    for split in ("", "@val"):
        found, expected = (read_hashes(f"{s}{split}") for s in ("s3://bucket/st@re", folder))
        assert found.table.equals(expected.table)
    # the digests of whole files aren't looked at: pages have checksums
    assert max(path.count("part-000002") for _, path in server.requests) == 1
    assert same_rows("s3://bucket/st@re@val", "s3://bucket/st@re/@val")
    assert not same_rows("s3://bucket/st@re@val", str(folder))


def test_what_is_wrong_is_told_in_a_line(server, folder, tmp_path):
    write_hashes(tmp_path / "x.parquet", path=["a"], phash=np.zeros(1, np.uint64))
    server.objects["bucket/x.parquet"] = (tmp_path / "x.parquet").read_bytes()
    server.objects["bucket/other/notes.txt"] = b"no store"
    words = ["-o", str(tmp_path / "out.parquet")]
    for store, said in (
        ("s3://bucket/nothing", "no such store: 's3://bucket/nothing'"),
        ("s3://bucket/other", "not a store, nor the folder of an audit: 's3://bucket/other'"),
        ("s3://bucket/st@re@test", "s3://bucket/st@re has no split 'test'"),
        ("s3://bucket/x.parquet", "'s3://bucket/x.parquet' is an object: of buckets, stores are"),
        ("s3://", "'s3://' names no bucket or host"),
        ("s3://bucket/x/../st@re", "can't have . or .. as the name of a folder"),
        # no split is named there
        ("s3://bucket/x@y/z", "no such store: 's3://bucket/x@y/z'"),
        ("https://host/st@re", "'https://host/st@re': a store lies in a bucket or on a disk"),
    ):
        assert said in error_of(run("group", store, *words, status=2 if "not a" not in said else 1))
    del server.objects["bucket/st@re/part-000001.parquet"]
    missing = error_of(run("group", "s3://bucket/st@re", *words, status=1))
    assert "s3://bucket/st@re: part-000001.parquet is missing" in missing
    server.objects[f"bucket/st@re/{MANIFEST}"] = b"PAR1"
    damaged = error_of(run("group", "s3://bucket/st@re", *words, status=1))
    assert f"s3://bucket/st@re/{MANIFEST} is damaged" in damaged


def test_a_damaged_part_is_told(server, tmp_path):
    name = "bucket/st@re/part-000001.parquet"
    data = bytearray(server.objects[name])
    data[len(data) // 3] ^= 4
    server.objects[name] = bytes(data)
    said = error_of(run("group", "s3://bucket/st@re", "-o", str(tmp_path / "x.csv"), status=1))
    assert "s3://bucket/st@re/part-000001.parquet" in said


def test_a_bucket_that_refuses_is_told(server, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    with pytest.raises(RemoteError, match="can't read 's3://bucket/st@re': access is refused"):
        read_hashes("s3://bucket/st@re")


@pytest.mark.parametrize("command", ["hash", "audit"])
def test_nothing_is_written_into_a_bucket(command, tmp_path):
    (tmp_path / "images").mkdir()
    done = run(command, "images", "-o", "s3://bucket/hashes", status=2, cwd=tmp_path)
    assert "'s3://bucket/hashes' is an address: name a place on a disk" in done.stderr
    assert [*tmp_path.iterdir()] == [tmp_path / "images"]


def test_an_object_is_a_file_that_is_read_by_ranges(server):
    data = np.random.default_rng(3).bytes(3 << 20)
    server.objects["bucket/a/b.bin"] = data
    path = RemotePath("s3://bucket") / "a" / "b.bin"
    assert isinstance(path, Path)
    assert (str(path), path.name, str(path.parent)) == (
        "s3://bucket/a/b.bin",
        "b.bin",
        "s3://bucket/a",
    )
    assert os.fspath(pickle.loads(pickle.dumps(path))) == str(path.absolute()) == str(path)
    assert path.exists()
    assert path.parent.exists()
    assert not path.parent.is_file()
    assert not (path / "c").exists()
    assert path.read_bytes() == data
    with path.open("rb") as file:
        assert file.seekable()
        assert file.readable()
        assert file.read(10) == data[:10]
        assert file.seek(-5, io.SEEK_END) == len(data) - 5
        assert file.read() == data[-5:]
        assert file.read(3) == b""
        file.seek(1 << 20)
        file.seek(-7, io.SEEK_CUR)
        buffer = bytearray(20)
        assert file.readinto(buffer) == 20
        assert bytes(buffer) == data[(1 << 20) - 7 :][:20]
        assert file.tell() == (1 << 20) + 13
    with pytest.raises(FileNotFoundError):
        (path / "c").open("rb")


@pytest.mark.slow
def test_spark_reads_a_store_in_a_bucket(server, folder, tmp_path):
    needs_spark()
    words = ["--radius", "3", "-o"]
    run("group", str(folder), *words, str(tmp_path / "local.parquet"))
    words += [str(tmp_path / "spark.parquet"), "--engine", "spark", "--master", "local[2]"]
    server.requests.clear()
    run_process("group", "s3://bucket/st@re", *words)
    made = [(tmp_path / f"{engine}.parquet").read_bytes() for engine in ("local", "spark")]
    assert made[0] == made[1]
    assert server.count("GET")
