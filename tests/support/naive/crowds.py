"""Hashes that are hard to join."""

import numpy as np

TOP = 2**64 - 1


def crowd(seed, size, width=1):
    """Awkward hashes (size, width): a kind of crowd by the seed."""
    rng = np.random.default_rng(seed)
    shape = (size, width)
    kind = ["chance", "few", "ball", "clusters", "few bits", "equal blocks", "ends"][seed % 7]
    if kind == "few":
        return rng.integers(0, 3, shape).astype(np.uint64)
    rows = rng.integers(0, TOP, shape, np.uint64, endpoint=True)
    if kind == "chance":
        return rows
    if kind == "equal blocks":
        low, high = np.sort(rng.integers(0, 65, 2)).tolist()
        own = (1 << high) - (1 << low)
        return (rows & np.uint64(own)) | (rows[:1, :1] & np.uint64(TOP ^ own))
    centres = np.array([0, TOP], np.uint64) if kind == "ends" else rows[:3, 0]
    rows = centres[rng.integers(0, 1 if kind == "ball" else centres.size, shape)] if size else rows
    for _ in range(rng.integers(0, 7)):
        bit = rng.integers(0, 9 if kind == "few bits" else 64, shape)
        rows = rows ^ (np.uint64(1) << bit.astype(np.uint64))
    return rows


def wide_crowd(seed, size, width=1):
    """Awkward hashes of 256 bits (size, width, 4): a kind of crowd by the seed."""
    rng = np.random.default_rng(seed)
    shape = (size, width, 4)
    kinds = ["chance", "few", "ball", "clusters", "one word", "equal words", "ends", "blank"]
    kind = kinds[seed % len(kinds)]
    if kind == "few":
        return rng.choice(np.array([0, 1, TOP], np.uint64), shape)
    rows = rng.integers(0, TOP, shape, np.uint64, endpoint=True)
    if kind == "chance" or not size:
        return rows
    centres = rng.integers(0, TOP, (1 if kind == "ball" else 3, 4), np.uint64, endpoint=True)
    if kind == "ends":
        centres = np.array([[0] * 4, [TOP] * 4], np.uint64)
    rows = centres[rng.integers(0, len(centres), shape[:2])]
    changing = rng.permutation(4)[: {"one word": 1, "equal words": 2}.get(kind, 4)]
    for _ in range(rng.integers(0, 45)):
        bit = np.uint64(1) << rng.integers(0, 64, shape[:2], np.uint64)
        word = rng.choice(changing, shape[:2])
        rows[*np.indices(shape[:2]), word] ^= bit
    if kind == "blank":
        rows[rng.random(size) < 2 / 3] = 0
    return rows


def ball(size, radius):
    """Different hashes (size,), all within a radius of one."""
    rng = np.random.default_rng(size)
    flips = rng.permuted(np.tile(np.arange(64, dtype=np.uint64), (2 * size, 1)), axis=1)
    found = np.bitwise_xor.reduce(np.uint64(1) << flips[:, :radius], axis=1)
    return rng.permutation(np.unique(found))[:size] ^ np.uint64(0x9E3779B97F4A7C15)
