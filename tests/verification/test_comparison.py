import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance

from fastphash.base.vocabulary import COLOURS, INVERSE
from fastphash.external.api import self_join
from fastphash.hashing.phash import hash_orientations, hash_thumbnails
from fastphash.images.pixels import array_chroma
from fastphash.images.thumbnail import both_thumbnails, thumbnail
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.store.content import Content
from fastphash.store.pair_scores import PairScores
from fastphash.verification import comparison
from fastphash.verification.comparison import compare_images
from fastphash.verification.similarity import similarity
from tests.support import naive
from tests.support.thumbnails import saved_again, small

NONE = np.empty(0, np.int64)


def compare_one(a, b, mask=1):
    """Compare one pair of thumbnails (1024,): (agrees, orientation, score)."""
    row = np.zeros(1, np.int64)
    match = Matches(row, row, np.zeros(1, np.uint8), np.array([mask], np.uint8))
    agrees, orientation, score, *_ = compare_images(
        match, Content(a[None].copy()), Content(b[None].copy())
    )
    return bool(agrees[0]), int(orientation[0]), float(score[0])


def agree(a, b):
    return compare_one(a, b)[0]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_images_saved_again_agree(seed, quality, photo):
    image = Image.fromarray(photo(200, 260, seed))
    assert agree(small(image), small(saved_again(image, quality)))
    assert agree(small(saved_again(image, quality)), small(image))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("factor", [0.8, 1.2])
@pytest.mark.parametrize("edit", [ImageEnhance.Brightness, ImageEnhance.Contrast])
def test_edited_images_agree(seed, edit, factor, photo):
    image = Image.fromarray(photo(200, 260, seed))
    edited = edit(image).enhance(factor)
    assert agree(small(image), small(edited))
    assert agree(small(edited), small(image))


def test_shared_photos_saved_again_agree(shared):
    for path in sorted((shared / "aerial300").iterdir()):
        with Image.open(path) as image:
            assert agree(small(image), small(saved_again(image, 40))), path.name


def test_different_photos_do_not_agree(photo):
    thumbnails = [small(photo(200, 260, seed, channels=1)) for seed in range(30)]
    assert not any(agree(a, b) for i, a in enumerate(thumbnails) for b in thumbnails[:i])


def test_lookalikes_on_white_do_not_agree(photo):
    thumbnails = []
    for seed in range(120):
        page = np.full((300, 300), 255, np.uint8)
        page[130:170, 130:170] = photo(40, 40, seed, channels=1)
        thumbnails.append(thumbnail(page))
    thumbnails = np.array(thumbnails)
    index = Index(hash_thumbnails(thumbnails))
    (block,) = find_matches(index, None, 0)
    # their hashes alone would make copies of them
    assert block.left.size > 50
    flat = thumbnails.reshape(-1, 1024)
    comparison = compare_images(block, Content(flat), Content(flat))
    far = np.array(
        [
            np.abs(flat[i].astype(int) - flat[j]).max() > 16
            for i, j in zip(block.left, block.right, strict=True)
        ]
    )
    assert far.sum() > 50
    assert not comparison.agrees[far].any()


@pytest.mark.parametrize("ground", [255, 0])
def test_things_of_one_outline_do_not_agree_but_their_copies_do(ground, photo):
    def disc(seed):
        page = Image.new("L", (400, 400), ground)
        inside = Image.new("L", (120, 120))
        ImageDraw.Draw(inside).ellipse((0, 0, 119, 119), 255)
        # as light as one another, so that the outline makes for most of it
        page.paste(Image.fromarray(photo(120, 120, seed, 1) // 3 + 85), (140, 140), inside)
        return page

    things = [disc(seed) for seed in range(8)]
    for i, one in enumerate(things):
        assert agree(small(one), small(saved_again(one.resize((200, 200)), 50)))
        assert not any(agree(small(one), small(other)) for other in things[:i])


@pytest.mark.parametrize("level", [0, 28, 50, 100])
@pytest.mark.parametrize("side", [100, 160, 220])
def test_shapes_of_one_outline_agree_if_their_levels_are_near(level, side):
    page = np.full((400, 400), 255, np.uint8)
    page[100 : 100 + side, 97 : 97 + side] = 40
    other = np.where(page == 40, level, page).astype(np.uint8)
    assert agree(small(page), small(other)) == (abs(level - 40) < 15)


@pytest.mark.parametrize("level", [0, 1, 100, 250])
def test_flat_images_agree_only_if_their_levels_are_close(level):
    flat = np.full(1024, level, np.uint8)
    for apart in range(6):
        other = flat + np.uint8(apart)
        assert agree(flat, other) == agree(other, flat) == (apart <= 4)


def test_score_of_flat_images_is_0_because_their_thumbnails_show_nothing():
    flat = [np.full(1024, level, np.uint8) for level in (0, 4, 5)]
    assert compare_one(flat[0], flat[1]) == (True, 0, 0)
    assert compare_one(flat[0], flat[2])[2] == 0


def test_flat_image_does_not_agree_with_a_picture(photo):
    picture = small(photo(100, 100, 3, channels=1))
    flat = np.full(1024, int(picture.mean()), np.uint8)
    assert not agree(flat, picture)
    assert not agree(picture, flat)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_agreement_and_score_do_not_depend_on_the_direction(seed, noise):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 256, 1024, np.uint8)
    b = np.clip(a + rng.normal(0, noise, 1024), 0, 255).astype(np.uint8)
    assert compare_one(a, b) == compare_one(b, a)


@given(st.integers(0, 2**32 - 1))
def test_score_is_between_0_and_1_and_1_for_equals(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(rng.integers(0, 128), rng.integers(129, 256), (2, 1024), np.uint8)
    assert 0 <= compare_one(a, b)[2] <= 1
    assert 0 <= compare_one(a, 255 - a)[2] <= 1
    assert compare_one(a, a) == (True, 0, 1.0)


@given(st.integers(0, 7), st.integers(1, 255))
def test_orientation_is_the_first_that_agrees(t, mask):
    a = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    b = np.ascontiguousarray(naive.TURNS[t](a)).reshape(-1)
    agrees, orientation, score = compare_one(a.reshape(-1), b, mask)
    if mask >> t & 1:
        assert (agrees, orientation, score) == (True, t, 1.0)
    else:
        assert not agrees
        assert mask >> orientation & 1
        assert score < 0.5


def test_of_orientations_that_agree_the_first_counts():
    half = np.arange(32) < 16
    symmetric = np.repeat(np.where(half, 0, 200)[:, None], 32, axis=1).astype(np.uint8)
    a = symmetric.reshape(-1)
    # left and right are alike, top and bottom are not
    assert compare_one(a, a, 0b10001)[:2] == (True, 0)
    assert compare_one(a, a, 0b10100)[:2] == (True, 4)
    assert compare_one(symmetric[::-1].reshape(-1).copy(), a, 0b100100)[:2] == (True, 2)


def test_turned_copies_are_found_and_named(photo):
    image = photo(150, 210, 5, channels=1)
    turns = [np.ascontiguousarray(turn(image)) for turn in naive.TURNS]
    both = np.array([both_thumbnails(turn) for turn in turns])
    pixels = both[:, 0].reshape(-1, 1024).copy()
    index = Index(hash_orientations(both))
    (block,) = find_matches(index, index, 0)
    comparison = compare_images(block, Content(pixels), Content(pixels))
    upright = block.left == 0
    assert block.right[upright].tolist() == list(range(8))
    assert comparison.agrees[upright].all()
    assert comparison.orientation[upright].tolist() == list(range(8))
    back = block.right == 0
    assert comparison.orientation[back].tolist() == list(INVERSE)
    assert self_join(index.hashes).left.size == 28


def test_without_thumbnails_nothing_agrees(photo):
    pixels = small(photo(60, 60, channels=1))[None]
    none = np.zeros(2, np.int64)
    match = Matches(none, none, np.zeros(2, np.uint8), np.array([0b110, 1], np.uint8))
    for left, right in ((None, None), (pixels, None), (None, pixels)):
        agrees, orientation, score, *_ = compare_images(match, Content(left), Content(right))
        assert agrees.tolist() == [False, False]
        assert orientation.tolist() == [1, 0]
        assert np.isnan(score).all()


def test_no_matches_are_compared():
    pixels = np.empty((0, 1024), np.uint8)
    none = np.empty(0, np.uint8)
    empty = Matches(NONE, NONE, none, none)
    assert [column.size for column in compare_images(empty, Content(pixels), Content(pixels))] == [
        0
    ] * 7
    types = [bool, np.uint8, np.float32, np.uint8, np.float32, bool, np.uint8]
    assert [column.dtype for column in compare_images(empty, Content(), Content())] == types


def colour_of(a, b):
    """How the colours of two images relate."""
    rows = np.arange(1)
    match = Matches(rows, rows, np.zeros(1, np.uint8), np.ones(1, np.uint8))
    chroma = [array_chroma(np.asarray(image)).reshape(1, 128) for image in (a, b)]
    both = (Content(small(a)[None], chroma[0]), Content(small(b)[None], chroma[1]))
    return COLOURS[compare_images(match, *both).colour[0]]


def shirt(*rgb):
    """On white."""
    page = Image.new("RGB", (300, 300), "white")
    drawn = ImageDraw.Draw(page)
    drawn.polygon([(60, 60), (130, 40), (170, 40), (240, 60), (220, 270), (80, 270)], rgb)
    drawn.ellipse((130, 130, 170, 170), tuple(level // 2 for level in rgb))
    return page


@pytest.mark.parametrize(
    ("one", "other", "colour"),
    [
        ((200, 30, 30), (30, 60, 200), "different"),
        # one of them much paler or darker than the other
        ((200, 30, 30), (30, 120, 40), "different"),
        ((40, 70, 190), (110, 70, 40), "different"),
        ((200, 30, 30), (90, 120, 120), "different"),
        ((200, 30, 30), (120, 80, 80), "faded"),
        ((200, 30, 30), (100, 100, 100), "faded"),
        ((200, 30, 30), (190, 40, 30), "same"),
    ],
)
def test_colours_of_things_are_compared(one, other, colour):
    assert colour_of(shirt(*one), shirt(*other)) == colour
    assert colour_of(shirt(*other), shirt(*one)) == colour


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("gains", [(1.12, 1, 0.88), (0.85, 1, 1.15), (1.2, 1, 0.75)])
def test_another_lamp_is_no_other_colour(seed, gains, photo):
    picture = photo(200, 260, seed, 3) / 2 + 40
    one, other = (Image.fromarray((picture * gain).astype(np.uint8)) for gain in ((1, 1, 1), gains))
    assert colour_of(one, other) in ("same", "faded")


def test_near_pairs_are_scored_only_if_asked(photo):
    pixels = small(photo(60, 60, channels=1))[None]
    row, bits = np.zeros(2, np.int64), np.ones(2, np.uint8)
    match = Matches(row, row, np.array([0, 3], np.uint8), bits)
    assert compare_images(
        match, Content(pixels), Content(pixels), score_near=False
    ).score.tolist() == [
        1,
        pytest.approx(np.nan, nan_ok=True),
    ]
    assert (compare_images(match, Content(pixels), Content(pixels)).score > 0.99).all()


def test_a_pair_is_scored_once(photo, monkeypatch):
    thumbnails = np.stack([small(Image.fromarray(photo(80, 80, seed))) for seed in range(6)])
    left, right = (side.astype(np.int64) for side in np.triu_indices(6, 1))
    pairs = Matches(
        left, right, np.full(left.size, 8, np.uint8), np.full(left.size, 0b1001, np.uint8)
    )
    alone = Content(thumbnails)
    remembering = Content(thumbnails, scores=PairScores())
    expected = compare_images(pairs, alone, alone)
    first = compare_images(pairs.take(slice(0, 9)), remembering, remembering)
    np.testing.assert_array_equal(first.score, expected.score[:9])
    scored = []
    monkeypatch.setattr(
        comparison,
        "similarity",
        lambda *given: scored.append(given[1].size) or similarity(*given),
    )
    for _ in range(2):
        found = compare_images(pairs, remembering, remembering)
        np.testing.assert_array_equal(found.score, expected.score)
        np.testing.assert_array_equal(found.orientation, expected.orientation)
    assert scored == [left.size - 9]
