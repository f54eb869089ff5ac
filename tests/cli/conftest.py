import pytest

from tests.support.command_line import run
from tests.support.scenes import planted


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with the planted splits train/ and val/, audited into out/."""
    folder = tmp_path_factory.mktemp("data")
    planted(folder)
    done = run("audit", "train=train", "val=val", "-o", "out", cwd=folder)
    (folder / "screen.txt").write_text(done.stdout)
    return folder


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "new")
