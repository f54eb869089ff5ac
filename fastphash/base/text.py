"""Numbers and file names as text for people."""

import os

# characters; a longer name is shown without its middle
_MAX_NAME = 240


def about(number: float) -> str:
    """A number of at least 0 in words, rounded to two digits and without an exponent.

    >>> about(0.614), about(9.96), about(12_345.6), about(0.001), about(0)
    ('about 0.61', 'about 10', 'about 12,000', 'fewer than 0.01', 'fewer than 0.01')
    """
    if number < 0.01:
        return "fewer than 0.01"
    return f"about {number:.2g}" if number < 10 else f"about {float(f'{number:.2g}'):,.0f}"


def figure(number: int) -> str:
    """1234 as 1,234."""
    return f"{number:,}"


def count(number: int, one: str, many: str = "") -> str:
    """A number and the noun it counts; the plural is `many`, or `one` with an s.

    >>> count(1, "image"), count(2000, "image"), count(2, "copy", "copies")
    ('1 image', '2,000 images', '2 copies')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def share(part: float, whole: float = 1) -> str:
    """A share in percent: no other share is rounded to the 0 % of none or the 100 % of all.

    >>> share(38, 98), share(0, 5), share(1, 10_000), share(9999, 10_000), share(5, 5)
    ('38.8 %', '0 %', '< 0.1 %', '> 99.9 %', '100 %')
    >>> share(0.5), share(1.0)
    ('50.0 %', '100 %')
    """
    if part in (0, whole):
        return "100 %" if part else "0 %"
    percent = 100 * part / whole
    if percent < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if percent > 99.9 else f"{percent:.1f} %"


def listed(texts: list[str]) -> str:
    """Texts as a list in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def comma_separated(text: str) -> list[str]:
    """The words of a text with commas between them, without the blanks around each.

    >>> comma_separated("phash, dhash,")
    ['phash', 'dhash']
    """
    return [word for word in map(str.strip, text.split(",")) if word]


def printable(text: str) -> str:
    r"""Text with U+FFFD in place of each character that is unsafe to show.

    Unsafe are control characters, which could move the cursor, characters that change the
    direction of writing, and bytes that are not UTF-8. The length of the text stays the same.

    >>> print(printable("a\u202egnp.exe\n"))
    a�gnp.exe�
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def visible(text: str) -> str:
    r"""Text with a Python escape for each character that `printable` replaces.

    Different texts stay different.

    >>> print(visible("a\u202egnp.exe\n"), visible(os.fsdecode(b"caf\xe9")))
    a\u202egnp.exe\n caf\xe9
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def encodable(text: str) -> str:
    r"""Text with an escape for each half of a surrogate pair, which JSON allows and UTF-8 doesn't.

    >>> print(encodable("ca\ud800t"))
    ca\ud800t
    """
    return text.encode(errors="backslashreplace").decode()


def _escape(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # a byte that os.fsdecode could not decode
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def display_name(name: str | bytes) -> str:
    """A file name as visible text of a bounded length."""
    text = visible(os.fsdecode(name))
    if len(text) <= _MAX_NAME:
        return text
    half = _MAX_NAME // 2
    return f"{text[:half]} … {text[-half:]}"
