"""HEIC and JPEG XL, by files that their plugins write; and what is said without the plugins."""

import io

import numpy as np
import pytest
from PIL import Image

from fastphash.errors import ImageError
from fastphash.hashing.api import phash
from fastphash.images import plugins
from fastphash.images.decode import Decoding, decode
from fastphash.images.jxl_header import jxl_header
from fastphash.images.preview import shrink_image
from fastphash.images.rendering import Rendering
from fastphash.images.sniff import sniff
from tests.support import naive
from tests.support.references import reference
from tests.support.skipping import missing

FORMATS = {"heic": ("HEIF", {}), "jxl": ("JXL", {}), "jxl box": ("JXL", {"use_container": True})}


@pytest.fixture(scope="module")
def installed():
    if not all(map(plugins.has_plugin, ("HEIF", "JXL"))):
        missing("no pillow-heif and pillow-jxl-plugin: pip install 'fastphash[formats]'")
    plugins.prepare_format(b"", "HEIF")
    with pytest.raises(ImageError):
        plugins.prepare_format(b"", "JXL")


def saved(image, name, **options):
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_they_are_hashed_as_imagehash_does(kind, installed, photo):
    name, options = FORMATS[kind]
    data = saved(Image.fromarray(photo(90, 120)), name, **options)
    assert sniff(data[:32]) == name
    found = decode(data, Decoding(), with_evidence=True)
    assert (found.format, found.width, found.height) == (name, 120, 90)
    assert np.array_equal(found.grey, reference(data))
    assert phash(data) == phash(found.grey)
    assert found.evidence.pixel_digest is not None
    assert shrink_image(data, 60, rendering=Rendering()).shape == (45, 60, 3)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_what_is_cut_short_is_rejected(kind, share, installed, photo):
    name, options = FORMATS[kind]
    data = saved(Image.fromarray(photo(90, 120)), name, **options)
    with pytest.raises(ImageError):
        decode(data[: int(share * len(data))], Decoding())


@pytest.mark.parametrize(
    "size", [(1, 1), (8, 8), (256, 256), (300, 200), (64, 48), (600, 1), (160, 90)]
)
def test_the_size_of_a_jxl_is_known_before_it_is_decoded(size, installed):
    image = Image.new("RGB", size)
    for options in ({}, {"use_container": True}):
        header = jxl_header(saved(image, "JXL", **options))
        assert (header.width, header.height, header.bits) == (*size, 8)
    assert jxl_header(saved(Image.new("I;16", size), "JXL", lossless=True)).bits == 16


@pytest.mark.parametrize("kind", FORMATS)
def test_too_many_pixels_are_refused(kind, installed, photo, monkeypatch):
    name, options = FORMATS[kind]
    data = saved(Image.fromarray(photo(90, 120)), name, **options)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 90 * 60 - 1)
    with pytest.raises(ImageError, match="more than 10,798 pixels"):
        decode(data, Decoding())


def test_16_bits_of_a_jxl_are_stretched(installed):
    values = np.add.outer(np.arange(60) ** 2, np.arange(80) * 30).astype(np.uint16)
    data = saved(Image.fromarray(values), "JXL", lossless=True)
    assert np.array_equal(decode(data, Decoding()).grey, naive.rendered(values))


@pytest.mark.parametrize("kind", FORMATS)
def test_without_a_plugin_it_is_said_what_to_install(kind, installed, photo, monkeypatch):
    name, options = FORMATS[kind]
    data = saved(Image.fromarray(photo(30, 40)), name, **options)
    monkeypatch.setattr(plugins, "has_plugin", lambda _: False)
    with pytest.raises(ImageError, match=r"image: pip install 'fastphash\[formats\]'$"):
        decode(data, Decoding())


def test_brands_that_heic_and_avif_share_are_told_apart():
    for brand, name in ((b"heic", "HEIF"), (b"avif", "AVIF"), (b"miaf", "AVIF")):
        assert sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1" + brand + b"\0\0\0\0") == name
    assert sniff(b"\0\0\0\x1cftypisom\0\0\0\0isomavif") is None


def test_a_container_without_a_codestream_is_damaged():
    head = b"\0\0\0\x0cJXL \r\n\x87\n"
    for rest in (b"", b"\0\0\0\0jxlc", b"\0\0\0\x08free" * 3, b"\0\0\0\x01free"):
        with pytest.raises(ImageError, match="a damaged or unsupported JXL header"):
            jxl_header(head + rest)
