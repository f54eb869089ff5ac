import json
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from fastphash.errors import ImageError
from fastphash.images.decode import Decoding, decode
from tests.support.references import FULL, reference, stage_of

REDUCED = Decoding("reduced")
EXIF = Decoding(exif=True)

# Decodes every file of a folder by Pillow and as a worker does, which takes this process's
# stderr, and prints what each came to, and whether OpenCV's pixels were used.
BOTH = """
import hashlib, json, pathlib, sys
from fastphash.images import decode
from fastphash.images.decode_jpeg import CaughtStderr
from fastphash.errors import ImageError

caught = CaughtStderr()
taken = []
opencv = decode._decode_opencv
decode._decode_opencv = lambda *a: taken.append(opencv(*a)) or taken[-1]

def peak():
    # of the process itself: what getrusage says begins with that of its parent
    with open("/proc/self/status") as file:
        return int(file.read().split("VmHWM:")[1].split()[0])

def run(data, caught):
    try:
        found = decode.decode(data, decode.Decoding(**json.loads(sys.argv[2])), caught)
    except decode.ImageError as error:
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
from fastphash.images.decode_jpeg import CaughtStderr
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
