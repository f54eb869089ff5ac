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


def near_lag(array, start, lag, radius):
    """Bit i is set if array[start + i] is within `radius` of array[start + i + lag], i < 8."""
    pairs = [(array[start + i], array[start + i + lag]) for i in range(8)]
    return sum(((a ^ b).bit_count() <= radius) << i for i, (a, b) in enumerate(pairs))


def near_lags(array, start, lag, radius, key):
    """Four lags of `near_lag` in one; above them, whether the bits of `key` agree at the last."""
    near = [near_lag(array, start, lag + j, radius) for j in range(4)]
    last = [array[start + i] ^ array[start + i + lag + 3] for i in range(8)]
    same = sum((apart & key == 0) << (8 + i) for i, apart in enumerate(last))
    return near[0] | near[1] | near[2] | near[3] | same


def unlike_lag(array, start, lag):
    """Bit i is set if array[start + i] and array[start + i + lag] differ above the last bit."""
    return sum((array[start + i] // 2 != array[start + i + lag] // 2) << i for i in range(8))
