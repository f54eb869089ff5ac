"""The kernels of `fastphash.kernels.local_change`, by numpy."""

import numpy as np


def split_planes(rgb, mix=None, curves=None):
    """Grey (h, w) and chroma (2, h // 2, w // 2) of a picture."""
    levels = rgb.astype(float)
    if mix is not None:
        mixed = np.clip(levels @ mix[:, :3].T + mix[:, 3], 0, 255)
        levels = np.stack([curves[c][(mixed[..., c] + 0.5).astype(int)] for c in range(3)], -1)
    grey = levels @ [0.299, 0.587, 0.114]
    full = np.stack([0.564 * (levels[..., 2] - grey), 0.713 * (levels[..., 0] - grey)])
    height, width = (side // 2 for side in grey.shape)
    quarters = full[:, : 2 * height, : 2 * width].reshape(2, height, 2, width, 2)
    return grey, quarters.mean(axis=(2, 4))


def _neighbours(plane):
    """The 3 x 3 pixels around each, the border repeated: (3, 3, h, w)."""
    padded = np.pad(plane, 1, mode="edge")
    height, width = plane.shape
    return np.array([[padded[y : y + height, x : x + width] for x in range(3)] for y in range(3)])


def smooth(plane):
    weights = np.outer([1, 2, 1], [1, 2, 1]) / 16
    return (_neighbours(plane.astype(float)) * weights[..., None, None]).sum(axis=(0, 1))


def half_way_range(plane):
    around = _neighbours(plane.astype(float))
    return (plane + around.min(axis=(0, 1))) / 2, (plane + around.max(axis=(0, 1))) / 2


def unexplained(left, right):
    """How far each pixel lies outside the other plane's half-way range."""

    def outside(plane, other):
        low, high = half_way_range(other)
        return np.maximum(plane - high, low - plane)

    return np.maximum(np.maximum(outside(left, right), outside(right, left)), 0)


def box_mean(values, reach):
    side = 2 * reach + 1
    padded = np.pad(values.astype(float), reach)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    return windows.mean(axis=(2, 3))


def cell_maxima(plane, row_starts, column_starts):
    """Largest values of cells; the starts end with the side."""
    rows, columns = len(row_starts) - 1, len(column_starts) - 1
    cells = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            cell = plane[row_starts[i] : row_starts[i + 1], column_starts[j] : column_starts[j + 1]]
            cells[i, j] = max(cell.max(initial=0), 0)
    return cells
