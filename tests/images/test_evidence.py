"""What the hash leaves out of an image: digests of pixels, frames, alpha, depth."""

import io

import numpy as np
import pytest
from PIL import Image

from fastphash.images import evidence, samples
from fastphash.images.decode import Decoding, decode
from fastphash.images.depth import colour_depth
from fastphash.images.equalise import equalise
from fastphash.images.rendering import Rendering, parse_stretch
from fastphash.images.samples import pillow_samples
from tests.support.encoded_samples import png_of, tiff_of


def evidence_of(data, **rules):
    return decode(data, Decoding(**rules), with_evidence=True).evidence


def saved(image, name, **options):
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def film(frames, name, **options):
    first, *others = map(Image.fromarray, frames)
    return saved(first, name, save_all=True, append_images=others, **options)


def test_nothing_is_looked_at_unless_asked_for(photo):
    assert decode(png_of(photo(20, 30)), Decoding()).evidence is None


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP", "TIFF"])
def test_frames_are_counted_and_each_changes_the_digest(name, photo):
    frames = [photo(40, 40, seed, 1) for seed in range(4)]
    found = evidence_of(film(frames, name))
    assert found.frames == 4
    assert len(found.further_frames) == 1024
    others = {evidence_of(film(frames[:3], name)).pixel_digest}
    others |= {evidence_of(film([*frames[:3], frames[0]], name)).pixel_digest}
    others |= {evidence_of(film([frames[i] for i in (0, 2, 1, 3)], name)).pixel_digest}
    assert len(others | {found.pixel_digest}) == 4


def test_pages_are_no_frames_of_an_animation(photo):
    frames = [photo(40, 40, seed, 1) for seed in range(2)]
    of_frames = {evidence_of(film(frames, name)).pixel_digest for name in ("GIF", "PNG")}
    assert len(of_frames) == 1
    assert evidence_of(film(frames, "TIFF")).pixel_digest not in of_frames


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("limit", ["MAX_FRAMES", "MAX_FRAME_PIXELS"])
def test_of_too_many_frames_nothing_is_known(name, limit, photo, monkeypatch):
    frames = [photo(40, 40, seed, 1) for seed in range(4)]
    most = {"MAX_FRAMES": 4, "MAX_FRAME_PIXELS": 4800}[limit]
    monkeypatch.setattr(evidence, limit, most)
    assert evidence_of(film(frames, name)).frames == 4
    monkeypatch.setattr(evidence, limit, most - 1)
    found = evidence_of(film(frames, name))
    assert (found.pixel_digest, found.frames, found.further_frames) == (None, None, None)


def test_a_damaged_further_frame_leaves_the_first_its_hash(photo):
    frames = [photo(40, 40, seed, 1) for seed in range(3)]
    whole = film(frames, "GIF")
    cut = whole[: len(whole) * 2 // 3]
    found = decode(cut, Decoding(), with_evidence=True)
    assert np.array_equal(found.grey, decode(whole, Decoding()).grey)
    assert found.evidence.pixel_digest is None


def test_overviews_of_a_tiff_are_no_pages(photo):
    first, small = photo(64, 64, 1, 1), photo(64, 64, 1, 1)[::2, ::2]
    buffer = io.BytesIO()
    page = Image.fromarray(np.ascontiguousarray(small))
    page.encoderinfo = {"tiffinfo": {254: 1}}
    Image.fromarray(first).save(buffer, "TIFF", save_all=True, append_images=[page])
    assert Image.open(buffer).n_frames == 2
    found = evidence_of(buffer.getvalue())
    assert found.frames == 1
    assert found.pixel_digest == evidence_of(png_of(first)).pixel_digest


def test_opencv_and_pillow_give_one_digest(photo, encoded, tmp_path):
    jpegs = [encoded(photo(40, 50), "JPEG"), encoded(photo(40, 50, 1, 1), "JPEG")]
    jpegs.append(encoded(np.dstack([photo(40, 50, 1, 1)] * 3), "JPEG"))
    for jpeg in jpegs:
        pixels = np.asarray(Image.open(io.BytesIO(jpeg)))
        assert evidence.array_evidence(pixels, jpeg) == evidence_of(jpeg)


def test_a_reduced_jpeg_has_no_digest(photo, encoded):
    jpeg = encoded(photo(40, 50), "JPEG")
    assert evidence_of(jpeg, mode="reduced").pixel_digest is None
    assert evidence_of(png_of(photo(40, 50)), mode="reduced").pixel_digest


def test_what_can_not_be_looked_at_is_unknown(photo, monkeypatch):
    def fails(*_):
        raise MemoryError

    monkeypatch.setattr(evidence, "pillow_samples", fails)
    assert evidence_of(png_of(photo(40, 50))) == evidence.Evidence(frames=1)
    frames = [photo(40, 40, seed, 1) for seed in range(3)]
    assert evidence_of(film(frames, "PNG")) == evidence.Evidence(frames=None)


MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "La")
MODES += ("RGBa", "I", "F", "I;16", "I;16B")


@pytest.mark.parametrize("mode", MODES)
def test_samples_of_every_mode_are_digested(mode, photo, monkeypatch):
    image = Image.fromarray(photo(40, 50)).convert("RGBA" if "a" in mode or mode == "PA" else "RGB")
    if mode == "LAB":
        image = Image.merge("LAB", image.split())
    elif mode in ("La", "PA"):
        image = image.convert("LA" if mode == "La" else "P").convert(mode)
    elif mode.startswith("I;16"):
        image = image.convert("I").convert(mode)
    else:
        image = image.convert(mode)
    other = image.copy()
    pixel = other.getpixel((30, 20))
    first = pixel[0] if isinstance(pixel, tuple) else pixel
    changed = 255 - first if first < 256 else 0
    other.putpixel((30, 20), (changed, *pixel[1:]) if isinstance(pixel, tuple) else changed)
    digests = [pillow_samples(one).digest(opaque=False) for one in (image, image.copy(), other)]
    assert digests[0] == digests[1] != digests[2]
    # strip by strip
    monkeypatch.setattr(samples, "_STRIP", 300)
    assert pillow_samples(image).digest(opaque=False) == digests[0]


def test_images_behind_the_first_of_a_jpeg_change_its_digest(photo, encoded):
    first, second, third = (Image.fromarray(photo(40, 50, seed)) for seed in range(3))
    pairs = [saved(first, "MPO", save_all=True, append_images=[other]) for other in (second, third)]
    digests = {evidence_of(data).pixel_digest for data in pairs}
    assert len(digests | {evidence_of(encoded(first, "JPEG")).pixel_digest}) == 3


def test_exif_turns_what_is_compared(photo, encoded):
    pixels = photo(40, 50, 1)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(pixels, "PNG", exif=exif)
    upright = png_of(np.rot90(pixels, 3))
    assert evidence_of(turned, exif=True) == evidence_of(upright)
    assert evidence_of(turned) == evidence_of(png_of(pixels))


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.astype(np.uint16) * 257,
        lambda a: a[:, ::-1],
        np.rot90,
        lambda a: np.dstack([a, np.full(a.shape[:2], 9, np.uint8)]),
        lambda a: a ^ (np.indices(a.shape).sum(axis=0) == 7).astype(np.uint8),
    ],
)
def test_any_other_pixel_size_and_depth_changes_the_digest(change, photo):
    pixels = photo(40, 40, 1)
    assert (
        evidence_of(png_of(change(pixels))).pixel_digest != evidence_of(png_of(pixels)).pixel_digest
    )


def test_low_bytes_of_16_bit_colour_change_the_digest():
    values = np.random.default_rng(0).integers(0, 65536, (20, 30, 4), np.uint16)
    for bands in (2, 3, 4):
        some = values[..., :bands]
        other = some.copy()
        other[3, 3, 0] ^= 1
        assert evidence_of(png_of(some)).pixel_digest != evidence_of(png_of(other)).pixel_digest


@pytest.mark.parametrize("name", ["JPEG2000", "AVIF"])
def test_depth_that_pillow_does_not_give_leaves_no_digest(name, photo, monkeypatch):
    eight = saved(Image.fromarray(photo(40, 50)), name)
    assert evidence_of(eight).pixel_digest is not None
    # the byte that says how deep the first band is, or all are
    at = {"AVIF": eight.find(b"av1C") + 6, "JPEG2000": eight.find(b"\xff\x4f\xff\x51") + 42}[name]
    deep = eight[:at] + bytes([eight[at] | {"AVIF": 0x40, "JPEG2000": 8}[name]]) + eight[at + 1 :]
    image = Image.open(io.BytesIO(eight))
    assert colour_depth(image, eight) == "whole"
    assert colour_depth(image, deep) == "lost"
    monkeypatch.setattr(evidence, "colour_depth", lambda image, _: colour_depth(image, deep))
    found = evidence_of(eight)
    assert found.pixel_digest is None
    assert found.frames == 1


def test_ranks_are_stored_only_where_grey_levels_hide_the_picture():
    y, x = np.mgrid[:64, :64]
    values = (1000 + 300 * np.sin(x / 7) * np.cos(y / 5)).astype(np.uint16)
    assert evidence_of(tiff_of(values)).equalised is None
    values[5, 5] = 65535
    assert evidence_of(tiff_of(values)).equalised is None
    for rendering in (None, Rendering(stretch=parse_stretch("minmax"))):
        assert evidence_of(tiff_of(values), rendering=rendering).equalised is not None
    assert evidence_of(tiff_of(values % 2)).equalised is None


def test_ranks_do_not_depend_on_the_scale_of_values():
    values = np.random.default_rng(0).normal(0, 1, (50, 60))
    wide = np.exp(5 * values)
    assert np.array_equal(equalise(values).grey, equalise(wide).grey)
    assert (equalise(np.full((9, 9), np.nan)).grey == 127).all()
    holes = np.where(values > 1, np.nan, values)
    assert (equalise(holes).grey[values > 1] == 0).all()
    assert equalise(np.zeros((1000, 30), np.int16)).grey.shape == (250, 30)
