"""TIFFs of all layouts are hashed as the arrays that are in them, or rejected with what to install.

Arrays are drawn for every type of sample; files of them by tifffile, in every layout.
"""

import io
import itertools
import random

import numpy as np
import pytest
from PIL import Image

from fastphash.errors import ImageError
from fastphash.hashing.api import phash
from fastphash.images import tifffile_raster
from fastphash.images.decode import Decoding, decode
from fastphash.images.pixels import array_grey
from fastphash.images.preview import shrink_image
from fastphash.images.rendering import Raster, Rendering, choose_bands, render
from fastphash.images.tiff_header import tiff_facts
from tests.support.encoded_samples import tiff_of
from tests.support.skipping import missing

NODATA = 7
LAYOUTS = [
    case
    for case in itertools.product(
        ["u1", "u2", "i2", "u4", "i4", "f4", "f8"],
        (1, 2, 3, 4, 5, 12),
        ("contig", "separate"),
        (None, (16, 16)),
        (None, "zlib", "lzw"),
        "<>",
        (False, True),
        (False, True),
        ("rgb", "minisblack"),
        (False, True),
    )
    if not (case[8] == "rgb" and case[1] < 3)
    and not (case[7] and not case[4])
    and not (case[2] == "separate" and case[1] == 1)
]
SOME = random.Random(13).sample(LAYOUTS, 60)


@pytest.fixture(scope="module")
def tifffile():
    if not tifffile_raster.can_read_rasters():
        missing("no tifffile and imagecodecs: pip install 'fastphash[geo]'")
    import tifffile

    return tifffile


@pytest.fixture
def without_tifffile(monkeypatch):
    monkeypatch.setattr(tifffile_raster, "can_read_rasters", lambda: False)


def drawn(kind, bands):
    """Samples (48, 64, bands) with a picture in every band, and nodata in the upper rows."""
    y, x = np.mgrid[:48, :64]
    phase = np.arange(bands)[:, None, None]
    waves = (100 + 80 * np.sin(x / 9 + phase) * np.cos(y / (5 + phase))).transpose(1, 2, 0)
    samples = (waves * (1 if kind == "u1" else 150)).astype(kind)
    samples[:10] = NODATA
    return samples


def file_of(tifffile, case):
    """A TIFF, and the samples in it."""
    kind, bands, planar, tile, compression, order, big, predictor, photometric, nodata = case
    samples = drawn(kind, bands)
    stored = samples if planar == "contig" else samples.transpose(2, 0, 1)
    extra = bands - (3 if photometric == "rgb" else 1)
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        (stored[..., 0] if bands == 1 else stored).astype(np.dtype(kind).newbyteorder(order)),
        byteorder=order,
        bigtiff=big,
        tile=tile,
        rowsperstrip=None if tile else 10,
        compression=compression,
        predictor=predictor or None,
        photometric=photometric,
        planarconfig=planar if bands > 1 else None,
        extrasamples=[0] * extra if extra else None,
        extratags=[(42113, "s", 0, str(NODATA), True)] if nodata else [],
        metadata=None,
    )
    return file.getvalue(), samples


def grey_of(samples, nodata, rendering=None):
    rendering = rendering or Rendering()
    chosen = [samples[..., band] for band in choose_bands(rendering, samples.shape[2])]
    raster = Raster(chosen, None, float(NODATA) if nodata else None)
    return array_grey(render(raster, rendering).pixels)


def check(tifffile, cases):
    for case in cases:
        data, samples = file_of(tifffile, case)
        found = decode(data, Decoding(), with_evidence=True)
        assert np.array_equal(found.grey, grey_of(samples, case[-1])), case
        assert found.evidence.pixel_digest, case


def check_without(tifffile, cases):
    rejected = 0
    for case in cases:
        data, samples = file_of(tifffile, case)
        named = f"{case[1]} band{'s' * (case[1] > 1)} of {np.dtype(case[0])}"
        wanted = grey_of(samples, case[-1])
        found = reason_or_grey(data)
        if isinstance(found, str):
            rejected += 1
            assert found.endswith(f"{named}: pip install 'fastphash[geo]'"), case
        else:
            assert np.array_equal(found, wanted), case
    return rejected


def reason_or_grey(data, **rules):
    try:
        return decode(data, Decoding(**rules)).grey
    except ImageError as error:
        return str(error)


def test_layouts_are_hashed_as_the_array_in_them(tifffile):
    check(tifffile, SOME)


@pytest.mark.slow
def test_all_layouts_are_hashed_as_the_array_in_them(tifffile):
    check(tifffile, LAYOUTS)


def test_without_tifffile_what_pillow_scrambles_is_rejected(tifffile, without_tifffile):
    assert 0 < check_without(tifffile, SOME) < len(SOME)


@pytest.mark.slow
def test_without_tifffile_all_that_pillow_scrambles_is_rejected(tifffile, without_tifffile):
    assert 0 < check_without(tifffile, LAYOUTS) < len(LAYOUTS)


def test_bands_are_chosen_wherever_they_lie(tifffile):
    rendering = Rendering((4, 3, 2))
    for case in [case for case in LAYOUTS if case[1] in (4, 5, 12)][::397]:
        data, samples = file_of(tifffile, case)
        found = decode(data, Decoding(rendering=rendering))
        assert np.array_equal(found.grey, grey_of(samples, case[-1], rendering)), case


def test_bands_that_are_not_hashed_are_not_held_where_all_would_be_too_large(tifffile, monkeypatch):
    monkeypatch.setattr(tifffile_raster, "_ALL_BANDS", 1000)
    for planar in ("contig", "separate"):
        case = ("u2", 12, planar, (16, 16), "zlib", "<", False, False, "minisblack", True)
        data, samples = file_of(tifffile, case)
        found = decode(data, Decoding(rendering=Rendering((9, 1, 2))), with_evidence=True)
        assert np.array_equal(found.grey, grey_of(samples, True, Rendering((9, 1, 2))))
        assert found.evidence.pixel_digest is None


def test_one_picture_has_one_digest_in_every_layout(tifffile):
    wanted = set()
    for planar, tile, order in itertools.product(("contig", "separate"), (None, (16, 16)), "<>"):
        case = ("u2", 3, planar, tile, "zlib", order, False, False, "rgb", False)
        data, _ = file_of(tifffile, case)
        wanted.add(decode(data, Decoding(), with_evidence=True).evidence.pixel_digest)
    assert len(wanted) == 1
    assert None not in wanted


def test_int8_and_large_uint32_keep_their_order(tifffile):
    ramp = np.arange(64).reshape(8, 8)
    wanted = decode(tiff_of(ramp.astype(np.int16)), Decoding()).grey
    for values in ((ramp - 32).astype(np.int8), (ramp * 2**26).astype(np.uint32)):
        assert np.array_equal(decode(tiff_of(values), Decoding()).grey, wanted)


@pytest.mark.parametrize("number", range(1, 9))
def test_orientation_is_applied_as_pillow_does(number, tifffile, photo):
    pixels = photo(30, 40)
    tags = {274: ("H", [number])}
    wanted = decode(tiff_of(pixels, tags=tags), Decoding())
    five = np.dstack([pixels, pixels[..., :2]])
    found = decode(tiff_of(five, photometric=1, tags=tags), Decoding())
    assert np.array_equal(found.grey, wanted.grey)
    assert (found.width, found.height) == (wanted.width, wanted.height)


def test_masks_and_alpha_are_no_picture(tifffile, photo):
    values = photo(40, 50, 1, 1).astype(np.uint16) * 40
    shown = np.ones(values.shape, bool)
    shown[:, :20] = False
    dirty = np.where(shown, values, 65535)
    wanted = render(Raster([dirty], shown), Rendering()).pixels
    masked = io.BytesIO()
    with tifffile.TiffWriter(masked) as file:
        file.write(dirty, photometric="minisblack", metadata=None)
        file.write(shown, photometric="mask", subfiletype=4, metadata=None)
    alpha = np.dstack([dirty, np.where(shown, 65535, 0).astype(np.uint16)])
    with_alpha = tiff_of(alpha, photometric=1, tags={338: ("H", [2])})
    for data in (masked.getvalue(), with_alpha):
        found = decode(data, Decoding(), with_evidence=True)
        assert np.array_equal(found.grey, wanted)
        plain = decode(data, Decoding(rendering=Rendering(nodata="none"))).grey
        assert np.array_equal(plain, render(Raster([dirty]), Rendering()).pixels)
    assert found.evidence.alpha is not None
    of_floats = tiff_of(alpha.astype(np.float32), photometric=1, tags={338: ("H", [2])})
    found = decode(of_floats, Decoding(), with_evidence=True)
    assert np.array_equal(found.grey, wanted)
    assert found.evidence.alpha is None


def test_further_pages_are_unknown_and_overviews_none(tifffile, photo):
    values = np.dstack([photo(40, 50, seed, 1).astype(np.float64) for seed in range(5)])
    for kind, frames in ((0, None), (1, 1)):
        file = io.BytesIO()
        with tifffile.TiffWriter(file) as writer:
            writer.write(values, photometric="minisblack", planarconfig="contig")
            small = values[::2, ::2]
            writer.write(small, photometric="minisblack", planarconfig="contig", subfiletype=kind)
        found = decode(file.getvalue(), Decoding(), with_evidence=True)
        assert found.evidence.frames == frames
        assert (found.evidence.pixel_digest is None) == (frames is None)
        assert found.multiframe == (frames is None)


def test_previews_show_what_was_hashed(tifffile):
    case = ("f8", 12, "separate", None, "zlib", ">", False, False, "minisblack", True)
    data, samples = file_of(tifffile, case)
    rendering = Rendering((4, 3, 2))
    shown = shrink_image(data, 64, rendering=rendering)
    assert shown.shape == (48, 64, 3)
    grey = np.asarray(Image.fromarray(shown).convert("L"))
    assert np.array_equal(grey, grey_of(samples, True, rendering))
    with pytest.raises(ImageError, match="not supported"):
        shrink_image(data, 64)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_a_tiff_that_is_cut_short_is_rejected(share, compression, tifffile):
    case = ("u2", 5, "contig", None, compression, "<", False, False, "minisblack", False)
    data, _ = file_of(tifffile, case)
    offsets = tifffile.TiffFile(io.BytesIO(data)).pages[0].dataoffsets
    end = offsets[0] + int(share * (len(data) - offsets[0]))
    with pytest.raises(ImageError):
        decode(data[:end], Decoding())


def test_bombs_are_refused_by_their_headers(tifffile):
    samples = np.zeros((8, 8, 5), np.uint16)
    wide = tiff_of(samples, tags={256: ("I", [2**20]), 257: ("I", [2**20])})
    with pytest.raises(ImageError, match=r"more than .* pixels"):
        decode(wide, Decoding())
    with pytest.raises(ImageError, match="more than 63 pixels"):
        decode(tiff_of(samples), Decoding(max_pixels=63))
    many_bands = tiff_of(samples, tags={277: ("H", [65535]), 338: ("H", [0])})
    tile = {322: ("I", [2**16]), 323: ("I", [2**16]), 324: ("I", [8]), 325: ("I", [640])}
    for data in (many_bands, tiff_of(samples, tags=tile)):
        with pytest.raises(ImageError):
            decode(data, Decoding())


def test_headers_that_make_no_sense_are_damaged_or_rejected(tifffile):
    sound = tiff_of(np.zeros((8, 8, 5), np.uint16))
    rng = np.random.default_rng(0)
    start = sound.rindex(np.uint16(256).tobytes() + np.uint16(3).tobytes())
    for _ in range(150):
        broken = bytearray(sound)
        for place in rng.integers(start, len(sound), 2):
            broken[place] = rng.integers(256)
        assert reason_or_grey(bytes(broken), max_pixels=1 << 20) is not None


def test_an_image_that_pillow_scrambles_is_refused(tifffile):
    case = ("i2", 1, "contig", None, "zlib", ">", False, False, "minisblack", False)
    data, samples = file_of(tifffile, case)
    assert phash(data) == phash(grey_of(samples, nodata=False))
    with pytest.raises(ImageError, match="Pillow can't read grey pixels in 1 band of int16 right"):
        phash(Image.open(io.BytesIO(data)))


def test_offsets_of_64_bits_may_lie_anywhere(tifffile):
    case = ("u2", 5, "contig", None, None, "<", True, False, "minisblack", False)
    data, _ = file_of(tifffile, case)
    for offset in (2**63, 2**64 - 1, 2**40):
        broken = data[:8] + offset.to_bytes(8, "little") + data[16:]
        assert tiff_facts(broken) is None
        with pytest.raises(ImageError):
            decode(broken, Decoding())


def test_complex_samples_are_not_supported(tifffile):
    data = tiff_of(np.zeros((8, 8, 2), np.uint32), tags={339: ("H", [5, 5])})
    assert not tiff_facts(data).has_plain_bands
    with pytest.raises(ImageError, match="2 bands of complex int32: not supported"):
        decode(data, Decoding())
