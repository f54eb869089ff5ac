"""Digests of files, and of what JSON files say."""

import json
import os
from collections.abc import Mapping
from typing import Any

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


def content_digest(content: Mapping[str, Any]) -> str:
    """XXH3-128 of all that a JSON object says besides its key ``digest``, 32 hex digits."""
    others = {key: value for key, value in content.items() if key != "digest"}
    return xxhash.xxh3_128_hexdigest(json.dumps(others, sort_keys=True).encode())
