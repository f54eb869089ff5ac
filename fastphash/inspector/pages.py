"""What each page shows: the list of groups, a group, a pair."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fastphash.inspector.catalog import Row
from fastphash.inspector.decisions import MOST_NOT_COPIES
from fastphash.inspector.facts import group_facts, image_facts
from fastphash.inspector.frames import keeper_frame, pair_frames
from fastphash.inspector.page_state import ORDERS, VIEWS, PageState, shown_kinds
from fastphash.inspector.parameters import row_of, within
from fastphash.inspector.previews import SIDES
from fastphash.inspector.responses import Responses
from fastphash.inspector.review import Review

#: Groups on a page of the list, and copies on a page of a group.
GROUPS_SHOWN = 25
COPIES_SHOWN = 24


class Pages:
    """The pages to look at; each is made in a thread.

    Parameters
    ----------
    review : Review
    responses : Responses
    """

    def __init__(self, review: Review, responses: Responses) -> None:
        self._review = review
        self._responses = responses

    def groups(self, request: Request) -> Response:
        """The list of groups."""
        review = self._review
        state = self._state(request)
        decisions = review.log.current
        groups = review.navigation.groups(state.filter)
        page, pages = _page_of(state, len(groups), GROUPS_SHOWN)
        shown = groups[(page - 1) * GROUPS_SHOWN : page * GROUPS_SHOWN].tolist()
        return self._responses.page(
            "groups.html",
            state,
            decisions,
            groups=[group_facts(review, decisions, group) for group in shown],
            total=len(groups),
            page=page,
            pages=pages,
            kinds=shown_kinds(review.audited.store.layout.thumbnails),
            splits=review.catalog.splits,
            orders=ORDERS,
            algorithm=review.audited.algorithm,
            has_conflicts=review.conflicts.exist,
        )

    def group(self, request: Request) -> Response:
        """One group: the keeper and its copies."""
        review = self._review
        state = self._state(request)
        decisions = review.log.current
        number = within(request.path_params["number"], len(review.catalog))
        keeper, *copies = review.catalog.images(number)
        page, pages = _page_of(state, len(copies), COPIES_SHOWN)
        shown = copies[(page - 1) * COPIES_SHOWN : page * COPIES_SHOWN]
        facts = [image_facts(review, decisions, row) for row in shown]
        before, after = review.navigation.neighbours(state.filter, number)
        return self._responses.page(
            "group.html",
            state,
            decisions,
            number=number,
            keeper=image_facts(review, decisions, keeper),
            keeper_frame=keeper_frame(review.catalog.row(keeper), [one["row"] for one in facts]),
            copies=facts,
            total=len(copies),
            undecided=int(decisions.undecided[number]),
            may_reject_all=len(copies) < MOST_NOT_COPIES,
            chosen=self._row_or_none(int(decisions.chosen[number])),
            before=before,
            after=after,
            page=page,
            pages=pages,
        )

    def pair(self, request: Request) -> Response:
        """A copy and its keeper in one frame."""
        review = self._review
        state = self._state(request)
        decisions = review.log.current
        row = row_of(request, review.catalog)
        if row.is_keeper:
            raise HTTPException(404)
        rows = review.catalog.images(row.group)
        before, after = review.navigation.neighbours(state.filter, row.group)
        undecided = review.navigation.next_undecided(state.filter, row.number)
        keeper = image_facts(review, decisions, row.keeper)
        copy = image_facts(review, decisions, row.number)
        for image in (keeper, copy):
            image["trouble"] = image["trouble"] or self._preview_trouble(image["row"])
        return self._responses.page(
            "pair.html",
            state,
            decisions,
            row=row,
            keeper=keeper,
            copy=copy,
            place=row.number - rows[0],
            copies=len(rows) - 1,
            chosen=self._row_or_none(int(decisions.chosen[row.group])),
            previous_pair=row.number - 1 if row.number > rows[1] else None,
            next_pair=row.number + 1 if row.number < rows[-1] else None,
            before=before,
            after=after,
            frames=pair_frames(keeper["row"], row),
            undecided=None if undecided == row.number else undecided,
            views=VIEWS,
        )

    def _state(self, request: Request) -> PageState:
        return PageState.read(request.query_params, self._review.catalog.splits)

    def _row_or_none(self, row: int) -> Row | None:
        return None if row < 0 else self._review.catalog.row(row)

    def _preview_trouble(self, row: Row) -> str:
        """Why the large preview can't be shown; the browser asks for the same one next."""
        return self._review.previews.preview(row, SIDES[-1], row.orientation).trouble


def _page_of(state: PageState, entries: int, shown: int) -> tuple[int, int]:
    """The wanted page, or the last, and how many there are with so many entries shown on each."""
    pages = max(-(-entries // shown), 1)
    return min(state.page, pages), pages
