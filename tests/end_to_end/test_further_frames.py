"""Stacks and animations that differ in one further frame are no copies that anybody cleans."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fastphash.audits.run import audit
from fastphash.clean.plan import make_plan
from fastphash.ingest.options import IngestOptions
from fastphash.results.audit_folder import open_audit
from fastphash.results.groups import group_rows
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.layers import MAX_SCORE
from tests.support.examples import slow_but
from tests.support.hashed_images import SURE, hash_encoded, related
from tests.support.scenes import source

SIDE = 64
FORMATS = {"TIFF": {}, "GIF": {}, "WEBP": {"quality": 80}}


def animation(frames, name, **options):
    buffer = io.BytesIO()
    first, *others = map(Image.fromarray, frames)
    first.save(buffer, name, save_all=True, append_images=others, **options)
    return buffer.getvalue()


def other_frames(photo, number, place, count):
    """Lists of so many equal frames, then one of different ones, at a place from 0 to 1."""
    at = 1 + round(place * (number - 1))
    film = [photo(SIDE, SIDE, 0, 1)] * number
    return [[*film[:at], photo(SIDE, SIDE, 100 + i, 1), *film[at:]] for i in range(count)]


def varied(photo, number, count):
    """Lists of different frames, of which only the last differs between the lists."""
    film = [photo(SIDE, SIDE, seed) for seed in range(number)]
    return [[*film, photo(SIDE, SIDE, 100 + i)] for i in range(count)]


def page(number):
    """Lines of words, uint8 (260, 200)."""
    rng = np.random.default_rng(number)
    image = Image.new("L", (200, 260), 255)
    draw = ImageDraw.Draw(image)
    for y in range(20, 240, 10):
        x = 20
        while x < 175:
            width = int(rng.integers(4, 22))
            draw.rectangle((x, y, min(x + width, 180), y + 4), int(rng.integers(0, 60)))
            x += width + 5
    return np.asarray(image)


def check_unsure(folder, images):
    """No pair of images is cleaned by default, or scores as high as copies do."""
    rows = hash_encoded(folder, {str(i): data for i, data in enumerate(images)})
    pairs = related(rows)
    assert len(pairs) == len(images) * (len(images) - 1) // 2
    for names, row in pairs.items():
        assert row["kind"] not in SURE, names
        assert row["score"] <= np.float32(MAX_SCORE), names
    for grouping in ("star", "components"):
        counts = group_rows(rows, CopyCriteria(16), grouping).count_copies()
        assert not any(counts.kinds[kind] for kind in SURE)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("number", slow_but([4, 17], [4, 10, 17, 40]))
def test_one_other_frame_is_no_copy(name, number, photo, tmp_path):
    for place in (0, 0.5, 1):
        films = other_frames(photo, number, place, 4)
        images = [animation(film, name, **FORMATS[name]) for film in films]
        check_unsure(tmp_path / str(place), images)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("number", slow_but([4, 17], [4, 10, 16, 17, 61]))
def test_another_last_frame_after_different_ones_is_no_copy(name, number, photo, tmp_path):
    films = varied(photo, number, 3)
    check_unsure(tmp_path, [animation(film, name, **FORMATS[name]) for film in films])


def test_the_last_two_of_62_frames_count(photo, tmp_path):
    film = [photo(SIDE, SIDE, 0, 1)] * 60
    images = [
        animation([*film, photo(SIDE, SIDE, i, 1), photo(SIDE, SIDE, 9 + i, 1)], "TIFF")
        for i in (1, 2)
    ]
    check_unsure(tmp_path, images)


@pytest.mark.parametrize("number", [2, 4, 10, 16, 30])
def test_documents_with_other_pages_are_no_copies(number, tmp_path):
    documents = [[page(0), *map(page, range(100 * i, 100 * i + number))] for i in range(1, 7)]
    rows = hash_encoded(
        tmp_path, {str(i): animation(pages, "TIFF") for i, pages in enumerate(documents)}
    )
    assert not {row["kind"] for row in related(rows).values()} & set(SURE)


@pytest.mark.parametrize("further", [1, 2, 4, 5, 15, 16])
def test_animations_saved_again_are_exact_up_to_the_number_of_tiles(further, photo, tmp_path):
    # a first frame whose hash is the same however it is saved
    frames = [photo(96, 96, seed) for seed in (26, *range(further))]
    images = {
        "apng": animation(frames, "PNG"),
        "gif": animation(frames, "GIF"),
        "webp": animation(frames, "WEBP", quality=80),
        "poor": animation(frames, "WEBP", quality=30),
        "turned": animation([np.rot90(frame) for frame in frames], "WEBP", quality=80),
    }
    pairs = related(hash_encoded(tmp_path, images))
    assert len(pairs) == 10
    for names, row in pairs.items():
        assert row["kind"] == ("augmented" if "turned" in names else "exact"), names
        assert not row["same_pixels"]


def test_animations_of_more_frames_are_exact_only_if_their_pixels_are_equal(photo, tmp_path):
    frames = [photo(SIDE, SIDE, seed) for seed in range(18)]
    images = {
        "apng": animation(frames, "PNG"),
        "lossless": animation(frames, "WEBP", lossless=True),
        "webp": animation(frames, "WEBP", quality=80),
        "turned": animation([np.rot90(frame) for frame in frames], "PNG"),
    }
    rows = hash_encoded(tmp_path, images)
    for names, row in related(rows).items():
        same = names == ("apng", "lossless")
        assert (row["kind"], row["same_pixels"]) == ("exact" if same else "near", same), names
        assert row["score"] == pytest.approx(1) if same else row["score"] <= np.float32(MAX_SCORE)
    assert group_rows(rows, CopyCriteria(16)).count_copies().kinds["exact"] == 1


def test_a_black_frame_among_others_is_no_evidence(photo, tmp_path):
    films = [
        [photo(SIDE, SIDE, 0), photo(SIDE, SIDE, 1), np.full((SIDE, SIDE, 3), colour, np.uint8)]
        for colour in [(255, 0, 0), (0, 130, 0), (76, 76, 76)]
    ]
    check_unsure(tmp_path, [animation(film, "TIFF") for film in films])


def test_stacks_with_another_last_frame_are_not_cleaned(photo, tmp_path):
    sources = []
    films = [film for number in (4, 10, 17, 40) for film in other_frames(photo, number, 1, 4)]
    for split, part in (("train", films[::2]), ("val", films[1::2])):
        (tmp_path / split).mkdir()
        for i, film in enumerate(part):
            (tmp_path / split / f"{i}.tif").write_bytes(animation(film, "TIFF"))
        sources.append(source(split, tmp_path / split))
    audit(tmp_path / "out", sources, ingest=IngestOptions(workers=1))
    plan = make_plan(open_audit(tmp_path / "out"))
    assert set(plan["action"].to_pylist()) == {"keep"}
