"""Pairs, leaks and groups as tables; the folder of an audit; decisions of people."""
