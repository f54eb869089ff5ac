"""Figures, by matplotlib."""

from pathlib import Path
from typing import Any


def load_pyplot() -> Any:
    """``matplotlib.pyplot``, set up to draw into files."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise SystemExit("--plot needs matplotlib: pip install 'fastphash[bench]'") from None
    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "fastphash", "axes.grid": True, "grid.alpha": 0.3})
    from matplotlib import pyplot as plt

    return plt


def save_figure(figure: Any, path: Path) -> None:
    """Write PATH.png and PATH.svg; equal figures give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(f"{path}.png", dpi=150)
    figure.savefig(f"{path}.svg", metadata={"Date": None})
