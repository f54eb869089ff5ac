import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.errors import ImageError, UsageError
from fastphash.hashing.hexadecimal import to_hex
from fastphash.hashing.pdq import Pdq, pdq, pdq_orientations
from tests.hashing.make_golden_pdq import golden_pdq_images
from tests.support import naive

# made by make_golden_pdq.py
GOLDEN = json.loads(Path(__file__).with_name("golden_pdq.json").read_text())["hashes"]


def as_pair(result):
    return to_hex(result.hash, bits=256), result.quality


@pytest.mark.parametrize("name", GOLDEN)
def test_hashes_are_those_of_pdqhash(name):
    hashes, quality = GOLDEN[name]
    pixels = golden_pdq_images()[name]
    assert as_pair(pdq_orientations(pixels)) == (hashes, quality)
    assert as_pair(pdq(pixels)) == (hashes[0], quality)


def test_the_golden_table_is_of_all_images_and_its_qualities_differ():
    assert set(GOLDEN) == set(golden_pdq_images())
    assert {0, 100} < {quality for _, quality in GOLDEN.values()}
    assert [len({*hashes}) for hashes, _ in GOLDEN.values()].count(len(ORIENTATIONS)) >= 8


@pytest.mark.parametrize("function", [pdq, pdq_orientations])
@pytest.mark.parametrize("option", [{"pass_order": "pillow13"}, {"bits": 256}])
def test_what_only_the_other_hashes_take_is_refused(photo, function, option):
    (name,) = option
    with pytest.raises(UsageError, match=f"PDQ takes no `{name}`: it "):
        function(photo(40, 50), **option)


def test_hash_and_quality_have_their_types(photo):
    upright, turned = pdq(photo(40, 50)), pdq_orientations(photo(40, 50))
    assert isinstance(upright, Pdq)
    assert isinstance(upright.quality, int)
    assert (upright.hash.dtype, upright.hash.shape) == (np.uint64, (4,))
    assert (turned.hash.dtype, turned.hash.shape) == (np.uint64, (8, 4))
    assert turned.hash.flags.c_contiguous


def test_all_inputs_of_one_image_give_one_hash(photo, encoded, tmp_path):
    pixels = photo(70, 110)
    data = encoded(pixels, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    frozen = pixels.copy()
    frozen.flags.writeable = False
    alpha = np.dstack([pixels, pixels[..., 0]])
    inputs = [str(path), data, Image.open(path), pixels, frozen, np.asfortranarray(pixels), alpha]
    wanted = as_pair(pdq(path))
    for image in [*inputs, Image.fromarray(alpha), encoded(Image.fromarray(alpha), "PNG")]:
        assert as_pair(pdq(image)) == wanted
        assert as_pair(pdq_orientations(image))[0][0] == wanted[0]


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA", "P", "1", "CMYK", "YCbCr"])
def test_every_mode_hashes_as_its_colours_do(mode, photo):
    image = Image.fromarray(photo(90, 70))
    image = image.quantize(40) if mode == "P" else image.convert(mode)
    assert as_pair(pdq(image)) == as_pair(pdq(np.asarray(image.convert("RGB"))))


def test_images_of_more_than_8_bits_are_stretched(encoded):
    values = (np.add.outer(np.arange(80) ** 2, np.arange(90) * 30) * 3).astype(np.uint16)
    image = Image.fromarray(values)
    stretched = as_pair(pdq(naive.rendered(values)))
    assert as_pair(pdq(image)) == as_pair(pdq(encoded(image, "TIFF"))) == stretched
    clipped = as_pair(pdq(np.minimum(values, 255).astype(np.uint8)))
    assert as_pair(pdq(image, strict_imagehash=True)) == clipped != stretched
    assert as_pair(pdq(image, stretch="minmax")) == as_pair(pdq(naive.rendered(values, 0, 100)))


def test_exif_turns_only_when_asked_for(photo, encoded):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(photo(50, 70), "JPEG", exif=exif)
    image = Image.open(io.BytesIO(data))
    assert as_pair(pdq(data)) == as_pair(pdq(image))
    assert as_pair(pdq(data, exif=True)) == as_pair(pdq(ImageOps.exif_transpose(image)))


@pytest.mark.parametrize("call", [pdq, pdq_orientations])
def test_what_cannot_be_hashed_is_refused_and_quoted(call, tmp_path):
    with pytest.raises(UsageError, match=r"not \[\[0, 1\]\]"):
        call([[0, 1]])
    with pytest.raises(ImageError, match=r"not float32 \(8, 8\)"):
        call(np.zeros((8, 8), np.float32))
    with pytest.raises(ImageError, match=r"No such file or directory: .*none"):
        call(tmp_path / "none.png")
    with pytest.raises(ImageError, match="the file is empty"):
        call(b"")
    with pytest.raises(UsageError, match="stretch"):
        call(np.zeros((8, 8), np.uint8), stretch="wide")
