"""Findings as a file, and audits of versions that had none."""

import numpy as np
import pyarrow as pa
import pytest

from fastphash.base.vocabulary import ALTERED, CROPPED
from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.files.digest import hex_digest_of
from fastphash.results.finding_table import findings_table, read_findings
from fastphash.results.schemas import FINDINGS_SCHEMA, boxes_as_text, boxes_of_text
from tests.support.findings import findings_in, findings_of
from tests.support.plain_tables import TABLES, table
from tests.verification.test_findings import entries


def write(path, written):
    """Write a table; the digest of its file."""
    parquet.write_table(path, written)
    return hex_digest_of(path)


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("seed", range(3))
def test_what_was_written_is_read_again(tmp_path, seed, kind):
    rows = table(seed, 20, **kind)
    found = findings_in(rows, seed)
    written = findings_table(found, rows)
    assert written.schema.equals(FINDINGS_SCHEMA)
    digest = write(tmp_path / "findings.parquet", written)
    again = read_findings(tmp_path / "findings.parquet", digest, rows)
    # a side of an unknown window means nothing
    found.window_of[np.isnan(found.window[:, 0])] = 0
    assert entries(again) == entries(found)
    # rows may be in another order by then
    order = np.random.default_rng(seed).permutation(len(rows))
    moved = read_findings(tmp_path / "findings.parquet", digest, rows.take(order))
    assert entries(moved) == entries(found.among(order))


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(StoreError, match=r"findings\.parquet is missing: run the audit again"):
        read_findings(tmp_path / "findings.parquet", "0" * 32, table(0, 5))


def test_a_folder_in_its_place_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="can't read"):
        read_findings(tmp_path, "0" * 32, table(0, 5))


@pytest.mark.parametrize("damage", ["edited", "of others", "cut off", "a byte", "empty"])
def test_another_file_is_an_error(tmp_path, damage):
    rows, path = table(0, 20), tmp_path / "findings.parquet"
    written = findings_table(findings_in(rows, 0), rows)
    digest = write(path, written)
    data = path.read_bytes()
    if damage == "edited":
        parquet.write_table(path, written.slice(1))
    elif damage == "of others":
        parquet.write_table(path, findings_table(findings_in(rows, 1), rows))
    else:
        changed = bytes([data[40] ^ 1])
        kept = {"cut off": data[:-9], "a byte": data[:40] + changed + data[41:], "empty": b""}
        path.write_bytes(kept[damage])
    with pytest.raises(StoreError, match="is not as the audit wrote it: run the audit again"):
        read_findings(path, digest, rows)
    path.write_bytes(data)
    assert read_findings(path, digest, rows).size


@pytest.mark.parametrize(
    ("name", "value"),
    [("needle_path", "gone"), ("haystack_split", "gone"), ("kind", "like"), ("kind", None)],
)
def test_what_this_version_does_not_know_is_an_error(tmp_path, name, value):
    rows = table(0, 20)
    written = findings_table(findings_in(rows, 0), rows)
    for column in (name, f"{name}_bytes") if name.endswith("path") else (name,):
        written = with_first(written, column, None if column.endswith("bytes") else value)
    digest = write(tmp_path / "findings.parquet", written)
    with pytest.raises(StoreError, match="run the audit again"):
        read_findings(tmp_path / "findings.parquet", digest, rows)


def with_first(written, name, value):
    """A table with another first value of a column."""
    column = written[name].to_pylist()
    column[0] = value
    field = written.schema.field(name)
    kind = field.type
    values = pa.array(column, kind.value_type if pa.types.is_dictionary(kind) else kind)
    return written.set_column(written.schema.get_field_index(name), field, values.cast(field.type))


def test_a_table_of_something_else_is_an_error(tmp_path):
    digest = write(tmp_path / "findings.parquet", pa.table({"path": ["a"]}))
    with pytest.raises(StoreError, match="other columns than findings"):
        read_findings(tmp_path / "findings.parquet", digest, table(0, 5))


def test_boxes_are_text_that_people_can_read():
    boxes = np.array([[0.1, 0, 0.9, 1], [np.nan] * 4, [1 / 3, 0.5, 2 / 3, 1]], np.float32)
    text = boxes_as_text(boxes)
    assert text.to_pylist() == ["0.1,0,0.9,1", None, "0.3333,0.5,0.6667,1"]
    again = boxes_of_text(pa.chunked_array([text]))
    assert again == pytest.approx(boxes, abs=1e-4, nan_ok=True)
    assert boxes_of_text(pa.chunked_array([pa.nulls(2, pa.string())])).shape == (2, 4)
    assert boxes_of_text(pa.chunked_array([], pa.string())).shape == (0, 4)


def test_kinds_are_kept_as_names():
    rows = table(1, 4)
    written = findings_table(findings_of([(0, 1), (2, 3)], [CROPPED, ALTERED]), rows)
    assert written["kind"].to_pylist() == ["cropped", "altered"]
