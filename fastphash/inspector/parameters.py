"""Values of requests, checked."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.errors import UsageError
from fastphash.inspector.catalog import Catalog, Row


def row_of(request: Request, catalog: Catalog) -> Row:
    """The row that the path of a request names; HTTPException 404 if there is none."""
    return catalog.row(within(request.path_params["row"], catalog.rows))


def within(number: int, end: int) -> int:
    """A number from 0 to `end` - 1; HTTPException 404 for others."""
    if not 0 <= number < end:
        raise HTTPException(404)
    return number


def choice_of(request: Request, name: str, choices: tuple[int, ...]) -> int:
    """A value of the query string, the first of its choices by default.

    Raises
    ------
    UsageError
        It is none of the choices.
    """
    value = request.query_params.get(name, str(choices[0]))
    if value not in map(str, choices):
        raise UsageError(f"{name}={value!r} is none of {', '.join(map(str, choices))}")
    return int(value)


def turn_of(request: Request) -> int:
    """The orientation of the query string, 0 by default; UsageError as of `choice_of`."""
    return choice_of(request, "turn", tuple(range(len(ORIENTATIONS))))
