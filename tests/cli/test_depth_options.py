"""--bands, --stretch and --nodata: what they change, what they refuse, and who goes by them."""

import json

import numpy as np
import pytest

from fastphash.hashing.definition import Definition
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.store.open import read_hashes
from fastphash.store.store import open_store
from tests.support.command_line import run
from tests.support.encoded_samples import tiff_of
from tests.support.scenes import source

IN_PROCESS = ("--workers", "1")


@pytest.fixture
def tiles(tmp_path):
    """Ten different pictures of a small range, each with a void that it declares."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "tiles"
    folder.mkdir()
    for number in range(10):
        values = rng.normal(300, 1, (6, 8)).repeat(16, 0).repeat(16, 1).astype(np.float32)
        values += rng.normal(0, 0.05, values.shape).astype(np.float32)
        values[:24] = -9999
        data = tiff_of(values, tags={42113: ("s", b"-9999\0")})
        (folder / f"{number}.tif").write_bytes(data)
    return folder


@pytest.mark.slow
def test_nodata_is_no_picture_and_copies_none(tiles, tmp_path):
    words = ["audit", f"tiles={tiles}", "--json", *IN_PROCESS]
    shown = json.loads(run(*words, "-o", "out", cwd=tmp_path).stdout)
    assert not any(shown["splits"]["tiles"]["copies"].values())
    assert "16-bit stretched 2%,98%" in json.dumps(shown)
    assert run("query", tiles / "3.tif", "--in", "out/hashes", "-k", "1", cwd=tmp_path)


def test_options_are_the_stores_definition_and_none_other_is_added_to_it(tiles, tmp_path):
    words = ["hash", f"tiles={tiles}", "-o", "s", "--bands", "1", "--stretch", "290,310"]
    words += ["--nodata", "-9999.0", *IN_PROCESS]
    run(*words, cwd=tmp_path)
    definition = open_store(tmp_path / "s").definition
    assert definition == Definition(bands="1", stretch="290..310", nodata="-9999")
    shown = " ".join(run("info", "s", cwd=tmp_path).stdout.split())
    assert "stretched 290..310, bands 1, nodata -9999" in shown
    failed = run("hash", f"tiles={tiles}", "-o", "s", cwd=tmp_path, status=1)
    assert "was made with" in failed.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bands", "1,2"], "--bands must be one band or three"),
        (["--bands", "red"], "not 'red'"),
        (["--stretch", "98,2"], "--stretch must go from a lower to a higher number, not '98,2'"),
        (["--nodata", "void"], "--nodata must be auto, none or a number, not 'void'"),
        (["--strict-imagehash", "--nodata", "0"], "--nodata is for samples that are stretched"),
    ],
)
def test_what_makes_no_sense_is_quoted(words, said, tiles, tmp_path):
    for command in ("hash", "audit"):
        failed = run(command, f"t={tiles}", "-o", "x", *words, cwd=tmp_path, status=2)
        assert said in " ".join(failed.stderr.split())
    assert not (tmp_path / "x").exists()


def test_a_band_that_is_not_there_is_one_row_among_the_rejected(tiles, tmp_path):
    (tiles / "three.tif").write_bytes(tiff_of(np.zeros((8, 8, 3), np.uint16)))
    run("hash", f"t={tiles}", "-o", "s", "--bands", "3", *IN_PROCESS, cwd=tmp_path)
    reasons = open_store(tmp_path / "s").rejected()["reason"].to_pylist()
    assert reasons == ["no band 3 to hash: the image has 1 band"] * 10


def test_an_older_store_is_read_and_filled_by_its_own_rule(tiles, tmp_path):
    older = IngestOptions(Definition(sixteen_bit="scaled"), workers=0)
    for _ in range(2):
        tally = hash_into(tmp_path / "older", [source("t", tiles)], older)["t"]
    assert tally.kept == 10
    assert "16-bit scaled" in run("info", "older", cwd=tmp_path).stdout
    rows = read_hashes(str(tmp_path / "older"))
    shown = run("query", tiles / "3.tif", "--in", "older", "-k", "1", "--json", cwd=tmp_path)
    assert json.loads(shown.stdout)[0]["distance"] == 0
    assert rows.definition.rendering is None
