"""Curves as SVG, drawn without a library."""

import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fastphash.files import atomic

_WIDTH, _HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 34, 46
_COLOUR = "#1f6feb"
_STYLE = "font: 12px sans-serif; fill: #222"


class Panel(NamedTuple):
    """A curve with a band around it; its values are shares, 0 to 1.

    Attributes
    ----------
    title, x_label : str
    x : sequence of float
        Ascending.
    y, lower, upper : sequence of float
        The curve, and the edges of its band.
    ticks : sequence of float
        Marks of the x axis; the first and the last are its ends.
    mark : float, optional
        Where on the x axis a dashed line stands.
    """

    title: str
    x_label: str
    x: Sequence[float]
    y: Sequence[float]
    lower: Sequence[float]
    upper: Sequence[float]
    ticks: Sequence[float]
    mark: float | None = None


def write_curves(
    path: "str | os.PathLike[str]", panels: Sequence[Panel], *, overwrite: bool = True
) -> None:
    """Write panels side by side as one SVG file.

    `overwrite` and errors as for `atomic.replacing`.
    """
    width = _WIDTH * len(panels)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" '
            f'width="{width}" height="{_HEIGHT}" role="img" style="{_STYLE}">'
        ),
        f"<title>{html.escape('; '.join(panel.title for panel in panels))}</title>",
        f'<rect width="{width}" height="{_HEIGHT}" fill="#fff"/>',
    ]
    for i, panel in enumerate(panels):
        lines += [f'<g transform="translate({i * _WIDTH} 0)">', *_draw(panel), "</g>"]
    with (
        atomic.replacing(Path(path), overwrite=overwrite) as temporary,
        open(temporary, "w", encoding="utf-8") as file,
    ):
        file.write("\n".join([*lines, "</svg>", ""]))


def _draw(panel: Panel) -> list[str]:
    low, high = panel.ticks[0], panel.ticks[-1]
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def x_of(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (right - _LEFT)

    def y_of(share: float) -> float:
        return bottom - share * (bottom - _TOP)

    def points(values: Sequence[float]) -> list[str]:
        return [f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in zip(panel.x, values, strict=True)]

    lines = [f'<text x="{_LEFT}" y="18" font-weight="bold">{html.escape(panel.title)}</text>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = y_of(share)
        lines += [
            f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#ddd"/>',
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>',
        ]
    lines += [
        f'<text x="{x_of(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>'
        for tick in panel.ticks
    ]
    middle = (_LEFT + right) / 2
    lines.append(
        f'<text x="{middle:.1f}" y="{bottom + 36}" text-anchor="middle">'
        f"{html.escape(panel.x_label)}</text>"
    )
    band = [*points(panel.lower), *reversed(points(panel.upper))]
    lines += [
        f'<polygon points="{" ".join(band)}" fill="{_COLOUR}" opacity="0.15"/>',
        (
            f'<polyline points="{" ".join(points(panel.y))}" fill="none" stroke="{_COLOUR}" '
            'stroke-width="2"/>'
        ),
    ]
    if panel.mark is not None:
        x = x_of(panel.mark)
        lines.append(f'<path d="M{x:.1f} {_TOP}V{bottom}" stroke="#222" stroke-dasharray="4 3"/>')
    return lines
