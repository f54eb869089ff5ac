"""Answers to requests: pages from templates, pictures, redirects, errors."""

import functools
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from fastphash.base.text import figure, printable
from fastphash.inspector.access import Access
from fastphash.inspector.decisions import CurrentDecisions
from fastphash.inspector.facts import STATUS_WORDS, describe_step, file_size
from fastphash.inspector.page_state import PageState
from fastphash.inspector.previews import Picture
from fastphash.inspector.review import Review

_STATIC_TYPES = {
    "icon.svg": "image/svg+xml",
    "inspector.css": "text/css",
    "inspector.js": "text/javascript",
}


class Responses:
    """Renders the templates.

    Parameters
    ----------
    review : Review
    access : Access
    """

    def __init__(self, review: Review, access: Access) -> None:
        self._review = review
        self._access = access
        self._templates = Environment(
            loader=PackageLoader("fastphash.inspector"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["base"] = access.base
        self._templates.filters |= {"printable": printable, "count": figure, "bytes": file_size}

    def page(
        self, template: str, state: PageState, decisions: CurrentDecisions, **facts: Any
    ) -> Response:
        """A page with the header that all pages have."""
        page = self._templates.get_template(template).render(
            folder=str(self._review.audited.folder),
            state=state,
            decisions=decisions,
            last=describe_step(decisions.last),
            token=self._access.form,
            catalog=self._review.catalog,
            words=STATUS_WORDS,
            outdated=self._review.is_outdated,
            **facts,
        )
        return HTMLResponse(page)

    def redirect(self, path: str, state: PageState, **changes: Any) -> Response:
        """Go on to a page, with its state in the query string, changed."""
        text = state.query_string(**changes)
        path = self._access.base + path
        return RedirectResponse(f"{path}?{text}" if text else path, 303)

    def refuse(self, request: Request, status: int, sentence: str) -> Response:
        """A plain page for a request that isn't let in."""
        return self._message(request, status, sentence)

    def welcome(self, _: Request, url: str) -> Response:
        """A page that goes on to another by itself."""
        return HTMLResponse(self._templates.get_template("welcome.html").render(url=url))

    def no_such_page(self, request: Request, error: Exception) -> Response:
        """The page of an HTTP error: 404, 405 and others."""
        assert isinstance(error, HTTPException)
        sentences = {
            404: "There is no such page.",
            405: "This page takes no such request.",
        }
        sentence = sentences.get(error.status_code, error.detail)
        return self._message(request, error.status_code, sentence, error.headers)

    def wrong_request(self, request: Request, error: Exception) -> Response:
        """The page of a wrong value in a request."""
        return self._message(request, 400, str(error))

    def failed(self, request: Request, error: Exception) -> Response:
        """The page of a damaged file, or one that another process is writing."""
        sentence = str(error)
        if self._review.is_outdated:
            sentence = (
                "The audit is being run again, or has been. Once it is complete, stop fastphash "
                "inspect and start it again."
            )
        return self._message(request, 503, sentence)

    def _message(
        self,
        request: Request,
        status: int,
        sentence: str,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        page = self._templates.get_template("message.html").render(
            title=HTTPStatus(status).phrase,
            sentence=sentence,
            # a link would tell others the secret in our paths
            has_link=self._access.lets_in(request),
        )
        return HTMLResponse(page, status, headers)


def picture_response(picture: Picture, etag: str) -> Response:
    """A picture, to be asked for again each time."""
    return Response(picture.data, media_type=picture.media_type, headers=_cache_headers(etag))


def not_modified(etag: str) -> Response:
    """The answer where the browser has the picture."""
    return Response(status_code=304, headers=_cache_headers(etag))


def _cache_headers(etag: str) -> dict[str, str]:
    # browsers ask again each time: the answer is short, and a file may have changed
    return {"ETag": etag, "Cache-Control": "private, no-cache"}


def static_file(request: Request) -> Response:
    """The style, the script or the icon."""
    name = request.path_params["name"]
    if name not in _STATIC_TYPES:
        raise HTTPException(404)
    return Response(_read_static(name), media_type=_STATIC_TYPES[name])


@functools.cache
def _read_static(name: str) -> bytes:
    return files("fastphash.inspector").joinpath("static", name).read_bytes()
