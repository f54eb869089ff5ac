"""What was decided about an audit, without what was decided together."""

from pathlib import Path

from fastphash.results.decisions import Decision, read_steps


def read_decisions(folder: Path) -> list[Decision]:
    """Everything decided about an audit, in order."""
    return [decision for step in read_steps(folder) for decision in step]
