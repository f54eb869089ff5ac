"""Perceptual hashes of thumbnails, their hexadecimal form, and the definition of a hash."""
