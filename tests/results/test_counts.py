"""The kinds that copies count as."""

import numpy as np
import pytest

from fastphash.base.vocabulary import AUGMENTED, EXACT, IDENTICAL, NEAR
from fastphash.results.counts import counted_kinds


def counted(kind, keeper, contents):
    contents = (
        None
        if contents is None
        else np.array(contents, np.uint64).reshape(len(kind), -1 if kind else 1)
    )
    found = counted_kinds(np.array(kind, np.uint8), np.array(keeper, np.int64), contents)
    assert found.dtype == np.uint8
    return found.tolist()


@pytest.mark.parametrize(
    ("keeper", "contents", "repeats"),
    [
        ([0, 0, 0], [5, 5, 5], [1, 2]),
        ([0, 0, 0], [5, 6, 5], [2]),
        # the same bytes with another keeper are no repeat
        ([0, 1, 0], [5, 5, 5], [2]),
        ([0, 1, 2], [5, 5, 5], []),
        ([0, 0], [[5, 1], [5, 2]], []),
        ([0, 0, 0], None, []),
        ([], [], []),
    ],
)
def test_a_copy_with_the_bytes_of_an_earlier_one_counts_as_identical(keeper, contents, repeats):
    kind = [EXACT, AUGMENTED, NEAR][: len(keeper)]
    wanted = [IDENTICAL if i in repeats else code for i, code in enumerate(kind)]
    assert counted(kind, keeper, contents) == wanted
