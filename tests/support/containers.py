"""Files of images packed into containers."""

import io
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def make_tar(path, files, mode="w"):
    """A tar file of (name, bytes)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def make_tar_gz(path, files):
    """The same, compressed."""
    return make_tar(path, files, "w:gz")


def make_zip(path, files, compression=zipfile.ZIP_STORED):
    """A zip file of (name, bytes)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return path


def make_deflated_zip(path, files):
    """The same, compressed."""
    return make_zip(path, files, zipfile.ZIP_DEFLATED)


def make_parquet(path, files):
    """A Parquet file of images as Hugging Face writes them; null without bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [None if data is None else {"bytes": data, "path": name} for name, data in files]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(images, kind), "label": list(range(len(images)))})
    pq.write_table(table, path, row_group_size=3)
    return path


#: How to make a container, by the ending of its name and what is special about it.
MAKERS = {
    "tar": ("tar", make_tar),
    "tar.gz": ("tar.gz", make_tar_gz),
    "zip": ("zip", make_zip),
    "deflated zip": ("zip", make_deflated_zip),
    "parquet": ("parquet", make_parquet),
}


def files_of(folder):
    """The files of a folder as (name, bytes), in canonical order."""
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    ordered = sorted(paths, key=lambda path: path.relative_to(folder).parts)
    return [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in ordered]
