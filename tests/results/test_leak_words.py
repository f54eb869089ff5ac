"""The lines about leaks that terminal and report share."""

import pytest

from fastphash.base.vocabulary import CONFIRMED, KINDS
from fastphash.results.leak_words import leak_lines, same_pixels_inside


def leak(needles, haystack, images, same_pixels=0, **kinds):
    leaked = sum(number for kind, number in kinds.items() if kind != "collision")
    return {
        "needles": needles,
        "haystack": haystack,
        "images": images,
        "leaked": leaked,
        "share": leaked / images,
        "kinds": dict.fromkeys([*KINDS, CONFIRMED], 0) | kinds,
        "same_pixels": same_pixels,
    }


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            leak("val", "train", 2416, identical=8, near=1200, collision=4),
            "1,208 of 2,416 val images (50.0 %) are also in train: 8 identical, 1,200 near",
        ),
        (leak("a", "b", 1, exact=1), "1 of 1 a image (100 %) is also in b: 1 exact"),
        (
            leak("\x1b", "b", 9, same_pixels=1, near=1),
            (
                r"1 of 9 \x1b images (11.1 %) is also in b: 1 near; "
                "1 of them with the same pixels in other bytes"
            ),
        ),
    ],
)
def test_a_leak_is_one_line(found, line):
    assert leak_lines([found]) == ([line], 0)


def test_the_largest_leaks_come_first_and_the_others_are_counted():
    leaks = [leak(f"s{i}", "t", 100, exact=i) for i in range(15)]
    lines, further = leak_lines(leaks)
    assert [line.split()[0] for line in lines] == [str(i) for i in range(14, 2, -1)]
    assert further == 2
    assert leak_lines([leak("a", "b", 3, collision=2)]) == ([], 0)


def test_splits_with_the_same_pixels_in_other_bytes():
    splits = {"a": {"same_pixels": 1200}, "b": {"same_pixels": 0}, "c\n": {"same_pixels": 1}}
    assert same_pixels_inside(splits) == ["1,200 in a", "1 in c\\n"]
