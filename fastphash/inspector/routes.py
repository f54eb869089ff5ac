"""The pages: what each shows, and what each form does."""

import functools
import threading
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from fastphash.base.vocabulary import KINDS, ORIENTATIONS
from fastphash.errors import FastphashError, StoreError, UsageError
from fastphash.files import atomic
from fastphash.inspector.access import LARGEST_BODY, STATIC, Access, Guard, same
from fastphash.inspector.catalog import Catalog, Progress, Row
from fastphash.inspector.decisions import (
    MOST_TOLD_APART,
    STATUSES,
    Conflicts,
    DecisionLog,
    Guide,
    State,
    Verdict,
)
from fastphash.inspector.page_state import ORDERS, VIEWS, PageState, shown_kinds
from fastphash.inspector.previews import SIDES, TROUBLES, Picture, Pictures
from fastphash.results.audit_folder import SUMMARY, AuditFolder
from fastphash.results.decisions import Decision
from fastphash.sources.base import OutsideError

#: Groups of a page of the list, and copies of a page of a group.
GROUPS_SHOWN = 25
COPIES_SHOWN = 24
# images of a group on the list
_SAMPLES = 6
_FRAME = 8000

_STATIC_TYPES = {"inspector.css": "text/css", "inspector.js": "text/javascript"}
_OF_IMAGES = ("keeper", "its_keeper")
_OF_PAIRS: dict[str, Verdict] = {"copies": "copies", "not_copies": "not_copies"}
_OF_GROUPS: dict[str, Verdict] = {"all_copies": "copies", "none_copies": "not_copies"}
_WORDS = {"copies": "copies", "not_copies": "not copies", "undecided": "undecided"}


def make_app(
    audited: AuditFolder, access: Access | None = None, progress: Progress | None = None
) -> Starlette:
    """The inspector of an audit, as an ASGI application.

    Parameters
    ----------
    audited : AuditFolder
    access : Access, optional
        Where it is served, and the secrets that it takes.
    progress : callable, optional
        Told how much of the store has been read.

    Raises
    ------
    StoreError
        Groups, decisions or label conflicts are damaged.
    """
    access = access or Access("127.0.0.1", 8000)
    pages = _Pages(audited, access, progress)
    return Starlette(
        routes=[
            Route("/", pages.groups),
            Route("/group/{number:int}", pages.group),
            Route("/pair/{row:int}", pages.pair),
            Route("/image/{row:int}", pages.image),
            Route("/thumbnail/{row:int}", pages.thumbnail),
            Route("/decide", pages.decide, methods=["POST"]),
            Route("/undo", pages.undo, methods=["POST"]),
            Route(STATIC + "{name}", _static),
        ],
        middleware=[
            Middleware(Guard, access=access, refuse=pages.refuse, welcome=pages.welcome),
        ],
        exception_handlers={
            HTTPException: pages.no_such_page,
            UsageError: pages.wrong_request,
            FastphashError: pages.failed,
        },
    )


class _Pages:
    """Everything that the pages need; pages are worked out in threads."""

    def __init__(self, audited: AuditFolder, access: Access, progress: Progress | None) -> None:
        self._audited = audited
        self._access = access
        self._catalog = Catalog(audited, progress)
        self._judged = DecisionLog(self._catalog)
        self._conflicts = Conflicts(audited, self._catalog)
        self._guide = Guide(self._catalog, self._judged, self._conflicts)
        self._pictures = Pictures(self._catalog)
        self._writing = threading.Lock()
        self._templates = Environment(
            loader=PackageLoader("fastphash.inspector"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"clean": clean, "count": count, "bytes": in_bytes}
        # a damaged file is told of before the page is served
        _ = self._judged.state

    # what is looked at

    def groups(self, request: Request) -> Response:
        """The list of groups."""
        query = self._query(request)
        found = self._guide.groups(query.filter)
        pages = max(-(-len(found) // GROUPS_SHOWN), 1)
        page = min(query.page, pages)
        shown = found[(page - 1) * GROUPS_SHOWN : page * GROUPS_SHOWN].tolist()
        return self._page(
            "groups.html",
            query=query,
            groups=[self._group_facts(group) for group in shown],
            found=len(found),
            page=page,
            pages=pages,
            kinds=shown_kinds(self._audited.store.layout.thumbnails),
            splits=self._catalog.splits,
            orders=ORDERS,
            conflicts=self._conflicts.there,
        )

    def group(self, request: Request) -> Response:
        """One group: the keeper and its copies."""
        query = self._query(request)
        number = _within(request.path_params["number"], len(self._catalog))
        rows = self._catalog.images(number)
        copies = rows[1:]
        pages = max(-(-len(copies) // COPIES_SHOWN), 1)
        page = min(query.page, pages)
        shown = copies[(page - 1) * COPIES_SHOWN : page * COPIES_SHOWN]
        before, after = self._guide.around(query.filter, number)
        state = self._judged.state
        return self._page(
            "group.html",
            query=query,
            number=number,
            keeper=self._image_facts(rows[0], state),
            copies=[self._image_facts(row, state) for row in shown],
            total=len(copies),
            undecided=int(state.undecided[number]),
            told_apart=len(rows) <= MOST_TOLD_APART,
            chosen=self._row_or_none(int(state.chosen[number])),
            before=before,
            after=after,
            page=page,
            pages=pages,
        )

    def pair(self, request: Request) -> Response:
        """A copy and its keeper in one frame."""
        query = self._query(request)
        row = self._row(request)
        if row.is_keeper:
            raise HTTPException(404)
        rows = self._catalog.images(row.group)
        before, after = self._guide.around(query.filter, row.group)
        state = self._judged.state
        keeper = self._image_facts(row.keeper, state)
        copy = self._image_facts(row.number, state)
        undecided = self._guide.next_undecided(query.filter, row.number)
        for shown in (keeper, copy):
            shown["trouble"] = shown["trouble"] or self._large(shown["row"]).trouble
        return self._page(
            "pair.html",
            query=query,
            row=row,
            keeper=keeper,
            copy=copy,
            place=row.number - rows[0],
            copies=len(rows) - 1,
            chosen=self._row_or_none(int(state.chosen[row.group])),
            previous_pair=row.number - 1 if row.number > rows[1] else None,
            next_pair=row.number + 1 if row.number < rows[-1] else None,
            before=before,
            after=after,
            frame_size=_frame(self._catalog.row(row.keeper)),
            undecided=None if undecided == row.number else undecided,
            views=VIEWS,
        )

    def image(self, request: Request) -> Response:
        """A preview of a row's image."""
        row = self._row(request)
        side, turn = _one_of(request, "side", SIDES), _turn(request)
        try:
            etag = self._pictures.etag(row, side, turn)
            if request.headers.get("if-none-match") == etag:
                return Response(status_code=304, headers=_cached(etag))
            picture = self._pictures.preview(row, side, turn)
        except OutsideError:
            raise HTTPException(404) from None
        return _picture_response(picture, etag)

    def thumbnail(self, request: Request) -> Response:
        """A row's stored thumbnail."""
        row, turn = self._row(request), _turn(request)
        picture = self._pictures.thumbnail(row, turn)
        return _picture_response(picture, f'"{row.image.digest.hex()}-{turn}"')

    # what is done

    async def decide(self, request: Request) -> Response:
        """Add a decision, about a pair, an image or a group, and go on."""
        form = await self._form(request)
        return await run_in_threadpool(self._decide, form)

    async def undo(self, request: Request) -> Response:
        """Take the last decision back, and show what it was about."""
        form = await self._form(request)
        return await run_in_threadpool(self._undo, form)

    def _decide(self, form: dict[str, str]) -> Response:
        query = PageState.parse(form.get("state", ""), self._catalog.splits)
        word = form.get("decision", "")
        row = self._catalog.row(_within(_whole(form.get("row")), self._catalog.rows))
        with self._writing:
            if word in _OF_IMAGES:
                stays = row.number if word == "keeper" else row.keeper
                self._judged.decide([self._judged.keeper(stays)])
                return self._to(form.get("back", ""), row, query)
            if word in _OF_GROUPS:
                self._judged.decide(self._judged.whole_group(row.group, _OF_GROUPS[word]))
            elif word in _OF_PAIRS and not row.is_keeper:
                self._judged.decide([self._judged.pair(row.number, _OF_PAIRS[word])])
            else:
                raise UsageError(f"decision={word!r} is none")
        following = self._guide.next_undecided(query.filter, row.number)
        if following is None:
            return self._see("/", query, page=1)
        if form.get("back") == "group":
            return self._see(f"/group/{self._catalog.group_of(following)}", query, page=1)
        return self._see(f"/pair/{following}", query, page=1)

    def _undo(self, form: dict[str, str]) -> Response:
        query = PageState.parse(form.get("state", ""), self._catalog.splits)
        with self._writing:
            taken = self._judged.undo()
        images = [image for decision in taken for image in decision.images]
        rows = sorted(row for row in self._catalog.find(images).tolist() if row >= 0)
        if not rows:
            return self._see("/", query)
        row = self._catalog.row(rows[-1])
        return self._to("pair" if len(taken) == 1 else "group", row, query)

    def _to(self, where: str, row: Row, query: PageState) -> Response:
        """The page of a row's pair, or of its group."""
        if where == "pair":
            number = row.keeper + 1 if row.is_keeper else row.number
            return self._see(f"/pair/{number}", query, page=1)
        return self._see(f"/group/{row.group}", query, page=1)

    async def _form(self, request: Request) -> dict[str, str]:
        body = (await request.body())[:LARGEST_BODY]
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        if not same(form.get("token", ""), self._access.form):
            raise HTTPException(
                403, "This form is of an inspector that has ended: go back, reload."
            )
        return form

    # what goes wrong

    def refuse(self, _: Request, status: int, sentence: str) -> Response:
        """A plain page for whoever isn't let in."""
        return self._message(status, sentence)

    def welcome(self, _: Request, url: str) -> Response:
        """A page that goes on to another by itself."""
        return HTMLResponse(self._templates.get_template("welcome.html").render(url=url))

    def no_such_page(self, _: Request, error: Exception) -> Response:
        """404 and its like."""
        assert isinstance(error, HTTPException)
        sentences = {404: "There is no such page.", 405: "This page can't be asked that way."}
        sentence = sentences.get(error.status_code, error.detail)
        return self._message(error.status_code, sentence, error.headers)

    def wrong_request(self, _: Request, error: Exception) -> Response:
        """A value that there isn't."""
        return self._message(400, str(error))

    def failed(self, _: Request, error: Exception) -> Response:
        """A damaged file, or one that another process writes."""
        if self._is_outdated():
            return self._message(
                503,
                "The audit is being run again, or has been: once it has ended, end fastphash "
                "inspect and start it again.",
            )
        return self._message(503, str(error))

    def _message(self, status: int, sentence: str, headers: Any = None) -> Response:
        template = self._templates.get_template("message.html")
        title = HTTPStatus(status).phrase
        page = template.render(status=status, title=title, sentence=sentence)
        return HTMLResponse(page, status, headers)

    # what pages are made of

    def _query(self, request: Request) -> PageState:
        return PageState.read(request.query_params, self._catalog.splits)

    def _row(self, request: Request) -> Row:
        return self._catalog.row(_within(request.path_params["row"], self._catalog.rows))

    def _row_or_none(self, row: int) -> Row | None:
        return None if row < 0 else self._catalog.row(row)

    def _page(self, name: str, query: PageState, **facts: Any) -> Response:
        state = self._judged.state
        page = self._templates.get_template(name).render(
            folder=str(self._audited.folder),
            query=query,
            state=state,
            last=self._last(state),
            token=self._access.form,
            catalog=self._catalog,
            words=_WORDS,
            outdated=self._is_outdated(),
            **facts,
        )
        return HTMLResponse(page)

    def _is_outdated(self) -> bool:
        """Whether the audit has been run again since."""
        try:
            summary = atomic.read_json(self._audited.folder / SUMMARY)
        except StoreError:
            return True
        return bool(summary != self._audited.summary)

    def _last(self, state: State) -> str:
        """What undoing takes back, in words; empty for nothing."""
        if not state.last:
            return ""
        if len(state.last) > 1:
            return f"{len(state.last):,} decisions at once: {_WORDS[state.last[0].word]}"
        return describe(state.last[0])

    def _group_facts(self, group: int) -> dict[str, Any]:
        rows = self._catalog.images(group)
        kinds = self._catalog.kind[rows[1] : rows[-1] + 1]
        splits = sorted(set(self._catalog.split[rows[0] : rows[-1] + 1].tolist()))
        state = self._judged.state
        samples = [self._catalog.row(row) for row in rows[:_SAMPLES]]
        return {
            "number": group,
            "samples": [
                {"row": row, "state": self._pictures.state(row), "picture": _url(row, SIDES[0])}
                for row in samples
            ],
            "images": len(rows),
            "more": len(rows) - len(samples),
            "kinds": [KINDS[kind] for kind in sorted(set(kinds.tolist()))],
            "splits": [self._catalog.splits[split] for split in splits],
            "furthest": int(self._catalog.furthest[group]),
            "leaks": len(splits) > 1,
            "conflict": bool(self._conflicts.of_group[group]),
            "undecided": int(state.undecided[group]),
            "first": self._guide.first_undecided(group) or rows[1],
        }

    def _image_facts(self, number: int, state: State) -> dict[str, Any]:
        row = self._catalog.row(number)
        found = self._pictures.state(row, thoroughly=True)
        outside = found == "outside"
        return {
            "row": row,
            "trouble": TROUBLES[found] if found != "there" else "",
            "plain": _url(row, SIDES[1], 0, stored=outside),
            "turned": _url(row, SIDES[1], row.orientation, stored=outside),
            "large": _url(row, SIDES[-1], row.orientation, stored=outside),
            "status": STATUSES[state.status[number]],
            "stays": state.chosen[row.group] == number,
            "labels": self._conflicts.of_row(number),
        }

    def _large(self, row: Row) -> Picture:
        """What the browser asks for next, made now to know whether it can be shown."""
        return self._pictures.preview(row, SIDES[-1], row.orientation)

    def _see(self, path: str, query: PageState, **changes: Any) -> Response:
        text = query.text(**changes)
        return RedirectResponse(f"{path}?{text}" if text else path, 303)


def describe(decision: Decision) -> str:
    """A decision in words."""
    names = [
        f"{image.split}/{clean(image.path.decode(errors='replace'))}" for image in decision.images
    ]
    if decision.word == "keeper":
        return f"{names[0]} stays"
    return f"{names[0]} and {names[1]}: {_WORDS[decision.word]}"


def clean(text: str) -> str:
    """Text without what would move other text about."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def count(number: int) -> str:
    """1234 as 1,234."""
    return f"{number:,}"


def in_bytes(size: int) -> str:
    """A size of a file as people say it."""
    if size < 1000:
        return f"{size} bytes"
    amount, unit = float(size), "kB"
    for unit in ("kB", "MB", "GB"):  # noqa: B007 - the last is looked at
        amount /= 1000
        if amount < 1000:
            break
    return f"{amount:.3g} {unit}"


def _static(request: Request) -> Response:
    """A file of ours, by one of three names."""
    name = request.path_params["name"]
    if name not in _STATIC_TYPES:
        raise HTTPException(404)
    return Response(_static_file(name), media_type=_STATIC_TYPES[name])


@functools.cache
def _static_file(name: str) -> bytes:
    return files("fastphash.inspector").joinpath("static", name).read_bytes()


def _frame(keeper: Row) -> tuple[int, int]:
    """Width and height in the shape of a keeper, larger than any screen."""
    largest = max(keeper.width, keeper.height)
    if not keeper.width or not keeper.height:
        return _FRAME, _FRAME
    return (
        max(keeper.width * _FRAME // largest, 1),
        max(keeper.height * _FRAME // largest, 1),
    )


def _url(row: Row, side: int, turn: int = 0, *, stored: bool = False) -> str:
    if stored:
        return f"/thumbnail/{row.number}?turn={turn}"
    return f"/image/{row.number}?side={side}&turn={turn}"


def _picture_response(picture: Picture, etag: str) -> Response:
    return Response(picture.data, media_type=picture.media_type, headers=_cached(etag))


def _cached(etag: str) -> dict[str, str]:
    # asked for again each time: the answer is short, and a file may have changed
    return {"ETag": etag, "Cache-Control": "private, no-cache"}


def _within(number: int, end: int) -> int:
    if not 0 <= number < end:
        raise HTTPException(404)
    return number


def _whole(text: str | None) -> int:
    if not (text and text.isascii() and text.isdecimal() and len(text) < 12):
        raise UsageError(f"row={text!r} is no number")
    return int(text)


def _one_of(request: Request, name: str, choices: tuple[int, ...]) -> int:
    value = request.query_params.get(name, str(choices[0]))
    if value not in map(str, choices):
        raise UsageError(f"{name}={value!r} is none of {', '.join(map(str, choices))}")
    return int(value)


def _turn(request: Request) -> int:
    return _one_of(request, "turn", tuple(range(len(ORIENTATIONS))))
