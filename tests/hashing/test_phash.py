import io
import json
import re
import warnings
from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from PIL.Image import Transpose

from fastphash.base.vocabulary import ORIENTATIONS, PASS_ORDERS
from fastphash.errors import ImageError, UsageError
from fastphash.hashing.api import phash, phash_orientations
from fastphash.hashing.hexadecimal import to_hex
from fastphash.hashing.phash import hash_orientations, hash_thumbnails
from tests.hashing.make_golden import golden_images
from tests.support import naive
from tests.support.examples import slow_but

MODES = ["L", "RGB", "RGBA", "LA", "P", "1", "CMYK", "YCbCr"]
SHAPES = [(64, 64), (200, 300), (31, 33), (450, 100), (1, 50), (500, 1), (33, 32)]

# made by make_golden.py
GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text())


def reference(image):
    return int(str(imagehash.phash(image)), 16)


def references(image):
    turns = (image.transpose(Transpose[name.upper()]) for name in ORIENTATIONS[1:])
    return [reference(image), *map(reference, turns)]


def check(image):
    assert phash(image) == reference(image)
    assert phash_orientations(image).tolist() == references(image)


def in_mode(rgb, mode):
    image = Image.fromarray(rgb)
    if mode in ("RGBA", "LA"):
        alpha = Image.fromarray(rgb[..., 1])
        image.putalpha(alpha)
    return image.quantize(40) if mode == "P" else image.convert(mode)


# bit for bit ImageHash


def test_pictures_hash_as_imagehash_does(picture):
    check(Image.fromarray(picture))
    assert phash(picture) == phash(Image.fromarray(picture))
    assert phash_orientations(picture).tolist() == references(Image.fromarray(picture))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_hashes_as_imagehash_does(mode, shape, photo):
    image = in_mode(photo(*shape, seed=shape[0]), mode)
    assert image.mode == mode
    check(image)


@pytest.mark.parametrize("alpha", [0, bytes(range(0, 256, 7))], ids=["one colour", "table"])
def test_transparent_palette_hashes_as_imagehash_does(alpha, photo, encoded):
    data = encoded(in_mode(photo(90, 120), "P"), "PNG", transparency=alpha)
    image = Image.open(io.BytesIO(data))
    assert (image.mode, image.info["transparency"]) == ("P", alpha)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Pillow's, about such tables
        expected = references(image)
        assert phash_orientations(image).tolist() == expected
    assert phash(data) == expected[0]


@pytest.mark.parametrize("shape", [(64, 64), (40, 77), (300, 10), (32, 32), (1, 1)])
def test_flat_images_hash_as_imagehash_does(shape):
    for level in range(256):
        image = Image.fromarray(np.full(shape, level, np.uint8))
        assert phash(image) == reference(image)
    check(image)


def test_two_tone_images_hash_as_imagehash_does():
    rng = np.random.default_rng(0)
    for _ in range(200):
        height, width = rng.integers(2, 120, 2)
        low, high = rng.integers(0, 256, 2)
        cut_y, cut_x = rng.integers(0, [height, width])
        pixels = np.full((height, width), low, np.uint8)
        pixels[cut_y:, cut_x:] = high
        check(Image.fromarray(pixels))


def test_symmetric_images_hash_as_imagehash_does():
    rng = np.random.default_rng(1)
    for i in range(200):
        side = int(rng.integers(2, 100))
        pixels = rng.integers(0, 256, (side, side), np.uint8)
        pixels = np.maximum(pixels, pixels[:, ::-1]) if i % 2 else np.maximum(pixels, pixels.T)
        pixels = np.maximum(pixels, pixels[::-1, ::-1]) if i % 3 else pixels
        check(Image.fromarray(pixels))


def test_thumbnails_hash_alike_alone_and_in_batches():
    thumbnails = np.random.default_rng(2).integers(0, 256, (3, 5, 32, 32), np.uint8)
    thumbnails[0] = np.array([0, 7, 128, 200, 255])[:, None, None]
    together = hash_thumbnails(thumbnails)
    assert together.dtype == np.uint64
    for i in range(3):
        for j in range(5):
            assert together[i, j] == hash_thumbnails(thumbnails[i, j])
            assert together[i, j] == reference(Image.fromarray(thumbnails[i, j]))


def awkward_thumbnails():
    """Pairs (n, 2, 32, 32) in which many coefficients tie with the median, and ordinary ones."""
    rng = np.random.default_rng(4)
    pairs = rng.integers(0, 256, (40, 2, 32, 32), np.uint8)
    pairs[:5] = rng.integers(0, 256, (5, 2, 1, 1))
    pairs[5:15] = np.maximum(pairs[5:15], pairs[5:15, ..., ::-1])
    pairs[15:25] = np.maximum(pairs[15:25], pairs[15:25].swapaxes(-1, -2))
    pairs[25:30, ..., :16] = 3
    pairs[25:30, ..., 16:] = 200
    return pairs


def test_orientations_hash_as_their_oriented_thumbnails():
    pairs = awkward_thumbnails()
    wanted = hash_thumbnails(naive.orient_thumbnails(pairs))
    assert np.array_equal(hash_orientations(pairs), wanted)
    assert np.array_equal(hash_orientations(pairs.reshape(8, 5, 2, 32, 32)[3, 2]), wanted[17])
    alone = [hash_orientations(pair) for pair in pairs]
    assert np.array_equal(alone, wanted)


def test_hashes_of_orientations_lie_row_by_row():
    both = np.zeros((3, 2, 32, 32), np.uint8)
    assert hash_orientations(both).flags.c_contiguous


@pytest.mark.parametrize("order", PASS_ORDERS)
@pytest.mark.parametrize("name", GOLDEN[PASS_ORDERS[0]]["hashes"])
def test_hashes_are_those_of_the_golden_table(name, order):
    hashes = phash_orientations(golden_images()[name], pass_order=order)
    assert to_hex(hashes) == GOLDEN[order]["hashes"][name]


def test_golden_hashes_are_of_all_images_and_tell_the_pass_orders_apart():
    assert all(set(GOLDEN[order]["hashes"]) == set(golden_images()) for order in PASS_ORDERS)
    assert [GOLDEN[order]["versions"]["Pillow"][:4] for order in PASS_ORDERS] == [
        "12.1",
        "12.3",
        "13.0",
    ]
    assert len({str(GOLDEN[order]["hashes"]) for order in PASS_ORDERS}) == len(PASS_ORDERS)


def test_pass_order_reaches_the_hash():
    pixels = golden_images()["very tall"]
    for order in PASS_ORDERS:
        expected = hash_thumbnails(naive.thumbnail(naive.grey(pixels), order))
        assert phash(pixels, pass_order=order) == expected
        assert phash_orientations(pixels, pass_order=order)[0] == expected
    assert len({int(phash(pixels, pass_order=order)) for order in PASS_ORDERS}) > 1


@pytest.mark.parametrize(
    ("folder", "step"),
    [
        ("kodak", 1),
        ("aerial300", 1),
        ("eurosat", 10),
        ("edits", 1),
        ("exif", 1),
    ],
)
@pytest.mark.parametrize("part", slow_but([10], [1, 10]))
def test_shared_images_hash_as_imagehash_does(folder, step, part, shared):
    paths = sorted(path for path in (shared / folder).rglob("*") if path.is_file())
    paths = paths[:: step * part]
    assert paths
    for path in paths:
        with Image.open(path) as image:
            assert phash_orientations(path).tolist() == references(image), path.name
            assert phash(path) == reference(image), path.name


# 16-bit and float images


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
@given(st.data())
def test_deep_images_are_stretched(kind, data):
    elements = {
        np.uint16: st.integers(0, 2**16 - 1),
        np.int32: st.integers(-(2**31), 2**31 - 1),
        np.float32: st.floats(width=32),
    }[kind]
    values = data.draw(hnp.arrays(kind, (6, 5), elements=elements))
    for stretch, ends in (("2,98", (2, 98)), ("minmax", (0, 100)), ("10%,60%", (10, 60))):
        expected = phash(naive.rendered(values, *ends))
        assert phash(Image.fromarray(values), stretch=stretch) == expected


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([1000, 1001, 1002], [0, 128, 255]),
        ([7.5, np.nan, 8.5, np.inf, -np.inf], [0, 128, 255, 128, 128]),
        ([np.nan, np.inf, -np.inf], [0, 0, 0]),
        ([5.0, 5.0, np.inf], [0, 0, 0]),
        ([1000, np.nan, 1002, 1002], [0, 170, 255, 255]),
        ([3, 3, 3], [0, 0, 0]),
        ([-1, 0, 254], [0, 1, 255]),
    ],
)
def test_deep_pixels_are_stretched_and_what_is_not_finite_is_the_mean(values, levels):
    image = Image.fromarray(np.array(values * 20, np.float32).reshape(20, -1))
    expected = np.array(levels * 20, np.uint8).reshape(20, -1)
    assert np.array_equal(naive.rendered(np.asarray(image), 0, 100), expected)
    assert phash(image, stretch="minmax") == phash(expected)


def test_strict_hash_of_a_deep_image_is_imagehashs(encoded):
    ramp = np.add.outer(np.arange(80) ** 2, np.arange(90) * 30)
    for values in (ramp.astype(np.uint16), (ramp / 30).astype(np.float32), ramp.astype(np.int32)):
        image = Image.fromarray(values)
        assert phash(image, strict_imagehash=True) == reference(image)
        assert phash_orientations(image, strict_imagehash=True).tolist() == references(image)
        assert phash(image) == phash(naive.rendered(values)) != reference(image)
    data = encoded(ramp.astype(np.uint16), "PNG")
    assert phash(data) == phash(naive.rendered(ramp))
    assert phash(data, strict_imagehash=True) == reference(Image.open(io.BytesIO(data)))


# what can be hashed


def test_all_inputs_of_one_image_give_one_hash(photo, encoded, tmp_path):
    pixels = photo(70, 110)
    data = encoded(pixels, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    frozen = pixels.copy()
    frozen.flags.writeable = False
    inputs = [
        path,
        str(path),
        data,
        Image.open(path),
        pixels,
        frozen,
        np.asfortranarray(pixels),
        np.repeat(pixels, 2, axis=1)[:, ::2],
        pixels[::-1][::-1],
    ]
    expected = reference(Image.fromarray(pixels))
    assert [int(phash(item)) for item in inputs] == [expected] * len(inputs)
    eight = {phash_orientations(item).tobytes() for item in inputs}
    assert len(eight) == 1
    inputs[3].close()


def test_hashes_are_uint64(photo):
    assert isinstance(phash(photo(40, 40)), np.uint64)
    eight = phash_orientations(photo(40, 40))
    assert (eight.dtype, eight.shape) == (np.uint64, (8,))


def test_hashing_changes_neither_pixels_nor_image(photo):
    pixels = photo(40, 50)
    before = pixels.copy()
    image = Image.fromarray(pixels)
    phash_orientations(pixels)
    phash_orientations(image)
    assert np.array_equal(pixels, before)
    assert (image.mode, image.size) == ("RGB", (50, 40))


def test_exif_turns_only_when_asked_for(photo, encoded):
    pixels = photo(60, 90)
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(pixels, "PNG", exif=exif)
    assert phash(data) == phash(pixels)
    assert phash(data, exif=True) == phash(np.rot90(pixels, -1))
    assert phash_orientations(data, exif=True)[1] == phash(pixels)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((8, 8), np.uint16),
        np.zeros((8, 8), np.float32),
        np.zeros((8, 8), bool),
        np.zeros((8, 8, 2), np.uint8),
        np.zeros((8, 8, 1), np.uint8),
        np.zeros(64, np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
        np.zeros((0, 8), np.uint8),
        np.zeros((8, 0, 3), np.uint8),
    ],
    ids=lambda a: f"{a.dtype}{a.shape}",
)
def test_arrays_of_another_kind_are_refused_by_name(pixels):
    with pytest.raises(ImageError) as caught:
        phash(pixels)
    assert caught.value.stage == "decode"
    assert f"{pixels.dtype} {pixels.shape}" in caught.value.reason


@pytest.mark.parametrize("shape", [(40, 60), (90, 31), (1, 1)])
def test_alpha_of_an_array_is_dropped_as_by_imagehash(shape, photo):
    rng = np.random.default_rng(0)
    pixels = photo(*shape)
    alpha = rng.integers(0, 256, (*shape, 1), np.uint8)
    with_alpha = np.concatenate([pixels, alpha], axis=2)
    wanted = int(str(imagehash.phash(Image.fromarray(with_alpha))), 16)
    assert phash(with_alpha) == phash(Image.fromarray(with_alpha)) == wanted == phash(pixels)
    assert phash(with_alpha[:, ::-1]) == phash(pixels[:, ::-1])


@pytest.mark.parametrize("call", [phash, phash_orientations])
@pytest.mark.parametrize("image", [None, 5, [[0, 1]], bytearray(b"ab")], ids=repr)
def test_what_is_no_image_is_refused_and_quoted(call, image):
    with pytest.raises(UsageError, match=re.escape(f"not {image!r}")):
        call(image)


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ImageError, match=r"^read: embedded null"):
        phash("a\0.jpg")
    for path in (tmp_path / "missing.jpg", tmp_path):
        with pytest.raises(ImageError) as caught:
            phash(path)
        assert caught.value.stage == "read"
        assert str(path) in caught.value.reason
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    with pytest.raises(ImageError, match=r"^identify: not an image"):
        phash_orientations(text)
