"""The files of an audit's results: tables in one format or two, and none of an earlier audit."""

from pathlib import Path

import pyarrow as pa

from fastphash.files import parquet, table_formats
from fastphash.files.table_formats import ENDING, Format
from fastphash.results.audit_folder import (
    CONFLICTS,
    FILES,
    FINDINGS,
    GROUPS,
    LEAKS,
    REJECTED_ANNOTATIONS,
    REPORT,
    SUMMARY,
)


def write_tables(out: Path, tables: dict[str, pa.Table], form: Format) -> dict[str, str]:
    """Write tables, named by their Parquet files, as Parquet and in another format.

    Returns
    -------
    dict of str to str
        The names of all files of the audit, for its summary.
    """
    files = dict(FILES)
    for name, table in tables.items():
        stem = Path(name).stem
        parquet.write_table(out / name, table)
        files[stem] = name
        if form != "parquet":
            files[f"{stem}_{form}"] = f"{stem}{ENDING[form]}"
            table_formats.write_table(out / files[f"{stem}_{form}"], table, form)
    return files


def remove_results(out: Path) -> None:
    """Remove all results, the summary first: it marks them as complete."""
    for name in (SUMMARY, REPORT):
        (out / name).unlink(missing_ok=True)
    for name in (CONFLICTS, REJECTED_ANNOTATIONS, FINDINGS, LEAKS, GROUPS):
        for ending in ENDING.values():
            (out / name).with_suffix(ending).unlink(missing_ok=True)
