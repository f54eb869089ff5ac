import io
import json
import struct
import subprocess
import sys
import zlib

import cv2
import naive
import numpy as np
import pytest
from helpers import TRANSPOSES, scene
from PIL import Image, ImageOps

from fastphash import images
from fastphash.errors import ImageError
from fastphash.hashing import hash_thumbnails, phash
from fastphash.images import (
    REDUCED_SIDE,
    SNIFFED,
    Decoding,
    array_grey,
    decode,
    encode,
    preview,
    scale_to_uint8,
    sniff,
)
from fastphash.thumbnail import thumbnail

FULL = Decoding()
REDUCED = Decoding("reduced")
EXIF = Decoding(exif=True)

# Decodes every file of a folder by Pillow and as a worker does, which takes this process's
# stderr, and prints what each came to, and whether OpenCV's pixels were used.
BOTH = """
import hashlib, json, pathlib, sys
from fastphash import images
from fastphash.errors import ImageError

caught = images.CaughtStderr()
taken = []
opencv = images._decode_opencv
images._decode_opencv = lambda *a: taken.append(opencv(*a)) or taken[-1]

def peak():
    # of the process itself: what getrusage says begins with that of its parent
    with open("/proc/self/status") as file:
        return int(file.read().split("VmHWM:")[1].split()[0])

def run(data, caught):
    try:
        found = images.decode(data, images.Decoding(**json.loads(sys.argv[2])), caught)
    except images.ImageError as error:
        return [error.stage]
    digest = hashlib.sha256(found.grey).hexdigest()
    chroma = None if found.chroma is None else found.chroma.tolist()
    shown = [found.grey.shape, found.extent, found.format, found.width, found.height]
    return [digest, *shown, chroma]

result = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    data = path.read_bytes()
    taken.clear()
    before = peak()
    result[path.name] = {
        "worker": run(data, caught),
        "pillow": run(data, None),
        "opencv": any(taken),
        "megabytes": (peak() - before) / 1024,
    }
print(json.dumps(result))
"""


def decode_both(folder, **rules):
    command = [sys.executable, "-c", BOTH, str(folder), json.dumps(rules)]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(run.stdout)


def write_all(folder, files):
    for name, data in files.items():
        (folder / name).write_bytes(data)


def stage_of(data, rules=FULL):
    with pytest.raises(ImageError) as caught:
        decode(data, rules)
    assert caught.value.reason
    assert "\n" not in str(caught.value)
    return caught.value.stage


def reference(data):
    """What Pillow makes of it."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


# formats


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("JPEG", {}),
        ("PNG", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"big_tiff": True}),
        ("JPEG2000", {"no_jp2": True}),
        ("JPEG2000", {}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {}),
        ("PPM", {}),
    ],
)
def test_formats_are_told_by_their_content(name, options, photo, encoded):
    data = encoded(photo(50, 70), name, **options)
    assert sniff(data[:SNIFFED]) == name
    found = decode(data, FULL)
    assert (found.format, found.width, found.height) == (name, 70, 50)
    assert found.extent == (70, 50)
    assert np.array_equal(found.grey, reference(data))


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"MM\0+\0\x08\0\0", "TIFF"),
        (b"GIF87a", "GIF"),
        (b"P1\n2 2", "PPM"),
        (b"\0\0\0\x20ftypavis", "AVIF"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"\0\0\0\x20ftypisom", None),
        (b"%!PS-Adobe-3.0 E", None),
        (b"\xff\xd8", None),
        (b"Pillow", None),
        (b"P", None),
        (b"", None),
    ],
)
def test_first_bytes_tell_the_format(head, name):
    assert sniff(head) == name


def test_what_is_no_image_is_rejected(encoded):
    assert stage_of(b"") == "identify"
    assert stage_of(b"no picture, whatever its name") == "identify"
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"
    assert stage_of(eps) == "identify"
    assert stage_of(b"\x89PNG\r\n\x1a\n" + eps) == "identify"


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


# colour


def test_chroma_is_its_twin_and_close_to_pillows(picture):
    found = decode(encode(picture, "PNG"), FULL).chroma
    assert (found.dtype, found.shape) == (np.int8, (2, 8, 8))
    if picture.ndim == 2:
        assert not found.any()
        return
    assert np.array_equal(found, naive.chroma(picture))
    height, width = picture.shape[:2]
    if not (height % 8 or width % 8):
        pillow = np.asarray(Image.fromarray(picture).convert("YCbCr"))[..., 1:] - 128.0
        cells = pillow.reshape(8, height // 8, 8, width // 8, 2).mean(axis=(1, 3))
        assert np.abs(found - np.moveaxis(cells, -1, 0)).max() < 1.5


@pytest.mark.parametrize("suffix", ["PNG", "JPEG"])
def test_cells_lie_as_pixels_do(suffix, encoded):
    pixels = np.full((64, 128, 3), 128, np.uint8)
    pixels[:8, -16:] = (255, 0, 0)
    pixels[-8:, :16] = (0, 0, 255)
    options = {"subsampling": 0, "quality": 100} if suffix == "JPEG" else {}
    cb, cr = decode(encoded(pixels, suffix, **options), FULL).chroma
    assert cb[7, 0] >= 126
    assert cr[0, 7] >= 126
    grey = np.ones((8, 8), bool)
    grey[7, 0] = grey[0, 7] = False
    assert not cb[grey].any()
    assert not cr[grey].any()


@pytest.mark.parametrize(
    ("mode", "name", "options"),
    [
        ("RGBA", "PNG", {}),
        ("RGBA", "TIFF", {}),
        ("P", "PNG", {}),
        ("P", "PNG", {"transparency": 3}),
        ("P", "PNG", {"transparency": bytes(range(256))}),
        ("P", "GIF", {"transparency": 3}),
        ("CMYK", "JPEG", {}),
        ("CMYK", "TIFF", {}),
        ("YCbCr", "TIFF", {}),
    ],
)
@pytest.mark.filterwarnings("ignore:Palette images with Transparency:UserWarning")
def test_chroma_is_that_of_pillows_rgb(mode, name, options, photo, encoded):
    image = Image.fromarray(photo(41, 59)).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(photo(41, 59, 1, channels=1)))
    data = encoded(image, name, **options)
    read = Image.open(io.BytesIO(data))
    found = decode(data, FULL)
    assert np.array_equal(found.grey, reference(data))
    assert found.chroma.any()
    assert np.array_equal(found.chroma, naive.chroma(np.asarray(read.convert("RGB"))))


@pytest.mark.parametrize(
    ("mode", "name"),
    [("1", "PNG"), ("L", "PNG"), ("L", "JPEG"), ("LA", "PNG"), ("I;16", "PNG"), ("F", "TIFF")],
)
def test_images_of_one_band_have_no_colour(mode, name, photo, encoded):
    image = Image.fromarray(photo(30, 40, channels=1)).convert(mode)
    for rules in (FULL, Decoding(strict_imagehash=True)):
        found = decode(encoded(image, name), rules).chroma
        assert (found.dtype, found.shape) == (np.int8, (2, 8, 8))
        assert not found.any()


def test_grey_pixels_in_colour_have_no_colour(photo, encoded):
    pixels = np.repeat(photo(30, 41, channels=1)[..., None], 3, axis=2)
    assert not decode(encoded(pixels, "PNG"), FULL).chroma.any()


def test_only_reduced_jpegs_have_unknown_colour(photo, encoded):
    pixels = photo(300, 300)
    for image in (pixels, pixels[..., 0], Image.fromarray(pixels).convert("CMYK")):
        assert decode(encoded(image, "JPEG"), REDUCED).chroma is None
    data = encoded(pixels, "PNG")
    assert np.array_equal(decode(data, REDUCED).chroma, decode(data, FULL).chroma)


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK"])
def test_large_images_are_looked_at_in_strips(mode, photo, encoded, monkeypatch):
    data = encoded(Image.fromarray(photo(75, 50)).convert(mode), "TIFF")
    whole = decode(data, FULL).chroma
    for at_once in (1, 50 * 7, 50 * 74):
        monkeypatch.setattr(images, "_AT_ONCE", at_once)
        assert np.array_equal(decode(data, FULL).chroma, whole)


def test_chroma_of_the_tallest_images_is_right():
    # more rows than a sum of 32 bits holds
    pixels = np.broadcast_to(np.array([0, 0, 255], np.uint8), (20_000_000, 1, 3))
    cb, cr = images.array_chroma(pixels)
    assert (cb == 127).all()
    assert (cr == -21).all()


# JPEG by OpenCV and by Pillow


def jpegs(photo, encoded):
    sizes = [(96, 128), (97, 131), (15, 17), (8, 8), (1, 40), (40, 1), (1, 1), (301, 203)]
    ways = {
        "444": {"subsampling": 0},
        "422": {"subsampling": 1},
        "420": {"subsampling": 2},
        "rgb": {"keep_rgb": True},
        "progressive": {"progressive": True},
        "progressive-420": {"progressive": True, "subsampling": 2, "quality": 30},
        "optimized": {"optimize": True, "quality": 100},
        "restarts": {"restart_marker_blocks": 1},
        "restart-rows": {"restart_marker_rows": 1, "subsampling": 2},
        "low": {"quality": 3},
    }
    files = {}
    for i, (height, width) in enumerate(sizes):
        pixels = photo(height, width, i)
        for name, options in ways.items():
            files[f"{name}-{height}x{width}.jpg"] = encoded(pixels, "JPEG", **options)
            if name not in ("rgb", "422", "444"):
                grey = encoded(pixels[..., 0], "JPEG", **options)
                files[f"grey-{name}-{height}x{width}.jpg"] = grey
    noise = np.random.default_rng(0).integers(0, 256, (77, 99, 3), np.uint8)
    files["noise.jpg"] = encoded(noise, "JPEG", subsampling=2)
    return files


@pytest.mark.parametrize("rules", [{}, {"mode": "reduced"}], ids=str)
def test_jpegs_decode_alike_by_opencv_and_pillow(rules, photo, encoded, tmp_path):
    files = jpegs(photo, encoded)
    exif = Image.Exif()
    exif[0x0112] = 6
    files["turned.jpg"] = encoded(photo(60, 90), "JPEG", exif=exif)
    for width, height in ((256, 256), (261, 333), (517, 530), (1025, 1100)):
        pixels = photo(height, width)
        files[f"large-{width}.jpg"] = encoded(pixels, "JPEG", subsampling=2)
        files[f"large-grey-{width}.jpg"] = encoded(pixels[..., 0], "JPEG")
    write_all(tmp_path, files)
    for name, found in decode_both(tmp_path, **rules).items():
        assert found["opencv"], name
        assert found["worker"] == found["pillow"], name
        assert len(found["worker"]) > 1, name


@pytest.mark.parametrize("folder", ["aerial300", "edits/bridge", "exif", "eurosat/SeaLake"])
def test_shared_jpegs_decode_alike_by_opencv_and_pillow(folder, shared):
    for rules in ({}, {"mode": "reduced"}):
        for name, found in decode_both(shared / folder, **rules).items():
            assert found["opencv"], name
            assert found["worker"] == found["pillow"], name


def test_jpegs_of_four_channels_are_left_to_pillow(photo, encoded, tmp_path):
    image = Image.fromarray(photo(60, 80)).convert("CMYK")
    data = encoded(image, "JPEG")
    write_all(tmp_path, {"cmyk.jpg": data})
    (found,) = decode_both(tmp_path).values()
    assert not found["opencv"]
    assert found["worker"] == found["pillow"]
    assert np.array_equal(decode(data, FULL).grey, reference(data))
    assert np.array_equal(decode(data, REDUCED).grey, reference(data))


# damage


def cuts(data):
    return [data[:keep] for keep in (len(data) - 1, len(data) - 2, len(data) // 2, len(data) // 20)]


@pytest.mark.parametrize("rules", [FULL, EXIF, REDUCED], ids=str)
@pytest.mark.parametrize(
    ("name", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {})],
    ids=["jpeg", "progressive", "png"],
)
@pytest.mark.parametrize("cut", range(4), ids=["1 byte", "2 bytes", "50 %", "95 %"])
def test_truncated_images_are_rejected(name, options, cut, rules, photo, encoded):
    for shape in ((200, 300), (100, 130), (97, 131)):
        data = encoded(photo(*shape), name, **options)
        assert stage_of(cuts(data)[cut], rules) in ("identify", "decode")


def test_headers_alone_are_rejected_as_such(photo, encoded):
    for name in ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"):
        data = encoded(photo(30, 40), name)
        assert stage_of(data[:16]) == "identify"


def test_workers_reject_what_pillow_rejects(photo, encoded, tmp_path):
    files = {}
    for options in ({}, {"progressive": True}, {"restart_marker_blocks": 2}):
        data = encoded(photo(100, 130), "JPEG", **options)
        middle = data.rindex(b"\xff\xda") + 200
        for i, cut in enumerate(cuts(data)):
            files[f"cut-{len(files)}-{i}.jpg"] = cut
        files[f"hole-{len(files)}.jpg"] = data[:middle] + data[middle + 40 :]
        files[f"zeros-{len(files)}.jpg"] = data[:middle] + bytes(64) + data[middle + 64 :]
        files[f"end-{len(files)}.jpg"] = data[:middle] + b"\xff\xd9"
    rng = np.random.default_rng(0)
    data = bytearray(encoded(photo(64, 64), "JPEG"))
    for i in range(200):
        mutant = data.copy()
        for at in rng.integers(20, len(data), 3):
            mutant[at] ^= 1 << int(rng.integers(8))
        files[f"flips-{i}.jpg"] = bytes(mutant)
    write_all(tmp_path, files)
    found = decode_both(tmp_path)
    for name, result in found.items():
        assert result["worker"] == result["pillow"], name
    short = [name for name in files if name.endswith(("-2.jpg", "-3.jpg"))]
    assert all(len(found[name]["worker"]) == 1 for name in short if name.startswith("cut"))
    accepted = sum(len(result["worker"]) > 1 for result in found.values())
    assert 20 < accepted < len(files)


def test_bombs_are_refused_without_unpacking_them(photo, encoded, tmp_path):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = zlib.compress(bytes(20_000 * 2501), 9)
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    jpeg = encoded(photo(40, 50), "JPEG")
    frame = jpeg.index(b"\xff\xc0") + 5
    huge = jpeg[:frame] + struct.pack(">HH", 60_000, 60_000) + jpeg[frame + 4 :]
    write_all(tmp_path, {"0-warm.jpg": jpeg, "bomb.png": png, "huge.jpg": huge})
    found = decode_both(tmp_path)
    assert len(found.pop("0-warm.jpg")["worker"]) > 1
    for name, result in found.items():
        assert result["worker"] == result["pillow"] == ["identify"], name
        assert result["megabytes"] < 20, name
    with pytest.raises(ImageError, match="decompression bomb"):
        decode(png, FULL)


def test_bytes_written_to_stderr_are_caught_once():
    script = """
import os
from fastphash.images import CaughtStderr
caught = CaughtStderr()
seen = [caught.take()]
os.write(2, b"warning")
seen += [caught.take(), caught.take()]
os.write(2, b"x")
print(*map(int, [*seen, caught.take(), caught.take()]))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert run.stdout.split() == [b"0", b"1", b"0", b"1", b"0"]
    assert run.stderr == b""


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
        for made in thumbnails:
            assert np.abs(made.astype(int) - thumbnails[0]).mean() < 1


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
    found = decode(data, REDUCED)
    assert (found.width, found.height) == (width, height)
    assert found.extent == (width / factor, height / factor)
    assert found.grey.shape == (-(-height // factor), -(-width // factor))


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


# 16 bits


def planar_tiff(values, order, signed=False):
    """A TIFF of one 16-bit band stored as a separate plane, in two strips."""
    height, width = values.shape
    top = -(-height // 2)
    pixels = values.astype(values.dtype.newbyteorder(order)).tobytes()
    size = top * width * 2
    tags = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, 1, 16),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 2, None),
        (277, 3, 1, 1),
        (278, 3, 1, top),
        (279, 4, 2, None),
        (284, 3, 1, 2),
        (339, 3, 1, 2 if signed else 1),
    ]
    after = 8 + 2 + 12 * len(tags) + 4
    start = after + 16
    body = struct.pack(f"{order}2sHIH", b"MM" if order == ">" else b"II", 42, 8, len(tags))
    for tag, kind, count, value in tags:
        body += struct.pack(f"{order}HHI", tag, kind, count)
        if tag == 273:
            body += struct.pack(f"{order}I", after)
        elif tag == 279:
            body += struct.pack(f"{order}I", after + 8)
        else:
            body += struct.pack(f"{order}HH", value, 0)
    body += struct.pack(f"{order}I", 0)
    body += struct.pack(f"{order}IIII", start, start + size, size, len(pixels) - size)
    return body + pixels


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.uint16, np.int16])
def test_single_plane_16_bit_tiffs_decode(order, kind):
    rng = np.random.default_rng(0)
    bounds = np.iinfo(kind)
    values = rng.integers(bounds.min, bounds.max, (41, 30)).astype(kind)
    data = planar_tiff(values, order, signed=kind is np.int16)
    found = decode(data, FULL)
    assert (found.format, found.width, found.height) == ("TIFF", 30, 41)
    assert np.array_equal(found.grey, naive.scaled(values))


def test_shared_16_bit_tiles_decode(shared):
    for path in sorted((shared / "tiles16").iterdir()):
        values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert values.dtype == np.uint16
        grey = decode(path.read_bytes(), FULL).grey
        assert np.array_equal(grey, naive.scaled(values)), path.name
        assert phash(path) == phash(grey)


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_16_bit_files_are_scaled_unless_imagehash_is_followed(name, encoded):
    values = (np.add.outer(np.arange(60), np.arange(80)) * 300 + 1000).astype(np.uint16)
    data = encoded(values, name)
    assert np.array_equal(decode(data, FULL).grey, naive.scaled(values))
    strict = decode(data, Decoding(strict_imagehash=True)).grey
    assert np.array_equal(strict, reference(data))
    assert not np.array_equal(strict, naive.scaled(values))


def test_scaling_takes_any_dtype_and_layout():
    values = np.arange(24).reshape(4, 6)
    for kind in (">u2", "<i4", ">f4", "f8"):
        typed = values.astype(kind)
        typed.flags.writeable = False
        assert np.array_equal(scale_to_uint8(typed[::-1, ::2]), naive.scaled(typed[::-1, ::2]))
        assert np.array_equal(typed, values)


def test_a_preview_is_turned_as_pillow_turns():
    pixels = scene(1)
    plain = preview(encode(pixels, "PNG"), 64)
    for orientation, turn in enumerate(TRANSPOSES, 1):
        turned = Image.open(io.BytesIO(preview(encode(pixels, "PNG"), 64, orientation)))
        expected = Image.open(io.BytesIO(plain)).transpose(turn)
        assert turned.size == expected.size
        assert np.abs(np.asarray(turned, int) - np.asarray(expected, int)).mean() < 3


def test_a_preview_is_no_larger_than_asked():
    small = Image.open(io.BytesIO(preview(encode(scene(1), "PNG"), 32)))
    assert small.size == (32, 24)


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\nbroken"])
def test_a_preview_of_bad_bytes_is_an_image_error(data):
    with pytest.raises(ImageError):
        preview(data, 64)
