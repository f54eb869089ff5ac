"""Progress on stderr: a bar on a terminal or in a notebook, a line now and then elsewhere."""

import time
from importlib.util import find_spec
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from fastphash.base.terminal import console

# without a bar, progress is a line of text this often
_SECONDS_BETWEEN_LINES = 10.0


class ProgressScreen:
    """Shows progress(stage, done, total).

    In a notebook the bar is a widget, as long as the work takes: it needs ipywidgets.
    """

    def __init__(self) -> None:
        self._console = console(stderr=True)
        has_widgets = self._console.is_jupyter and find_spec("ipywidgets") is not None
        self._live = self._console.is_terminal or has_widgets
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._stage = ""
        self._stage_began = 0.0
        self._last_line = 0.0

    def __enter__(self) -> Self:
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Remove the bar."""
        if self._live:
            self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done; a `total` of 0 is not known yet."""
        now = time.monotonic()
        if stage != self._stage:
            self._begin_stage(stage, now)
        seconds = now - self._stage_began
        rate = f"{done / seconds:,.0f}/s" if stage == "hashing" and seconds > 0.5 else ""
        if self._live and self._task is not None:
            self._bar.update(self._task, completed=done, total=total or None, rate=rate)
        elif now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            of_total = f" of {total:,}" if total else ""
            left = f", {(total - done) * seconds / done:,.0f} s left" if total and done else ""
            line = f"{stage}: {done:,}{of_total}{f' {rate}' if rate else ''}{left}"
            self._console.print(line, highlight=False, soft_wrap=True)

    def _begin_stage(self, stage: str, now: float) -> None:
        self._stage, self._stage_began, self._last_line = stage, now, now
        if self._live:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(stage, total=None, rate="")
