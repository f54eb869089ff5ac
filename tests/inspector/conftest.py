import pytest

from fastphash.audits.run import audit
from fastphash.ingest.options import IngestOptions
from fastphash.sources.local import folder_source
from tests.support.inspector_client import Served
from tests.support.scenes import planted


@pytest.fixture
def audited(tmp_path):
    """The planted splits in a folder of their own, audited into out/."""
    sources = [folder_source(text) for text in planted(tmp_path)]
    audit(tmp_path / "out", sources, ingest=IngestOptions(workers=1))
    return tmp_path


@pytest.fixture(scope="module")
def planted_audit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    audit(
        folder / "out",
        [folder_source(text) for text in planted(folder)],
        ingest=IngestOptions(workers=1),
    )
    return folder


@pytest.fixture(scope="module")
def served(planted_audit):
    """Their inspector, for tests that decide nothing."""
    with Served(planted_audit / "out") as running:
        yield running
