"""Digests of files."""

import os

import xxhash

_BLOCK = 1 << 20


def digest_of(path: bytes | os.PathLike[str]) -> bytes:
    """XXH3-128 of a file's bytes, 16 bytes."""
    digest = xxhash.xxh3_128()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.digest()


def hex_digest_of(path: bytes | os.PathLike[str]) -> str:
    """XXH3-128 of a file's bytes, 32 hex digits."""
    return digest_of(path).hex()
