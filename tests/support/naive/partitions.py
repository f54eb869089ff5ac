"""Plain twins: permuted, sorted and partitioned hashes."""


def permute(value, order):
    """The bits of a value in the order given, from the most significant."""
    return sum((value >> bit & 1) << (63 - place) for place, bit in enumerate(order))


def sort_values(values, rows):
    """(value, its rows as they come) of each different value, ascending."""
    return [
        (v, [row for value, row in zip(values, rows, strict=True) if value == v])
        for v in sorted(set(values))
    ]


def find_bounds(values, shift):
    """Where the top bits t begin among sorted values, for each t and for what is beyond."""
    return [sum(v >> shift < t for v in values) for t in range((1 << (64 - shift)) + 1)]


def find_places(values, wanted):
    return [sum(v < w for v in values) for w in wanted]


def split_segments(segments, shift, digits):
    """Each segment cut into `digits` parts."""
    return [
        [v for v in segment if v >> shift & (digits - 1) == digit]
        for segment in segments
        for digit in range(digits)
    ]
