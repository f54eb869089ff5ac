import numpy as np
import pytest

from fastphash.images.decode import decode
from fastphash.images.sniff import SNIFFED, sniff
from tests.support.references import FULL, reference, stage_of


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
def test_formats_are_known_by_their_content(name, options, photo, encoded):
    data = encoded(photo(50, 70), name, **options)
    assert sniff(data[:SNIFFED]) == name
    decoded = decode(data, FULL)
    assert (decoded.format, decoded.width, decoded.height) == (name, 70, 50)
    assert decoded.extent == (70, 50)
    assert np.array_equal(decoded.grey, reference(data))


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


def test_a_file_that_is_not_an_image_is_rejected(encoded):
    assert stage_of(b"") == "identify"
    assert stage_of(b"no picture, whatever its name") == "identify"
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"
    assert stage_of(eps) == "identify"
    assert stage_of(b"\x89PNG\r\n\x1a\n" + eps) == "identify"
