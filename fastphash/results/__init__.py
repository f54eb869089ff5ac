"""Pairs, leaks and groups as tables; what an audit wrote, read again; decisions."""
