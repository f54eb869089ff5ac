"""Whether the containers of a plan are as they were hashed."""

from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.outcome import CHANGED, GONE
from fastphash.sources.member_paths import member_path
from fastphash.sources.origins import ContainerRecord
from fastphash.sources.protocol import Reader

#: Of a container that couldn't be listed to its end.
DAMAGED = "its container is damaged: the rejected inputs of the audit say how"


def container_problems(plan: CheckedPlan) -> dict[tuple[str, bytes], str]:
    """By split and path of a container: why its images can't be used, or nothing."""
    return {
        (split, container): _problem(plan.audited.reader(split), container, record)
        for split in plan.container_splits
        for container, record in plan.origin(split).containers.items()
    }


def _problem(reader: Reader, container: bytes, record: ContainerRecord) -> str:
    try:
        now = reader.stamp(member_path(container, b""))
    except OSError:
        return GONE
    if not record.is_whole:
        return DAMAGED
    # what has other times may have other members, too
    return "" if record.stamp.compare(now) == "same" else CHANGED
