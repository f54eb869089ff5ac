import pytest

from fastphash import ingest, workers


@pytest.fixture
def no_workers(monkeypatch):
    """Call it: from then on no worker may be started."""

    def refuse(*_):
        raise AssertionError("workers were started")

    return lambda: monkeypatch.setattr(ingest, "Workers", refuse)


@pytest.fixture
def small(monkeypatch):
    """Parts of five rows, made of tasks of four files."""
    monkeypatch.setattr(ingest, "PART_ROWS", 5)
    monkeypatch.setattr(workers, "_BATCH", 4)
