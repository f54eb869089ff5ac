import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from fastphash.base.vocabulary import INVERSE
from fastphash.verification import similarity as similarity_module
from fastphash.verification.similarity import similarity
from tests.support import naive
from tests.support.thumbnails import saved_again, small


def similar(a, b, mask=1):
    row = np.zeros(1, np.int64)
    found = similarity(a[None].copy(), row, b[None].copy(), row, np.array([mask], np.uint8))
    return float(found.score[0])


@pytest.mark.parametrize("seed", range(5))
def test_edited_copies_are_alike(seed, photo):
    image = Image.fromarray(photo(300, 300, seed))
    width, height = image.size
    edits = {
        "saved": saved_again(image, 20),
        "small": image.resize((40, 40)),
        "dark": ImageEnhance.Brightness(image).enhance(0.5),
        "faint": ImageEnhance.Contrast(image).enhance(0.5),
        "cropped": image.crop((15, 15, width - 15, height - 15)),
        "moved": image.crop((12, 0, width, height)),
    }
    for name, edited in edits.items():
        assert similar(small(image), small(edited)) > 0.6, name


def test_different_textures_are_not_alike():
    noise = np.random.default_rng(1).normal(0, 1, (30, 32, 32))
    planes = [128 + 150 * naive.blurred(plane, 1.5) for plane in noise]
    thumbnails = np.clip(planes, 0, 255).astype(np.uint8).reshape(-1, 1024)
    left, right = np.triu_indices(30, 1)
    every = np.full(left.size, 255, np.uint8)
    assert similarity(thumbnails, left, thumbnails, right, every).score.max() < 0.5


def test_flat_and_faint_images_are_like_nothing(photo):
    flat = np.full(1024, 90, np.uint8)
    assert similar(flat, flat) == 0
    assert similar(flat, small(photo(100, 100, 1, channels=1))) == 0
    noise = np.random.default_rng(0).integers(90, 92, (2, 1024)).astype(np.uint8)
    assert similar(*noise) < 0.3


def test_things_of_one_outline_on_white_are_not_alike(photo):
    pages = np.full((20, 300, 300), 255, np.uint8)
    for seed, page in enumerate(pages):
        page[70:230, 70:230] = photo(160, 160, seed, channels=1) // 2
    thumbnails = np.array([small(page) for page in pages])
    left, right = np.triu_indices(20, 1)
    score = similarity(thumbnails, left, thumbnails, right, np.ones(left.size, np.uint8)).score
    # with the ground among what is compared all are above 0.5
    assert np.quantile(score, 0.95) < 0.5
    assert similar(thumbnails[0], small(saved_again(Image.fromarray(pages[0]), 60))) > 0.6


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize(
    "bars", [(10, 10, 10, 10), (20, 20, 20, 20), (16, 16, 0, 0), (0, 0, 24, 24), (0, 20, 0, 0)]
)
def test_pictures_in_like_frames_are_not_alike(bars, level):
    around = np.reshape(bars, (2, 2))
    blocks = np.random.default_rng(1).integers(60, 196, (20, 10, 10)).astype(np.uint8)
    framed = [
        np.pad(np.kron(block, np.ones((20, 20), np.uint8)), around, constant_values=level)
        for block in blocks
    ]
    thumbnails = np.array([small(picture) for picture in framed])
    left, right = np.triu_indices(20, 1)
    score = similarity(thumbnails, left, thumbnails, right, np.ones(left.size, np.uint8)).score
    # with the frames among what is compared it is up to 0.51
    assert np.quantile(score, 0.95) < 0.3
    for picture, pixels in zip(framed, thumbnails, strict=True):
        assert similar(pixels, small(saved_again(Image.fromarray(picture), 60))) > 0.8


@given(st.integers(0, 2**32 - 1), st.integers(0, 7))
def test_similarity_does_not_depend_on_the_direction(seed, t):
    rng = np.random.default_rng(seed)
    a, b = np.kron(rng.integers(0, 256, (2, 16, 16)), np.ones((2, 2))).astype(np.uint8)
    there = similar(a.reshape(-1), b.reshape(-1), 1 << t)
    assert there == similar(b.reshape(-1), a.reshape(-1), 1 << INVERSE[t])


@pytest.mark.parametrize("held", ["_HELD_THUMBNAILS", "_HELD_ENLARGED"])
def test_many_pairs_are_compared_in_parts(monkeypatch, photo, held):
    thumbnails = np.array([small(photo(60, 60, seed, channels=1)) for seed in range(12)])
    left, right = (rows.reshape(-1) for rows in np.indices((12, 12)))
    whole = similarity(thumbnails, left, thumbnails, right, np.ones(left.size, np.uint8)).score
    monkeypatch.setattr(similarity_module, held, 5)
    monkeypatch.setattr(similarity_module, "_PAIRS_PER_JOB", 4)
    parts = similarity(thumbnails, left, thumbnails, right, np.ones(left.size, np.uint8)).score
    assert np.array_equal(parts, whole)
    assert (whole.reshape(12, 12).diagonal() > 0.99).all()
