"""`fastphash evaluate`."""

from pathlib import Path

import click

from fastphash.cli import options
from fastphash.cli.option_groups import EvaluationFolder, JudgedPairsOptions, SearchOptions, gather
from fastphash.cli.option_values import FILE, FOLDER, parse_folder
from fastphash.cli.signals import handle_signals
from fastphash.defaults import SHOWN_PAIRS


@click.command("evaluate")
@options.audit_argument
@click.argument("truth", metavar="TRUTH", type=FILE)
@click.option(
    "-o",
    "--output",
    "path",
    type=FOLDER,
    callback=parse_folder,
    metavar="FOLDER",
    help="Folder for figures, pairs, curves and a page of unlisted pairs. An evaluation in it is "
    "replaced.  [default: OUT/evaluation]",
)
@click.option(
    "--overwrite", is_flag=True, help="Write into FOLDER even if it holds something else."
)
@options.radius_option(
    None, "Evaluate as if this were the audit's radius.  [default: the audit's own]"
)
@click.option(
    "--complete",
    is_flag=True,
    help="TRUTH lists all copies: judge pairs of all splits, also where it lists none.",
)
@options.max_pairs_option("Stop if there are more candidates than this.")
@click.option(
    "--shown",
    type=click.IntRange(0, 2000),
    default=SHOWN_PAIRS,
    show_default=True,
    metavar="N",
    help="Number of unlisted pairs on the page.",
)
@options.search_options
@options.json_option
@gather(output=EvaluationFolder, pairs=JudgedPairsOptions, search=SearchOptions)
def evaluate(
    folder: Path,
    truth: Path,
    output: EvaluationFolder,
    pairs: JudgedPairsOptions,
    shown: int,
    search: SearchOptions,
    as_json: bool,
) -> None:
    """Measure precision and recall of an audit against a table of true pairs.

    TRUTH is a CSV file with the columns needle, haystack and, optionally, kind. An image is named
    by SPLIT/PATH, by the name of its file, absolute or relative to the working directory, or by a
    path that only one split has. A pair of kind "not copies" is none of copies.

    Only pairs of those splits are judged of which TRUTH lists any, copies or not. Recall counts
    listed pairs. A pair is never counted as false if it follows from listed pairs
    (a of b, b of c), or if its files have the same bytes.

    \b
    Example:
      fastphash evaluate audit truth.csv
    """
    from fastphash.base.progress_screen import ProgressScreen
    from fastphash.cli.output import show_json
    from fastphash.cli.output_evaluate import LOST_PAIRS, show_evaluation
    from fastphash.evaluation.evaluate import evaluate as evaluate_audit
    from fastphash.evaluation.truth import read_truth
    from fastphash.evaluation.writing import check_folder, write_evaluation
    from fastphash.results.audit_folder import EVALUATION, open_audit

    handle_signals()
    audited = open_audit(folder)
    target = output.path or audited.folder / EVALUATION
    check_folder(target, overwrite=output.overwrite)
    listed = read_truth(truth, audited)
    with ProgressScreen() as progress:
        result = evaluate_audit(
            audited,
            listed,
            radius=pairs.radius,
            complete=pairs.complete,
            max_pairs=pairs.max_pairs,
            options=search.join(progress),
            progress=progress,
        )
        write_evaluation(result, audited, target, shown=shown, progress=progress)
    if as_json:
        show_json(result.summary)
    else:
        show_evaluation(result.summary, result.missed(LOST_PAIRS), str(truth), str(target))
