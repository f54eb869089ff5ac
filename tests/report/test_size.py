import numpy as np
import pyarrow as pa
import pytest

from fastphash.base.vocabulary import KINDS, ORIENTATIONS
from fastphash.report.groups import COPIES_SHOWN
from fastphash.report.page import write_report
from fastphash.results.audit_folder import AuditFolder, open_audit
from fastphash.results.schemas import GROUPS_SCHEMA
from fastphash.store.schema import REJECTED_SCHEMA
from tests.support.report_pages import audited, read_page
from tests.support.scenes import save


def many_groups(audited, groups, size):
    """The audit of another, with so many groups of rows that have no files."""
    rows = groups * size
    copy = np.arange(rows) % size > 0
    of = np.arange(rows) // size

    def coded(codes, values):
        column = pa.array(codes.astype(np.int32), mask=None if values is SPLITS else ~copy)
        return pa.DictionaryArray.from_arrays(column, pa.array(values))

    columns = {
        "group": of,
        "split": coded(np.arange(rows) % 2, SPLITS),
        "path": pa.array([f"images/of/a/data/set/{i:09d}.jpg" for i in range(rows)]),
        "role": pa.DictionaryArray.from_arrays(copy.astype(np.int32), ["keeper", "copy"]),
        "kind": coded(of % 4, list(KINDS)),
        "distance": np.where(copy, of % 5, 0).astype(np.uint8),
        "orientation": coded(of % 8, list(ORIENTATIONS)),
        "score": pa.array(np.ones(rows, np.float32), mask=~copy),
        "colour": pa.nulls(rows, pa.string()),
        "colour_distance": pa.nulls(rows, pa.float32()),
        "same_pixels": pa.nulls(rows, pa.bool_()),
        "window": pa.nulls(rows, pa.string()),
        "window_of": pa.nulls(rows, pa.string()),
        "place": pa.nulls(rows, pa.string()),
        "looked": pa.array(copy & (of % 2 > 0), mask=~copy),
        "keeper_split": coded(of % 2 * 0, SPLITS),
        "keeper_path": pa.nulls(rows, pa.string()),
        "keeper_reason": pa.array(np.where(copy, "first name", None), pa.string()),
        "path_bytes": pa.nulls(rows, pa.binary()),
        "keeper_path_bytes": pa.nulls(rows, pa.binary()),
    }
    made = AuditFolder(audited.folder, audited.summary, audited.store)
    made.__dict__["groups"] = pa.table(columns).cast(GROUPS_SCHEMA)
    return made


SPLITS = ["train", "val"]


@pytest.mark.slow
def test_a_million_groups_make_a_page_of_the_usual_size(data, tmp_path):
    write_report(many_groups(open_audit(data), 1_000_000, 2), tmp_path / "report.html")
    found = read_page(tmp_path / "report.html")
    assert "The first 200 of 1,000,000 groups" in found.text
    assert "and 999,300 further groups in groups.parquet" in found.text
    assert len(found.html) < 2e6


def test_the_names_of_the_largest_page_are_bounded(data, tmp_path):
    write_report(many_groups(open_audit(data), 1000, 20), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 4e6


def many_rejected(audited, rows, path):
    """The audit of another, with so many rejected files of one path, each with a number."""
    summary = audited.summary | {"rejected": {"read: Permission denied": rows}}
    made = AuditFolder(audited.folder, summary, audited.store)
    columns = {
        "split": ["train"] * rows,
        "path": [f"{path}{i}.jpg" for i in range(rows)],
        "path_bytes": pa.nulls(rows, pa.binary()),
        "stage": ["read"] * rows,
        "reason": ["Permission denied " * 16] * rows,
    }
    made.__dict__["rejected"] = pa.table(columns).cast(REJECTED_SCHEMA)
    return made


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (1, "The only file that gave no hash"),
        (3000, "All 3,000 files that gave no hash"),
        (3001, "The first 3,000 of 3,001 files that gave no hash"),
        (100_000, "and 97,000 further files in rejected.csv"),
    ],
)
def test_rejected_files_are_named_up_to_a_bound(data, tmp_path, rows, said):
    made = many_rejected(open_audit(data), rows, "long name " * 60)
    write_report(made, tmp_path / "report.html", groups=0)
    found = read_page(tmp_path / "report.html")
    assert said in found.text
    fold = found.html.split('<details class="rejected">')[1].split("</details>")[0]
    assert fold.count("<tr><td>") == min(rows, 3000)
    assert len(fold) < 3e6


@pytest.mark.slow
def test_the_worst_pictures_stay_below_15_megabytes(tmp_path):
    rng = np.random.default_rng(0)
    for group in range(200):
        noise = rng.integers(0, 256, (160, 160, 3), np.uint8)
        for copy in range(COPIES_SHOWN + 1):
            turned = np.ascontiguousarray(np.rot90(noise, copy % 4))
            save(tmp_path / "all" / f"{group}_{copy}.jpg", turned, quality=95 - copy // 4)
    out = audited(tmp_path / "out", ("all", tmp_path / "all"), workers=2)
    found = read_page(out / "report.html")
    assert len(found.groups) == 200
    assert (out / "report.html").stat().st_size < 15_000_000
