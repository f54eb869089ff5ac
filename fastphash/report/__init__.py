"""One page of HTML that shows what an audit found."""

from fastphash.report.page import write_report

__all__ = ["write_report"]
