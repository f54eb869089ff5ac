"""Ids in COCO files: whole numbers by the format, texts or fractions in some files."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

ImageId = int | float | str

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}(\.0*)?", re.ASCII)


def is_id(value: Any) -> TypeGuard[ImageId]:
    """Whether a value can be an id: a text, or a finite number."""
    kind = type(value)
    return kind is int or kind is str or (kind is float and math.isfinite(value))


class Ids:
    """The place of each id in a list, whether it is written as a number or as a text.

    An id is looked up as it is. If the list lacks it, the one id of the same number counts: 7,
    "7" and "007" mean one another.

    Parameters
    ----------
    ids : iterable
        Of two equal ones the first counts; what is no id, such as None, has no place.

    Examples
    --------
    >>> ids = Ids(["1", 2, "03", 3])
    >>> [ids.find(key) for key in ("1", 1, "2", 3, "0003", None)]
    [0, 0, 1, 3, -1, -1]
    """

    def __init__(self, ids: Iterable[Any]) -> None:
        self._place: dict[ImageId, int] = {}
        for place, key in enumerate(ids):
            if is_id(key):
                self._place.setdefault(key, place)
        self._of_number: Mapping[int, int] | None = None

    def __contains__(self, key: object) -> bool:
        return is_id(key) and key in self._place

    def __len__(self) -> int:
        return len(self._place)

    def find(self, key: Any) -> int:
        """The place of an id, or -1."""
        if not is_id(key):
            return -1
        place = self._place.get(key)
        if place is None:
            number = _whole_number(key)
            place = -1 if number is None else self._numbers().get(number, -1)
        return place

    def _numbers(self) -> Mapping[int, int]:
        """The place of each number; -1 if several ids have it."""
        if self._of_number is None:
            places: dict[int, int] = {}
            for key, place in self._place.items():
                number = _whole_number(key)
                if number is not None:
                    places[number] = -1 if number in places else place
            self._of_number = places
        return self._of_number


def _whole_number(key: ImageId) -> int | None:
    if isinstance(key, str):
        return int(key.partition(".")[0]) if _WHOLE_NUMBER.fullmatch(key) else None
    return int(key) if key == int(key) else None
