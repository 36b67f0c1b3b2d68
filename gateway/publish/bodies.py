"""What a system sends us, read strictly: JSON without any trick, and queries in which every name is known."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException

from gateway.publish.problems import Kind, Refusal
from gateway.values import clean_text

LARGEST_BODY = 64 * 1024  # bytes; a report of every cell of the largest form has 10 kB
LONGEST_NUMBER = 18  # digits; what is longer is no count, and costs to read
DEEPEST = 8
MOST_FAULTS = 20  # of one request that are told
Model = TypeVar("Model", bound=BaseModel)
# What pydantic calls the faults that a system makes most, in both languages; the others are told in its own words.
FAULTS: Mapping[str, tuple[str, str]] = {
    "extra_forbidden": ("is not known here", "tidak dikenal di sini"),
    "missing": ("is missing", "belum ada"),
    "string_type": ("must be a text", "harus berupa teks"),
    "string_pattern_mismatch": ("is not written as it must be", "penulisannya tidak sesuai"),
    "string_too_short": ("is too short", "terlalu pendek"),
    "string_too_long": ("is too long", "terlalu panjang"),
    "too_long": ("has too many parts", "isinya terlalu banyak"),
    "dict_type": ("must be an object", "harus berupa objek"),
    "model_type": ("must be an object", "harus berupa objek"),
    "list_type": ("must be a list", "harus berupa daftar"),
    "tuple_type": ("must be a list", "harus berupa daftar"),
    "literal_error": ("is none of the known words", "bukan salah satu kata yang dikenal"),
    "bool_parsing": ("must be true or false", "harus true atau false"),
    "greater_than_equal": ("is too small", "terlalu kecil"),
    "less_than_equal": ("is too large", "terlalu besar"),
    "datetime_from_date_parsing": ("is no instant as in RFC 3339", "bukan waktu menurut RFC 3339"),
    "datetime_parsing": ("is no instant as in RFC 3339", "bukan waktu menurut RFC 3339"),
}


def read_query(model: type[Model]) -> Model:
    """Return what the address asks for. Errors: Refusal naming each parameter that is unknown, repeated or wrong."""
    repeated = [name for name in request.args if len(request.args.getlist(name)) > 1]
    if repeated:
        raise _invalid([(clean_text(name), "stands twice", "ditulis dua kali") for name in dict.fromkeys(repeated)])
    return _validate(model, dict(request.args.items()))


def read_body(model: type[Model]) -> Model:
    """Return what was sent. Errors: Refusal in words."""
    return _validate(model, read_json())


def read_json() -> Any:
    """Return the JSON of the request. Errors: Refusal: not JSON, too large, or not one that everybody reads alike."""
    if request.mimetype != "application/json" or request.headers.get("Content-Encoding", "identity") != "identity":
        raise Refusal(
            Kind.NOT_JSON,
            "Send Content-Type: application/json, not compressed.",
            "Kirim dengan Content-Type: application/json, tanpa kompresi.",
        )
    request.max_content_length = LARGEST_BODY + 1  # one more: what comes in chunks is cut there, not refused
    try:
        body = request.get_data(cache=False)
    except HTTPException as error:
        raise _too_large() from error
    if len(body) > LARGEST_BODY:
        raise _too_large()
    try:
        found = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_take_pairs,
            parse_constant=_refuse_constant,
            parse_int=_take_whole,
            parse_float=_take_decimal,
        )
        return _clean(found, 0)
    except RecursionError as error:
        raise _unreadable("it is nested too deeply", "bersarang terlalu dalam") from error
    except UnicodeDecodeError as error:
        raise _unreadable("it is not UTF-8", "bukan UTF-8") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _unreadable(f"it is no JSON from {place} on", f"bukan JSON mulai {place}") from error


def _validate(model: type[Model], given: Any) -> Model:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise _invalid([(_place(one["loc"]), *_say(one)) for one in faults[:MOST_FAULTS]]) from error


def _say(fault: Mapping[str, Any]) -> tuple[str, str]:
    own = fault["msg"].removeprefix("Value error, ")
    return FAULTS.get(fault["type"], (own, f"tidak sesuai ({own})"))


def _place(steps: Sequence[int | str]) -> str:
    return clean_text(".".join(str(step) for step in steps))[:100]


def _invalid(found: Sequence[tuple[str, str, str]]) -> Refusal:
    """Return the refusal of these faults. Shape: where, and what is wrong in English and in Indonesian."""
    en = "; ".join(f"{at}: {words}" if at else words for at, words, _ in found[:3])
    id_ = "; ".join(f"{at}: {words}" if at else words for at, _, words in found[:3])
    faults = [{"at": at, "fault": words, "fault_id": words_id} for at, words, words_id in found]
    return Refusal(Kind.INVALID, f"Please correct: {en}.", f"Mohon betulkan: {id_}.", faults=faults)


def _too_large() -> Refusal:
    return Refusal(
        Kind.TOO_LARGE,
        f"At most {LARGEST_BODY} bytes are read. Send one report or message at a time.",
        f"Paling banyak {LARGEST_BODY} byte. Kirim satu laporan atau pesan setiap kali.",
    )


def _unreadable(en: str, id: str) -> Refusal:  # noqa: A002  a language's code, as everywhere
    return Refusal(Kind.UNREADABLE, f"The body cannot be read: {en}.", f"Isi tidak dapat dibaca: {id}.")


def _take_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            shown = clean_text(name)[:40]
            raise _unreadable(f"{shown!r} stands twice in one object", f"{shown!r} ada dua kali dalam satu objek")
        found[name] = value
    return found


def _refuse_constant(written: str) -> Any:
    raise _unreadable(f"{written} is no number of JSON", f"{written} bukan angka JSON")


def _take_whole(written: str) -> int:
    if len(written) > LONGEST_NUMBER:
        raise _unreadable("a number has too many digits", "ada angka yang terlalu panjang")
    return int(written)


def _take_decimal(written: str) -> float:
    if len(written) > 2 * LONGEST_NUMBER or not math.isfinite(value := float(written)):
        raise _unreadable("a number is too large", "ada angka yang terlalu besar")
    return value


def _clean(value: Any, depth: int) -> Any:
    """Return the value without what no database takes in a text (NUL, halves of characters)."""
    if depth > DEEPEST:
        raise _unreadable("it is nested too deeply", "bersarang terlalu dalam")
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(one, depth + 1) for one in value]
    if isinstance(value, dict):
        return {clean_text(name): _clean(one, depth + 1) for name, one in value.items()}
    return value
