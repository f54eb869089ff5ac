import pytest

from fastphash.audits.run import audit
from fastphash.errors import FastphashError, StoreError, UsageError
from fastphash.files import atomic
from fastphash.ingest.options import IngestOptions
from fastphash.results.audit_folder import SUMMARY, open_audit
from tests.support.audits import write_summary
from tests.support.scenes import planted, source


@pytest.fixture
def folder(tmp_path):
    named = (text.split("=", 1) for text in planted(tmp_path / "data"))
    audit(tmp_path / "out", [source(*pair) for pair in named], ingest=IngestOptions(workers=1))
    return tmp_path / "out"


def test_an_audit_is_read_again(folder):
    found = open_audit(folder)
    assert found.splits == ["train", "val"]
    assert found.summary["store"] == found.store.digest
    assert len(found.rows) == 11 + 5  # the broken one has no hash
    assert found.groups.num_rows > 0
    assert found.leaks.num_rows > 0
    assert "broken.jpg" in found.rejected["path"].to_pylist()


def test_an_audit_names_its_files(folder):
    found = open_audit(folder)
    with open(found.file("val", b"leak.png"), "rb") as file:
        assert file.read(4) == b"\x89PNG"


def test_no_audit_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="no such audit"):
        open_audit(tmp_path / "none")
    with pytest.raises(UsageError, match="is no audit"):
        open_audit(tmp_path)


def test_an_audit_that_did_not_end_is_refused(folder):
    (folder / SUMMARY).unlink()
    with pytest.raises(StoreError, match="didn't come to its end"):
        open_audit(folder)


def test_an_audit_of_rejected_files_alone_says_so(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "broken.jpg").write_text("no image")
    with pytest.raises(FastphashError, match="has no images"):
        audit(
            tmp_path / "out", [source("data", tmp_path / "data")], ingest=IngestOptions(workers=1)
        )
    with pytest.raises(StoreError, match=r"all files were rejected, see .*out/rejected\.csv"):
        open_audit(tmp_path / "out")


@pytest.mark.parametrize("key", ["decisions", "split_order"])
def test_an_audit_of_an_older_version_is_refused(folder, key):
    summary = atomic.read_json(folder / SUMMARY)
    del summary[key]
    write_summary(folder, summary)
    with pytest.raises(StoreError, match="older version: run it again"):
        open_audit(folder)


def test_an_audit_of_other_hashes_is_refused(folder):
    summary = atomic.read_json(folder / SUMMARY)
    atomic.write_json(folder / SUMMARY, summary | {"store": "0" * 32})
    with pytest.raises(StoreError, match="run the audit again"):
        open_audit(folder)
