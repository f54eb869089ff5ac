"""Flatness is no evidence: pictures whose thumbnails show nothing, and what tells them apart."""

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fastphash.audits.run import audit
from fastphash.base.vocabulary import COPY_KINDS
from fastphash.clean.plan import make_plan
from fastphash.ingest.options import IngestOptions
from fastphash.results.audit_folder import open_audit
from fastphash.results.groups import group_rows
from fastphash.verification.criteria import CopyCriteria
from tests.support.encoded_samples import png_of, tiff_of
from tests.support.examples import examples
from tests.support.hashed_images import SURE, hash_encoded, related
from tests.support.scenes import source

SIDE = 96


def shape(number, side=SIDE):
    """A drawn shape, uint8 (side, side): 255 inside."""
    image = Image.new("L", (side, side))
    draw = ImageDraw.Draw(image)
    low, high, middle = side // 8, side - side // 8, side // 2
    [
        lambda: draw.rectangle((low, middle - 6, high, middle + 6), 255),
        lambda: draw.ellipse((low, low, high, high), outline=255, width=side // 10),
        lambda: draw.polygon([(middle, low), (high, high), (low, high)], 255),
        lambda: [draw.rectangle((x, low, x + 5, high), 255) for x in range(low, high, 16)],
        lambda: draw.ellipse((low, middle, middle, high), 255),
    ][number]()
    return np.asarray(image)


def terrain(number, low=0.0, high=1.0, side=SIDE):
    """A smooth scene of values, float64 (side, side)."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:side, :side] / side
    waves = sum(
        np.sin(2 * np.pi * (rng.uniform(-4, 4) * x + rng.uniform(-4, 4) * y) + rng.uniform(0, 6))
        for _ in range(6)
    )
    return low + (high - low) * (waves - waves.min()) / np.ptp(waves)


def saved(image, name, **options):
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def animation(frames, name, **options):
    first, *others = [Image.fromarray(frame) for frame in frames]
    return saved(first, name, save_all=True, append_images=others, **options)


def icon(number, level=0):
    return np.dstack([np.full((SIDE, SIDE, 3), level, np.uint8), shape(number)])


def icon_with_palette(number):
    image = Image.fromarray(shape(number) // 255)
    image = image.convert("P")
    image.putpalette([0] * 768)
    return saved(image, "PNG", transparency=bytes([0, 255]))


def with_void(number, share, void, dtype):
    values = terrain(number, 100, 900).astype(dtype)
    values[:, : int(share * SIDE)] = void
    return tiff_of(values)


def two_voids(number):
    values = terrain(number, 100, 900).astype(np.int16)
    values[:20], values[:, 70:] = -32768, -9999
    return tiff_of(values)


def hot_pixel(number, side=SIDE):
    values = terrain(number, 400, 502, side).astype(np.uint16)
    values[side // 3, side // 3] = 65535
    return values


def dim(number, bands, most=255):
    values = [terrain(10 * number + band, 0, most) for band in range(bands)]
    return np.dstack(values).astype(np.uint16)


def stack(number, first):
    """Three frames, of which the first has one level."""
    return [np.full((SIDE, SIDE), first, np.uint8), shape(number), shape((number + 1) % 5)]


def colours():
    # of one luminance
    return [(255, 0, 0), (0, 130, 0), (76, 76, 76), (0, 100, 153), (98, 60, 95)]


def dark(number):
    values = terrain(number, 2, 5, 32).astype(np.uint8)
    values[9, 9] = 255
    return values


DIFFERENT = {
    "icons": [png_of(icon(i)) for i in range(5)],
    "white icons": [png_of(icon(i, 255)) for i in range(5)],
    "icons in WebP": [
        saved(Image.fromarray(icon(i)), "WEBP", lossless=True, exact=True) for i in range(5)
    ],
    "icons of grey and alpha": [png_of(icon(i)[..., 2:]) for i in range(5)],
    "icons in a palette": [icon_with_palette(i) for i in range(5)],
    "icons of 16 bits": [png_of(icon(i).astype(np.uint16) * 257) for i in range(5)],
    "dim RGB of 16 bits in PNG": [png_of(dim(i, 3)) for i in range(3)],
    "dim RGB of 16 bits in TIFF": [tiff_of(dim(i, 3)) for i in range(3)],
    "dim RGB of 16 bits in big-endian TIFF": [tiff_of(dim(i, 3), order=">") for i in range(3)],
    "dim RGB of 16 bits in bands": [tiff_of(dim(i, 3), planar=True) for i in range(3)],
    "dim grey and alpha of 16 bits": [
        png_of(np.dstack([dim(i, 1), np.full((SIDE, SIDE), 65535, np.uint16)])) for i in range(3)
    ],
    "dim CMYK of 16 bits": [tiff_of(dim(i, 4), photometric=5) for i in range(3)],
    "float with void": [with_void(i, 0.1, -3.4028235e38, np.float32) for i in range(4)],
    "int16 with void": [with_void(i, 0.1, -32768, np.int16) for i in range(4)],
    "half of it void": [with_void(i, 0.5, -32768, np.int16) for i in range(4)],
    "most of it void": [with_void(i, 0.9, 65535, np.uint16) for i in range(4)],
    "two voids": [two_voids(i) for i in range(4)],
    "not a number": [with_void(i, 0.3, np.nan, np.float32) for i in range(4)],
    "hot pixel in TIFF": [tiff_of(hot_pixel(i)) for i in range(4)],
    "hot pixel in PNG": [png_of(hot_pixel(i)) for i in range(4)],
    "hot pixel in a small picture": [tiff_of(hot_pixel(i, 32)) for i in range(4)],
    "hot pixel in 8 bits": [png_of(dark(i)) for i in range(4)],
    "black first frame in GIF": [animation(stack(i, 0), "GIF") for i in range(5)],
    "white first frame in WebP": [
        animation(stack(i, 255), "WEBP", lossless=True) for i in range(5)
    ],
    "white first frame in APNG": [animation(stack(i, 255), "PNG") for i in range(5)],
    "black first page in TIFF": [animation(stack(i, 0), "TIFF") for i in range(5)],
    "black first page in 16 bits": [
        animation([np.zeros((SIDE, SIDE), np.uint16), hot_pixel(i)], "TIFF") for i in range(4)
    ],
    "flat colours": [saved(Image.new("RGB", (64, 64), c), "PNG") for c in colours()],
    "flat colours in JPEG": [saved(Image.new("RGB", (64, 64), c), "JPEG") for c in colours()],
    "flat CMYK": [saved(Image.new("CMYK", (64, 64), (c, 0, 0, 90)), "TIFF") for c in (0, 9, 18)],
    "flat of other sizes": [saved(Image.new("L", (side, side)), "PNG") for side in (40, 64, 128)],
    "flat but for noise": [
        png_of(np.random.default_rng(i).integers(90, 92, (64, 64), np.uint8)) for i in range(4)
    ],
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_pictures_that_look_flat_are_no_copies(kind, tmp_path):
    images = {f"{i}": data for i, data in enumerate(DIFFERENT[kind])}
    rows = hash_encoded(tmp_path / "images", images)
    assert {row["kind"] for row in related(rows).values()} <= {"collision"}
    assert not any(row["same_pixels"] for row in related(rows).values())
    for grouping in ("star", "components"):
        assert not group_rows(rows, CopyCriteria(16), grouping).table().num_rows


def test_pictures_that_look_flat_are_not_cleaned(tmp_path):
    names = ["icons", "flat colours", "black first frame in GIF", "hot pixel in TIFF"]
    sources = []
    for split in ("train", "val"):
        for name in names:
            images = DIFFERENT[name][0 if split == "train" else 1 :: 2]
            for i, data in enumerate(images):
                path = tmp_path / split / f"{name} {i}"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)
        sources.append(source(split, tmp_path / split))
    summary = audit(tmp_path / "out", sources, ingest=IngestOptions(workers=1)).summary
    assert all(leak["leaked"] == 0 for leak in summary["leaks"])
    assert sum(leak["kinds"]["collision"] for leak in summary["leaks"])
    plan = make_plan(open_audit(tmp_path / "out"))
    assert set(plan["action"].to_pylist()) == {"keep"}
    asked = make_plan(open_audit(tmp_path / "out"), by=["collision"])
    assert "remove" in asked["action"].to_pylist()


def test_pictures_of_16_bits_and_darker_ones_are_copies_as_those_of_8_bits_are(tmp_path):
    files = [png_of(dim(number, 3, most)) for most in (65535, 30000, 9000) for number in range(3)]
    rows = hash_encoded(tmp_path / "images", {f"{i}": data for i, data in enumerate(files)})
    found = {names for names, row in related(rows).items() if row["kind"] != "collision"}
    assert found == {(f"{i}", f"{j}") for i in range(9) for j in range(i + 3, 9, 3)}


@pytest.mark.parametrize("case", ["02-rgb16-small-values", "03-geotiff-nodata"])
def test_of_shared_cases_only_one_picture_in_other_values_is_a_copy(case, shared, tmp_path):
    files = sorted((shared / "cases" / case).rglob("*.*"))
    rows = hash_encoded(tmp_path / "images", {path.name: path.read_bytes() for path in files})
    pairs = {names for names, row in related(rows).items() if row["kind"] != "collision"}
    # dem0.tif and srtm0.tif are one terrain in other units, t0.png and t0.tif one picture
    number = [re.sub(r"\D", "", path.stem) for path in files]
    same = {
        (files[i].name, files[j].name)
        for i in range(len(files))
        for j in range(i + 1, len(files))
        if number[i] == number[j]
    }
    assert pairs == same


@pytest.mark.parametrize(
    "case", ["01-transparent-icons", "14-flat", "04-hot-pixel-16bit", "05-first-frame"]
)
def test_shared_cases_are_no_copies(case, shared, tmp_path):
    files = [path for path in (shared / "cases" / case).rglob("*.*") if path.is_file()]
    rows = hash_encoded(tmp_path / "images", {path.name: path.read_bytes() for path in files})
    for names, row in related(rows).items():
        assert row["kind"] == "collision", names


def test_shared_tiffs_by_pixel_and_by_band_are_copies(shared, tmp_path):
    files = sorted((shared / "cases" / "13-planar-rgb16").rglob("*.tif"))
    rows = hash_encoded(tmp_path / "images", {path.name: path.read_bytes() for path in files})
    assert group_rows(rows, CopyCriteria(16)).count_copies().same_pixels == 4


def textured_icons(photo):
    picture = photo(SIDE, SIDE, 5)
    return [png_of(np.dstack([picture, shape(i)])) for i in range(3)] + [png_of(picture)]


def films(photo):
    first = photo(SIDE, SIDE, 6, 1)
    frames = [[first, shape(i), photo(SIDE, SIDE, i, 1)] for i in range(3)]
    return [animation(f, "TIFF") for f in frames] + [png_of(first), animation(frames[0][:2], "PNG")]


@pytest.mark.parametrize("make", [textured_icons, films])
def test_copies_in_part_are_not_cleaned(make, photo, tmp_path):
    rows = hash_encoded(tmp_path / "i", {str(i): data for i, data in enumerate(make(photo))})
    pairs = related(rows)
    assert len(pairs) >= 6
    assert not {row["kind"] for row in pairs.values()} & set(SURE)


def same_pixels(photo):
    """Lists of encodings of one picture."""
    colour, grey = photo(70, 90, 1), photo(70, 90, 2, 1)
    opaque = np.dstack([colour, np.full((70, 90), 255, np.uint8)])
    palette = Image.fromarray(colour).quantize(16)
    black_white = Image.fromarray(shape(1)).convert("1", dither=Image.Dither.NONE)
    film = [np.asarray(Image.fromarray(frame).convert("RGB")) for frame in stack(2, 0)]
    deep, deep_grey = dim(1, 3, 60_000), dim(1, 1, 60_000)[..., 0]
    jpeg = saved(Image.fromarray(colour), "JPEG")
    remark = b"\xff\xfe\0\x08remark"
    flat = Image.new("RGB", (50, 40), (9, 200, 30))
    return {
        "colour": [
            *(png_of(colour, compress=level) for level in (0, 9)),
            png_of(opaque),
            *(saved(Image.fromarray(colour), name) for name in ("TIFF", "BMP", "PPM")),
            saved(Image.fromarray(colour), "TIFF", compression="tiff_lzw"),
            saved(Image.fromarray(colour), "WEBP", lossless=True),
        ],
        "grey": [
            png_of(grey),
            png_of(np.dstack([grey] * 3)),
            png_of(np.dstack([grey, np.full_like(grey, 255)])),
            saved(Image.fromarray(grey), "TIFF"),
        ],
        "palette": [
            saved(palette, "PNG"),
            saved(palette, "GIF"),
            saved(palette.convert("RGB"), "PNG"),
        ],
        "one bit": [saved(black_white, "PNG"), saved(black_white.convert("L"), "PNG")],
        "flat": [saved(flat, name) for name in ("PNG", "TIFF", "BMP")],
        "icon": [
            png_of(icon(2)),
            png_of(icon(2)[..., 2:]),
            icon_with_palette(2),
            saved(Image.fromarray(icon(2)), "TIFF"),
            saved(Image.fromarray(icon(2)), "WEBP", lossless=True, exact=True),
        ],
        "animation": [
            animation(film, "GIF"),
            animation(film, "PNG"),
            animation(film, "WEBP", lossless=True),
        ],
        "16 bits": [
            png_of(deep),
            tiff_of(deep),
            tiff_of(deep, order=">"),
            tiff_of(deep, planar=True),
            tiff_of(deep, planar=True, order=">"),
        ],
        "16 bits in grey": [png_of(deep_grey), tiff_of(deep_grey), tiff_of(deep_grey, order=">")],
        "JPEG": [jpeg, jpeg[:2] + remark + jpeg[2:]],
    }


NAMES = ("colour", "grey", "palette", "one bit", "flat", "icon", "animation", "16 bits")


@pytest.mark.parametrize("kind", [*NAMES, "16 bits in grey", "JPEG"])
def test_the_same_pixels_in_other_bytes_are_exact(kind, photo, tmp_path):
    images = {str(i): data for i, data in enumerate(same_pixels(photo)[kind])}
    rows = hash_encoded(tmp_path / "images", images)
    pairs = related(rows)
    assert len(pairs) == len(images) * (len(images) - 1) // 2
    for names, row in pairs.items():
        assert (row["kind"], row["same_pixels"]) == ("exact", True), names
        assert (row["score"], row["orientation"], row["colour"]) == (1, "identity", "same")
    grouped = group_rows(rows, CopyCriteria(16))
    assert grouped.count_copies().same_pixels == len(images) - 1
    assert grouped.table()["same_pixels"].to_pylist() == [None] + [True] * (len(images) - 1)


def test_animations_saved_again_with_loss_are_exact(photo, tmp_path):
    frames = [photo(SIDE, SIDE, seed) for seed in (1, 2, 3, 4)]
    images = {
        "webp": animation(frames, "WEBP", quality=80),
        "apng": animation(frames, "PNG"),
        "turned": animation([np.rot90(frame) for frame in frames], "PNG"),
        "reversed": animation([frames[0], *frames[:0:-1]], "PNG"),
    }
    pairs = related(hash_encoded(tmp_path / "images", images))
    assert pairs["apng", "webp"]["kind"] == "exact"
    assert pairs["apng", "webp"]["same_pixels"] is False
    assert pairs["apng", "turned"]["kind"] == "augmented"
    assert pairs["apng", "reversed"]["kind"] not in SURE


def test_alpha_agrees_in_the_orientation_in_which_the_thumbnails_do(photo, tmp_path):
    # a picture that is its own mirror image, of alpha that isn't
    half = photo(SIDE, SIDE // 2, 3)
    picture = np.concatenate([half, half[:, ::-1]], axis=1)
    one = np.dstack([picture, shape(4)])
    images = {"one": png_of(one), "mirrored": png_of(one[:, ::-1]), "other": png_of(one[::-1])}
    pairs = related(hash_encoded(tmp_path / "images", images))
    assert pairs["mirrored", "one"]["kind"] == "augmented"
    assert pairs["mirrored", "one"]["orientation"] == "flip_left_right"
    assert pairs["one", "other"]["kind"] == "augmented"


def test_eight_equal_files_under_another_keeper_are_identical(photo, tmp_path):
    picture = Image.fromarray(photo(120, 120, 1))
    jpeg = saved(picture, "JPEG", quality=95)
    images = {f"{i}.jpg": jpeg for i in range(8)} | {"0.tif": saved(picture, "TIFF")}
    rows = hash_encoded(tmp_path / "images", images)
    order = np.argsort([not name.endswith(".tif") for name in images], kind="stable")
    counts = group_rows(rows.take(order), CopyCriteria(16)).count_copies()
    assert counts.kinds == dict.fromkeys(COPY_KINDS, 0) | {"identical": 7, "exact": 1}


levels = st.integers(0, 255)
flats = st.tuples(
    st.sampled_from(["L", "RGB", "RGBA", "LA"]), st.tuples(levels, levels, levels, levels)
)


def flat_image(flat):
    mode, values = flat
    bands = len(Image.new(mode, (1, 1)).getbands())
    return Image.new(mode, (40, 40), values[:bands] if bands > 1 else values[0])


@examples(25)
@given(flats, flats)
def test_flat_pictures_are_copies_exactly_if_their_pixels_are_equal(tmp_path_factory, one, other):
    folder = tmp_path_factory.mktemp("flat")
    a, b = flat_image(one), flat_image(other)
    images = {"a": saved(a, "PNG"), "b": saved(b, "TIFF"), "c": saved(b, "PNG", compress_level=0)}
    pairs = related(hash_encoded(folder, images))
    same = np.array_equal(np.asarray(a.convert("RGBA")), np.asarray(b.convert("RGBA")))
    assert pairs["b", "c"]["kind"] == "exact"
    assert pairs["b", "c"]["same_pixels"]
    for names in (("a", "b"), ("a", "c")):
        if names in pairs:
            assert pairs[names]["kind"] == ("exact" if same else "collision")
    assert same <= (("a", "b") in pairs)
