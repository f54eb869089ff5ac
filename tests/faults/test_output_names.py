"""Names of outputs that are as long as may be, not UTF-8, or links to nothing."""

import os

import numpy as np
import pytest

from tests.support.command_line import USAGE, error_of, run
from tests.support.scenes import scenes
from tests.support.stores import write_hashes

# bytes that a name may have
LONGEST = 255


@pytest.fixture
def data(tmp_path):
    """A folder with an audit in `out` and a table of hashes, and where commands write."""
    run(
        "audit", f"a={scenes(tmp_path / 'in', range(2))}", "-o", "out", "--looks", "0", cwd=tmp_path
    )
    hashes = np.random.default_rng(63).integers(0, 2**64, 2_000, dtype=np.uint64)
    hashes[:100] = hashes[100:200]
    write_hashes(tmp_path / "a.parquet", path=[str(i) for i in range(2_000)], phash=hashes)
    (tmp_path / "there").mkdir()
    return tmp_path


def longest(ending):
    return "n" * (LONGEST - len(ending)) + ending


WRITING = {
    "group": (("group", "a.parquet", "-o"), ".parquet", ("--overwrite", "--radius", "4")),
    "csv": (("group", "a.parquet", "-o"), ".csv", ("--overwrite",)),
    "report": (("report", "out", "-o"), ".html", ("--overwrite",)),
    "convert": (("convert", "out/hashes@a"), ".json", ("--overwrite",)),
    "hash": (("hash", "a=in", "-o"), "", ()),
    "audit": (("audit", "a=in", "--looks", "0", "-o"), "", ()),
}


@pytest.mark.parametrize("name", WRITING)
def test_63_names_of_255_bytes(data, name):
    words, ending, others = WRITING[name]
    out = data / "there" / longest(ending)
    for _ in range(2):
        run(*words, out, *others, cwd=data)
        assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_63_a_scratch_folder_whose_name_would_be_too_long(data, monkeypatch):
    """Hashes that don't fit into memory are searched beside the output."""
    monkeypatch.setattr("fastphash.external.opening.count_hash_bytes", lambda *_: 1 << 40)
    out = data / "there" / longest(".parquet")
    done = run("group", "a.parquet", "-o", out, cwd=data)
    assert f"Working in '{data / 'there'}" in done.stderr
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_63_names_that_are_not_utf_8(data):
    odd = b"caf\xe9\xff"
    run("group", "a.parquet", "-o", odd + b".parquet", "--scratch", odd, cwd=data)
    run("audit", "a=in", "--looks", "0", "-o", odd + b"-out", "--scratch", odd, cwd=data)
    found = {name for name in os.listdir(os.fsencode(data)) if name.startswith(odd)}
    assert found == {odd + b".parquet", odd + b"-out"}


def test_63_links_to_nothing(data):
    (data / "link").symlink_to("nowhere")
    words = ("group", "a.parquet", "--format", "parquet")
    said = error_of(run(*words, "-o", "link", status=USAGE, cwd=data))
    assert "'link' exists: --overwrite replaces it" in said
    said = error_of(run(*words, "-o", "g.parquet", "--scratch", "link", status=USAGE, cwd=data))
    assert "--scratch 'link' is no folder: name one" in said
    # the link goes, and nothing is written elsewhere
    run(*words, "-o", "link", "--overwrite", cwd=data)
    assert not (data / "link").is_symlink()
    assert not (data / "nowhere").exists()
