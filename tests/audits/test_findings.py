"""What was found about pairs counts in everything that an audit writes, and in plans of it."""

import json

import numpy as np
import pyarrow as pa
import pytest

from fastphash.audits.options import AuditOptions
from fastphash.audits.run import audit
from fastphash.base.vocabulary import ALTERED, COUNTED, CROPPED, EXACT, SURE_KINDS
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.plan import PLAN_METADATA, make_plan
from fastphash.clean.plan_counts import plan_summary
from fastphash.errors import StoreError
from fastphash.files import atomic, parquet
from fastphash.files.digest import hex_digest_of
from fastphash.ingest.options import IngestOptions
from fastphash.inspector.columns import read_columns
from fastphash.results.audit_folder import SUMMARY, open_audit
from fastphash.results.schemas import PARTS
from fastphash.results.verdict import count_leaks
from fastphash.verification.crops import CroppedPairs
from fastphash.verification.findings import Findings
from tests.support.audits import write_summary
from tests.support.findings import findings_of
from tests.support.report_pages import read_page
from tests.support.scenes import save, scene, scenes, source

ONE_WORKER = IngestOptions(workers=1)
WINDOW, PLACE = (0.1, 0.2, 0.9, 1), (0.5, 0.5, 0.75, 1)


def find(*pairs):
    """Something that finds pairs of images named SPLIT/PATH to be of these kinds."""

    def find_findings(rows, _criteria, _options, _progress):
        names = [
            f"{split}/{path.decode()}"
            for split, path in zip(rows.splits, rows.paths.to_pylist(), strict=True)
        ]
        several = []
        for one, other, kind in pairs:
            found = findings_of([(names.index(one), names.index(other))], [kind])
            found.relation.orientation[:] = 0
            found.window[:] = WINDOW if kind == CROPPED else np.nan
            found.window_of[:] = 0
            found.place[:] = PLACE if kind == ALTERED else np.nan
            several.append(found)
        return CroppedPairs(Findings.joined(several))

    return find_findings


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Audits train (0 to 3, flat) and val (3 as BMP, 7, flat), where pairs are found."""
    scenes(tmp_path / "train", range(4))
    save(tmp_path / "val" / "leak.bmp", scene(3))
    save(tmp_path / "val" / "other.png", scene(7))
    for split, level in (("train", 60), ("val", 200)):
        save(tmp_path / split / "flat.png", np.full((40, 40), level, np.uint8))

    def run(*pairs, **options):
        monkeypatch.setattr("fastphash.audits.run.find_findings", find(*pairs))
        splits = [source(name, tmp_path / name) for name in ("train", "val")]
        audit(tmp_path / "out", splits, AuditOptions(**options), ONE_WORKER)
        return open_audit(tmp_path / "out")

    return run


def test_a_crop_and_an_altered_picture_leak_but_leave_doubt(run):
    pairs = [
        ("val/other.png", "train/000.png", CROPPED),
        ("train/003.png", "val/leak.bmp", ALTERED),
        ("val/flat.png", "train/flat.png", CROPPED),
    ]
    found = run(*pairs, table_form="csv")
    leaks = {row["needle_path"]: row for row in found.leaks.to_pylist()}
    assert {path: row["kind"] for path, row in leaks.items()} == {
        "000.png": "cropped",
        "003.png": "altered",
        "flat.png": "cropped",
        "leak.bmp": "altered",
        "other.png": "cropped",
    }
    assert [leaks["other.png"][name] for name, _ in PARTS] == ["0.1,0.2,0.9,1", "needle", None]
    assert [leaks["000.png"][name] for name, _ in PARTS] == ["0.1,0.2,0.9,1", "haystack", None]
    assert leaks["003.png"]["place"] == "0.5,0.5,0.75,1"
    summary = found.summary
    assert count_leaks(summary, SURE_KINDS) == {}
    assert summary["verdict"]["tone"] == "doubt"
    assert summary["verdict"]["headline"].startswith("Look at the cropped and altered copies")
    assert summary["staying"] == {"cropped": 2, "altered": 1}
    assert '"0.1,0.2,0.9,1","needle"' in (found.folder / "leaks.csv").read_text()
    copies = [row for row in found.groups.to_pylist() if row["role"] == "copy"]
    assert sorted(row["kind"] for row in copies) == ["altered", "cropped", "cropped"]
    assert {row["window_of"] for row in copies} <= {"copy", "keeper", None}
    words = read_page(found.folder / "report.html").text
    assert "differs at the bottom" in words
    assert read_columns(found).part_rows.size == 3
    assert found.findings.size == 3


@pytest.fixture
def other_pixels(tmp_path, run):
    """The leak has other pixels, so that it may be altered."""
    save(tmp_path / "val" / "leak.bmp", np.bitwise_xor(scene(3), 1))


@pytest.mark.usefixtures("other_pixels")
def test_plans_heed_what_was_found(run):
    found = run(
        ("val/other.png", "train/000.png", CROPPED), ("train/003.png", "val/leak.bmp", ALTERED)
    )
    by_default = make_plan(found)
    assert {row["remove"] for row in plan_summary(by_default).values()} == {0}
    asked = make_plan(found, by=[*SURE_KINDS, "cropped", "altered"])
    assert plan_summary(asked)["train"]["kinds"] == {"cropped": 1, "altered": 1}
    assert (CheckedPlan(found, asked).keeper >= 0).sum() == 2


def test_a_plan_of_findings_that_another_audit_has_not_is_made_again(run):
    pairs = [("val/other.png", "train/000.png", CROPPED)]
    found = run(*pairs)
    plan = make_plan(found, by=[*SURE_KINDS, "cropped"])
    assert (CheckedPlan(run(*pairs), plan).keeper >= 0).any()
    with pytest.raises(StoreError, match="the audit was run again since the plan was made"):
        CheckedPlan(run(), plan)
    # nor does a plan of an audit without findings know of those of a later one
    without = make_plan(run())
    with pytest.raises(StoreError, match="the audit was run again since the plan was made"):
        CheckedPlan(run(*pairs), without)


def test_plans_of_earlier_versions_are_read(run):
    """They don't say which findings they were made of: there were none."""
    found = run()
    plan = make_plan(found)
    settings = json.loads(plan.schema.metadata[PLAN_METADATA])
    del settings["findings"]
    old = plan.replace_schema_metadata({PLAN_METADATA: json.dumps(settings).encode()})
    assert CheckedPlan(found, old).keeper.tolist() == CheckedPlan(found, plan).keeper.tolist()
    found = run(("val/other.png", "train/000.png", CROPPED))
    with pytest.raises(StoreError, match="plan again"):
        CheckedPlan(found, old)


def test_a_second_look_makes_sure_copies_too(run):
    found = run(("val/other.png", "train/000.png", EXACT), looks=0)
    assert found.summary["verdict"]["tone"] == "bad"
    plan = make_plan(found)
    assert plan_summary(plan)["train"]["kinds"] == {"exact": 2}
    assert (CheckedPlan(found, plan).keeper >= 0).sum() == 2


def test_without_findings_there_is_no_file_of_them(run):
    found = run(("val/other.png", "train/000.png", CROPPED))
    assert (found.folder / "findings.parquet").exists()
    assert found.summary["files"]["findings"] == "findings.parquet"
    found = run()
    assert not (found.folder / "findings.parquet").exists()
    assert "findings" not in found.summary["files"]
    assert found.summary["findings"] == ""
    assert found.findings.size == 0


@pytest.mark.usefixtures("other_pixels")
def test_findings_that_are_gone_or_others_are_no_plan(run):
    """Altered pictures have equal thumbnails: without findings they would go."""
    altered = run(("train/003.png", "val/leak.bmp", ALTERED))
    path = altered.folder / "findings.parquet"
    assert hex_digest_of(path) == altered.summary["findings"]
    findings, data = parquet.read_table(path), path.read_bytes()
    path.unlink()
    with pytest.raises(StoreError, match=r"findings\.parquet is missing: run the audit again"):
        make_plan(open_audit(altered.folder))
    parquet.write_table(path, findings.slice(1))
    with pytest.raises(StoreError, match="not as the audit wrote it: run the audit again"):
        make_plan(open_audit(altered.folder))
    path.write_bytes(data)
    assert plan_summary(make_plan(open_audit(altered.folder)))["train"]["remove"] == 0
    # nor is a summary that lost the digest taken for one without findings
    summary = atomic.read_json(altered.folder / SUMMARY)
    del summary["findings"]
    write_summary(altered.folder, summary)
    with pytest.raises(StoreError, match="run the audit again"):
        make_plan(open_audit(altered.folder))


def test_audits_of_earlier_versions_are_read(run):
    """These knew six kinds, and neither windows nor places."""
    found = run()
    folder, now = found.folder, make_plan(found)
    summary = atomic.read_json(folder / SUMMARY)
    counted = [*summary["leaks"], *(split["leaks"] for split in summary["splits"].values())]
    for kinds in [
        *(leaks["kinds"] for leaks in counted),
        *(split["copies"] for split in summary["splits"].values()),
    ]:
        for kind in ("cropped", "altered"):
            del kinds[kind]
    del summary["findings"]
    write_summary(folder, summary)
    for name in ("leaks.parquet", "groups.parquet"):
        table = parquet.read_table(folder / name)
        parquet.write_table(folder / name, table.drop_columns([name for name, _ in PARTS]))
    old = open_audit(folder)
    assert all(
        split["leaks"]["kinds"].keys() == {*COUNTED} for split in old.summary["splits"].values()
    )
    assert count_leaks(old.summary, COUNTED) == count_leaks(found.summary, COUNTED)
    assert read_columns(old).part_rows.size == 0
    plan = make_plan(old)
    assert plan.equals(now)
    assert isinstance(plan, pa.Table)
    assert (CheckedPlan(old, plan).keeper >= 0).sum() == 1
