"""Limits and defaults that the command line and the library share."""

from typing import Literal

#: A join with more pairs stops.
MAX_PAIRS = 100_000_000

#: Bytes that a join may take, however few it is told to.
LEAST_MEMORY = 100 << 20

#: Pairs that calibration looks at, at most.
CALIBRATED_PAIRS = 1_000_000

#: Share of copies for which calibration recommends thresholds.
PRECISION = 0.99

#: Radius of an audit by hashes of 64 bits, if no thumbnails are compared.
RADIUS = 4

#: Least similarity of the thumbnails of near copies, 0 to 1, measured by
#: benchmarks/accuracy/edited_copies.py.
MIN_SCORE = 0.5

#: Least quality of hashes that are compared, 0 to 100, of algorithms that have one: Meta's for PDQ.
MIN_QUALITY = 50

#: Candidates by chance that an image of an audit may have: each is compared by thumbnails.
CANDIDATES = 10.0

#: Which windows of images an audit compares with other images: see `fastphash.hashing.windows`.
VIEWS: Literal["none", "centre", "all"] = "all"

#: Pairs that an audit compares at their pixels, at most.
LOOKS = 100_000

#: Stored images that a query names.
NEAREST = 5

#: Groups of a report that have pictures.
PICTURED = 200

#: Pairs that an evaluation shows although the truth doesn't list them.
SHOWN_PAIRS = 100

#: Port of the inspector.
PORT = 8000

#: Seconds that a worker may take for one image.
TIMEOUT = 30.0

#: Pixels of the largest image that is decoded: beyond, Pillow suspects a decompression bomb.
MAX_PIXELS = 178_956_970
