import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from fastphash.hashing.phash import hash_thumbnails
from fastphash.images.decode import Decoding, decode
from fastphash.images.decode_jpeg import REDUCED_SIDE
from fastphash.images.encode import encode
from fastphash.images.pixels import array_grey
from fastphash.images.thumbnail import thumbnail
from tests.support import naive
from tests.support.references import FULL, reference

REDUCED = Decoding("reduced")
EXIF = Decoding(exif=True)


# formats


def test_first_frame_counts(photo, encoded):
    frames = [Image.fromarray(photo(40, 50, seed, channels=1)) for seed in range(3)]
    for name in ("GIF", "PNG", "TIFF"):
        data = encoded(frames[0], name, save_all=True, append_images=frames[1:])
        assert np.array_equal(decode(data, FULL).grey, reference(data))
        assert np.array_equal(decode(data, FULL).grey, reference(encoded(frames[0], name)))


def test_what_is_encoded_decodes_to_the_same(picture):
    data = encode(picture, "PNG")
    assert np.array_equal(decode(data, FULL).grey, array_grey(picture))
    data = encode(picture, "JPEG", 95)
    assert np.array_equal(decode(data, FULL).grey, reference(data))


# EXIF


@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_only_when_asked_for(name, orientation, photo, encoded):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo(50, 70), name, exif=exif)
    image = Image.open(io.BytesIO(data))
    for rules in (FULL, REDUCED):
        plain = decode(data, rules)
        # Pillow turns TIFFs while it loads them, whoever asks
        assert (plain.width, plain.height) == image.size
        assert np.array_equal(plain.grey, reference(data))
    for mode in ("full", "reduced"):
        turned = decode(data, Decoding(mode, exif=True))
        expected = np.asarray(ImageOps.exif_transpose(image).convert("L"))
        assert (turned.height, turned.width) == expected.shape
        assert turned.extent == (turned.width, turned.height)
        assert np.array_equal(turned.grey, expected)
        assert turned.grey.flags.c_contiguous
        if mode == "reduced" and name == "JPEG":
            assert turned.chroma is None
        else:
            pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
            assert np.array_equal(turned.chroma, naive.chroma(pixels))


@pytest.mark.parametrize("orientation", [0, 9, 60_000])
def test_exif_orientations_that_do_not_exist_turn_nothing(orientation, photo, encoded):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo(50, 70), "JPEG", exif=exif)
    assert np.array_equal(decode(data, EXIF).grey, decode(data, FULL).grey)


def test_corrupt_exif_still_decodes(photo, encoded):
    pixels = photo(50, 70)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a description of some length"
    data = encoded(pixels, "JPEG", exif=exif)
    start = data.index(b"Exif\0\0") + 6
    end = start + len(exif.tobytes()) - 6
    plain = reference(data)
    rng = np.random.default_rng(0)
    for _ in range(200):
        mutant = bytearray(data)
        for at in rng.integers(start, end, 4):
            mutant[at] = rng.integers(256)
        assert np.array_equal(decode(bytes(mutant), FULL).grey, plain)
        grey = decode(bytes(mutant), EXIF).grey
        assert any(np.array_equal(grey, turn(plain)) for turn in naive.TURNS)
    emptied = data[:start] + bytes(end - start) + data[end:]
    assert np.array_equal(decode(emptied, EXIF).grey, plain)


def test_shared_photos_with_any_exif_orientation_show_one_picture(shared):
    for subject in ("Landscape", "Portrait"):
        paths = [shared / "exif" / f"{subject}_{i}.jpg" for i in range(1, 9)]
        thumbnails = [thumbnail(decode(path.read_bytes(), EXIF).grey) for path in paths]
        for image in thumbnails:
            assert np.abs(image.astype(int) - thumbnails[0]).mean() < 1


# reduced


@pytest.mark.parametrize(
    ("width", "height", "factor"),
    [
        (2 * REDUCED_SIDE - 1, 900, 1),
        (2 * REDUCED_SIDE, 2 * REDUCED_SIDE, 2),
        (301, 333, 2),
        (4 * REDUCED_SIDE - 1, 4 * REDUCED_SIDE, 2),
        (4 * REDUCED_SIDE + 3, 700, 4),
        (8 * REDUCED_SIDE + 5, 8 * REDUCED_SIDE + 1, 8),
        (3001, 100, 1),
    ],
)
def test_reduced_decoding_keeps_enough_pixels(width, height, factor, photo, encoded):
    data = encoded(photo(height, width), "JPEG")
    decoded = decode(data, REDUCED)
    assert (decoded.width, decoded.height) == (width, height)
    assert decoded.extent == (width / factor, height / factor)
    assert decoded.grey.shape == (-(-height // factor), -(-width // factor))


def test_only_jpegs_are_reduced(photo, encoded):
    pixels = photo(600, 600)
    for name in ("PNG", "TIFF", "BMP"):
        data = encoded(pixels, name)
        assert np.array_equal(decode(data, REDUCED).grey, decode(data, FULL).grey)


@pytest.mark.parametrize("side", [200, 301, 517, 1030])
def test_reduced_decoding_comes_close_to_full(side, photo, encoded):
    for seed in range(5):
        data = encoded(photo(side, side + 13, seed), "JPEG", quality=90)
        full = thumbnail(decode(data, FULL).grey)
        reduced = decode(data, REDUCED)
        near = thumbnail(reduced.grey, extent=reduced.extent)
        assert np.abs(full.astype(int) - near).max() <= 8
        apart = hash_thumbnails(full) ^ hash_thumbnails(near)
        assert np.bitwise_count(apart) <= 6
