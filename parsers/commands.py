"""What a sender may ask of the gateway instead of reporting: BANTUAN, STATUS, DAFTAR, RALAT, BATAL, YA, STOP, ..."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from parsers.draft import Message
from parsers.form import Form
from parsers.header import find_months, is_register_code
from parsers.marks import CODES, SKIPPED, Mark, make_marks
from parsers.reading import Address, Command, CommandName
from parsers.tidy import Token, TokenKind
from parsers.words import COURTESY, Lexicon, Sense, lexicon_of

NOT = ("tidak", "tdk", "bukan", "enggak", "nggak", "gak", "ga", "ndak")
_WORDS = {
    CommandName.HELP: ("bantu", "bantuan", "help", "format"),
    CommandName.STATUS: ("cek", "status"),
    CommandName.REGISTER: ("daftar", "reg"),
    CommandName.CANCEL: ("batal", "batalkan", "hapus"),
    CommandName.CORRECT: ("ralat", "koreksi", "ubah", "revisi"),
    CommandName.YES: ("ya", "y", "iya", "yaa", "iyaa", "betul", "benar", "bener", "bnr", "ok", "oke", "okey", "yes"),
    CommandName.NO: (*NOT, "t", "salah", "no"),
    CommandName.STOP: ("stop", "berhenti", "unreg"),
    CommandName.START: ("mulai", "start"),
    CommandName.LANGUAGE: ("bahasa", "language"),
    CommandName.INFO: ("info", "privasi", "privacy"),
}
COMMAND_OF = {word: name for name, words in _WORDS.items() for word in words}
UNDOING = frozenset({*_WORDS[CommandName.CANCEL], *_WORDS[CommandName.STOP], "salah"})  # no mere remark
UNCLEAR = frozenset({"contoh", "contohnya", "misal", "misalnya", "ganti"})  # nor these before a report
ANSWERS = frozenset({*_WORDS[CommandName.YES], *_WORDS[CommandName.NO]})
_RIGHT = frozenset({"benar", "bener", "bnr", "betul"})  # `tidak benar` is no YA
_ALSO_COURTESY = frozenset({"ya"})  # courtesy only beside other words
_LANGUAGES = {"id": "id", "indonesia": "id", "ind": "id", "en": "en", "english": "en", "inggris": "en", "eng": "en"}
_HEADER = frozenset({Sense.KEYWORD, Sense.MONTH, Sense.MONTH_WORD, Sense.YEAR_WORD})
_MAY_ADD = frozenset({CommandName.HELP, CommandName.STATUS, CommandName.CANCEL})  # a keyword, facility or period


class FoundCommand(NamedTuple):
    """A command, and the tokens behind its word."""

    command: Command
    rest: Sequence[Token]


def find_command(message: Message, tokens: Sequence[Token]) -> FoundCommand | None:
    """Find the command that a whole message is; None where it is none, or only holds such a word."""
    if not tokens:
        return FoundCommand(Command(CommandName.HELP), ()) if set(message.text.strip()) == {"?"} else None
    if not any(token.word in COMMAND_OF for token in tokens):
        return None
    lexicon = lexicon_of(message.forms[0], message.forms) if message.forms else None
    core = _without_courtesy(tokens, lexicon)
    if not core or (lexicon is not None and lexicon.find_phrase(tokens, core[0])):
        return None
    tokens, core = _put_first(message, tokens, core, lexicon)
    first, *others = (tokens[index] for index in core)
    name = COMMAND_OF.get(first.word)
    said = {COMMAND_OF.get(token.word) for token in tokens}
    if first.word in NOT and others and all(token.word in _RIGHT for token in others):
        return FoundCommand(Command(CommandName.NO), ())
    if first.word in NOT and any(token.word == "salah" for token in others):
        return None  # `tidak salah` says that it is right, `tidak, salah` that it is not
    if name is None or {CommandName.YES, CommandName.NO} <= said:
        return None
    rest = tokens[core[0] + 1 :]
    rest_text = message.text[first.span.end :].strip(" \t\r\n:;,.-=")
    if all(COMMAND_OF.get(token.word) is name for token in others):
        return FoundCommand(Command(name), rest)
    if name is CommandName.LANGUAGE:
        language = _LANGUAGES.get(others[0].word) if len(others) == 1 else None
        return FoundCommand(Command(name, language), rest) if language else None
    if name in {CommandName.REGISTER, CommandName.CORRECT}:
        return FoundCommand(Command(name, rest_text), rest)
    if name in _MAY_ADD and lexicon is not None:
        about = _find_address(message, rest, lexicon)
        return FoundCommand(Command(name, rest_text, about), rest) if about else None
    return None


def _without_courtesy(tokens: Sequence[Token], lexicon: Lexicon | None) -> list[int]:
    """Leave out courtesy words; YA stays only where nothing else does."""
    core = []
    index = 0
    while index < len(tokens):
        phrase = lexicon.find_phrase(tokens, index) if lexicon else None
        if phrase is not None and phrase.meaning.sense is Sense.COURTESY:
            index += len(phrase.words)
            continue
        if tokens[index].word not in COURTESY or tokens[index].word in COMMAND_OF:
            core.append(index)
        index += 1
    return [index for index in core if tokens[index].word not in _ALSO_COURTESY] or core


def _put_first(
    message: Message, tokens: Sequence[Token], core: list[int], lexicon: Lexicon | None
) -> tuple[Sequence[Token], list[int]]:
    """Put RALAT before the keyword, the place and the month that it stands behind: `KB PMB01 0925 RALAT AKTIF 45`."""
    at = next((at for at in core if COMMAND_OF.get(tokens[at].word) is CommandName.CORRECT), core[0])
    about = _find_address(message, tokens[:at], lexicon) if lexicon is not None and at > core[0] else None
    if about is None or (not about.periods and any(name.isalpha() for name in about.facilities)):
        return tokens, core  # `KB saya ubah suntik` is chat
    behind = [tokens[index] for index in core if index > at][:1]
    has_number = any(token.kind is TokenKind.NUMBER for token in tokens[:at])
    is_value_next = any(_is_one_of(_HEADER | CODES, token, message.forms) for token in behind)
    if [bool(about.forms), has_number, is_value_next].count(True) < 2:
        return tokens, core  # `KB ubah jadwal` too
    tokens = [tokens[at], *tokens[:at], *tokens[at + 1 :]]
    return tokens, _without_courtesy(tokens, lexicon)


def _is_one_of(senses: frozenset[Sense], token: Token, forms: tuple[Form, ...]) -> bool:
    """Whether a token is a number, or a word with one of these senses in any form."""
    found = (lexicon_of(form, forms).exact.get(token.word) for form in forms)
    return token.kind is TokenKind.NUMBER or any(meaning is not None and meaning.sense in senses for meaning in found)


def _find_address(message: Message, tokens: Sequence[Token], lexicon: Lexicon) -> Address | None:
    """Find the forms, facilities and months that a command is about; None where the tokens hold anything else."""
    marks = make_marks(tokens, message.forms[0], lexicon)
    facilities: list[str] = []
    for index, mark in enumerate(marks):
        if mark.sense is Sense.UNKNOWN and _is_facility(marks, index):
            mark.sense = Sense.FACILITY
            facilities.append(mark.written.upper())
            if (digits := _digits_behind(marks, index)) is not None:
                digits.sense = Sense.FACILITY
                facilities[-1] += digits.code
        elif is_register_code(mark):
            mark.sense = Sense.FACILITY
            facilities.append(mark.code)
    months = find_months(marks, message.sent_on)
    allowed = SKIPPED | {Sense.KEYWORD, Sense.FACILITY, Sense.PERIOD}
    if any(mark.sense not in allowed for mark in marks):
        return None
    forms = dict.fromkeys(mark.code for mark in marks if mark.sense is Sense.KEYWORD)
    return Address(tuple(forms), tuple(facilities), tuple(dict.fromkeys(month.period for month in months)))


def _is_facility(marks: Sequence[Mark], index: int) -> bool:
    """Whether an unknown word is a facility: it has digits, or stands directly behind a keyword, or last after one."""
    is_behind_keyword = index > 0 and marks[index - 1].sense is Sense.KEYWORD
    is_last = index == len(marks) - 1 and any(mark.sense is Sense.KEYWORD for mark in marks)
    return is_behind_keyword or is_last or _digits_behind(marks, index) is not None


def _digits_behind(marks: Sequence[Mark], index: int) -> Mark | None:
    """Return the number that is glued to a word, as in `PMB01`."""
    after = marks[index + 1] if index + 1 < len(marks) else None
    if after is None or after.gap != "" or after.tokens[0].kind is not TokenKind.NUMBER:
        return None
    return after
