"""How much memory the searches of an audit take: no more than makes them faster."""

from dataclasses import replace

from fastphash.audits.options import AuditOptions

# for small sets, and for each image: a search within all of them then has one range of rows
_LEAST, _IMAGE_BYTES = 128 << 20, 640


def with_enough_memory(options: AuditOptions, images: int) -> AuditOptions:
    """The options with the memory that searches of so many images need, or less if less is allowed.

    What is allowed is half of what is free by default: with all of that, searches hold gigabytes of
    pairs and hashes of windows, and are no faster.
    """
    enough = max(_LEAST, images * _IMAGE_BYTES)
    join = replace(options.join, memory=min(options.join.memory, enough))
    return replace(options, join=join)
