"""What the query string of a page says: filters, order, page and view."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args
from urllib.parse import parse_qsl, urlencode

from fastphash.base.vocabulary import COPY_KINDS, KINDS
from fastphash.errors import UsageError

Order = Literal["group", "size", "distance", "score"]
#: How groups may be ordered, and what that is called.
ORDERS: dict[Order, str] = {
    "group": "number",
    "size": "size, largest first",
    "distance": "distance, furthest first",
    "score": "score, least alike first",
}
View = Literal["side", "flicker", "difference", "fade", "swipe"]
#: How two images may be shown in one frame.
VIEWS: tuple[View, ...] = get_args(View)

_FLAGS = ("leaks", "undecided", "conflicts")
_BITS = 64
_LONGEST = 200
_LARGEST = 10**9


@dataclass(frozen=True, slots=True)
class Filter:
    """Which groups are wanted, and in which order.

    Attributes
    ----------
    kind : str
        Groups with a copy of this kind, and at such a distance; empty for any.
    least, most : int or None
    split : str
        Groups with an image of this split; empty for any.
    name : str
        Groups with an image whose path has this in it, in whatever case.
    leaks : bool
        Groups with images of several splits.
    undecided : bool
        Groups with a copy that nobody has decided about.
    conflicts : bool
        Groups of images with different labels.
    order : {"group", "size", "distance", "score"}
    """

    kind: str = ""
    least: int | None = None
    most: int | None = None
    split: str = ""
    name: str = ""
    leaks: bool = False
    undecided: bool = False
    conflicts: bool = False
    order: Order = "group"

    def without_decisions(self) -> Self:
        """The same, whatever has been decided or labelled."""
        return replace(self, undecided=False, conflicts=False)


@dataclass(frozen=True, slots=True)
class PageState:
    """The state of a page.

    Attributes
    ----------
    filter : Filter
    page : int
        From 1; of the list of groups, or of one group's copies.
    view : {"side", "flicker", "difference", "fade", "swipe"}
    """

    filter: Filter
    page: int = 1
    view: View = "side"

    @classmethod
    def read(cls, given: Mapping[str, str], splits: list[str]) -> Self:
        """The state that a query string asks for; what it doesn't name is as usual.

        Raises
        ------
        UsageError
            A value that there isn't.
        """
        wanted = Filter(
            kind=_choice(given, "kind", ["", *KINDS]),
            least=_number(given, "least", 0, _BITS),
            most=_number(given, "most", 0, _BITS),
            split=_choice(given, "split", ["", *splits]),
            name=given.get("name", "")[:_LONGEST],
            order=_choice(given, "order", list(ORDERS)),
            **{flag: _choice(given, flag, ["", "1"]) == "1" for flag in _FLAGS},
        )
        page = _number(given, "page", 1, _LARGEST)
        return cls(wanted, page or 1, _choice(given, "view", list(VIEWS)))

    @classmethod
    def parse(cls, text: str, splits: list[str]) -> Self:
        """The state that the text of a query string asks for; errors as of `read`."""
        return cls.read(dict(parse_qsl(text)), splits)

    def text(self, **changes: Any) -> str:
        """The query string, with some of `page` and `view` changed; what is usual is left out."""
        return _encoded(replace(self, **changes))


def _encoded(state: PageState) -> str:
    named: dict[str, Any] = {}
    for field in fields(Filter):
        value = getattr(state.filter, field.name)
        if value != field.default:
            named[field.name] = 1 if value is True else value
    if state.page != 1:
        named["page"] = state.page
    if state.view != "side":
        named["view"] = state.view
    return urlencode(named)


def _choice(given: Mapping[str, str], name: str, choices: list[Any]) -> Any:
    """One of some values, the first where none is given."""
    value = given.get(name) or choices[0]
    if value not in choices:
        known = ", ".join(choice for choice in choices if choice)
        raise UsageError(f"{name}={value!r} is none of {known}")
    return value


def _number(given: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    value = given.get(name)
    if not value:
        return None
    # isdecimal alone takes digits of every script
    if not (value.isascii() and value.isdecimal() and len(value) < 12):
        raise UsageError(f"{name}={value!r} is no number")
    if not least <= int(value) <= most:
        raise UsageError(f"{name}={value} isn't between {least} and {most:,}")
    return int(value)


def shown_kinds(thumbnails: bool) -> tuple[str, ...]:
    """Kinds that copies may have: collisions only where no thumbnails were kept."""
    return COPY_KINDS if thumbnails else KINDS
