import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.Image import Transpose

import fastphash as fp
from fastphash.base.vocabulary import ORIENTATIONS, PASS_ORDERS
from fastphash.errors import UsageError
from fastphash.hashing.algorithms import ALGORITHMS, IMAGE_HASHES
from fastphash.hashing.functions import hash_function
from fastphash.hashing.image_hashes import image_hash
from fastphash.images.decode import Decoding, decode
from tests.hashing.make_golden import TALL, golden_images, references
from tests.support import naive
from tests.support.examples import examples, slow_but

REFERENCES = references()
NAMES = [name for name in ALGORITHMS if name.removesuffix("_256") in IMAGE_HASHES]
MODES = ["L", "RGB", "RGBA", "LA", "P", "1", "CMYK", "YCbCr"]
SHAPES = [(64, 64), (200, 300), (31, 33), (450, 100), (1, 50), (500, 1), (9, 8), (16, 300)]
FAST_SHAPES = [(31, 33), (500, 1)]
FOLDERS = ["kodak", "aerial300", "eurosat", "edits", "exif"]

# made by make_golden.py
GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text())


def bits_of(name):
    return ALGORITHMS[name].bits


def reference(image, name):
    """ImageHash's hash in hex."""
    side = {64: 8, 256: 16}[bits_of(name)]
    return str(REFERENCES[name.removesuffix("_256")](image, hash_size=side))


def one_hash(image, name, **options):
    """That of the public function, in hex."""
    hashed = getattr(fp, name.removesuffix("_256"))(image, bits=bits_of(name), **options)
    return fp.to_hex(hashed, bits=bits_of(name))


def turned_to(image, orientations):
    return [
        image.transpose(Transpose[ORIENTATIONS[i].upper()]) if i else image for i in orientations
    ]


def check(image, given=None, orientations=range(8)):
    """All hashes in these orientations, and the upright ones alone, are ImageHash's.

    `given` is what is hashed: the image, or a path of it.
    """
    given = image if given is None else given
    turned = turned_to(image, orientations)
    # a flat image turned by 180 degrees is itself
    equal = {(one.size, one.tobytes()): one for one in turned}
    for name in NAMES:
        expected = {key: reference(one, name) for key, one in equal.items()}
        hashes = fp.to_hex(fp.oriented_hashes(given, name), bits=bits_of(name))
        for i, one in zip(orientations, turned, strict=True):
            assert hashes[i] == expected[one.size, one.tobytes()], (given, name, i)
        assert one_hash(given, name) == hashes[0], (given, name)


def some_orientations(number):
    """Upright, and one other, which is another one for each of seven numbers."""
    return 0, 1 + number % 7


def test_pictures_hash_as_imagehash_does(picture):
    check(Image.fromarray(picture))


@pytest.mark.parametrize("shape", slow_but(FAST_SHAPES, SHAPES))
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_hashes_as_imagehash_does(mode, shape, photo):
    rgb = photo(*shape, seed=shape[0])
    image = Image.fromarray(rgb)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(rgb[..., 1]))
    check(image.quantize(40) if mode == "P" else image.convert(mode))


@pytest.mark.parametrize("shape", [(64, 64), (40, 77), (300, 10), (9, 8), (1, 1)])
@pytest.mark.parametrize("step", slow_but([51], [51, 1]))
def test_flat_images_hash_as_imagehash_does(shape, step):
    for level in range(0, 256, step):
        image = Image.fromarray(np.full(shape, level, np.uint8))
        for name in NAMES:
            assert one_hash(image, name) == reference(image, name)
    check(image)


@pytest.mark.parametrize("count", slow_but([8], [8, 200]))
def test_two_tone_and_symmetric_images_hash_as_imagehash_does(count):
    rng = np.random.default_rng(0)
    for i in range(count):
        height, width = rng.integers(2, 120, 2)
        pixels = np.full((height, width), rng.integers(0, 256), np.uint8)
        pixels[rng.integers(0, height) :, rng.integers(0, width) :] = rng.integers(0, 256)
        check(Image.fromarray(pixels))
        square = rng.integers(0, 256, (height, height), np.uint8)
        square = np.maximum(square, square[:, ::-1] if i % 2 else square.T)
        check(Image.fromarray(np.maximum(square, square[::-1, ::-1]) if i % 3 else square))


@examples(100, fast=8)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_noise_of_any_size_hashes_as_imagehash_does(height, width, seed):
    levels = 256 if seed % 2 else 2 + seed % 3
    pixels = np.random.default_rng(seed).integers(0, levels, (height, width), np.uint8)
    check(Image.fromarray(pixels * (255 // (levels - 1))))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "orientations"),
    [
        ((1030, 2100), (0, 4, 5)),
        ((4200, 600), (0, 6, 7)),
        ((2048, 2048), (0, 3)),
        ((16, 5000), range(8)),
    ],
)
def test_large_images_hash_as_imagehash_does(shape, orientations):
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    check(Image.fromarray(noise), orientations=orientations)
    check(Image.fromarray(np.full(shape, 201, np.uint8)))


@pytest.mark.parametrize("folder", slow_but(["kodak", "aerial300"], FOLDERS))
@pytest.mark.parametrize("part", slow_but([1000], [1000, 1]))
def test_shared_images_hash_as_imagehash_does(folder, part, shared):
    paths = sorted(path for path in (shared / folder).rglob("*") if path.is_file())
    paths = paths[:: part * (10 if folder == "eurosat" else 1)]
    assert paths
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            upright = image.copy()
        # ImageHash's whash of one photo in all orientations takes it a second
        check(upright, path, some_orientations(number) if number else range(8))


# pass orders


@pytest.mark.parametrize("order", PASS_ORDERS)
@pytest.mark.parametrize("name", IMAGE_HASHES)
def test_tall_images_hash_as_under_every_pillow(name, order):
    for shown in TALL:
        expected = GOLDEN[order]["tall"][name][shown]
        pixels = golden_images()[shown]
        hashes = [one_hash(pixels, algorithm, pass_order=order) for algorithm in both_widths(name)]
        assert hashes == expected


def both_widths(name):
    return name, f"{name}_256"


def test_golden_hashes_of_tall_images_tell_the_pass_orders_apart():
    assert len({str(GOLDEN[order]["tall"]) for order in PASS_ORDERS}) == len(PASS_ORDERS)


@pytest.mark.parametrize("order", slow_but(["horizontal"], PASS_ORDERS))
@given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 2**32 - 1))
def test_every_pass_order_is_its_twin(order, height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 2, (height, width), np.uint8) * 255
    for name in NAMES:
        size = image_hash(name).size(width, height)
        # ImageHash leaves an image of this size as it is
        resized = Image.fromarray(naive.thumbnail(pixels, order, size=size))
        assert one_hash(pixels, name, pass_order=order) == reference(resized, name)


# options


@pytest.mark.parametrize("name", NAMES)
def test_options_reach_every_hash(name, photo, encoded):
    deep = Image.fromarray(np.add.outer(np.arange(80) ** 2, np.arange(90) * 30).astype(np.uint16))
    assert one_hash(deep, name, strict_imagehash=True) == reference(deep, name)
    stretched = Image.fromarray(naive.rendered(np.asarray(deep), 0, 100))
    assert one_hash(deep, name, stretch="minmax") == reference(stretched, name)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(photo(60, 90), "PNG", exif=exif)
    assert one_hash(turned, name, exif=True) == reference(
        Image.fromarray(np.rot90(photo(60, 90), -1)), name
    )
    assert one_hash(turned, name) == reference(Image.fromarray(photo(60, 90)), name)


# the seam of workers


@pytest.mark.parametrize("name", NAMES)
def test_batches_hash_as_single_images(name, photo, encoded):
    function = hash_function(name)
    pictures = [photo(60, 45, 1), photo(300, 300, 2), np.full((20, 90, 3), 7, np.uint8)]
    decoded = [decode(encoded(pixels, "PNG"), Decoding()) for pixels in pictures]
    for orientations in (True, False):
        reduced = [function.reduce(image, "pillow13", orientations, None) for image in decoded]
        hashes = function.hash(np.stack(reduced))
        assert hashes.dtype == np.uint64
        assert hashes.shape == (3, 8 if orientations else 1, bits_of(name) // 64)
        for row, pixels in zip(hashes, pictures, strict=True):
            expected = fp.oriented_hashes(pixels, name).reshape(8, -1)[: len(row)]
            assert np.array_equal(row, expected)


def test_tables_hold_the_hashes_of_every_algorithm(photo, encoded, tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.jpg"]
    paths[0].write_bytes(encoded(photo(60, 45, 1), "PNG"))
    paths[1].write_bytes(encoded(photo(120, 200, 2), "JPEG"))
    table = fp.hash_images(paths, hashes=NAMES, workers=0).table
    for row, path in enumerate(paths):
        for name in NAMES:
            values = [table[column][row].as_py() for column in ALGORITHMS[name].columns]
            digits = [fp.to_hex(value) if bits_of(name) == 64 else value.hex() for value in values]
            assert digits == fp.to_hex(fp.oriented_hashes(path, name), bits=bits_of(name))


# what is refused


@pytest.mark.parametrize("bits", [0, 128, "64", None])
def test_another_number_of_bits_is_refused_and_quoted(bits):
    with pytest.raises(UsageError, match=re.escape(f"64 or 256 bits, not {bits!r}")):
        fp.dhash(np.zeros((8, 8), np.uint8), bits=bits)


def test_an_unknown_algorithm_is_refused_and_quoted():
    for name in ("colorhash", "phash_128", "PHASH", None):
        with pytest.raises(UsageError, match=f"{name!r}.*: use one of phash, .*whash"):
            fp.oriented_hashes(np.zeros((8, 8), np.uint8), name)


def test_hashes_have_the_types_they_are_said_to_have(photo):
    for name in IMAGE_HASHES:
        assert isinstance(getattr(fp, name)(photo(40, 40)), np.uint64)
        wide = getattr(fp, name)(photo(40, 40), bits=256)
        assert (wide.dtype, wide.shape) == (np.uint64, (4,))
    assert fp.phash_orientations(photo(40, 40), bits=256).shape == (8, 4)
