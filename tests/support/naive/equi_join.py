"""The plain twins of joins by equal values on the disk."""


def join_values(pairs, left_rows, right_rows):
    """Every pair of rows that has the values of a pair, each pair of values taken once.

    `left_rows` and `right_rows` are pairs of a value and a row.
    """
    return sorted(
        (left_row, right_row)
        for left, right in {tuple(pair) for pair in pairs}
        for value, left_row in left_rows
        if value == left
        for other, right_row in right_rows
        if other == right
    )
