from fastphash.cluster.searches import uses_of, wanted_by
from fastphash.external.searches import searches_of

UPRIGHT, EVERY = (0,), tuple(range(8))
OTHERS = EVERY[1:]


def uses_between(left, right):
    return [uses_of(one, 1 if right is None else 2) for one in searches_of(left, right)]


def test_every_turned_column_is_searched_in_the_upright_one_of_the_other_side():
    assert uses_between(UPRIGHT, None) == [{0: [(0, UPRIGHT)]}]
    assert uses_between(UPRIGHT, UPRIGHT) == [{0: [(0, UPRIGHT)], 1: [(1, UPRIGHT)]}]
    assert uses_between(EVERY, None) == [
        {0: [(0, UPRIGHT)]},
        {0: [(0, OTHERS), (1, UPRIGHT)]},
    ]
    assert uses_between(UPRIGHT, EVERY) == [{0: [(0, UPRIGHT)], 1: [(1, EVERY)]}]
    assert uses_between(EVERY, UPRIGHT) == [{0: [(0, EVERY)], 1: [(1, UPRIGHT)]}]
    assert uses_between(EVERY, EVERY) == [
        {0: [(0, EVERY)], 1: [(1, UPRIGHT)]},
        {0: [(0, UPRIGHT)], 1: [(1, OTHERS)]},
    ]


def test_tasks_read_the_columns_that_some_search_takes():
    assert wanted_by(uses_between(UPRIGHT, None)) == {0: UPRIGHT}
    assert wanted_by(uses_between(EVERY, None)) == {0: EVERY}
    assert wanted_by(uses_between(UPRIGHT, (0, 3))) == {0: UPRIGHT, 1: (0, 3)}
    assert wanted_by(uses_between((0, 3), (0, 3))[1:]) == {0: UPRIGHT, 1: (3,)}
