"""The options that benchmarks share."""

import argparse
from pathlib import Path


def make_parser(
    docstring: str | None,
    *,
    count: int | None = None,
    rounds: int | None = None,
    warmed: bool = False,
    shards: int | None = None,
) -> argparse.ArgumentParser:
    """A parser whose help is the benchmark's docstring.

    Parameters
    ----------
    docstring : str
    count : int, optional
        Adds ``--photos`` and ``--count``, with this default.
    rounds : int, optional
        Adds ``--rounds``, with this default.
    warmed : bool
        Whether a warm-up comes before the rounds, so that there may be none: `time_in_turn`.
    shards : int, optional
        Adds ``--shards``, with this default.
    """
    parser = argparse.ArgumentParser(
        description=docstring, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if count is not None:
        parser.add_argument(
            "--photos",
            type=existing_folder,
            nargs="+",
            action="extend",
            default=[],
            metavar="FOLDER",
            help="folders of photos to cut images from (default: scenes are drawn)",
        )
        parser.add_argument(
            "--count",
            type=positive_number,
            default=count,
            help="number of images (default: %(default)s)",
        )
    if rounds is not None:
        parser.add_argument(
            "--rounds",
            type=whole_number if warmed else positive_number,
            default=rounds,
            help="how often each rival is timed (default: %(default)s)"
            + ("; 0: once, without a warm-up" if warmed else ""),
        )
    if shards is not None:
        parser.add_argument(
            "--shards",
            type=positive_number,
            default=shards,
            help="files of each kind (default: %(default)s)",
        )
    return parser


def existing_folder(text: str) -> Path:
    folder = Path(text)
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"no folder {text!r}")
    return folder


def positive_number(text: str) -> int:
    return _number_from(1, text)


def whole_number(text: str) -> int:
    return _number_from(0, text)


def _number_from(least: int, text: str) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"must be a number from {least} on, not {text!r}")
    return int(text)
