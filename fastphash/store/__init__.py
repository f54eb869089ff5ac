"""Hashes in Parquet: written, checked, opened, converted."""
