"""Keys of members: by rules for their names in every format, and from columns of Parquet files."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.clean.shards import open_shard
from fastphash.sources.containers import open_container
from fastphash.sources.containers.format import ContainerError
from tests.support.containers import MAKERS

NAMES = ("a.b/IMG.1.jpg", "a.b/IMG.2.jpg", "plain", ".x.png")
BY_RULE = {
    "first-dot": ["a.b/IMG", "a.b/IMG", "plain", ""],
    "last-dot": ["a.b/IMG.1", "a.b/IMG.2", "plain", ".x"],
    "full-name": [*NAMES],
}
DEFAULTS = {"tar": "first-dot", "tar.gz": "first-dot", "zip": "last-dot", "parquet": "full-name"}


def keys(path, key=None):
    with open_container(os.fsencode(path)) as container:
        return [os.fsdecode(member.key) for member in container.members(key)]


@pytest.mark.parametrize("kind", MAKERS)
def test_rules_hold_for_every_format(tmp_path, kind):
    ending, make = MAKERS[kind]
    path = make(tmp_path / f"x.{ending}", [(name, b"data") for name in NAMES])
    assert {rule: keys(path, rule) for rule in BY_RULE} == BY_RULE
    assert keys(path) == BY_RULE[DEFAULTS[ending]]
    if ending != "parquet":
        assert keys(path, "uid") == keys(path)
        for rule, expected in BY_RULE.items():
            with open_shard(os.fsencode(path), None, rule) as shard:
                assert [os.fsdecode(member.key) for member in shard.members()] == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["a", None, "\xe9"]), ["a", "", "\xe9"]),
        (pa.array([b"a", b"b", None]), ["a", "b", ""]),
        (pa.array([b"a", b"b", b"c"], pa.binary(1)), ["a", "b", "c"]),
        (pa.array([0, 12, -3]), ["0", "12", "-3"]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
    ],
)
def test_a_column_of_text_bytes_or_whole_numbers(tmp_path, values, expected):
    table = pa.table({"image": pa.array([b"1", b"2", b"3"]), "a.b": values})
    nested = pa.StructArray.from_arrays([values], ["uid"])
    table = table.append_column("meta", nested).cast(
        pa.schema([*table.schema, pa.field("meta", nested.type)])
    )
    path = tmp_path / "x.parquet"
    pq.write_table(table, path, row_group_size=2)
    with open_container(os.fsencode(path), "image") as container:
        for column in ("a.b", "meta.uid"):
            assert [os.fsdecode(member.key) for member in container.members(column)] == expected


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("uuid", "no column 'uuid'; there are 'image', 'uid' and 'score': name the column of the"),
        ("score", "column 'score' holds double, no keys: name the column of the keys"),
        ("uid.x", "no column 'uid.x', 'uid' has no parts"),
    ],
)
def test_a_column_that_is_missing_or_holds_no_keys(tmp_path, column, said):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"image": [b"1"], "uid": ["a"], "score": [0.5]}), path)
    with pytest.raises(ContainerError, match=said):
        keys(path, column)
