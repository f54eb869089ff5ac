"""The data set and the figures of benchmarks/accuracy/edited_copies.py."""

import itertools

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.support.dataset import ambiguous_pairs, build_dataset, edited_copies, overlap
from benchmarks.support.edits import all_edits
from benchmarks.support.fingerprints import crop_resistant_hash
from benchmarks.support.methods import rank_by_segments
from benchmarks.support.ranking import Counts, Truth, hamming, tally_all, tally_some
from fastphash.demo import scene


@pytest.fixture
def photos(tmp_path):
    """A photo to cut, a tile, a tile of one colour, and a file that is no image."""
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (10, 12, 3), dtype=np.uint8)
    Image.fromarray(small).resize((1000, 820), Image.Resampling.BICUBIC).save(tmp_path / "a.png")
    Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC).save(tmp_path / "b.png")
    Image.new("RGB", (64, 64), (9, 30, 60)).save(tmp_path / "c.png")
    (tmp_path / "notes.txt").write_text("not an image")
    return tmp_path


def test_originals_are_windows_that_do_not_overlap_and_tiles(photos) -> None:
    made = build_dataset([photos], 100, 1)
    assert len(made.sources) == 3
    assert len(made.originals) == 17
    assert [made.sources[place.source].name for place in made.originals].count("b.png") == 1
    windows = np.array([place.window for place in made.originals if place.source == 0])
    overlaps = [overlap(window.tolist(), windows) for window in windows]
    assert np.array_equal(overlaps, np.eye(16))


def test_every_edit_is_made_again_by_the_same_seed(photos) -> None:
    made = build_dataset([photos], 100, 1)
    names = [edit.name for edit in all_edits()]
    assert len(set(names)) == len(names)
    first, again, other = (list(edited_copies(m, 5)) for m in (made, made, made._replace(seed=2)))
    assert [needle.edit for needle in first] == list(range(len(names)))
    same = [a.picture.tobytes() == b.picture.tobytes() for a, b in zip(first, again, strict=True)]
    assert all(same)
    assert any(
        a.picture.tobytes() != b.picture.tobytes() for a, b in zip(first, other, strict=True)
    )


def test_pairs_that_share_half_of_the_smaller_window_are_ambiguous() -> None:
    there = np.array(
        [
            [0, 0, 0, 100, 100],  # the needle's own
            [0, 50, 0, 100, 100],
            [0, 51, 0, 100, 100],
            [0, 0, 40, 20, 100],
            [1, 0, 0, 100, 100],  # another picture
        ]
    )
    left, right = ambiguous_pairs(there[:1], np.array([0]), there)
    assert left.tolist() == [0, 0]
    assert right.tolist() == [1, 3]


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 7))
def test_every_pair_is_counted_once(seed, needles, rows) -> None:
    rng = np.random.default_rng(seed)
    left = rng.integers(0, 4, (needles, 2, 2)).astype(np.uint64)
    right = rng.integers(0, 4, (rows, 2)).astype(np.uint64)
    own = rng.integers(0, rows, needles)
    row = rng.integers(0, 3, needles)
    ambiguous = np.flatnonzero(rng.random(needles * rows) < 0.2)
    ambiguous = ambiguous[ambiguous % rows != own[ambiguous // rows]]
    true, false = np.zeros((2, 3, 5), int)
    for i in range(needles):
        for j in range(rows):
            bits = min(int(np.bitwise_count(way ^ right[j]).sum()) for way in left[i])
            if j == own[i]:
                true[row[i], bits] += 1
            elif i * rows + j not in ambiguous:
                false[row[i], bits] += 1
    truth = Truth(own, row, 3, rows, ambiguous)
    counts = tally_all(hamming(left, right), 5, truth)
    assert np.array_equal(counts.true, true)
    assert np.array_equal(counts.false, false)
    assert counts.copies.sum() == needles
    pairs, columns = np.divmod(np.arange(needles * rows), rows)
    level = hamming(left, right)(np.arange(needles)).reshape(-1).astype(np.int64)
    some = tally_some(pairs, columns, level, truth, 5)
    assert np.array_equal(some.true, true)
    assert np.array_equal(some.false, false)


def test_recall_at_a_precision_and_average_precision() -> None:
    # at each level, the most alike first: 6 true; 3 true, 1 false; 90 false; a true one in 99 more
    counts = Counts(np.array([[6, 3, 0, 1]]), np.array([[0, 1, 90, 99]]), np.array([12]))
    assert counts.threshold(0.9) == 1
    assert counts.recall(1) == 9 / 12
    assert counts.threshold(0.95) == 0
    assert counts.recall(counts.threshold(0.95)) == 0.5
    assert counts.recall(-1) == 0
    assert counts.average_precision() == pytest.approx((6 + 3 * 9 / 10 + 10 / 200) / 12)
    none = Counts(np.array([[0, 1]]), np.array([[5, 0]]), np.array([1]))
    assert none.threshold(0.9) == -1


@pytest.mark.slow
def test_segments_are_matched_as_imagehash_does() -> None:
    rng = np.random.default_rng(5)
    pictures = [Image.fromarray(scene(rng, side=120)) for _ in range(3)]
    pictures.append(pictures[0].crop((0, 0, 100, 110)))
    hashes = [imagehash.crop_resistant_hash(picture) for picture in pictures]
    ours = [crop_resistant_hash(picture) for picture in pictures]
    expected = np.zeros((2, 4, 4))
    for (i, left), (j, right) in itertools.product(enumerate(hashes), repeat=2):
        matched, bits = left.hash_diff(right)
        number = matched - bits / (64 * matched) if matched else 0
        expected[:, i, j] = number, number / len(left.segment_hashes)
    for (distances, levels), alike in zip(rank_by_segments(ours, ours), expected, strict=True):
        level = distances(np.arange(4))
        assert level.max() == levels - 1
        assert np.array_equal(np.unique(-alike, return_inverse=True)[1].reshape(4, 4), level)


def test_a_file_that_cannot_be_decoded_is_named(photos) -> None:
    whole = (photos / "b.png").read_bytes()
    (photos / "d.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SystemExit, match=r"can't decode .*d\.png"):
        build_dataset([photos], 100, 1)
