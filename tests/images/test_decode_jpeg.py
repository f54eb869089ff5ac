import struct
import subprocess
import sys
import zlib
from collections import Counter
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image

from fastphash.errors import ImageError
from fastphash.images import decode as images
from fastphash.images.decode import Decoding, decode
from fastphash.images.decode_jpeg import REDUCED_SIDE
from fastphash.images.jpeg_header import scan_start
from tests.support.damaged_jpegs import mutants
from tests.support.examples import slow_but
from tests.support.references import FULL, reference, stage_of

REDUCED = Decoding("reduced")
EXIF = Decoding(exif=True)


def outcome(data, rules):
    """What an image comes to: the stage where it is refused, or all that is known of it."""
    try:
        found = decode(data, rules)
    except ImageError as error:
        return error.stage
    chroma = None if found.chroma is None else found.chroma.tolist()
    size = found.width, found.height, found.grey.shape, found.extent
    return found.grey.tobytes(), size, found.format, found.multiframe, chroma


class Both(NamedTuple):
    """What an image comes to as it is, and if Pillow decodes it; and whether it was ordinary."""

    found: object
    pillow: object
    ordinary: bool


def decode_both(data, rules):
    with pytest.MonkeyPatch.context() as patch:
        taken = []
        decode_it = images._decode_ordinary_jpeg
        patch.setattr(
            images,
            "_decode_ordinary_jpeg",
            lambda *args, **options: taken.append(decode_it(*args, **options)) or taken[-1],
        )
        found = outcome(data, rules)
        patch.setattr(images, "_decode_ordinary_jpeg", lambda *_, **__: None)
        return Both(found, outcome(data, rules), any(taken))


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


@pytest.mark.parametrize("rules", [FULL, REDUCED], ids=str)
def test_ordinary_jpegs_decode_as_by_pillow(rules, photo, encoded):
    files = jpegs(photo, encoded)
    exif = Image.Exif()
    exif[0x0112] = 6
    files["turned.jpg"] = encoded(photo(60, 90), "JPEG", exif=exif)
    for width, height in ((256, 256), (261, 333), (517, 530), (1025, 1100)):
        pixels = photo(height, width)
        files[f"large-{width}.jpg"] = encoded(pixels, "JPEG", subsampling=2)
        files[f"large-grey-{width}.jpg"] = encoded(pixels[..., 0], "JPEG")
    for name, data in files.items():
        found, pillow, ordinary = decode_both(data, rules)
        assert ordinary, name
        assert not isinstance(found, str), name
        assert found == pillow, name


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_reduced_jpegs_are_what_opencv_makes_of_them(factor, photo, encoded):
    flags = {
        1: cv2.IMREAD_GRAYSCALE,
        2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
        8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    }
    side = factor * REDUCED_SIDE
    for width, height in ((side, side), (side + 5, side + 33), (2 * side - 1, side + 1)):
        for options in ({}, {"subsampling": 0}, {"keep_rgb": True}, {"progressive": True}):
            data = encoded(photo(height, width), "JPEG", **options)
            wanted = cv2.imdecode(np.frombuffer(data, np.uint8), flags[factor])
            assert np.array_equal(decode(data, REDUCED).grey, wanted), (width, height, options)


@pytest.mark.parametrize(
    "folder",
    slow_but(["aerial300", "exif"], ["aerial300", "edits/bridge", "exif", "eurosat/SeaLake"]),
)
def test_shared_jpegs_decode_as_by_pillow(folder, shared):
    for path in sorted((shared / folder).iterdir()):
        for rules in (FULL, REDUCED):
            found, pillow, ordinary = decode_both(path.read_bytes(), rules)
            assert ordinary, path.name
            assert found == pillow, path.name


def test_jpegs_of_four_channels_are_left_to_pillow(photo, encoded):
    image = Image.fromarray(photo(60, 80)).convert("CMYK")
    data = encoded(image, "JPEG")
    found, pillow, ordinary = decode_both(data, FULL)
    assert not ordinary
    assert found == pillow
    assert np.array_equal(decode(data, FULL).grey, reference(data))
    assert np.array_equal(decode(data, REDUCED).grey, reference(data))


@pytest.mark.parametrize("rules", [FULL, REDUCED], ids=str)
def test_several_pictures_in_a_jpeg_are_said(rules, photo, encoded):
    pictures = [Image.fromarray(photo(40, 50, seed)) for seed in range(2)]
    data = encoded(pictures[0], "MPO", save_all=True, append_images=pictures[1:])
    assert data.endswith(b"\xff\xd9")
    decoded = decode(data, rules)
    assert decoded.multiframe
    assert np.array_equal(decoded.grey, decode(encoded(pictures[0], "JPEG"), rules).grey)


def test_chroma_is_made_only_if_asked_for(photo, encoded):
    for name in ("JPEG", "PNG"):
        data = encoded(photo(40, 50), name)
        with_chroma, without = decode(data, FULL), decode(data, FULL, chroma=False)
        assert with_chroma.chroma is not None
        assert without.chroma is None
        assert np.array_equal(with_chroma.grey, without.grey)


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


def test_holes_and_cuts_are_judged_by_pillow(photo, encoded):
    for options in ({}, {"progressive": True}, {"restart_marker_blocks": 2}):
        data = encoded(photo(100, 130), "JPEG", **options)
        middle = data.rindex(b"\xff\xda") + 200
        damaged = [
            *cuts(data),
            data[:middle] + data[middle + 40 :],
            data[:middle] + bytes(64) + data[middle + 64 :],
            data[:middle] + b"\xff\xd9",
        ]
        both = [decode_both(one, FULL) for one in damaged]
        assert [one.found for one in both] == [one.pillow for one in both]
        assert not any(one.ordinary for one in both)
        assert all(isinstance(one.found, str) for one in both[: len(cuts(data))])


def compare_damaged(count):
    """Decode damaged JPEGs as they are and by Pillow; the numbers of what came of them."""
    came_to = Counter()
    for i, data in enumerate(mutants(count, seed=17)):
        for rules in (FULL, REDUCED):
            found, pillow, ordinary = decode_both(data, rules)
            assert found == pillow, (i, rules.mode)
            assert not (ordinary and isinstance(found, str))
            came_to["refused" if isinstance(found, str) else "ordinary" if ordinary else "odd"] += 1
    return came_to


def test_damaged_jpegs_are_refused_or_decoded_as_by_pillow():
    came_to = compare_damaged(1000)
    assert all(came_to[kind] > 400 for kind in ("refused", "ordinary", "odd"))


@pytest.mark.campaign
def test_thirty_thousand_damaged_jpegs_are_refused_or_decoded_as_by_pillow():
    came_to = compare_damaged(30_000)
    assert all(came_to[kind] > 12_000 for kind in ("refused", "ordinary", "odd"))


def test_what_plain_pillow_refuses_is_refused():
    refused = 0
    for data in mutants(500, seed=3):
        try:
            wanted = reference(data)
        except Exception:
            assert stage_of(data) in ("identify", "decode")
            refused += 1
            continue
        found = outcome(data, FULL)
        # Pillow takes a JPEG without its end marker, which is refused as cut short
        assert found == "decode" or found[0] == wanted.tobytes()
        assert found != "decode" or b"\xff\xd9" not in data[scan_start(data) :]
    assert refused > 50


PEAK = """
import pathlib, sys
from fastphash.images.decode import Decoding, decode
from fastphash.errors import ImageError

def peak():
    # of the process itself: what getrusage says begins with that of its parent
    with open("/proc/self/status") as file:
        return int(file.read().split("VmHWM:")[1].split()[0])

decode(pathlib.Path(sys.argv[1]).read_bytes(), Decoding())
before = peak()
for path in sys.argv[2:]:
    try:
        decode(pathlib.Path(path).read_bytes(), Decoding())
    except ImageError as error:
        print(error.stage)
print((peak() - before) / 1024)
"""


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
    for name, data in {"warm.jpg": jpeg, "bomb.png": png, "huge.jpg": huge}.items():
        (tmp_path / name).write_bytes(data)
    command = [sys.executable, "-c", PEAK, "warm.jpg", "bomb.png", "huge.jpg"]
    run = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True)
    *stages, megabytes = run.stdout.split()
    assert stages == ["identify", "identify"]
    assert float(megabytes) < 20
    with pytest.raises(ImageError, match="decompression bomb"):
        decode(png, FULL)
