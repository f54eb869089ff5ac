"""Benchmarks: run each as `python -m benchmarks.speed.joins` from the checkout."""
