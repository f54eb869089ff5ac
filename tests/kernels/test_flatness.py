"""Which thumbnails are flat, against a plain loop."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.verification.flatness import flat_thumbnails
from tests.support import naive


def spotted(seed, spots, contrast):
    """A thumbnail of little contrast with some bright and dark pixels."""
    rng = np.random.default_rng(seed)
    pixels = np.clip(rng.normal(rng.integers(256), contrast, 1024), 0, 255).astype(np.uint8)
    pixels[rng.permutation(1024)[:spots]] = rng.choice([0, 255, 128], spots)
    return pixels


@given(st.integers(0, 2**32 - 1), st.integers(0, 14), st.sampled_from([0, 0.5, 0.9, 1, 1.2, 20]))
@example(0, 0, 0)
@example(1, 9, 0)
@example(2, 10, 0)
def test_flat_thumbnails_are_those_of_the_twin(seed, spots, contrast):
    pixels = spotted(seed, spots, contrast)
    assert flat_thumbnails(pixels[None]).tolist() == [naive.is_flat(pixels)]


@pytest.mark.parametrize("spots", range(12))
def test_nine_pixels_of_any_level_do_not_count(spots):
    pixels = np.full((1, 1024), 80, np.uint8)
    pixels[0, :spots] = 255
    pixels[0, : spots // 2] = 0
    assert flat_thumbnails(pixels).tolist() == [spots <= 9]


def test_photos_are_not_flat_and_no_rows_are_fine(photo):
    pictures = np.stack([photo(32, 32, seed, 1).reshape(-1) for seed in range(20)])
    assert not flat_thumbnails(pictures).any()
    assert flat_thumbnails(pictures[:0]).size == 0
