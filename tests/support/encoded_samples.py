"""PNGs and TIFFs of samples that Pillow cannot write: 16-bit colour, separate bands, any type."""

import struct
import zlib

import numpy as np

_PNG_COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}
_TIFF_FORMATS = {"u": 1, "i": 2, "f": 3}


def png_chunk(kind, content, *, sound=True):
    checksum = zlib.crc32(kind + content) ^ (not sound)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_of(samples, *extra, compress=6):
    """A PNG of uint8 or uint16 samples (h, w) or (h, w, bands), with chunks before the pixels."""
    samples = samples[..., None] if samples.ndim == 2 else samples
    height, width, bands = samples.shape
    bits = 8 * samples.itemsize
    header = struct.pack(">IIBBBBB", width, height, bits, _PNG_COLOUR[bands], 0, 0, 0)
    big = samples.astype(samples.dtype.newbyteorder(">"))
    rows = b"".join(b"\0" + row.tobytes() for row in big)
    pixels = png_chunk(b"IDAT", zlib.compress(rows, compress))
    head = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    return head + b"".join(extra) + pixels + png_chunk(b"IEND", b"")


def tiff_of(samples, *, planar=False, photometric=None, order="<", tags=()):
    """A TIFF of samples (h, w) or (h, w, bands) of any type, uncompressed."""
    samples = samples[..., None] if samples.ndim == 2 else samples
    height, width, bands = samples.shape
    samples = samples.astype(samples.dtype.newbyteorder(order))
    planes = [samples[..., band] for band in range(bands)] if planar else [samples]
    strips = [np.ascontiguousarray(plane).tobytes() for plane in planes]
    offsets = np.cumsum([8] + [len(strip) for strip in strips]).tolist()
    if photometric is None:
        photometric = {3: 2, 4: 2}.get(bands, 1)
    entries = {
        256: ("H", [width]),
        257: ("H", [height]),
        258: ("H", [8 * samples.itemsize] * bands),
        259: ("H", [1]),
        262: ("H", [photometric]),
        273: ("I", offsets[:-1]),
        277: ("H", [bands]),
        278: ("I", [height]),
        279: ("I", [len(strip) for strip in strips]),
        284: ("H", [2 if planar else 1]),
        339: ("H", [_TIFF_FORMATS[samples.dtype.kind]] * bands),
    } | dict(tags)
    at = offsets[-1]
    directory, beyond = struct.pack(order + "H", len(entries)), b""
    end = at + 2 + 12 * len(entries) + 4
    for tag, (kind, values) in sorted(entries.items()):
        content = values if kind == "s" else struct.pack(order + kind * len(values), *values)
        code = {"s": 2, "H": 3, "I": 4}[kind]
        if len(content) > 4:
            place = struct.pack(order + "I", end + len(beyond))
            beyond += content
        else:
            place = content.ljust(4, b"\0")
        directory += struct.pack(order + "HHI", tag, code, len(values)) + place
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at)
    return head + b"".join(strips) + directory + struct.pack(order + "I", 0) + beyond
