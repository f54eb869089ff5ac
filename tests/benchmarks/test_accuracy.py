"""The data set and the figures of benchmarks/accuracy/edited_copies.py."""

import itertools

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.support.accuracy_report import measure_accuracy
from benchmarks.support.dataset import (
    WIDTH,
    ambiguous_pairs,
    build_dataset,
    edited_copies,
    overlap,
    rows_of_draw,
)
from benchmarks.support.edits import all_edits
from benchmarks.support.fingerprints import Fingerprints, crop_resistant_hash
from benchmarks.support.framing import inside_rotated, random_resized_crop, rotate_cropped
from benchmarks.support.image_operations import Window
from benchmarks.support.methods import make_task, rank_by_segments, take_mix
from benchmarks.support.mixes import BOTH, EDITS, HARDER, PLAIN, harder_edits, rows_of
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


def test_harder_edits_show_a_part_of_their_original_or_have_a_ground(photos) -> None:
    made = build_dataset([photos], 100, 1)
    edits = harder_edits()
    names = [edit.name for edit in EDITS]
    assert len(set(names)) == len(names)
    # a window in the middle, and the tile: square, so that no bars make it square
    middle = [place.source for place in made.originals].index(0) + 5
    tile = [place.source for place in made.originals].index(1)
    for original in (middle, tile):
        own = made.originals[original]
        needles = {edits[n.edit].name: n for n in edited_copies(made, original, edits)}
        absent = {edit.name for edit in edits} - set(needles)
        assert absent == (
            set() if original == middle else {"letterbox, added square", "window moved 20 %"}
        )
        for name, needle in needles.items():
            area = needle.place.window.width * needle.place.window.height
            shared = overlap(own.window, np.array([needle.place.window]))[0]
            assert needle.place.source == own.source
            assert shared == 1 if name != "window moved 20 %" else 0.6 < shared < 0.9
            assert 0.15 < area / (own.window.width * own.window.height) <= 1
            assert (needle.ground is not None) == name.startswith("pasted into a picture")
            assert needle.ground is None or needle.ground.source != own.source


def test_bars_cover_or_surround_what_is_shown(photos) -> None:
    made = build_dataset([photos], 100, 1)
    original = [place.source for place in made.originals].index(0) + 5
    picture = np.asarray(made.picture(made.originals[original]))
    shown = {EDITS[n.edit].name: n for n in edited_copies(made, original, EDITS)}
    top = shown["letterbox, covering 2.35:1"]
    height = top.place.window.height
    assert height == round(WIDTH / 2.35)
    first = (picture.shape[0] - height) // 2
    pixels = np.asarray(top.picture)
    assert np.array_equal(pixels[first : first + height], picture[first : first + height])
    assert {tuple(pixel) for pixel in pixels[[0, -1], 5]} < {(0,) * 3, (128,) * 3, (255,) * 3}
    for name, ratio in (("letterbox, added square", 1), ("pillarbox 16:9", 16 / 9)):
        width, height = shown[name].picture.size
        assert width / height == pytest.approx(ratio, rel=0.01)
    for percent in (40, 55, 70):
        width, height = shown[f"pasted into a picture {percent} %"].picture.size
        share = picture.shape[0] * picture.shape[1] / (width * height)
        assert share == pytest.approx(percent / 100, rel=0.02)


@pytest.mark.parametrize("size", [(240, 200), (64, 64), (120, 300)])
def test_a_rotated_picture_is_cropped_to_what_has_no_corner(size) -> None:
    white = Image.new("RGB", size, "white")
    for degrees in (5, 10):
        for seed in (0, 1):
            rng = np.random.default_rng(seed)
            cut = rotate_cropped(degrees)(white, rng)
            window = inside_rotated(degrees)(Window(0, 0, *size), size, rng)
            assert cut.size == (window.width, window.height)
            # bicubic edges apart
            assert np.asarray(cut)[2:-2, 2:-2].min() == 255


@given(st.integers(0, 2**32), st.integers(20, 300), st.integers(20, 300))
def test_random_resized_crops_lie_in_their_window(seed, width, height) -> None:
    window = Window(7, 11, width, height)
    chosen = random_resized_crop(window, (400, 400), np.random.default_rng(seed))
    left, top = chosen.left - window.left, chosen.top - window.top
    assert Window(left, top, chosen.width, chosen.height).inside((width, height))
    assert chosen.width * chosen.height >= 0.25 * width * height


def test_a_pair_with_the_ground_of_a_pasted_picture_is_ambiguous(photos) -> None:
    made = build_dataset([photos], 100, 1)
    places = np.array([[0, 0, 0, 100, 100], [1, 0, 0, 100, 100], [1, 60, 0, 100, 100]])

    def fingerprints(rows, grounds, originals, edits):
        empty = np.zeros((len(rows), 0))
        columns = (rows, grounds, edits, originals)
        return Fingerprints(*map(np.array, columns), empty, empty, {}, {})

    none = [-1] * 5
    haystack = fingerprints(places, [none] * 3, [0, 1, 2], [-1] * 3)
    needles = fingerprints(places[[0, 0]], [none, places[1].tolist()], [0, 0], [0, 1])
    truth = make_task(made, needles, haystack, sorted(set(made.folders))).truth
    assert truth.ambiguous.tolist() == [1 * 3 + 1]


def test_draws_have_no_file_in_common(photos) -> None:
    for files in (1, 2, 7, 24):
        halves = [rows_of_draw(files, draw) for draw in ("choose", "report")]
        assert sorted(halves[0] + halves[1]) == list(range(files)) == rows_of_draw(files, "all")
        assert len(halves[0]) - len(halves[1]) in {0, 1}
    every, *draws = (build_dataset([photos], 100, 1, draw=d) for d in ("all", "choose", "report"))
    assert sorted(draws[0].originals + draws[1].originals) == every.originals
    assert all(draw.originals for draw in draws)
    # the other draw's originals are distractors
    others = draws[0].distractors["other windows and tiles"]
    assert set(draws[1].originals) <= set(others)


def test_each_mix_has_a_threshold_of_its_own() -> None:
    edits, first = len(EDITS), rows_of(HARDER).start
    assert [*rows_of(PLAIN), *rows_of(HARDER)] == [*rows_of(BOTH)] == [*range(edits)]
    true, false = np.zeros((2, edits, 3), int)
    true[0], false[0] = (6, 4, 0), (0, 0, 90)
    # of the harder mix, level 0 alone is pure
    true[first], false[first] = (4, 6, 0), (0, 1, 0)
    counts = Counts(true, false, true.sum(1))
    measured = {mix: measure_accuracy(counts, ["all"], mix) for mix in (PLAIN, HARDER, BOTH)}
    assert [one.level for one in measured.values()] == [1, 0, 0]
    assert [one.overall for one in measured.values()] == [1, 0.4, 10 / 20]
    assert take_mix(counts, PLAIN).copies.sum() == 10
    assert list(measured[HARDER].by_edit) == [edit.name for edit in harder_edits()]


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
