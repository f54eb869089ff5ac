"""The local web page to look at copies and decide about them."""

from fastphash.inspector.app import make_app
from fastphash.inspector.guard import Access, is_loopback
from fastphash.inspector.serve import browser, serve

__all__ = ["Access", "browser", "is_loopback", "make_app", "serve"]
