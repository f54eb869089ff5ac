"""Names of the categories of a COCO file."""

from collections.abc import Iterable
from typing import Any

from fastphash.base.text import encodable
from fastphash.labels.ids import Ids, ImageId, is_id


class CategoryNames:
    """Names of categories by id, whether it is a number here and a text there.

    Parameters
    ----------
    categories : iterable
        Elements of the array `categories`. Of several with one id the first counts, one without a
        name is called by its id, and what has no id is left out.

    Examples
    --------
    >>> names = CategoryNames([{"id": 1, "name": "dog"}, {"id": 1, "name": "cat"}, {"id": "2"}])
    >>> [names.of(key) for key in (1, "1", 2, 3)]
    ['dog', 'dog', '2', '3']
    """

    def __init__(self, categories: Iterable[Any] = ()) -> None:
        self._names: dict[ImageId, str] = {}
        self.add(categories)

    def add(self, categories: Iterable[Any]) -> None:
        """Add the next elements of the array `categories`."""
        for category in categories:
            if isinstance(category, dict) and is_id(key := category.get("id")):
                name = category.get("name")
                self._names.setdefault(key, encodable(str(key if name is None else name)))
        self._ids, self._ordered = Ids(self._names), list(self._names.values())

    def of(self, key: ImageId) -> str:
        """The name of a category; its id, if the file doesn't list it."""
        place = self._ids.find(key)
        return encodable(str(key)) if place < 0 else self._ordered[place]
