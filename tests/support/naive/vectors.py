"""Plain twins: windows of eight words."""


def near(array, start, word, radius):
    """Bit i is set if array[start + i] is within `radius` of `word`, i < 8."""
    return sum((array[start + i] ^ word).bit_count() <= radius and 1 << i for i in range(8))


def near_some(array, start, word, radius):
    """Four windows of `near` in one."""
    windows = [near(array, start + 8 * j, word, radius) for j in range(4)]
    return windows[0] | windows[1] | windows[2] | windows[3]


def unlike(array, start, word):
    """Bit i is set if array[start + i] and `word` differ above the last bit, i < 8."""
    return sum((array[start + i] // 2 != word // 2) << i for i in range(8))
