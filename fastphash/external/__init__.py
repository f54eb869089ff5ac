"""Joins of hashes that don't fit into memory: on one disk, exact and complete.

=================  ================================================================
`opening`          stores and Parquet files as streams of hashes
`streams`          what a stream is: hashes in batches, rows by their numbers
`table_stream`     rows in memory as a stream
`join`             all matches of rows, in order
`disk_search`      the same for hashes in memory, which `array_stream` reads: of an audit
`searches`         which hashes of rows meet, where rows have several orientations
`plans`            the pieces of a search: from a sample, and the counts of digits
`piece_files`      the values of the pieces, in files
`found_values`     pairs of values within the radius, piece by piece
`pair_files`       files of these, each with a digest
`found_rows`       the rows that have these values
`equi_join`        pairs of values to pairs of rows
`buckets`          rows of words in files that fit into memory one by one
`table_buckets`    the same of rows of tables
`row_set`          some rows of a stream, a bit each, and their numbers
`scratch`          the folder of one join, and what it needs
`tasks`            steps of the work, and their progress
=================  ================================================================

What a piece is, and how one is searched, `fastphash.joins.pieces` says.
"""
