import ntpath
import os
from functools import partial
from types import SimpleNamespace

import pytest

from fastphash.audits.run import audit
from fastphash.base import paths
from fastphash.clean import targets
from fastphash.clean.apply import apply_plan
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.plan import make_plan
from fastphash.clean.targets import target_files
from fastphash.errors import UsageError
from fastphash.ingest.options import IngestOptions
from fastphash.results.audit_folder import open_audit
from fastphash.sources.local import folder_source
from tests.support.scenes import save, scene


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """audited(NAME, ...): an audit of pictures that differ, named SPLIT/FILE."""

    def make(*names):
        folder = tmp_path_factory.mktemp("audit")
        for seed, name in enumerate(names):
            save(folder / "in" / name, scene(seed))
        splits = [folder_source(str(split)) for split in sorted((folder / "in").iterdir())]
        audit(folder / "out", splits, ingest=IngestOptions(workers=1))
        return open_audit(folder / "out")

    return make


@pytest.fixture
def folds(monkeypatch):
    """Case doesn't count in any folder."""
    monkeypatch.setattr(paths, "_is_one_name", lambda *_: True)


def plan_of(audit):
    return CheckedPlan(audit, make_plan(audit))


def row_at(path):
    """A plan of one row."""
    return SimpleNamespace(paths=[path], splits=["train"], name=lambda _: repr(path))


@pytest.mark.parametrize("path", [rb"..\a.jpg", rb"C:\a.jpg", rb"x\..\..\a.jpg", b"nul", b"a:b"])
def test_no_path_of_a_plan_leads_out_of_the_target_on_windows(tmp_path, monkeypatch, path):
    monkeypatch.setattr(targets, "leaves_folder", partial(paths.leaves_folder, flavour=ntpath))
    with pytest.raises(UsageError, match="lies outside of its split's folder") as caught:
        target_files(row_at(path), tmp_path, [0])
    assert repr(path) in str(caught.value)


def test_backslashes_are_letters_elsewhere(tmp_path):
    path = rb"..\a.jpg"
    assert target_files(row_at(path), tmp_path, [0]) == [os.fsencode(tmp_path) + b"/train/" + path]


@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink", "move"])
def test_splits_that_would_share_a_folder_are_refused(tmp_path, folds, audited, mode):
    audit = audited("Train/a.png", "train/b.png")
    with pytest.raises(UsageError, match="splits 'Train' and 'train' would be one folder"):
        apply_plan(plan_of(audit), mode, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_splits_that_would_share_a_list_are_refused(tmp_path, folds, audited):
    audit = audited("Train/a.png", "train/b.png")
    with pytest.raises(UsageError, match="are one file where case doesn't count") as caught:
        apply_plan(plan_of(audit), "lists", tmp_path / "target")
    assert repr(str(tmp_path / "target" / "Train.txt")) in str(caught.value)
    assert not list((tmp_path / "target").iterdir())


def test_where_case_counts_they_are_two(tmp_path, audited):
    plan = plan_of(audited("Train/a.png", "train/b.png"))
    assert apply_plan(plan, "lists", tmp_path / "lists").done == 2
    assert apply_plan(plan, "copy", tmp_path / "tree").done == 2
    assert (tmp_path / "tree" / "Train" / "a.png").exists()
    assert (tmp_path / "lists" / "train.txt").read_text() == "b.png\n"
