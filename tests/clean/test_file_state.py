"""Which files a plan takes for those that were hashed."""

import os

import pytest

from fastphash.audits.run import audit
from fastphash.clean.apply import apply_plan
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.plan import make_plan
from fastphash.ingest.options import IngestOptions
from fastphash.inspector.catalog import Catalog
from fastphash.inspector.previews import Previews
from fastphash.results.audit_folder import open_audit
from fastphash.sources.local import folder_source
from fastphash.sources.protocol import Stamp
from tests.support.scenes import save, scene


@pytest.mark.parametrize(
    ("now", "change"),
    [
        (Stamp(1, 2, 3, 4), "same"),
        (Stamp(1, 2, 3, 5), "unsure"),
        (Stamp(1, 2, 4, 4), "unsure"),
        (Stamp(1, 3, 3, 4), "unsure"),
        (Stamp(2, 2, 3, 4), "changed"),
    ],
)
def test_only_bytes_tell_whether_a_file_of_another_stamp_has_changed(now, change):
    assert Stamp(1, 2, 3, 4).compare(now) == change


@pytest.fixture
def audited(tmp_path):
    """Two pictures, each twice; their bytes have one size."""
    for i in range(4):
        save(tmp_path / "in" / f"{i}.bmp", scene(i % 2))
    audit(
        tmp_path / "out",
        [folder_source(str(tmp_path / "in"))],
        ingest=IngestOptions(workers=0),
    )
    return open_audit(tmp_path / "out")


def swap(path, data):
    """Write other bytes, of the same time."""
    before = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


@pytest.mark.parametrize("mode", ["lists", "copy", "hardlink", "symlink", "move"])
def test_other_bytes_of_the_same_size_and_time_are_noticed(tmp_path, audited, mode):
    plan = CheckedPlan(audited, make_plan(audited))
    swap(tmp_path / "in" / "0.bmp", (tmp_path / "in" / "1.bmp").read_bytes())
    (tmp_path / "in" / "1.bmp").touch()
    applied = apply_plan(plan, mode, tmp_path / "to")
    assert [(image.path, image.why) for image in applied.skipped + applied.rescued] == [
        *[(b"0.bmp", "changed since it was hashed")] * (mode != "move"),
        (b"2.bmp", "its keeper 'in/0.bmp' is changed since it was hashed, or gone"),
    ]
    # 1.bmp was touched, and 2.bmp stays
    assert applied.done == (1 if mode == "move" else 2)


def test_the_inspector_notices_them_too(tmp_path, audited):
    swap(tmp_path / "in" / "0.bmp", (tmp_path / "in" / "1.bmp").read_bytes())
    (tmp_path / "in" / "1.bmp").touch()
    catalog = Catalog(audited)
    previews = Previews(catalog)
    states = {
        row.path: previews.file_state(row, compare_bytes=True) for row in map(catalog.row, range(4))
    }
    assert states == {
        "0.bmp": "changed",
        **dict.fromkeys(("1.bmp", "2.bmp", "3.bmp"), "unchanged"),
    }
