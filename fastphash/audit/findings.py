"""What an audit finds out about pairs of images beyond their hashes and thumbnails."""

from collections.abc import Sequence

from fastphash.audit.options import AuditOptions
from fastphash.store.rows import HashTable
from fastphash.verify.criteria import CopyCriteria
from fastphash.verify.findings import NO_FINDINGS, Findings


def find_findings(
    rows: HashTable,  # noqa: ARG001
    splits: Sequence[str],  # noqa: ARG001
    criteria: CopyCriteria,  # noqa: ARG001
    options: AuditOptions,  # noqa: ARG001
) -> Findings:
    """What is found about pairs of these rows: nothing yet, by hashes and thumbnails alone.

    Parameters
    ----------
    rows : HashTable
        Those that are compared.
    splits : sequence of str
        Their names.
    criteria : CopyCriteria
    options : AuditOptions
    """
    return NO_FINDINGS
