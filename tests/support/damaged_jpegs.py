"""JPEGs damaged at random, the same for the same seed."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

# how whole JPEGs are saved, in colour and, where that makes a difference, in grey
_WAYS = (
    {"subsampling": 0},
    {"subsampling": 1},
    {"subsampling": 2},
    {"keep_rgb": True},
    {"progressive": True},
    {"progressive": True, "subsampling": 2, "quality": 30},
    {"optimize": True, "quality": 100},
    {"restart_marker_blocks": 1},
    {"restart_marker_rows": 1, "subsampling": 2},
    {"quality": 3},
)


def whole_jpegs() -> list[bytes]:
    """Small JPEGs of many kinds, all of them sound."""
    rng = np.random.default_rng(17)
    rough = Image.fromarray(rng.integers(0, 256, (9, 7, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    files = []
    for i, options in enumerate(_WAYS):
        colour = rough.resize((48 + 7 * i, 40 + 5 * i), Image.Resampling.BICUBIC)
        for image in (colour, colour.convert("L")):
            if image.mode == "L" and "keep_rgb" in options:
                continue
            extra = {"exif": exif, "comment": b"a comment"} if i % 3 == 0 else {}
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", **options, **extra)
            files.append(buffer.getvalue())
    return files


def mutants(count: int, seed: int) -> Iterator[bytes]:
    """`count` damaged JPEGs."""
    rng = np.random.default_rng(seed)
    files = whole_jpegs()
    for i in range(count):
        data = bytearray(files[i % len(files)])
        kind = _KINDS[int(rng.integers(len(_KINDS)))]
        yield bytes(kind(data, rng))


def _flip(data: bytearray, rng: np.random.Generator) -> bytearray:
    for at in rng.integers(2, len(data), int(rng.integers(1, 6))):
        data[at] ^= 1 << int(rng.integers(8))
    return data


def _flip_in_the_scan(data: bytearray, rng: np.random.Generator) -> bytearray:
    start = data.rindex(b"\xff\xda") + 14
    for at in rng.integers(start, len(data) - 2, int(rng.integers(1, 4))):
        data[at] ^= 1 << int(rng.integers(8))
    return data


def _flip_in_the_header(data: bytearray, rng: np.random.Generator) -> bytearray:
    at = int(rng.integers(2, data.index(b"\xff\xda") + 14))
    data[at] = int(rng.integers(256))
    return data


def _cut_out(data: bytearray, rng: np.random.Generator) -> bytearray:
    at = int(rng.integers(2, len(data)))
    del data[at : at + int(rng.integers(1, 40))]
    return data


def _insert(data: bytearray, rng: np.random.Generator) -> bytearray:
    at = int(rng.integers(2, len(data)))
    data[at:at] = rng.bytes(int(rng.integers(1, 20)))
    return data


def _blank(data: bytearray, rng: np.random.Generator) -> bytearray:
    at = int(rng.integers(2, len(data)))
    end = min(at + int(rng.integers(1, 64)), len(data))
    data[at:end] = bytes((int(rng.choice((0, 255))),)) * (end - at)
    return data


def _end_early(data: bytearray, rng: np.random.Generator) -> bytearray:
    return data[: int(rng.integers(2, len(data)))] + b"\xff\xd9"


def _cut_short(data: bytearray, rng: np.random.Generator) -> bytearray:
    return data[: int(rng.integers(2, len(data)))]


def _put_a_marker(data: bytearray, rng: np.random.Generator) -> bytearray:
    at = int(rng.integers(2, len(data) - 1))
    data[at : at + 2] = bytes((0xFF, int(rng.integers(0xC0, 0xFF))))
    return data


def _append(data: bytearray, rng: np.random.Generator) -> bytearray:
    return data + rng.bytes(int(rng.integers(1, 30))) + rng.choice((b"", b"\xff\xd9"))


_KINDS = (
    _flip,
    _flip_in_the_scan,
    _flip_in_the_header,
    _cut_out,
    _insert,
    _blank,
    _end_early,
    _cut_short,
    _put_a_marker,
    _append,
)
