"""Pages of HTML that show what was found."""

from fastphash.report.page import write_report
from fastphash.report.pairs import write_pairs

__all__ = ["write_pairs", "write_report"]
