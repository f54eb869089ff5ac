"""Which later audits leave a plan as good as it was."""

import os

import pytest

from fastphash.audits.run import audit
from fastphash.clean.apply import apply_plan
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.plan import make_plan
from fastphash.errors import StoreError
from fastphash.ingest.options import IngestOptions
from fastphash.results.audit_folder import open_audit
from fastphash.sources.local import folder_source
from tests.support.scenes import save, scene


@pytest.fixture
def audit_again(tmp_path):
    """Audits the images of a folder, and returns the audit."""
    for name in ("a.png", "b.png", "c.png"):
        save(tmp_path / "in" / name, scene(name == "c.png"))

    def run(**options):
        ingest = IngestOptions(workers=0, **options)
        audit(tmp_path / "out", [folder_source(str(tmp_path / "in"))], ingest=ingest)
        return open_audit(tmp_path / "out")

    return run


@pytest.mark.parametrize("rehash", [False, True])
def test_new_files_without_a_hash_change_no_plan(tmp_path, audit_again, rehash):
    first = audit_again()
    plan = make_plan(first)
    (tmp_path / "in" / "notes.txt").write_text("no image")
    (tmp_path / "in" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    again = audit_again(rehash=rehash)
    assert again.store.digest != first.store.digest
    assert again.summary["rejected"]
    assert apply_plan(CheckedPlan(again, plan), "move", tmp_path / "aside").done == 1
    assert len(os.listdir(tmp_path / "aside" / "in")) == 1


def test_new_and_changed_images_need_another_plan(tmp_path, audit_again):
    plan = make_plan(audit_again())
    save(tmp_path / "in" / "d.png", scene(5))
    with pytest.raises(StoreError, match="the audit has changed since the plan was made"):
        CheckedPlan(audit_again(), plan)
    plan = make_plan(audit_again())
    save(tmp_path / "in" / "c.png", scene(6))
    with pytest.raises(StoreError, match="the audit has changed since the plan was made"):
        CheckedPlan(audit_again(), plan)
