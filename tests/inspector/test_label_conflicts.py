import pytest

from fastphash.errors import StoreError
from fastphash.inspector.label_conflicts import LabelConflicts
from tests.support.audits import pair, write_audit
from tests.support.inspector_client import Served
from tests.support.inspector_state import catalog_of, copies
from tests.support.stores import write_hashes


def test_labels_of_names_that_are_not_utf_8(tmp_path):
    out = write_audit(
        tmp_path / "out",
        [[pair("train", name, "exact", 0) for name in (b"a\xff", b"a\xfe")]],
    )
    columns = {"group": [0], "split": ["train"], "path": ["a\ufffd"], "path_bytes": [b"a\xfe"]}
    columns |= {"label": ["cat"], "keeper_label": ["dog"], "source": ["coco"]}
    write_hashes(out / "conflicts.parquet", **columns)
    conflicts = LabelConflicts(catalog_of(out))
    assert (conflicts.of_row(0), conflicts.of_row(1)) == ([], [("cat", "dog", "coco")])


def test_labels_that_disagree(tmp_path):
    out = write_audit(tmp_path / "out", [copies(2), copies(2, "val")])
    catalog = catalog_of(out)
    assert not LabelConflicts(catalog).exist
    columns = {"group": [1, 9], "split": ["val", "val"], "path": ["001.png", "gone.png"]}
    columns |= {"label": ["cat", "x"], "keeper_label": ["dog", "y"], "source": ["folders", "z"]}
    write_hashes(out / "conflicts.parquet", **columns)
    conflicts = LabelConflicts(catalog)
    assert conflicts.of_group.tolist() == [False, True]
    assert conflicts.of_row(3) == [("cat", "dog", "folders")]
    assert conflicts.of_row(1) == []
    with Served(out) as served:
        assert "Group 1" in served.get("/?conflicts=1").words
        assert "Group 0" not in served.get("/?conflicts=1").words
        for page in ("/group/1", "/pair/3"):
            said = served.get(page).words
            assert "Labels disagree: cat, but the keeper's is dog (folders)" in said
    del columns["keeper_label"]
    write_hashes(out / "conflicts.parquet", **columns)
    with pytest.raises(StoreError, match="keeper_label"):
        LabelConflicts(catalog)
