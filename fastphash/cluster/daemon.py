"""The process that Spark forks its Python workers from, with everything imported that they need.

A worker by itself would take a second or two to import the kernels, and memory of its own for them.
"""

import fastphash.cluster.join_stages  # noqa: F401 - for the workers

if __name__ == "__main__":
    from pyspark.daemon import manager

    manager()
