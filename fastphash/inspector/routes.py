"""Which function answers which URL."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from fastphash.base.progress import Progress, no_progress
from fastphash.errors import FastphashError, UsageError
from fastphash.inspector.access import STATIC, Access, Guard
from fastphash.inspector.forms import Forms
from fastphash.inspector.images import Images
from fastphash.inspector.pages import Pages
from fastphash.inspector.responses import Responses, static_file
from fastphash.inspector.review import Review
from fastphash.results.audit_folder import AuditFolder


def make_app(audited: AuditFolder, access: Access, progress: Progress = no_progress) -> Starlette:
    """The inspector of an audit, as an ASGI application.

    Parameters
    ----------
    audited : AuditFolder
    access : Access
        Where it is served, and the secrets that let requests in.
    progress : Progress
        Told how many parts of the store have been read.

    Raises
    ------
    StoreError
        Groups, decisions or label conflicts are damaged.
    """
    review = Review(audited, progress)
    responses = Responses(review, access)
    pages, images = Pages(review, responses), Images(review)
    forms = Forms(review, responses, access)
    return Starlette(
        routes=[
            Mount(
                access.base,
                routes=[
                    Route("/", pages.groups),
                    Route("/group/{number:int}", pages.group),
                    Route("/pair/{row:int}", pages.pair),
                    Route("/image/{row:int}", images.image),
                    Route("/thumbnail/{row:int}", images.thumbnail),
                    Route("/decide", forms.decide, methods=["POST"]),
                    Route("/undo", forms.undo, methods=["POST"]),
                ],
            ),
            Route(STATIC + "{name}", static_file),
        ],
        middleware=[
            Middleware(Guard, access=access, refuse=responses.refuse, welcome=responses.welcome),
        ],
        exception_handlers={
            HTTPException: responses.no_such_page,
            UsageError: responses.wrong_request,
            FastphashError: responses.failed,
        },
    )
