"""Which hashes of rows meet in a join, where rows may have hashes of several orientations.

The distance of rows a and b is the least over T of d(hash_T(a), hash(b)) and d(hash(a),
hash_T^-1(b)). So the hashes of all orientations of one side are searched in the upright hashes of
the other, and the other way round, as in `fastphash.joins.oriented`.
"""

from typing import NamedTuple

_UPRIGHT = (0,)


class Search(NamedTuple):
    """Hashes that meet: of some orientations on the left, and of some on the right.

    Attributes
    ----------
    number : int
        Of the search in its join.
    left, right : tuple of int
        Orientations; without `right`, pairs of two left hashes are searched.
    """

    number: int
    left: tuple[int, ...]
    right: tuple[int, ...] = ()

    @property
    def is_across(self) -> bool:
        """Whether pairs have a left and a right hash."""
        return bool(self.right)


def searches_of(left: tuple[int, ...], right: tuple[int, ...] | None) -> list[Search]:
    """The searches of a join of rows that have these orientations; within one side without `right`.

    >>> searches_of((0, 1), None)
    [Search(number=0, left=(0,), right=()), Search(number=1, left=(1,), right=(0,))]
    """
    turned = tuple(t for t in (left if right is None else right) if t)
    if right is None:
        searched = [(_UPRIGHT, ()), (turned, _UPRIGHT)]
    elif left == _UPRIGHT:
        searched = [(_UPRIGHT, right)]
    else:
        searched = [(left, _UPRIGHT), (_UPRIGHT, turned)]
    some = [(one, other) for one, other in searched if one and (other or right is None)]
    return [Search(number, *columns) for number, columns in enumerate(some)]
