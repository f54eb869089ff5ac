"""Copies that show a window of another picture: found, scored, and not called so too lightly."""

import numpy as np
import pytest
from PIL import Image

from fastphash.base.vocabulary import (
    COLLISION,
    CROPPED,
    DIFFERENT,
    ORIENTATIONS,
    SAME,
    UNKNOWN_CHROMA,
)
from fastphash.demo import scene
from fastphash.hashing.phash import hash_orientations
from fastphash.hashing.views import cut_windows
from fastphash.images.pixels import pillow_chroma
from fastphash.images.thumbnail import both_thumbnails
from fastphash.joins.index import Index
from fastphash.joins.views import ViewMatches
from fastphash.store.content import Content
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.crops import MIN_CROPPED_SCORE, Doubts, find_cropped, shown_windows
from fastphash.verification.findings import NO_FINDINGS
from fastphash.verification.window_scores import cut_chroma, score_windows
from tests.support import naive

CRITERIA = CopyCriteria(4)
WIDE = Image.fromarray(scene(np.random.default_rng(17), side=240)).resize((256, 256))
OTHER = Image.fromarray(scene(np.random.default_rng(18), side=240)).resize((256, 256))


def table(*pictures, chroma=True):
    """Hashes and content of pictures."""
    greys = [np.ascontiguousarray(picture.convert("L")) for picture in pictures]
    both = np.stack([both_thumbnails(grey) for grey in greys])
    cells = np.stack([pillow_chroma(picture).reshape(-1) for picture in pictures])
    content = Content(both[:, 0].reshape(len(pictures), -1).copy(), cells if chroma else None)
    return Index(hash_orientations(both)), content


def found(*pictures, criteria=CRITERIA, **options):
    return find_cropped(*table(*pictures), criteria, **options).copies


def framed(picture, left, top, right, bottom, colour=(30, 60, 120)):
    size = picture.width + left + right, picture.height + top + bottom
    frame = Image.new("RGB", size, colour)
    frame.paste(picture, (left, top))
    return frame


@pytest.mark.parametrize(
    "window",
    [
        (0.1, 0.1, 0.9, 0.9),
        (0.2, 0.2, 0.8, 0.8),
        (0.0, 0.0, 0.8, 1.0),
        (0.0, 0.3, 1.0, 1.0),
        (0.2, 0.0, 1.0, 0.8),
        (0.125, 0.0, 0.875, 1.0),
    ],
)
def test_a_crop_is_found_with_its_window(window):
    copy = WIDE.crop([round(256 * edge) for edge in window])
    findings = found(OTHER, WIDE, copy)
    assert findings.pairs.tolist() == [[1, 2]]
    assert findings.relation.kind.tolist() == [CROPPED]
    assert findings.relation.score[0] >= 0.7
    assert findings.relation.colour.tolist() == [SAME]
    assert findings.window_of.tolist() == [0]
    np.testing.assert_allclose(findings.window[0], window, atol=0.08)
    assert np.isnan(findings.place).all()
    assert not findings.looked.any()


@pytest.mark.parametrize("bars", [(0, 50, 0, 50), (40, 0, 40, 0), (30, 30, 30, 30), (0, 0, 60, 40)])
def test_a_picture_with_bars_is_found(bars):
    copy = framed(WIDE, *bars)
    findings = found(copy, OTHER, WIDE)
    assert findings.pairs.tolist() == [[0, 2]]
    assert findings.window_of.tolist() == [0]
    left, top, right, bottom = bars
    width, height = copy.size
    expected = left / width, top / height, 1 - right / width, 1 - bottom / height
    np.testing.assert_allclose(findings.window[0], expected, atol=0.03)


def test_bars_of_two_shapes():
    findings = found(framed(WIDE, 0, 60, 0, 60), framed(WIDE, 60, 0, 60, 0, (250, 250, 250)))
    assert findings.pairs.tolist() == [[0, 1]]


def test_a_window_that_moved_is_found():
    large = Image.fromarray(scene(np.random.default_rng(21), side=300)).resize((300, 300))
    findings = found(large.crop((0, 0, 260, 260)), large.crop((26, 26, 286, 286)))
    assert findings.pairs.tolist() == [[0, 1]]
    whole = [0, 0, 1, 1]
    shown = (
        findings.window[0] if findings.window_of[0] == 0 else 1 - findings.window[0][[2, 3, 0, 1]]
    )
    np.testing.assert_allclose(shown, [0.1, 0.1, 1, 1], atol=0.03)
    assert findings.window[0].tolist() != whole


@pytest.mark.parametrize("turn", list(Image.Transpose))
def test_a_turned_crop_has_its_orientation(turn):
    copy = WIDE.crop((26, 26, 230, 230)).transpose(turn)
    (orientation,) = found(WIDE, copy).relation.orientation
    assert ORIENTATIONS[orientation] == turn.name.lower()
    (back,) = found(copy, WIDE).relation.orientation
    assert back == naive.INVERSE[orientation]


def test_a_crop_in_other_colours_is_none():
    copy = WIDE.crop((26, 26, 230, 230))
    red, green, blue = copy.split()
    tinted = Image.merge("RGB", [red.point(lambda v: v // 3), green, blue.point(lambda v: 255 - v)])
    grey = [np.ascontiguousarray(picture.convert("L")) for picture in (copy, tinted)]
    frames, content = table(WIDE, copy)
    cells = content.chroma.copy()
    cells[1] = pillow_chroma(tinted).reshape(-1)
    assert grey[0].shape == grey[1].shape
    assert found(WIDE, copy).pairs.size
    assert not find_cropped(frames, content._replace(chroma=cells), CRITERIA).copies.pairs.size
    assert find_cropped(frames, content._replace(chroma=None), CRITERIA).copies.pairs.size


def test_colours_of_bars_are_left_out():
    copy = framed(WIDE, 37, 37, 37, 37, (250, 20, 20))
    findings = found(WIDE, copy)
    assert findings.relation.colour.tolist() == [SAME]


def test_copies_as_whole_images_are_left_out():
    again = WIDE.resize((200, 200))
    assert not found(WIDE, again).pairs.size
    assert not found(WIDE, WIDE).pairs.size


def test_plain_grounds_prove_nothing():
    rng = np.random.default_rng(0)
    sky = np.linspace(180, 220, 256)[:, None] * np.ones(256)
    skies = [sky + rng.normal(0, 2, sky.shape) for _ in range(6)]
    flats = [np.full((256, 256), level) + rng.normal(0, 1, sky.shape) for level in (0, 90, 250)]
    pictures = [Image.fromarray(np.clip(p, 0, 255).astype(np.uint8)) for p in (*skies, *flats)]
    pictures = [picture.convert("RGB") for picture in pictures]
    # views of these are near one another and near the pictures
    crops = [picture.crop((26, 26, 230, 230)) for picture in pictures]
    assert not found(*pictures, *crops).pairs.size


def test_other_pictures_are_no_crops():
    pictures = [Image.fromarray(scene(np.random.default_rng([5, i]), side=100)) for i in range(30)]
    assert not found(*pictures).pairs.size


def test_nothing_to_compare():
    frames, content = table(WIDE, WIDE.crop((26, 26, 230, 230)))
    assert find_cropped(frames, Content(), CRITERIA).copies is NO_FINDINGS
    assert find_cropped(frames, content, CRITERIA, "none").copies is NO_FINDINGS
    assert find_cropped(frames.take(slice(1)), content, CRITERIA).copies is NO_FINDINGS


def test_a_higher_least_score_holds_for_crops():
    copy = WIDE.crop((36, 36, 220, 220))
    assert found(WIDE, copy, criteria=CopyCriteria(4, MIN_CROPPED_SCORE)).pairs.size
    assert not found(WIDE, copy, criteria=CopyCriteria(4, 1.0)).pairs.size


def test_a_batch_at_a_time_finds_the_same(monkeypatch):
    pictures = WIDE, OTHER, *(WIDE.crop((k, k, 256 - k, 256 - k)) for k in (26, 40, 60))
    at_once = found(*pictures)
    monkeypatch.setattr("fastphash.verification.crops._AT_ONCE", 1)
    one_by_one = found(*pictures)
    assert at_once.size >= 3
    np.testing.assert_array_equal(at_once.pairs, one_by_one.pairs)
    np.testing.assert_allclose(at_once.window, one_by_one.window)
    np.testing.assert_allclose(at_once.relation.score, one_by_one.relation.score)


def test_a_centre_alone():
    centre, corner = WIDE.crop((26, 26, 230, 230)), WIDE.crop((0, 0, 205, 205))
    assert found(WIDE, centre, corner).pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert found(WIDE, centre, corner, views="centre").pairs.tolist() == [[0, 1]]


def candidate(window, other, viewed=0, degrees=0):
    return ViewMatches(
        np.array([0]),
        np.array([1]),
        np.array([viewed], np.uint8),
        np.array([window], np.float32),
        np.array([other], np.float32),
        np.array([degrees], np.int8),
        np.array([0], np.uint8),
        np.array([1], np.uint8),
    )


def test_scores_do_not_depend_on_the_side():
    _, content = table(WIDE, WIDE.crop((26, 26, 230, 230)))
    windows = (0.1, 0.1, 0.9, 0.9), (0, 0, 1, 1)
    ahead = score_windows(candidate(*windows), content, content)
    back = content.take(np.array([1, 0]))
    behind = score_windows(candidate(*windows, viewed=1), back, back)
    np.testing.assert_allclose(ahead.score, behind.score, atol=1e-6)
    assert ahead.score[0] > 0.7


def test_shown_windows_reach_beyond_middles():
    middle = 0.1, 0.1, 0.9, 0.9
    np.testing.assert_allclose(
        shown_windows(candidate((0.2, 0, 1, 0.8), middle)), [[0.1, 0, 1, 0.9]], atol=1e-6
    )
    np.testing.assert_allclose(
        shown_windows(candidate((0.2, 0, 1, 0.8), (0, 0, 1, 1))), [[0.2, 0, 1, 0.8]], atol=1e-6
    )


def test_cut_windows_are_their_twins():
    rng = np.random.default_rng(0)
    thumbnails = rng.integers(0, 256, (3, 1024), np.uint8)
    rows = np.array([2, 0])
    windows = np.array([[0, 0, 1, 1], [0.125, 0.25, 1, 0.8125]])
    cut = cut_windows(thumbnails, rows, windows)
    np.testing.assert_array_equal(cut[0], thumbnails[2])
    left, top, right, bottom = windows[1]
    columns = [naive.stretched(line, top, bottom) for line in thumbnails[0].reshape(32, 32).T]
    plane = [naive.stretched(line, left, right) for line in np.array(columns).T]
    expected = np.clip(np.rint(plane), 0, 255).reshape(-1)
    assert np.abs(cut[1] - expected).max() <= 1


def test_chroma_of_a_window_is_its_mean_by_area():
    rng = np.random.default_rng(1)
    cells = rng.integers(-127, 128, (2, 128)).astype(np.int8)
    cells[1, 0] = UNKNOWN_CHROMA
    windows = np.array([[0.25, 0, 1, 0.5]] * 2, np.float32)
    cut = cut_chroma(cells, windows)
    # cells of 24 x 24, of which a cell of the window has 18 x 12
    fine = cells[0].reshape(2, 8, 8).repeat(24, axis=1).repeat(24, axis=2).astype(np.float64)
    part = fine[:, :96, 48:].reshape(2, 8, 12, 8, 18).mean(axis=(2, 4))
    assert np.abs(cut[0].reshape(2, 8, 8) - part).max() <= 0.51
    assert cut[1, 0] == UNKNOWN_CHROMA
    whole = np.array([[0, 0, 1, 1]] * 2, np.float32)
    np.testing.assert_array_equal(cut_chroma(cells, whole), cells)


def test_the_verdict_on_colours_is_of_the_window():
    left, right = WIDE.copy(), WIDE.copy()
    right.paste((250, 0, 0), (0, 0, 256, 60))
    right = right.crop((0, 60, 256, 256))
    _, content = table(left, right)
    scores = score_windows(candidate((0, 60 / 256, 1, 1), (0, 0, 1, 1)), content, content)
    assert scores.colour.tolist() != [DIFFERENT]


STRICT = CopyCriteria(4, 0.9)


def drawn_crops():
    """Pictures, and crops of them, turned a little."""
    pictures = [Image.fromarray(scene(np.random.default_rng(i), side=200)) for i in range(18)]
    pictures = [picture.resize((200, 200)) for picture in pictures]
    crops = [
        picture.rotate(9 + number % 5).crop((20, 20, 180, 180))
        for number, picture in enumerate(pictures)
    ]
    return [*pictures, *crops]


def test_pairs_in_doubt_score_less_than_copies():
    rows = table(*drawn_crops())
    plain = find_cropped(*rows, STRICT)
    assert not plain.doubtful.size
    every = find_cropped(*rows, STRICT, doubts=Doubts(0.2, 1000))
    assert every.copies.pairs.tolist() == plain.copies.pairs.tolist()
    doubtful = every.doubtful
    assert doubtful.size > 4
    assert not every.more
    assert ((doubtful.relation.score >= 0.2) & (doubtful.relation.score < STRICT.min_score)).all()
    assert set(doubtful.relation.kind.tolist()) == {COLLISION}
    assert not np.isin(doubtful.keys, plain.copies.keys).any()
    assert np.unique(doubtful.keys).size == doubtful.size


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_as_many_doubts_as_wanted_are_kept_those_with_the_highest_scores(monkeypatch, at_once):
    rows = table(*drawn_crops())
    every = find_cropped(*rows, STRICT, doubts=Doubts(0.2, 1000)).doubtful
    monkeypatch.setattr("fastphash.verification.crops._AT_ONCE", at_once)
    some = find_cropped(*rows, STRICT, doubts=Doubts(0.2, 4))
    assert some.more
    highest = np.sort(every.relation.score)[-4:]
    assert np.sort(some.doubtful.relation.score).tolist() == highest.tolist()
    assert np.isin(some.doubtful.keys, every.keys).all()
