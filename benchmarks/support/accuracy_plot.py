"""The figure of the benchmark of edited copies."""

import math
from typing import Any

import numpy as np

from benchmarks.support.accuracy_report import mean, percent
from benchmarks.support.methods import ALONE, CROP_RESISTANT, PRECISION, VERIFIED, VIEWS
from benchmarks.support.mixes import EDITS


def draw_accuracy(plt: Any, methods: dict[str, Any]) -> Any:
    """Recall by kind of edit on the left, precision against recall on the right.

    `methods` is that of one mix in the JSON report.
    """
    figure, (kinds, curves) = plt.subplots(
        1, 2, figsize=(14, 7.5), layout="constrained", width_ratios=(1.25, 1)
    )
    _draw_kinds(kinds, methods)
    for i, (name, method) in enumerate(methods.items()):
        precision, recall = (100 * np.array(method[what]) for what in ("precision", "recall"))
        ours = name in {ALONE, VERIFIED, VIEWS}
        curves.plot(
            recall[recall > 0],
            precision[recall > 0],
            color=f"C{i}",
            linewidth=2.4 if ours else 1.2,
            linestyle="-" if ours else "--",
            label=f"{name}: {percent(method['overall'])} %",
        )
    curves.axhline(100 * PRECISION, color="black", linewidth=0.8, linestyle=":")
    curves.set(xlabel="recall (%)", ylabel="precision (%)", xlim=(0, 100), ylim=(0, 101))
    curves.set_title("Over the whole benchmark")
    curves.legend(loc="lower left", title="recall at 99 % precision")
    return figure


def _draw_kinds(axes: Any, methods: dict[str, Any]) -> None:
    measured = next(iter(methods.values()))["by_edit"]
    edits = [edit for edit in EDITS if edit.name in measured]
    kinds = list(dict.fromkeys(edit.kind for edit in edits))
    grades = [[edit.name for edit in edits if edit.kind == kind] for kind in kinds]
    cells = np.array(
        [
            [100 * mean({name: m["by_edit"][name] for name in names}) for m in methods.values()]
            for names in grades
        ]
    )
    axes.imshow(cells, cmap="YlGnBu", vmin=0, vmax=130, aspect="auto")
    style = {"ha": "center", "va": "center", "fontsize": 9}
    for (row, column), cell in np.ndenumerate(cells):
        text = "-" if math.isnan(cell) else f"{cell:.0f}"
        axes.text(column, row, text, color="white" if cell > 85 else "black", **style)
    axes.set_xticks(range(len(methods)), methods)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    axes.set_title("Copies found at 99 % precision (%), mean over grades")
    if CROP_RESISTANT in methods:
        axes.set_xlabel("crops: ImageHash's crop-resistant hash, on a smaller data set")
