"""Formats that Pillow reads with a plugin: HEIC and JPEG XL, the extra ``formats``."""

import functools
import importlib.util

from fastphash.errors import ImageError
from fastphash.images.jxl_header import jxl_header

_PLUGINS = {"HEIF": "pillow_heif", "JXL": "pillow_jxl"}
_NAMES = {"HEIF": "a HEIC image", "JXL": "a JPEG XL image"}


def has_plugin(name: str) -> bool:
    """Whether what reads a format is installed; True for a format that needs no plugin."""
    return name not in _PLUGINS or importlib.util.find_spec(_PLUGINS[name]) is not None


def prepare_format(data: bytes, name: str) -> tuple[int, int] | None:
    """Let Pillow read a format, and look at the header of an image that it decodes as it opens it.

    Returns
    -------
    (int, int) or None
        Width and height of a JPEG XL image, whose plugin knows no limits.

    Raises
    ------
    ImageError
        What reads this format isn't installed, or it can't read this image.
    """
    if name not in _PLUGINS:
        return None
    if not has_plugin(name):
        raise ImageError("identify", f"{_NAMES[name]}: pip install 'fastphash[formats]'")
    _register(name)
    if name != "JXL":
        return None
    header = jxl_header(data)
    if header.is_animated:
        raise ImageError("identify", f"{_NAMES[name]} with an animation: not supported")
    return header.width, header.height


@functools.cache
def _register(name: str) -> None:
    if name == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
        return
    from pillow_jxl import JpegXLImagePlugin

    # there is a process for every core
    JpegXLImagePlugin.DECODE_THREADS = 0
