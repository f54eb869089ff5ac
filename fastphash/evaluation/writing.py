"""The files of an evaluation."""

from pathlib import Path

from fastphash.base.progress import Progress, no_progress
from fastphash.defaults import SHOWN_PAIRS
from fastphash.errors import StoreError, UsageError
from fastphash.evaluation.evaluate import Evaluation
from fastphash.evaluation.pair_tables import JUDGED_SCHEMA
from fastphash.evaluation.svg import write_curves
from fastphash.files import atomic, parquet
from fastphash.report.pairs import write_pairs
from fastphash.results.audit_folder import AuditFolder

FIGURES = "evaluation.json"
PAIRS = "pairs.parquet"
CURVES = "precision-recall.svg"
UNLISTED = "unlisted.html"


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Raise UsageError if a folder has other contents than an evaluation, without `overwrite`."""
    if overwrite or not folder.exists() or not any(folder.iterdir()):
        return
    try:
        figures = atomic.read_json(folder / FIGURES)
    except StoreError:
        figures = None
    if not isinstance(figures, dict) or not {"fastphash", "by_score", "lost"} <= figures.keys():
        raise UsageError(
            f"{str(folder)!r} exists and is no evaluation: `overwrite` writes into it anyway"
        )


def write_evaluation(
    evaluation: Evaluation,
    audited: AuditFolder,
    folder: Path,
    *,
    shown: int = SHOWN_PAIRS,
    progress: Progress = no_progress,
) -> None:
    """Write figures, pairs, curves and a page of unlisted pairs into a folder, made if missing.

    Parameters
    ----------
    evaluation : Evaluation
    audited : AuditFolder
    folder : Path
        Its files of an earlier evaluation are replaced. Check it with `check_folder` first.
    shown : int
        How many pairs the page shows at most.
    progress : Progress
        Called with the number of pictures drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # remove old figures first: if this run is killed, they must not lie beside new pairs
    (folder / FIGURES).unlink(missing_ok=True)
    parquet.write_tables(folder / PAIRS, JUDGED_SCHEMA, evaluation.tables(), count_by="status")
    write_curves(folder / CURVES, evaluation.panels)
    unlisted = evaluation.unlisted(shown)
    write_pairs(
        audited,
        unlisted,
        folder / UNLISTED,
        title="Accused, but not listed as true",
        text=_explanation(unlisted.num_rows, evaluation.summary["unlisted"]),
        progress=progress,
    )
    # write the figures last: they mark the evaluation as complete
    atomic.write_json(folder / FIGURES, evaluation.summary)


def _explanation(shown: int, unlisted: int) -> str:
    """The text above the unlisted pairs."""
    if not unlisted:
        return "There are none: every accused pair is listed, or follows from listed pairs."
    if unlisted == 1:
        return (
            "One accused pair is not listed and does not follow from listed pairs. Either it is no "
            "copy, or the table of true pairs lacks it."
        )
    first = "All" if shown == unlisted else f"The {shown:,} most alike of"
    return (
        f"{first} {unlisted:,} accused pairs that are not listed and do not follow from listed "
        "pairs. Either they are no copies, or the table of true pairs lacks them."
    )
