"""Ids as numbers and as texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.labels.ids import Ids, is_id


@given(st.lists(st.integers(-(10**17), 10**17) | st.text(max_size=4), unique=True))
def test_every_id_is_found_as_it_is(keys):
    ids = Ids(keys)
    assert [ids.find(key) for key in keys] == list(range(len(keys)))
    assert all(key in ids for key in keys)


@given(st.integers(-(10**17), 10**17))
def test_a_number_is_its_text(number):
    assert Ids([None, number]).find(str(number)) == 1
    assert Ids([str(number)]).find(number) == 0
    assert Ids([f"{number}.0"]).find(number) == 0
    assert str(number) not in Ids([number])


@pytest.mark.parametrize(
    ("keys", "key", "place"),
    [
        (["1", 2], 1, 0),
        (["001"], "1", 0),
        (["1", "01"], 1, -1),
        ([1, "01"], "001", -1),
        ([1, "01"], "01", 1),
        ([1.0], "1", 0),
        ([1.5], "1.5", -1),
        ([1, 1], 1, 0),
        (["a"], "A", -1),
        (["", " 1"], 1, -1),
        (["\u0661"], 1, -1),
        ([10**400], "9" * 400, -1),
        ([1, True, [1]], [1], -1),
        ([None], None, -1),
    ],
)
def test_another_form_counts_if_it_is_the_only_one(keys, key, place):
    assert Ids(keys).find(key) == place


@pytest.mark.parametrize("value", [None, True, [1], {}, float("nan"), float("inf")])
def test_what_is_no_id(value):
    assert not is_id(value)
    assert value not in Ids([value])
