"""The order in which pairs are looked at."""

from fastphash.looks.pair_order import keep_together


def test_pairs_that_are_linked_by_images_come_one_after_the_other():
    # a and c, c and e; then b and d, though b comes before c
    assert keep_together([(b"b", b"d"), (b"e", b"c"), (b"a", b"c")]) == [2, 1, 0]
