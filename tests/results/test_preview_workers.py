import io
import threading

import numpy as np
import pytest
import xxhash
from PIL import Image

from fastphash.images.encode import encode
from fastphash.images.rendering import Rendering, parse_stretch
from fastphash.results import preview_workers
from fastphash.results.preview_workers import (
    Preview,
    PreviewPool,
    PreviewTask,
    StoredFile,
    make_previews,
)
from tests.support.byte_reader import ByteReader
from tests.support.encoded_samples import tiff_of
from tests.support.scenes import scene


def task(data, *paths, others=None, pixels=0):
    files = dict.fromkeys(paths, data) | (others or {})
    stored = [StoredFile(ByteReader(files), path) for path in paths]
    return PreviewTask(stored, len(data), xxhash.xxh3_128_digest(data), pixels, 32)


@pytest.fixture(scope="module")
def png():
    return encode(scene(1), "PNG")


def size_of(preview):
    assert preview.reason == ""
    return Image.open(io.BytesIO(preview.jpeg)).size


def test_previews_come_in_the_order_of_their_tasks():
    sides = [8, 40, 24, 16, 32] * 8
    data = [encode(np.full((side, 4), 90, np.uint8), "PNG") for side in sides]
    previews = list(make_previews([task(image, b"a") for image in data]))
    assert [size_of(preview)[1] for preview in previews] == [min(side, 32) for side in sides]


def test_the_first_file_that_is_unchanged_is_drawn(png):
    changed = {b"changed": png[:-1] + b"x", b"grown": png + b"x"}
    (preview,) = make_previews([task(png, b"gone", b"changed", b"grown", b"a", others=changed)])
    assert size_of(preview) == (32, 24)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (b"gone", "the file is gone"),
        (b"refused", "the file can't be read"),
        (b"changed", "the file has changed since the audit"),
    ],
)
def test_a_file_without_its_bytes_has_a_reason(png, path, reason):
    (preview,) = make_previews([task(png, path, others={b"changed": b"other"})])
    assert preview == Preview(b"", reason)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (b"crash", "the worker process died of it twice, by SIGSEGV"),
        (b"hang", "not done after 0.5 s, twice"),
    ],
)
def test_a_decoder_that_crashes_or_hangs_costs_one_preview(png, path, reason, monkeypatch):
    monkeypatch.setattr(preview_workers, "_TIMEOUT", 0.5)
    before, bad, after = make_previews([task(png, b"a"), task(png, path), task(png, b"a")])
    assert size_of(before) == size_of(after) == (32, 24)
    assert bad == Preview(b"", reason, undecodable=True)


def test_memory_is_limited(monkeypatch, png):
    monkeypatch.setattr(preview_workers, "_LEAST_MEMORY", 400 << 20)
    monkeypatch.setattr(preview_workers, "free_memory", lambda: 0)
    buffer = io.BytesIO()
    Image.new("P", (13_000, 13_000)).save(buffer, "PNG")
    large = buffer.getvalue()
    bad, good = make_previews([task(large, b"large"), task(png, b"a")])
    assert bad.undecodable
    assert "out of memory" in bad.reason
    assert size_of(good) == (32, 24)


def test_an_image_has_no_more_pixels_than_the_store_says(png):
    refused, drawn = make_previews([task(png, b"a", pixels=100), task(png, b"a", pixels=48 * 64)])
    assert "more than 100 pixels" in refused.reason
    assert size_of(drawn) == (32, 24)


def test_a_pool_serves_threads_and_starts_again_after_it_was_closed(png):
    sizes = []
    with PreviewPool() as pool:

        def draw():
            sizes.append(size_of(pool.make(task(png, b"a"))))

        threads = [threading.Thread(target=draw) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pool.close()
        draw()
    assert sizes == [(32, 24)] * 7


def test_nothing_to_draw_starts_nothing(monkeypatch):
    monkeypatch.setattr(preview_workers, "Supervisor", None)
    assert list(make_previews([])) == []


def test_a_preview_is_rendered_as_the_hash_was():
    values = np.add.outer(np.arange(24) * 40, np.arange(32) * 10).astype(np.uint16)
    values[0, 0] = 65535
    data = tiff_of(values)
    stretch = parse_stretch("0,1000")
    shown = []
    for rendering in (None, Rendering(), Rendering(stretch=stretch)):
        (preview,) = make_previews([task(data, b"a")._replace(rendering=rendering)])
        shown.append(np.asarray(Image.open(io.BytesIO(preview.jpeg))).mean())
    # one hot pixel leaves nothing of the rest, by the rule of older stores
    assert shown[0] < 10
    assert np.allclose(shown[1:], 127, atol=40)
