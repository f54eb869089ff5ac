import pytest

from fastphash.store.schema import Layout
from tests.support.stores import hashes, write_store


@pytest.fixture
def store(tmp_path):
    """Two splits in two parts, val in both of them."""
    return write_store(
        tmp_path / "store",
        {"path": ["a", "b", "c"], "phash": hashes(3), "split": ["train", "train", "val"]},
        {"path": ["d", "e"], "phash": hashes(2, seed=1), "split": ["val", "val"]},
        layout=Layout(orientations=False, thumbnails=False),
    )
