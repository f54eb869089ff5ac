import pytest

from fastphash.ingest import executor, part_writer, pool


@pytest.fixture
def no_workers(monkeypatch):
    """Call it: from then on no worker may be started."""

    def refuse(*_):
        raise AssertionError("workers were started")

    return lambda: monkeypatch.setattr(pool, "Workers", refuse)


@pytest.fixture
def small(monkeypatch):
    """Parts of five rows, made of tasks of four files."""
    monkeypatch.setattr(part_writer, "PART_ROWS", 5)
    monkeypatch.setattr(executor, "_TASK_INPUTS", 4)
