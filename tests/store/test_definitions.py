from dataclasses import replace

import numpy as np
import pytest

from fastphash.errors import DefinitionError, UsageError
from fastphash.hashing.definition import FOREIGN, Definition, parse_definition
from fastphash.store.open import check_comparable
from tests.support.stores import hashes, hashes_of

OURS = Definition()


def joined(one, other, sizes=((64, 64),), formats=None):
    rows = {
        "path": [str(i) for i in range(len(sizes))],
        "phash": np.arange(len(sizes), dtype=np.uint64),
        "width": [width for width, _ in sizes],
        "height": [height for _, height in sizes],
    }
    if formats:
        rows |= {"format": formats}
    check_comparable(hashes_of(rows, one), hashes_of(rows, other))


@pytest.mark.parametrize(
    "other",
    [
        replace(OURS, decode="reduced"),
        replace(OURS, exif=True),
        replace(OURS, sixteen_bit="clipped"),
        replace(OURS, sixteen_bit="scaled"),
        replace(OURS, bands="4,3,2"),
        replace(OURS, stretch="0,3000"),
        replace(OURS, nodata="-9999"),
        FOREIGN,
    ],
)
def test_hashes_made_otherwise_are_not_joined_and_both_ways_are_named(other):
    joined(other, other)
    for one, two in ((OURS, other), (other, OURS)):
        with pytest.raises(DefinitionError) as caught:
            joined(one, two)
        assert str(one) in str(caught.value)
        assert str(two) in str(caught.value)


@pytest.mark.parametrize(
    ("sizes", "order", "same"),
    [
        ([(64, 64), (300, 200)], "horizontal", True),
        ([(64, 64), (300, 100)], "horizontal", False),
        ([(100, 300)], "horizontal", False),
        ([(100, 300)], "pillow12.2", False),
        ([(2, 300)], "pillow12.2", True),
        ([(2, 300)], "horizontal", False),
        ([(32, 32)], "horizontal", True),
        ([(33, 34)], "pillow12.2", True),
    ],
)
def test_pass_orders_are_joined_where_all_shapes_give_the_same(sizes, order, same):
    other = replace(OURS, pass_order=order)
    if same:
        joined(OURS, other, sizes)
    else:
        with pytest.raises(DefinitionError, match=order):
            joined(OURS, other, sizes)


@pytest.mark.parametrize(
    ("algorithm", "size", "same"),
    [
        ("phash", (60, 70), True),
        ("phash_256", (60, 70), False),
        ("dhash", (60, 70), True),
        ("phash", (10, 20), True),
        ("dhash", (10, 20), False),
        ("whash", (10, 20), False),
        ("dhash_256", (10, 11), True),
        ("whash", (60, 120), False),
    ],
)
def test_pass_orders_are_joined_where_the_sizes_of_a_hash_give_the_same(algorithm, size, same):
    one = replace(OURS, algorithm=algorithm)
    other = replace(one, pass_order="horizontal")
    if same:
        joined(one, other, [size])
    else:
        with pytest.raises(DefinitionError, match="horizontal"):
            joined(one, other, [size])


@pytest.mark.parametrize(
    "rule",
    [
        {"sixteen_bit": "scaled"},
        {"sixteen_bit": "clipped"},
        {"bands": "4,3,2", "stretch": "minmax", "nodata": "0"},
    ],
)
def test_rules_of_more_bits_do_not_part_images_that_have_8_by_their_format(rule):
    other = replace(OURS, **rule)
    sizes = [(64, 64)] * 2
    joined(OURS, other, sizes, ["JPEG", "WEBP"])
    joined(other, replace(OURS, pass_order="horizontal"), sizes, ["GIF", "BMP"])
    for formats in (["JPEG", "PNG"], ["TIFF", "TIFF"], ["JPEG", None]):
        with pytest.raises(DefinitionError):
            joined(OURS, other, sizes, formats)
    with pytest.raises(DefinitionError):
        joined(OURS, replace(other, exif=True), sizes, ["JPEG", "JPEG"])


def test_a_definition_of_an_older_store_is_what_it_was():
    older = {"source": "fastphash", "decode": "full", "pass_order": "pillow13", "exif": False}
    for rule in ("scaled", "clipped"):
        made = Definition(**older, sixteen_bit=rule)
        assert made.to_json() == older | {"sixteen_bit": rule}
        assert str(made) == f"full, pass order pillow13, EXIF ignored, 16-bit {rule}"
    assert Definition(**older | {"source": "foreign"}, sixteen_bit="scaled") == FOREIGN


def test_one_meaning_has_one_definition():
    assert replace(OURS, stretch="2,98") == replace(OURS, stretch="2.0%,98%") == OURS
    assert replace(OURS, stretch="0,100").stretch == "minmax"
    assert replace(OURS, stretch="-5,10").stretch == "-5..10"
    assert replace(OURS, nodata="-9999.0").nodata == "-9999"
    assert replace(OURS, bands=" 4,3, 2").bands == "4,3,2"
    assert Definition(**replace(OURS, bands="4,3,2", nodata="0.5").to_json()).bands == "4,3,2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("bands", text) for text in ("0", "1,2", "red", "", "1,2,3,4", "-1")],
        *[("stretch", text) for text in ("98,2", "2", "2%,98", "a,b", "5,5", "2%,101%", "0..inf")],
        *[("nodata", text) for text in ("void", "", "1,2", "nan", "inf", "1_000", float("nan"))],
    ],
)
def test_bad_bands_stretches_and_nodata_are_quoted(name, value):
    with pytest.raises(UsageError, match="`" + name + "` must") as caught:
        Definition(**{name: value})
    assert repr(value) in str(caught.value)


def test_what_is_clipped_or_scaled_has_no_bands_to_choose():
    with pytest.raises(UsageError, match="`bands` is for samples that are stretched, not clipped"):
        Definition(sixteen_bit="clipped", bands="4,3,2")


def test_pass_orders_are_not_joined_where_shapes_are_not_known():
    rows = {"path": ["a"], "phash": hashes(1)}
    other = replace(OURS, pass_order="horizontal")
    with pytest.raises(DefinitionError):
        check_comparable(hashes_of(rows, OURS), hashes_of(rows, other))


def test_reduced_images_are_not_joined_under_two_pass_orders():
    # their shape after the reduction is not recorded
    reduced = replace(OURS, decode="reduced")
    with pytest.raises(DefinitionError):
        joined(reduced, replace(reduced, pass_order="horizontal"))


@pytest.mark.parametrize("sixteen_bit", ["scaled", "clipped"])
def test_hashes_vouched_for_as_imagehash_join_ours(sixteen_bit):
    ours = replace(OURS, sixteen_bit=sixteen_bit)
    joined(parse_definition("imagehash"), ours)
    joined(ours, parse_definition("imagehash:horizontal"))
    with pytest.raises(DefinitionError):
        joined(ours, parse_definition("imagehash:horizontal"), [(300, 100)])
    with pytest.raises(DefinitionError):
        joined(parse_definition("imagehash"), replace(ours, decode="reduced"))


@pytest.mark.parametrize("rule", [{"bands": "4"}, {"nodata": "0"}])
def test_hashes_of_chosen_bands_are_no_imagehash(rule):
    # TIFFs of 8 bits have other hashes then
    asserted, chosen = parse_definition("imagehash"), replace(OURS, **rule)
    for one, other in ((asserted, chosen), (chosen, asserted)):
        with pytest.raises(DefinitionError):
            joined(one, other)
    joined(parse_definition("imagehash"), replace(OURS, stretch="minmax"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("decode", "half"), ("pass_order", 13), ("exif", "yes"), ("algorithm", "colorhash")],
)
def test_a_definition_holds_known_values_only(name, value):
    with pytest.raises(UsageError, match=f"{name} of a definition .*, not {value!r}"):
        Definition(**{name: value})


def test_vouching_takes_imagehash_and_a_pass_order():
    assert parse_definition("imagehash").pass_order == "pillow13"
    assert parse_definition("imagehash:pillow12.2").pass_order == "pillow12.2"
    assert "asserted" in str(parse_definition("imagehash"))
    for text in ("imagededup", "imagehash:pillow11", ""):
        with pytest.raises(UsageError) as caught:
            parse_definition(text)
        assert repr(text) in str(caught.value)
