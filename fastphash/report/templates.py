"""The templates of this package's pages, each page with its style and script inside."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from fastphash.base.text import about, count, display_name, figure, share, visible
from fastphash.base.vocabulary import ORIENTATIONS


@cache
def template(name: str) -> jinja2.Template:
    """One of the templates."""
    folder = files(__package__)
    style, script = (folder.joinpath(f"page.{end}").read_text("utf-8") for end in ("css", "js"))
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text("utf-8")),
        autoescape=True,
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "name": display_name,
        "figure": figure,
        "count": count,
        "share": share,
        "about": about,
    }
    environment.globals |= {
        "orientations": ORIENTATIONS,
        # a browser runs only a style and a script with these digests
        "style": Markup(style),  # noqa: S704 - a file of this package
        "script": Markup(script),  # noqa: S704 - as above
        "style_digest": _digest(style),
        "script_digest": _digest(script),
    }
    return environment.get_template(name)


def _finalize(value: Any) -> Any:
    """The value of an expression, its control characters escaped; markup is the package's own."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return value


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
