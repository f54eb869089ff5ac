"""`fastphash calibrate`."""

import click

from fastphash.cli import options
from fastphash.cli.file_options import OutputFile
from fastphash.cli.hash_quality import ComparedOptions, compare_options
from fastphash.cli.option_groups import SearchOptions, gather
from fastphash.cli.option_values import PRECISION
from fastphash.cli.signals import handle_signals
from fastphash.defaults import CALIBRATED_PAIRS
from fastphash.defaults import PRECISION as DEFAULT_PRECISION


@click.command("calibrate")
@click.argument("store")
@options.radius_option(
    None,
    "Largest Hamming distance of a pair.  [default: the largest at which an image has ten pairs "
    "by chance]",
)
@click.option(
    "--precision",
    type=PRECISION,
    default=DEFAULT_PRECISION,
    show_default=True,
    metavar="SHARE",
    help="Recommend thresholds at which this share of pairs are copies.",
)
@click.option(
    "--max-pairs",
    type=click.IntRange(min=1),
    default=CALIBRATED_PAIRS,
    metavar="N",
    help="Look at no more pairs than this. If there are more, the pairs of a sample of images are "
    f"used.  [default: {CALIBRATED_PAIRS:,}]",
)
@options.file_option("SVG file for the shares of copies, as curves.", required=False)
@options.search_options
@compare_options
@options.json_option
@gather(output=OutputFile, search=SearchOptions, reading=ComparedOptions)
def calibrate(
    store: str,
    radius: int | None,
    precision: float,
    max_pairs: int,
    output: OutputFile,
    search: SearchOptions,
    reading: ComparedOptions,
    as_json: bool,
) -> None:
    """Estimate how many near pairs in a store are copies, and how many are near by chance.

    No table of true copies is needed: the documentation says what is assumed instead. STORE may
    be STORE@SPLIT, or a table with path and hashes.

    \b
    Example:
      fastphash calibrate audit/hashes -o calibration.svg
    """
    output.check(".svg")
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.cli.output import show_json
    from fastphash.cli.output_calibrate import show_calibration
    from fastphash.evaluation import calibrate as calibration
    from fastphash.evaluation.svg import write_curves

    handle_signals()
    rows = reading.read(store)
    with ProgressScreen() as progress:
        result = calibration.calibrate(
            rows,
            radius,
            max_pairs=max_pairs,
            options=search.join(progress),
            progress=progress,
        )
    algorithm = {"hash": rows.algorithm.name, "bits": rows.algorithm.bits}
    summary = algorithm | result.summary(precision)
    if output.path is not None and (panels := result.panels(precision)):
        write_curves(output.path, panels, overwrite=output.overwrite)
    elif output.path is not None:
        click.echo(
            f"Without pairs there is nothing to draw: {output.path} wasn't written", err=True
        )
    if as_json:
        show_json(summary)
    else:
        show_calibration(summary, store, named=reading.hash is not None)
