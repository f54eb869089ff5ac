"""Thumbnails to hashes, and the definition of a hash."""
