"""Samples of any depth as 8-bit pixels: against the plain twin, and with nodata of every kind."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fastphash.errors import ImageError
from fastphash.hashing.api import phash
from fastphash.images.decode import Decoding, decode
from fastphash.images.rendering import Raster, Rendering, choose_bands, parse_stretch, render
from fastphash.images.tiff_header import tiff_facts
from tests.support import naive
from tests.support.encoded_samples import png_of, tiff_of

TYPES = [np.uint16, np.int8, np.int16, np.int32, np.uint64, np.float32, np.float64]


def rendered(values, declared=None, **rules):
    return render(Raster([values], None, declared), Rendering(**rules)).pixels


@pytest.mark.parametrize("kind", TYPES)
@given(st.data())
def test_a_band_is_stretched_as_pixel_by_pixel(kind, data):
    values = data.draw(hnp.arrays(kind, (4, 5)))
    nodata = data.draw(st.one_of(st.none(), st.just(float(values[0, 0]))))
    low, high = data.draw(st.sampled_from([(2, 98), (0, 100), (25, 75)]))
    ends = [float(x) for x in values.flat if np.isfinite(x) and x != nodata]
    if ends and not np.isfinite(255 * (max(ends) - min(ends))):
        return  # the twin has no room for the difference
    stretch = parse_stretch(f"{low}%,{high}%")
    found = rendered(values, nodata, stretch=stretch)
    assert np.array_equal(found, naive.rendered(values, low, high, nodata))


def test_values_near_the_limits_of_float64_are_stretched():
    values = np.array([[-1.7e308, 0.0, 1.7e308]])
    assert rendered(values, stretch=parse_stretch("minmax")).tolist() == [[0, 128, 255]]
    assert rendered(values, -1.7e308).tolist() == [[128, 0, 255]]


def test_two_values_are_black_and_white():
    values = np.array([[-5, 0, 10, 20, 30]], np.int16)
    found = rendered(values, stretch=parse_stretch("0,20"))
    assert found.tolist() == [[0, 0, 128, 255, 255]]
    # two numbers on one side of 50 are no percentiles
    assert str(parse_stretch("0,1")) == "0..1"
    assert str(parse_stretch("1,99")) == "1%,99%"
    assert str(parse_stretch("0..100")) == "0..100"


@pytest.mark.parametrize("nodata", [-9999.0, -3.4028234663852886e38, float("nan")])
def test_nodata_neither_stretches_the_range_nor_shows(nodata):
    picture = np.random.default_rng(0).normal(300, 20, (50, 60)).astype(np.float32)
    void = picture.copy()
    void[:, :20] = nodata
    found = rendered(void, nodata)
    assert np.array_equal(found[:, 20:], rendered(np.ascontiguousarray(picture[:, 20:])))
    assert (found[:, :20] == int(found[:, 20:].mean() + 0.5)).all()
    if np.isfinite(nodata):
        assert found[:, 20:].std() > 10 * rendered(void, nodata, nodata="none")[:, 20:].std()


def test_a_value_that_the_type_can_not_hold_is_no_value_of_it():
    values = np.array([[0, 241, 65535]], np.uint16)
    for nodata in (-9999.0, 0.5, 1e9):
        assert np.array_equal(rendered(values, nodata), rendered(values))


def test_nothing_but_nodata_is_flat():
    data = tiff_of(np.full((40, 50), 7, np.int16), tags={42113: ("s", b"7\0")})
    found = decode(data, Decoding(), with_evidence=True)
    assert not found.grey.any()
    assert found.evidence.pixel_digest is not None


def test_the_value_of_a_tiff_is_taken_unless_another_is_named(photo):
    values = photo(60, 80, 1, 1).astype(np.int16) * 3
    values[:30] = -1
    data = tiff_of(values, tags={42113: ("s", b"-1\0")})
    assert tiff_facts(data).nodata == -1
    assert phash(data) == phash(data, nodata=-1) == phash(tiff_of(values), nodata=-1)
    assert phash(data) != phash(data, nodata="none") == phash(tiff_of(values))
    assert np.array_equal(decode(data, Decoding()).grey, naive.rendered(values, nodata=-1))
    image = Image.open(io.BytesIO(data))
    assert phash(image) == phash(data)
    image.load()
    assert phash(image) == phash(data)


def test_8_bits_are_hashed_as_ever_unless_bands_or_nodata_are_named(photo):
    pixels = photo(60, 80)
    pixels[:30] = 0
    data = tiff_of(pixels, tags={42113: ("s", b"0\0")})
    assert phash(data) == phash(pixels) == phash(data, stretch="minmax")
    assert phash(data, bands="2") == phash(np.ascontiguousarray(pixels[..., 1]))
    assert phash(data, bands=(3, 2, 1)) == phash(np.ascontiguousarray(pixels[..., ::-1]))
    filled = np.dstack([rendered(pixels[..., band], nodata=0.0) for band in range(3)])
    assert phash(data, nodata=0) == phash(filled) != phash(pixels)
    # other formats have colours, and no nodata
    assert phash(png_of(pixels), bands="2", nodata=0) == phash(pixels)


def test_a_band_that_is_not_there_is_named():
    assert choose_bands(Rendering(), 2) == (0,)
    assert choose_bands(Rendering(), 12) == (0, 1, 2)
    with pytest.raises(ImageError, match=r"no band 4 to hash: the image has 1 band$"):
        phash(tiff_of(np.zeros((8, 8), np.uint16)), bands="4,3,2")


@pytest.mark.parametrize("bands", [2, 3, 4])
@pytest.mark.parametrize("encode", [png_of, tiff_of])
def test_low_bytes_of_colours_are_not_lost(bands, encode):
    # values below 256: Pillow's high bytes are all zero
    values = np.random.default_rng(0).integers(0, 256, (40, 50, bands)).astype(np.uint16)
    if bands == 4:
        values[..., 3] = 65535
    if encode is tiff_of and bands == 2:
        return  # no TIFF of Pillow's
    tags = {"tags": {338: ("H", [2])}} if encode is tiff_of and bands == 4 else {}
    chosen = [np.ascontiguousarray(values[..., i]) for i in range(3 if bands > 2 else 1)]
    wanted = render(Raster(chosen), Rendering()).pixels
    assert phash(encode(values, **tags)) == phash(wanted)


def test_one_hot_pixel_changes_little():
    values = np.random.default_rng(0).integers(400, 503, (64, 64)).astype(np.uint16)
    hot = values.copy()
    hot[5, 5] = 65535
    assert int(phash(tiff_of(values)) ^ phash(tiff_of(hot))).bit_count() <= 4
