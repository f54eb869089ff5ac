"""Limits and defaults that the command line and the library share."""

#: More pairs than this aren't listed unless asked for.
MAX_PAIRS = 100_000_000

#: Pairs that are looked at to tell how many are chance.
CALIBRATED_PAIRS = 1_000_000

#: The share of copies that thresholds are recommended for.
PRECISION = 0.99

#: The largest distance, in bits, at which an audit takes two images for copies unseen.
RADIUS = 4

#: How alike two thumbnails must be for a near pair to be a copy, measured by
#: benchmarks/accuracy/edited_copies.py.
MIN_SCORE = 0.5

#: How many stored images a query names.
NEAREST = 5

#: How many groups of a report have pictures.
PICTURED = 200

#: How many pairs an evaluation shows that its truth doesn't list.
SHOWN_PAIRS = 100

#: Where the inspector is served.
PORT = 8000

#: Seconds that a worker may take for one image.
TIMEOUT = 30.0

#: The largest image that is decoded, in pixels: beyond it Pillow suspects a decompression bomb.
MAX_PIXELS = 178_956_970
