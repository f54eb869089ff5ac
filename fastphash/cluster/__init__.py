"""Hashing, joins, groups and audits on a Spark cluster, with the results of one machine.

A stage is a function from Arrow batches to Arrow batches, which runs without Spark as well. What
drives Spark only says which stage comes after which; it uses DataFrames alone, so that sessions of
Spark Connect work too.

=================  ================================================================
`session`          the Spark session: found, or started; calls of pyspark
`jobs`             jobs of ours, cancelled with what they are for
`failures`         what stood in Spark's way, as one line
`daemon`           the process that Spark forks its Python workers from
`shares`           what tasks read: chunks of streams of hashes
`searches`         which hashes are searched in which, and their pieces
`join_stages`      stages of a join: count, explode, search, rows, relate
`driver_join`      pairs of values to pairs of rows on the driver, where there are few
`matches`          every pair of rows within a radius, by these stages
`tables`           pairs and groups of tables in memory
`hash_stages`      the stage of hashing: images to fragments
`fragments`        files of what a task has hashed
`executor`         hashing on Spark, as an executor of `fastphash.ingest`
`engine`           Spark as the engine of an audit
=================  ================================================================
"""
