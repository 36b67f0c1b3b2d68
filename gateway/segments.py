"""What fits into an SMS: GSM-7 septets or UCS-2 units, and the parts that a longer text is sent in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import gsm0338

GSM_SINGLE, GSM_PART = 160, 153  # septets; 3GPP TS 23.038 and TS 23.040: 7 septets of a part go to its header
UCS_SINGLE, UCS_PART = 70, 67  # UTF-16 units
MOST_PARTS = 255  # a part's number is one octet. Source: 3GPP TS 23.040, 9.2.3.24.1

_CODEC = gsm0338.Codec()
_BASIC = frozenset(_CODEC.decode(bytes(code for code in range(128) if code != 0x1B))[0])
_EXTENSION = frozenset("^{}\\[~]|€\f")


@dataclass(frozen=True, slots=True)
class Part:
    """One SMS of a text that is sent in one or several.

    Shape: `octets` is `text` as it goes out without its header: unpacked GSM-7, one septet an octet, or UTF-16BE.
    """

    text: str
    octets: bytes
    is_gsm: bool


def count_septets(text: str) -> int | None:
    """Return how many septets the text takes in GSM-7, or None where it cannot be written so.

    >>> count_septets("KB Sep 25"), count_septets("[]"), count_septets("ā")
    (9, 4, None)
    """
    total = 0
    for mark in text:
        if mark in _BASIC:
            total += 1
        elif mark in _EXTENSION:
            total += 2
        else:
            return None
    return total


def fits_one_sms(text: str) -> bool:
    """Return whether the text is one GSM-7 SMS."""
    septets = count_septets(text)
    return septets is not None and septets <= GSM_SINGLE


def join_fitting(before: Sequence[str], text: str) -> str:
    """Return the text, after as much of what goes before it as one SMS holds."""
    for count in range(len(before), 0, -1):
        both = " ".join([*before[:count], text]).strip()
        if fits_one_sms(both):
            return both
    return text


def count_segments(text: str) -> int:
    """Return how many SMS the text is sent as.

    >>> count_segments("a" * 160), count_segments("a" * 161), count_segments("ā" * 71)
    (1, 2, 2)
    """
    return sum(1 for _ in _cut(text))


def split(text: str) -> tuple[Part, ...]:
    """Return the SMS that the text is sent as, in order; an escaped character and a surrogate pair are never cut.

    Errors: ValueError where it takes more parts than can be numbered.

    >>> [part.text[-2:] for part in split("a" * 152 + "€" + "b" * 10)]
    ['aa', 'bb']
    >>> split("[")[0].octets, split("ā")[0].octets
    (b'\\x1b<', b'\\x01\\x01')
    """
    is_gsm = count_septets(text) is not None
    parts = tuple(Part(piece, _encode(piece, is_gsm), is_gsm) for piece in _cut(text))
    if len(parts) > MOST_PARTS:
        raise ValueError(f"a text of {len(parts)} SMS cannot be sent; at most {MOST_PARTS}")
    return parts


def write_header(ref: int, total: int, number: int) -> bytes:
    """Return the user data header of one part, its own length first. Units: `ref` is taken modulo 256.

    Source: 3GPP TS 23.040, 9.2.3.24.1 (concatenated short messages, 8-bit reference number).

    >>> write_header(0x1D3, 2, 1).hex()
    '050003d30201'
    """
    return bytes((5, 0, 3, ref % 256, total, number))


def _cut(text: str) -> Iterator[str]:
    """Return the pieces of a text, each as long as an SMS holds; one, if empty, of the empty text."""
    if count_septets(text) is not None:
        weights, single, most = [2 if mark in _EXTENSION else 1 for mark in text], GSM_SINGLE, GSM_PART
    else:
        weights, single, most = [2 if ord(mark) > 0xFFFF else 1 for mark in text], UCS_SINGLE, UCS_PART
    if sum(weights) <= single:
        yield text
        return
    start, room = 0, most
    for index, weight in enumerate(weights):
        if weight > room:
            yield text[start:index]
            start, room = index, most
        room -= weight
    yield text[start:]


def _encode(text: str, is_gsm: bool) -> bytes:
    return _CODEC.encode(text)[0] if is_gsm else text.encode("utf-16-be", "surrogatepass")


def read_gsm(octets: bytes) -> str:
    """Return the text of unpacked GSM-7, one septet an octet; what is none becomes U+FFFD.

    >>> read_gsm(b"KB 0925 \\x1b<\\x00"), read_gsm(b"\\xff")
    ('KB 0925 [@', '\ufffd')
    """
    return str(_CODEC.decode(octets, "replace")[0])


def pack(septets: bytes, header_octets: int = 0) -> bytes:
    """Return septets packed into octets, to stand behind a header of so many octets.

    Source: 3GPP TS 23.038, 6.1.2.1 and 6.1.2.3.1: seven bits that are left over are filled with CR, not read as `@`.

    >>> pack(b"hellohello").hex(), unpack(pack(b"sevenab"))
    ('e8329bfd4697d9ec37', b'sevenab')
    """
    fill = -8 * header_octets % 7
    if (7 * len(septets) + fill) % 8 == 1:
        septets += b"\r"
    number = sum(septet << 7 * index for index, septet in enumerate(septets)) << fill
    return number.to_bytes((7 * len(septets) + fill + 7) // 8, "little")


def unpack(octets: bytes, header_octets: int = 0) -> bytes:
    """Return the septets of packed octets that stood behind a header of so many octets."""
    fill = -8 * header_octets % 7
    number, bits = int.from_bytes(octets, "little") >> fill, 8 * len(octets) - fill
    septets = bytes(number >> 7 * index & 0x7F for index in range(bits // 7))
    return septets[:-1] if bits % 7 == 0 and septets[-1:] in {b"\r", b"\0"} else septets


def as_gsm(text: str) -> str:
    """Return the text with what GSM-7 cannot write as `?`, and what phones make curly made straight again.

    >>> as_gsm("“AKTF” – ā")
    '"AKTF" - ?'
    """
    straight = text.translate(_STRAIGHT)
    return "".join(mark if mark in _BASIC or mark in _EXTENSION else "?" for mark in straight)


_STRAIGHT = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "\xa0": " "}
)
