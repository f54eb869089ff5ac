"""Everything that the pages read, of one audit."""

from fastphash.base.progress import Progress
from fastphash.errors import StoreError
from fastphash.inspector.catalog import Catalog
from fastphash.inspector.decisions import DecisionLog
from fastphash.inspector.label_conflicts import LabelConflicts
from fastphash.inspector.navigation import Navigation
from fastphash.inspector.previews import Previews
from fastphash.results.audit_folder import AuditFolder, read_summary


class Review:
    """An audit with its groups, decisions, label conflicts and previews.

    Parameters
    ----------
    audited : AuditFolder
    progress : Progress
        Told how many parts of the store have been read.

    Raises
    ------
    StoreError
        Groups, decisions or label conflicts are damaged.

    Attributes
    ----------
    catalog : Catalog
    log : DecisionLog
    conflicts : LabelConflicts
    navigation : Navigation
    previews : Previews
    """

    def __init__(self, audited: AuditFolder, progress: Progress) -> None:
        self.audited = audited
        self.catalog = Catalog(audited, progress)
        self.log = DecisionLog(self.catalog)
        self.conflicts = LabelConflicts(self.catalog)
        self.navigation = Navigation(self.catalog, self.log, self.conflicts)
        self.previews = Previews(self.catalog)
        # damaged decisions are an error now, before a page is served
        _ = self.log.current

    @property
    def is_outdated(self) -> bool:
        """Whether the audit has been run again, or is being run again."""
        try:
            summary = read_summary(self.audited.folder)
        except StoreError:
            return True
        return bool(summary != self.audited.summary)
