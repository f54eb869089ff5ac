"""Alpha, further frames and depth of pairs, one layer at a time."""

import numpy as np
import pytest

from fastphash.base.contact_sheet import sheet_indices, tiles_along_side
from fastphash.joins.matches import Matches
from fastphash.store.evidence import Layer, RowEvidence
from fastphash.store.rows import Content
from fastphash.verify.comparison import compare_images
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


@pytest.mark.parametrize("frames", [2, 3, 5, 6, 30])
@pytest.mark.parametrize("t", [1, 6])
def test_sheets_are_turned_tile_by_tile(frames, t, pictures):
    picture, sheet = pictures[:2]
    turned = np.ascontiguousarray(sheet[sheet_indices(tiles_along_side(frames - 1))[t]])
    found = evidence((frames, frames), further_frames=(sheet, turned))
    assert compare((picture, turn(picture, t)), found)[:2] == (True, t)


def test_alpha_that_is_opaque_but_for_little_agrees_with_none(pictures):
    nearly = np.full(1024, 255, np.uint8)
    nearly[:3] = 252
    pair = pictures[0], pictures[0]
    assert compare(pair, evidence(alpha=(nearly, None)))[0]
    assert not compare(pair, evidence(alpha=(pictures[1], None)))[0]
    # a copy without its alpha may still be near
    assert compare(pair, evidence(alpha=(None, nearly // 2)))[2] > 0.5


@pytest.mark.parametrize("frames", [(1, 2), (2, 3), (2, 0), (0, 0)])
def test_other_or_unknown_numbers_of_frames_do_not_agree(frames, pictures):
    pair = pictures[0], pictures[0]
    assert not compare(pair, evidence(frames))[0]
    sheets = tuple(pictures[1] if number > 1 else None for number in frames)
    assert not compare(pair, evidence(frames, further_frames=sheets))[0]


def test_flat_sheets_do_not_agree(pictures):
    black = np.zeros(1024, np.uint8)
    pair = pictures[0], pictures[0]
    assert not compare(pair, evidence((3, 3), further_frames=(black, black)))[0]


def test_ranks_of_one_side_only_do_not_agree(pictures):
    pair = pictures[0], pictures[0]
    assert not compare(pair, evidence(equalised=(pictures[1], None)))[0]


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
