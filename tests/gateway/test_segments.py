"""What a text is sent as: exactly where an SMS ends, in both alphabets, and that nothing is ever cut in two."""

from __future__ import annotations

from itertools import pairwise

import gsm0338
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.segments import (
    GSM_PART,
    GSM_SINGLE,
    MOST_PARTS,
    UCS_PART,
    UCS_SINGLE,
    Part,
    as_gsm,
    count_segments,
    count_septets,
    fits_one_sms,
    split,
    write_header,
)

# Source: the tables of 3GPP TS 23.038, 6.2.1 and 6.2.1.1, written out here a second time.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"
CODEC = gsm0338.Codec()


def runs_of(marks: str, longest: int) -> st.SearchStrategy[str]:
    """Return texts of several runs of a mark each, so that their pieces end anywhere in a character."""
    run = st.builds(lambda mark, count: mark * count, st.sampled_from(marks), st.integers(1, longest))
    return st.lists(run, max_size=8).map("".join)


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
GSM_TEXT = runs_of(BASIC + EXTENSION * 8, 160)
UCS_TEXT = runs_of("aKā“€😀😀", 70)
TEXT = ANY | GSM_TEXT | UCS_TEXT | st.builds("{}ā{}".format, GSM_TEXT, ANY)


def weigh(part: Part) -> int:
    """Return what a part takes: septets, or UTF-16 units."""
    return len(part.octets) if part.is_gsm else len(part.octets) // 2


def decode(part: Part) -> str:
    """Return what a phone reads out of a part, from that part alone."""
    return str(CODEC.decode(part.octets)[0]) if part.is_gsm else part.octets.decode("utf-16-be")


@pytest.mark.parametrize(
    ("text", "is_gsm", "parts", "size"),
    [
        ("a" * 160, True, 1, 160),
        ("a" * 161, True, 2, 161),
        ("a" * 306, True, 2, 306),
        ("a" * 307, True, 3, 307),
        ("€" * 80, True, 1, 160),
        ("€" * 81, True, 2, 162),
        ("a" * 152 + "€" + "a" * 152, True, 3, 306),  # the escaped € does not begin at septet 153
        ("ā" * 70, False, 1, 70),
        ("ā" * 71, False, 2, 71),
        ("ā" * 134, False, 2, 134),
        ("ā" * 135, False, 3, 135),
        ("😀" * 36, False, 2, 72),
        ("“" * 66 + "😀" + "“" * 66, False, 3, 134),  # nor do the two units of 😀 at unit 67
        ("ç" * 71, False, 2, 71),
        ("a" * 159 + "\f", True, 2, 161),
        ("`" * 10, False, 1, 10),
        ("", True, 1, 0),
    ],
)
def test_an_sms_ends_exactly_where_the_standard_says(text: str, is_gsm: bool, parts: int, size: int) -> None:
    found = split(text)
    assert (len(found), {part.is_gsm for part in found}, sum(map(weigh, found))) == (parts, {is_gsm}, size)


def test_the_alphabet_is_that_of_the_standard() -> None:
    assert len(BASIC) == 127
    assert [count_septets(mark) for mark in BASIC] == [1] * 127
    assert [count_septets(mark) for mark in EXTENSION] == [2] * 10
    assert all(count_septets(mark) is None for mark in "`çāÁ\t“\x1b\xa0😀")
    codes = [split(mark)[0].octets for mark in BASIC]
    assert codes == [bytes([code]) for code in range(128) if code != 0x1B]


@given(TEXT)
def test_the_pieces_are_the_text_and_each_is_read_by_itself(text: str) -> None:
    parts = split(text)
    assert "".join(part.text for part in parts) == text
    assert [decode(part) for part in parts] == [part.text for part in parts]


@given(TEXT)
def test_each_piece_fits_and_no_fewer_would_do(text: str) -> None:
    parts = split(text)
    single, most = (GSM_SINGLE, GSM_PART) if parts[0].is_gsm else (UCS_SINGLE, UCS_PART)
    sizes = [weigh(part) for part in parts]
    if sum(sizes) <= single:
        assert len(parts) == 1
        return
    assert all(0 < size <= most for size in sizes)
    for part, following in pairwise(parts):
        first = following.text[0]
        weight = count_septets(first) if part.is_gsm else len(first.encode("utf-16-be")) // 2
        assert weigh(part) + (weight or 0) > most, "one more character would have fitted"


@given(TEXT)
def test_what_is_counted_is_what_is_sent(text: str) -> None:
    assert count_segments(text) == len(split(text))
    assert fits_one_sms(text) == (split(text)[0].is_gsm and len(split(text)) == 1)


@pytest.mark.parametrize(("mark", "most"), [("a", GSM_PART), ("ā", UCS_PART), ("€", GSM_PART // 2)])
def test_no_more_parts_are_made_than_can_be_numbered(mark: str, most: int) -> None:
    assert len(split(mark * most * MOST_PARTS)) == MOST_PARTS
    with pytest.raises(ValueError, match="256 SMS"):
        split(mark * (most * MOST_PARTS + 1))


@given(st.integers(0, 1 << 40), st.integers(1, MOST_PARTS), st.integers(1, MOST_PARTS))
def test_a_header_is_six_octets_and_says_which_part_it_is(ref: int, total: int, number: int) -> None:
    header = write_header(ref, total, number)
    assert (header[:3], header[3], header[4], header[5], len(header)) == (b"\x05\x00\x03", ref % 256, total, number, 6)


def test_a_header_takes_the_room_that_a_part_is_shorter_by() -> None:
    septets = -(-len(write_header(0, 2, 1)) * 8 // 7)  # an octet is 8 bits, a septet 7
    assert (GSM_SINGLE - septets, UCS_SINGLE - len(write_header(0, 2, 1)) // 2) == (GSM_PART, UCS_PART)


@given(TEXT)
def test_what_is_made_plain_can_be_written_in_gsm(text: str) -> None:
    plain = as_gsm(text)
    assert count_septets(plain) is not None
    assert as_gsm(plain) == plain
    assert plain == text or count_septets(text) is None


def test_what_phones_make_curly_is_made_straight() -> None:
    assert as_gsm("“KB” ‘0925’ – 3…\xa0ok 😀") == "\"KB\" '0925' - 3... ok ?"
