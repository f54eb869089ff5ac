"""Progress as callers of the library ask for it."""

from itertools import count

import pytest

from fastphash.base.progress import no_progress, shown
from fastphash.errors import UsageError

CELL = """
import time
from fastphash.base.progress import shown

with shown({progress}) as report:
    for done in range(5):
        report("hashing", done + 1, 5)
        time.sleep(0.1)
    # the bar is drawn by a thread of its own, ten times a second if it comes to that
    time.sleep(1)
"""


def test_nothing_is_shown_unless_it_is_asked_for(capsys):
    with shown(False) as report:
        assert report is no_progress
        report("hashing", 1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_callable_is_called():
    calls = []
    with shown(lambda *call: calls.append(call)) as report:
        report("hashing", 1, 2)
    assert calls == [("hashing", 1, 2)]


def test_elsewhere_it_is_a_line_of_text_now_and_then(capsys, monkeypatch):
    seconds = count(step=6)
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    with shown(True) as report:
        for done in range(3):
            report("hashing", done + 1, 3)
    assert capsys.readouterr() == ("", "hashing: 3 of 3 0/s, 0 s left\n")


@pytest.mark.parametrize("progress", ["bar", 1, None])
def test_anything_else_is_refused(progress):
    with pytest.raises(UsageError, match=f"True, False or a callable, not {progress!r}"):
        shown(progress).__enter__()


@pytest.mark.slow
@pytest.mark.parametrize("widgets", [True, False])
def test_in_a_notebook_it_is_a_bar(widgets):
    nbformat, nbclient = map(pytest.importorskip, ("nbformat", "nbclient"))
    pytest.importorskip("ipywidgets")
    hide = "" if widgets else "import sys\nsys.modules['ipywidgets'] = None\n"
    cells = [nbformat.v4.new_code_cell(hide + CELL.format(progress=on)) for on in (True, False)]
    messages = _run_notebook(nbclient, nbformat.v4.new_notebook(cells=cells))
    bars = [text for text in messages[0] if "hashing" in text]
    assert any("5/5" in text for text in bars) == widgets
    assert not [text for text in messages[1] if "━" in text]


def _run_notebook(nbclient, notebook):
    """All that each cell displays, removed again or not, as text."""
    displayed = [[] for _ in notebook.cells]

    class Client(nbclient.NotebookClient):
        def process_message(self, message, cell, index):
            if message["msg_type"] in ("display_data", "stream"):
                displayed[index].append(str(message["content"]))
            return super().process_message(message, cell, index)

    Client(notebook, timeout=100, kernel_name="python3").execute()
    return displayed
