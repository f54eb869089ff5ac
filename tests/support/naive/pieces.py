"""Plain twins: digits of blocks, tiles, and the piece that has to report a pair."""

TOP = 2**64 - 1


def mixed(value):
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & TOP
    value = (value ^ value >> 27) * 0x94D049BB133111EB & TOP
    return value ^ value >> 31


def tile_of(value, tiles):
    return (mixed(value) >> 32) * tiles >> 32


def drop_recent(values, bits):
    """The values but those that equal the last one with the same top bits of its hash."""
    recent, kept = {}, []
    for value in values:
        place = mixed(value) >> (64 - bits)
        if recent.get(place) != value:
            kept.append(value)
        recent[place] = value
    return kept


def block_values(value, widths):
    """The value of each block, from the most significant."""
    values = []
    for width in reversed(widths):
        values.append(value & ((1 << width) - 1))
        value >>= width
    return values[::-1]


def digits(value, widths, digit_bits=12):
    """The top bits of each block; 0 for the one block of a plan without any."""
    if not widths:
        return [0]
    return [
        block >> max(width - digit_bits, 0)
        for block, width in zip(block_values(value, widths), widths, strict=True)
    ]


def first_agreeing_block(a, b, widths):
    if not widths:
        return 0
    blocks = zip(block_values(a, widths), block_values(b, widths), strict=True)
    return [x == y for x, y in blocks].index(True)


def owns_value(value, piece, widths, tiles, digit_bits=12):
    """Whether a piece has a value that may be of these tiles."""
    in_range = piece.low <= digits(value, widths, digit_bits)[piece.block] < piece.high
    return in_range and any(t is None or tile_of(value, t.tiles) == t.number for t in tiles)


def owns_pair(a, b, piece, widths, digit_bits, *, across):
    """Whether a piece has to report a pair, of a left and a right value if `across`."""
    if first_agreeing_block(a, b, widths) != piece.block:
        return False
    ways = [(a, b)] if across else [(a, b), (b, a)]
    return any(
        owns_value(x, piece, widths, [piece.left_tile], digit_bits)
        and owns_value(y, piece, widths, [piece.right_tile], digit_bits)
        for x, y in ways
    )
