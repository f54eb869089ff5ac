"""What the forms of the pages do: decide, and undo."""

import threading
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fastphash.errors import UsageError
from fastphash.inspector.access import LARGEST_BODY, Access, same_secret
from fastphash.inspector.catalog import Row
from fastphash.inspector.decisions import Verdict
from fastphash.inspector.page_state import PageState, whole_number
from fastphash.inspector.parameters import within
from fastphash.inspector.responses import Responses
from fastphash.inspector.review import Review

_KEEPER_WORDS = ("keeper", "its_keeper")
_PAIR_VERDICTS: dict[str, Verdict] = {"copies": "copies", "not_copies": "not_copies"}
_GROUP_VERDICTS: dict[str, Verdict] = {"all_copies": "copies", "none_copies": "not_copies"}


class Forms:
    """Adds decisions and takes them back, one request at a time.

    Parameters
    ----------
    review : Review
    responses : Responses
    access : Access
    """

    def __init__(self, review: Review, responses: Responses, access: Access) -> None:
        self._responses = responses
        self._catalog = review.catalog
        self._log = review.log
        self._navigation = review.navigation
        self._access = access
        self._writing = threading.Lock()

    async def decide(self, request: Request) -> Response:
        """Add a decision about a pair, an image or a group; go on to the next undecided pair."""
        form = await self._read(request)
        return await run_in_threadpool(self._decide, form)

    async def undo(self, request: Request) -> Response:
        """Take the last decision back, and show what it was about."""
        form = await self._read(request)
        return await run_in_threadpool(self._undo, form)

    async def _read(self, request: Request) -> dict[str, str]:
        """The fields of a form, once its secret is checked."""
        body = (await request.body())[:LARGEST_BODY]
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        if not same_secret(form.get("token", ""), self._access.form):
            raise HTTPException(
                403, "This form is from an inspector that has ended: go back and reload the page."
            )
        return form

    def _decide(self, form: dict[str, str]) -> Response:
        state = PageState.parse(form.get("state", ""), self._catalog.splits)
        word = form.get("decision", "")
        number = whole_number("row", form.get("row"))
        row = self._catalog.row(within(number, self._catalog.rows))
        with self._writing:
            if word in _KEEPER_WORDS:
                chosen = self._log.keeper(row.number if word == "keeper" else row.keeper)
                if row.is_keeper or form.get("back") != "pair":
                    self._log.decide([chosen])
                    return self._show("group", row, state)
                # who keeps one of a pair says that the other is its copy
                self._log.decide([self._log.pair(row.number, "copies"), chosen])
            elif word in _GROUP_VERDICTS:
                self._log.decide(self._log.whole_group(row.group, _GROUP_VERDICTS[word]))
            elif word in _PAIR_VERDICTS and not row.is_keeper:
                self._log.decide([self._log.pair(row.number, _PAIR_VERDICTS[word])])
            else:
                raise UsageError(f"no such decision about this image: {word!r}")
        following = self._navigation.next_undecided(state.filter, row.number)
        if following is None:
            return self._responses.redirect("/", state, page=1)
        if form.get("back") == "group":
            return self._responses.redirect(
                f"/group/{self._catalog.group_of(following)}", state, page=1
            )
        return self._responses.redirect(f"/pair/{following}", state, page=1)

    def _undo(self, form: dict[str, str]) -> Response:
        state = PageState.parse(form.get("state", ""), self._catalog.splits)
        with self._writing:
            shown = self._log.current.last_key
            if form.get("last", shown) != shown:
                raise HTTPException(
                    409,
                    "Something else was decided since this page was loaded: nothing was undone. "
                    "Go back and reload the page.",
                )
            step = self._log.undo()
        images = [image for decision in step for image in decision.images]
        rows = sorted(row for row in self._catalog.find(images).tolist() if row >= 0)
        if not rows:
            return self._responses.redirect("/", state)
        row = self._catalog.row(rows[-1])
        return self._show("pair" if len(set(images)) <= 2 else "group", row, state)

    def _show(self, page: str, row: Row, state: PageState) -> Response:
        """Go on to a row's pair, or to its group."""
        if page == "pair":
            number = row.keeper + 1 if row.is_keeper else row.number
            return self._responses.redirect(f"/pair/{number}", state, page=1)
        return self._responses.redirect(f"/group/{row.group}", state, page=1)
