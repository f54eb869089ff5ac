"""The images that pages ask for."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fastphash.inspector.parameters import choice_of, row_of, turn_of
from fastphash.inspector.previews import SIDES
from fastphash.inspector.responses import not_modified, picture_response
from fastphash.inspector.review import Review
from fastphash.sources.protocol import OutsideError


class Images:
    """Previews and thumbnails of rows; each is made in a thread.

    Parameters
    ----------
    review : Review
    """

    def __init__(self, review: Review) -> None:
        self._catalog = review.catalog
        self._previews = review.previews

    def image(self, request: Request) -> Response:
        """A preview of a row's image."""
        row = row_of(request, self._catalog)
        side, turn = choice_of(request, "side", SIDES), turn_of(request)
        try:
            etag = self._previews.etag(row, side, turn)
            if request.headers.get("if-none-match") == etag:
                return not_modified(etag)
            picture = self._previews.preview(row, side, turn)
        except OutsideError:
            raise HTTPException(404) from None
        return picture_response(picture, etag)

    def thumbnail(self, request: Request) -> Response:
        """A row's stored thumbnail."""
        row, turn = row_of(request, self._catalog), turn_of(request)
        picture = self._previews.thumbnail(row, turn)
        return picture_response(picture, f'"{row.image.digest.hex()}-{turn}"')
