"""Fault 26 again: images that take more memory than a container has."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.support.command_line import run_process
from tests.support.control_groups import memory_group
from tests.support.examples import campaign_of
from tests.support.report_pages import read_page

_SIDE = 13_000


@pytest.fixture(scope="module")
def tiffs(tmp_path_factory):
    """Four TIFFs of 2.5 MB and 676 MB of pixels, twice, in other bytes."""
    folder = tmp_path_factory.mktemp("tiffs")
    rng = np.random.default_rng(1)
    for number in range(4):
        coarse = Image.fromarray(rng.integers(0, 255, (16, 16, 4), np.uint8))
        data = io.BytesIO()
        large = coarse.resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
        large.save(data, "TIFF", compression="tiff_adobe_deflate")
        for split, more in (("a", b""), ("b", b"x")):
            path = folder / split / f"{number}.tif"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data.getvalue() + more)
    return folder


@pytest.mark.slow(seconds=50)
@pytest.mark.parametrize("limit", campaign_of(3 << 30, least=2 << 30))
def test_26_large_images_in_a_small_container(tiffs, tmp_path, limit):
    words = "audit", "a", "b", "-o", str(tmp_path / "out"), "--json"
    with memory_group(limit) as group:
        done = run_process(*words, cwd=tiffs, preexec_fn=group.join)
        assert group.killed == 0
    summary = json.loads(done.stdout)
    assert [split["images"] for split in summary["splits"].values()] == [4, 4]
    assert [split["leaks"]["leaked"] for split in summary["splits"].values()] == [4, 4]
    page = read_page(tmp_path / "out" / "report.html")
    assert page.text.count("thumbnail: ") >= 8
