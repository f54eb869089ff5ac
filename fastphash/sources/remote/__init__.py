"""Images in buckets and on web servers: listed, fetched many at a time, read by ranges.

All of it goes through obstore, shards and Parquet files too. pyarrow has no file system for
http(s), lists no ETags, and can't make a request depend on one: a shard that is replaced while it
is read would be half one, half the other. And it would find credentials by rules of its own.
"""
