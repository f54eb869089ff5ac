"""Names of YOLO's classes."""

import itertools
import os

import pytest

from fastphash.labels.yolo import find_names, read_names

# ten to the ninth words, once written out
LISTS_OF_LISTS = "".join(
    ["a: &a [x]\n"]
    + [
        f"{outer}: &{outer} [{f'*{inner}, ' * 10}]\n"
        for inner, outer in itertools.pairwise("abcdefghij")
    ]
    + ["names: [*j]"]
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("names: [car, house]", ("car", "house")),
        ("names: {2: tree, 0: 7}", ("7", "1", "tree")),
        ("names: {-1: car}", ()),
        (LISTS_OF_LISTS, ()),
    ],
    ids=["list", "numbers", "negative", "lists of lists"],
)
def test_names_are_words_or_numbers(tmp_path, text, names):
    (tmp_path / "data.yaml").write_text(text)
    (tmp_path / "images" / "train").mkdir(parents=True)
    found, in_file = find_names(os.fsencode(tmp_path / "images" / "train"))
    assert found == (str(tmp_path / "data.yaml") if names else "")
    assert in_file == names
    if names:
        assert read_names(found) == names
