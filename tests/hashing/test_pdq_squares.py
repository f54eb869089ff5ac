import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.hashing.pdq_squares import hash_squares, pixel_squares, square_qualities
from tests.support import naive
from tests.support.hash_strategies import seeds


def hashed(pixels, *, orientations=True):
    """Words (8 or 1, 4) and quality of an image."""
    pixels = pixels.copy()
    pixels.flags.writeable = False
    squares = pixel_squares(pixels, orientations=orientations)[None]
    return hash_squares(squares)[0].tolist(), int(square_qualities(squares)[0])


def twin(pixels):
    """The same by plain twins."""
    if min(pixels.shape[:2]) < 5:
        return [[0, 0, 0, 0]] * 8, 0
    blurred = naive.pdq_square(pixels)
    upright = naive.pdq_luma(pixels) if pixels.shape[:2] == (64, 64) else blurred
    turned = naive.pdq_turned(naive.pdq_frequencies(blurred))
    turned[0] = naive.pdq_frequencies(upright)
    return [naive.pdq_hash(low) for low in turned], naive.pdq_quality(upright)


def check(pixels):
    hashes, quality = twin(pixels)
    assert hashed(pixels) == (hashes, quality)
    assert hashed(pixels, orientations=False) == (hashes[:1], quality)


def test_pictures_hash_as_their_twins_do(picture):
    check(picture)


@pytest.mark.parametrize("shape", [(64, 64), (200, 300), (31, 33), (450, 100), (5, 50), (129, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_photos_hash_as_their_twins_do(shape, channels, photo):
    check(photo(*shape, channels=channels))


@pytest.mark.parametrize("shape", [(64, 64), (40, 77), (150, 10), (5, 5), (1, 1), (4, 9)])
def test_flat_images_hash_as_their_twins_do(shape):
    for level in (0, 1, 100, 127, 128, 254, 255):
        check(np.full(shape, level, np.uint8))
        check(np.full((*shape, 3), (level, 255 - level, 77), np.uint8))


@given(st.integers(1, 130), st.integers(1, 130), seeds, st.sampled_from(["tones", "symmetric"]))
@example(64, 64, 0, "tones")
@example(64, 64, 0, "symmetric")
def test_images_whose_frequencies_tie_hash_as_their_twins_do(height, width, seed, kind):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width), np.uint8)
    if kind == "tones":
        low, high = rng.integers(0, 256, 2)
        pixels = np.where(pixels < np.median(pixels), low, high).astype(np.uint8)
    else:
        pixels = np.maximum(pixels, pixels[:, ::-1])
        pixels = np.maximum(pixels, pixels[::-1])
    check(pixels)


def test_images_hash_alike_alone_and_in_batches(photo):
    squares = [pixel_squares(photo(80, 64 + i, i), orientations=True) for i in range(5)]
    together = hash_squares(np.stack(squares))
    assert (together.dtype, together.shape) == (np.uint64, (5, 8, 4))
    assert together.flags.c_contiguous
    for square, hashes in zip(squares, together, strict=True):
        assert np.array_equal(hash_squares(square[None])[0], hashes)
    assert hash_squares(np.empty((0, 2, 64, 64), np.float32)).shape == (0, 8, 4)
    assert square_qualities(np.stack(squares)).tolist() == [
        int(square_qualities(square[None])[0]) for square in squares
    ]


def test_turned_images_hash_near_their_orientations(photo):
    pixels = photo(300, 200, channels=1)
    hashes = hashed(pixels)[0]
    for name, turn in zip(ORIENTATIONS, naive.TURNS, strict=True):
        turned = hashed(np.ascontiguousarray(turn(pixels)), orientations=False)[0][0]
        distances = [
            sum((a ^ b).bit_count() for a, b in zip(turned, words, strict=True)) for words in hashes
        ]
        assert ORIENTATIONS[int(np.argmin(distances))] == name
        # its boxes have a side of 2 and 3 pixels here: the even ones reach further ahead than back
        assert min(distances) <= 31
