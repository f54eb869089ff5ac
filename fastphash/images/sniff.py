"""The format of an image by its first bytes, and whether a file name promises an image."""

import os

#: How many bytes of a file `sniff` needs.
SNIFFED = 32

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x0a", "JXL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
)
#: Formats whose images Pillow gives in 8 bits, grey or in colour, whatever is in the file.
EIGHT_BIT_FORMATS = frozenset(("AVIF", "BMP", "GIF", "HEIF", "JPEG", "WEBP"))
_SUFFIXES = frozenset(
    b".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .tif .tiff .bmp .dib .gif .pbm .pgm .ppm .pnm "
    b".pfm .avif .avifs .heic .heif .jp2 .j2k .jpf .jpx .j2c .jpc .psd .tga .ico .svg .jxl .exr "
    b".dng .eps".split()
)
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
# both may call themselves so, and name the others after that
_SHARED_BRANDS = (b"mif1", b"msf1")
_PNM_KINDS = frozenset(b"1 2 3 4 5 6 f F y".split())
# sizes of the header after the first 14 bytes of a bitmap
_BMP_HEADERS = frozenset(size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124))


def sniff(head: bytes) -> str | None:
    """Pillow's name of the format, by the first SNIFFED bytes of a file; None if unsupported."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return _sniff_brand(head)
    if head[:2] == b"BM" and head[14:18] in _BMP_HEADERS:
        return "BMP"
    if head[:1] == b"P" and head[1:2] in _PNM_KINDS and head[2:3].isspace():
        return "PPM"
    return None


def _sniff_brand(head: bytes) -> str | None:
    others = [head[at : at + 4] for at in range(16, len(head), 4)]
    named = [head[8:12], *(others if head[8:12] in _SHARED_BRANDS else [])]
    for brand in named:
        if brand in _HEIC_BRANDS:
            return "HEIF"
        if brand in _AVIF_BRANDS:
            return "AVIF"
    return "AVIF" if named[0] in _SHARED_BRANDS else None


def promises_image(path: bytes) -> bool:
    """Whether a file name has an image's suffix; such a file is rejected, never skipped."""
    return os.path.splitext(path)[1].lower() in _SUFFIXES
