"""Alpha, further frames and depth of pairs, one layer at a time."""

import numpy as np
import pytest

from fastphash.base.contact_sheet import contact_sheet
from fastphash.joins.matches import Matches
from fastphash.store.content import Content
from fastphash.store.evidence import Layer, RowEvidence
from fastphash.verification.comparison import compare_images
from fastphash.verification.layers import MAX_SCORE, unproven_rows
from tests.support import naive
from tests.support.thumbnails import small


def evidence(frames=(1, 1), **layers):
    columns = {
        name: Layer.from_values([None if one is None else one.tobytes() for one in pair])
        for name, pair in layers.items()
    }
    names = ("alpha", "further_frames", "equalised")
    digests = np.zeros((2, 2), np.uint64)
    rest = [columns.get(name, Layer.empty(2)) for name in names]
    return RowEvidence(digests, np.array(frames, np.int32), *rest)


def compare(pixels, found, mask=255):
    """(agrees, orientation, score) of rows 0 and 1."""
    content = Content(np.stack(pixels), evidence=found)
    one, other = np.array([0]), np.array([1])
    match = Matches(one, other, np.zeros(1, np.uint8), np.array([mask], np.uint8))
    compared = compare_images(match, content, content)
    return bool(compared.agrees[0]), int(compared.orientation[0]), float(compared.score[0])


@pytest.fixture(scope="module")
def pictures(photo):
    return [small(photo(64, 64, seed, 1)) for seed in range(6)]


def turn(pixels, t):
    return np.ascontiguousarray(naive.TURNS[t](pixels.reshape(32, 32))).reshape(-1)


@pytest.mark.parametrize("name", ["alpha", "equalised", "further_frames"])
@pytest.mark.parametrize("t", range(8))
def test_a_layer_agrees_in_the_orientation_of_the_thumbnails(name, t, pictures):
    picture, layer = pictures[:2]
    frames = (2, 2) if name == "further_frames" else (1, 1)
    turned = turn(picture, t)
    same = evidence(frames, **{name: (layer, turn(layer, t))})
    assert compare((picture, turned), same)[:2] == (True, t)
    for other in (turn(layer, (t + 1) % 8), pictures[2]):
        agrees, _, score = compare((picture, turned), evidence(frames, **{name: (layer, other)}))
        assert not agrees
        assert score < 0.5


def sheet_of(frames):
    return contact_sheet(np.stack([frame.reshape(32, 32) for frame in frames])).reshape(-1)


def sheets(frames, number, other):
    """Two sheets of so many frames, of which the numbered one is another in the second."""
    further = [frames[i % len(frames)] for i in range(number)]
    changed = list(further)
    changed[other] = frames[-1] if further[other] is not frames[-1] else frames[0]
    return sheet_of(further), sheet_of(changed)


@pytest.mark.parametrize("further", [1, 2, 4, 5, 16])
@pytest.mark.parametrize("t", [1, 6])
def test_sheets_are_turned_tile_by_tile(further, t, pictures):
    picture, frames = pictures[0], [pictures[1 + i % 5] for i in range(further)]
    pair = sheet_of(frames), sheet_of([turn(frame, t) for frame in frames])
    found = evidence((further + 1,) * 2, further_frames=pair)
    assert compare((picture, turn(picture, t)), found)[:2] == (True, t)


@pytest.mark.parametrize("further", [1, 2, 3, 4, 5, 9, 16, 17, 40])
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_one_other_frame_is_enough_to_disagree(further, place, pictures):
    pair = pictures[0], pictures[0]
    found = sheets(pictures[1:], further, round(place * (further - 1)))
    agrees, _, score = compare(pair, evidence((further + 1,) * 2, further_frames=found))
    assert not agrees
    assert score <= MAX_SCORE
    if further <= 16:
        assert score < 0.5


@pytest.mark.parametrize("further", [16, 17])
def test_the_mean_of_several_frames_is_not_enough_to_agree(further, pictures):
    pair = pictures[0], pictures[0]
    found = evidence((further + 1,) * 2, further_frames=(pictures[1], pictures[1]))
    agrees, _, score = compare(pair, found)
    assert agrees == (further == 16)
    assert score == pytest.approx(1 if agrees else MAX_SCORE)
    assert (unproven_rows(found) == (further == 17)).all()


@pytest.mark.parametrize("further", [1, 2, 4, 5, 16])
def test_a_flat_frame_among_others_does_not_agree(further, pictures):
    spot = np.full((32, 32), 30, np.uint8)
    spot[3, 3] = 255
    pair = pictures[0], pictures[0]
    for last in (np.zeros(1024, np.uint8), spot):
        one = sheet_of([pictures[1 + i % 5] for i in range(further - 1)] + [last])
        found = evidence((further + 1,) * 2, further_frames=(one, one))
        agrees, _, score = compare(pair, found)
        assert not agrees
        assert score == pytest.approx(MAX_SCORE)
        assert unproven_rows(found).all()


def test_faint_frames_are_judged_by_their_own_contrast(pictures):
    # the first frame has the contrast of a sheet
    loud, faint = pictures[1], [100 + pictures[i] // 16 for i in (2, 3)]
    pair = pictures[0], pictures[0]
    one, other = (sheet_of([loud, frame, loud]) for frame in faint)
    assert compare(pair, evidence((4, 4), further_frames=(one, one)))[0]
    assert not compare(pair, evidence((4, 4), further_frames=(one, other)))[0]


def test_alpha_that_is_opaque_but_for_little_agrees_with_none(pictures):
    nearly = np.full(1024, 255, np.uint8)
    nearly[:3] = 252
    pair = pictures[0], pictures[0]
    assert compare(pair, evidence(alpha=(nearly, None)))[0]
    assert not compare(pair, evidence(alpha=(pictures[1], None)))[0]
    # a copy without its alpha may still be near
    assert compare(pair, evidence(alpha=(None, nearly // 2)))[2] > 0.5


@pytest.mark.parametrize("frames", [(1, 2), (2, 3), (3, 4), (2, 0), (0, 0)])
def test_other_or_unknown_numbers_of_frames_do_not_agree(frames, pictures):
    pair = pictures[0], pictures[0]
    agrees, _, score = compare(pair, evidence(frames))
    assert not agrees
    assert score == pytest.approx(MAX_SCORE)
    both = tuple(pictures[1] if number > 1 else None for number in frames)
    agrees, _, score = compare(pair, evidence(frames, further_frames=both))
    assert not agrees
    assert score == pytest.approx(MAX_SCORE)


def test_ranks_of_one_side_only_do_not_agree(pictures):
    pair = pictures[0], pictures[0]
    agrees, _, score = compare(pair, evidence(equalised=(pictures[1], None)))
    assert not agrees
    assert score == pytest.approx(MAX_SCORE)


def test_a_layer_may_choose_a_later_orientation(pictures):
    # its own mirror image
    half = pictures[0].reshape(32, 32)[:, :16]
    picture = np.concatenate([half, half[:, ::-1]], axis=1).reshape(-1)
    alpha = pictures[1]
    found = compare((picture, picture), evidence(alpha=(alpha, turn(alpha, 4))))
    assert found[:2] == (True, 4)
    upright_only = compare((picture, picture), evidence(alpha=(alpha, turn(alpha, 4))), mask=1)
    assert upright_only[:2] == (False, 0)


def test_layers_do_not_depend_on_the_direction(pictures):
    for alpha in ((pictures[1], pictures[2]), (pictures[1], None), (pictures[1], pictures[1])):
        pair = pictures[0], turn(pictures[0], 1)
        ahead = compare(pair, evidence(alpha=alpha))
        back = compare(pair[::-1], evidence(alpha=alpha[::-1]))
        assert ahead[0] == back[0]
        assert ahead[2] == pytest.approx(back[2], abs=5e-3)
