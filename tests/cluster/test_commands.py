"""The commands with --engine spark write the files of one machine, byte for byte."""

import json

import numpy as np
import pytest

from fastphash.hashing.definition import Definition
from fastphash.store.schema import Layout
from tests.cluster.test_join_stages import near, uniform
from tests.cluster.test_matches import turned_rows
from tests.support.command_line import error_of, run
from tests.support.stores import write_hashes, write_store

pytestmark = pytest.mark.slow
NAMES = Definition().columns


def columns_of(rows, split):
    named = {name: np.ascontiguousarray(rows[:, t]) for t, name in enumerate(NAMES)}
    paths = [f"{split}-{row}.jpg" for row in range(len(rows))]
    return {"path": paths, "split": [split] * len(rows), **named}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    rng = np.random.default_rng(12)
    turned = turned_rows(rng)
    path = tmp_path_factory.mktemp("store") / "hashes"
    other = rng.permutation(turned)[:500]
    other[:, 0] ^= np.uint64(3)
    pieces = [columns_of(turned[:400], "val"), columns_of(turned[400:], "val")]
    write_store(path, *pieces, columns_of(other, "train"), layout=Layout(thumbnails=False))
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rng = np.random.default_rng(13)
    values = uniform(rng)
    values = np.concatenate([values, near(values, 300, 3, rng)])
    path = tmp_path_factory.mktemp("table") / "x.parquet"
    return write_hashes(path, path=[f"{row}" for row in range(len(values))], phash=values)


def both(tmp_path, name, *words):
    """The bytes that a command writes without Spark and with it, and what it says as JSON."""
    files, said = [], []
    for engine in ("local", "spark"):
        path = tmp_path / engine / name
        path.parent.mkdir()
        done = run(*words, "-o", str(path), "--engine", engine, "--json")
        files.append(path.read_bytes())
        said.append(json.loads(done.stdout))
    assert said[0] == said[1]
    assert files[0] == files[1]
    return said[0]


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("name", ["pairs.parquet", "pairs.csv"])
def test_join_writes_the_file_of_one_machine(store, tmp_path, name):
    words = ["join", f"{store}@val", f"{store}@train", "--radius", "6"]
    assert both(tmp_path, name, *words)["pairs"] > 400


@pytest.mark.usefixtures("spark")
def test_join_writes_the_file_of_the_papers_scripts(store, tmp_path):
    words = ["join", f"{store}@train", f"{store}@val", "--radius", "6"]
    assert both(tmp_path, "pairs.json", *words, "--format", "hash-and-search")["pairs"] > 400


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("grouping", ["star", "components"])
def test_group_writes_the_file_of_one_machine(store, tmp_path, grouping):
    words = ["group", str(store), "--radius", "5", "--grouping", grouping]
    assert both(tmp_path, "groups.parquet", *words)["groups"] > 50


@pytest.mark.usefixtures("spark")
def test_group_of_a_table(table, tmp_path):
    assert both(tmp_path, "groups.parquet", "group", str(table), "--radius", "4")["groups"] > 300


def test_another_master_than_that_of_the_session_is_refused(spark, table, tmp_path):
    words = ["group", str(table), "-o", str(tmp_path / "x.parquet"), "--engine", "spark"]
    done = run(*words, "--master", "local[7]", status=2)
    assert error_of(done).startswith("Error: --master is 'local[7]', but this program has a Spark")
