"""New containers with the samples that stay. One module for each format."""

from fastphash.clean.shards.shard import Shard
from fastphash.clean.shards.tar import TarShard
from fastphash.clean.shards.zip import ZipShard


def open_shard(path: bytes, image_column: str | None, key: str | None = None) -> Shard:
    """A container to be copied without some samples; ContainerError if it can't be read."""
    name = path.lower()
    if name.endswith(b".zip"):
        return ZipShard(path, key)
    if name.endswith(b".parquet"):
        from fastphash.clean.shards.parquet import ParquetShard

        return ParquetShard(path, image_column)
    return TarShard(path, key)
