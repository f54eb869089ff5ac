"""Rows to groups of copies, each with its keeper."""
