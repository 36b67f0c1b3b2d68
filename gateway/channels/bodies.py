"""What a peer posted, a form or JSON, read strictly: what one reader takes so and another otherwise is malformed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import NoReturn
from urllib.parse import parse_qsl

from gateway.errors import Malformed
from gateway.values import REPLACEMENT, HttpRequest, clean_text

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MOST_FIELDS = 200
LONGEST_KEY = 200  # characters; the width of inbox.provider_id

Fields = dict[str, list[str]]


def content_type(request: HttpRequest) -> str:
    """Return the media type of a request's body, in small letters, without parameters."""
    return request.header("content-type").partition(";")[0].strip().lower()


def split_path(request: HttpRequest) -> tuple[str, str]:
    """Return the path and the query of a request's address, each as it came; whatever it holds is no host.

    >>> split_path(HttpRequest("GET", "//[a/sms?id=1?2", {}))
    ('//[a/sms', 'id=1?2')
    """
    path, _, query = request.path.partition("?")
    return path, query


def read_form(body: bytes) -> Fields:
    """Return every field of a form with all its values, empty ones too.

    Errors: Malformed where the bytes are not UTF-8 or the fields are too many.
    """
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS
        )
    except UnicodeDecodeError as fault:
        raise Malformed("the form is not in UTF-8") from fault
    except ValueError as fault:
        raise Malformed(f"the form has more than {MOST_FIELDS} fields") from fault
    fields: Fields = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def read_json(body: bytes) -> object:
    """Return a JSON document. Refuses what JSON leaves open: a name twice, NaN, nesting without end, other encodings.

    Errors: Malformed.
    """
    try:
        return json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=str
        )
    except UnicodeDecodeError as fault:
        raise Malformed("the body is not in UTF-8") from fault
    except RecursionError as fault:
        raise Malformed("the body is nested too deep") from fault
    except ValueError as fault:  # JSONDecodeError is one, and so is a number of more than 4,300 digits
        raise Malformed("the body is not JSON") from fault


def read_document(request: HttpRequest) -> object:
    """Return what a request holds, by its content type: a form becomes a mapping whose names stand once each.

    Errors: Malformed, naming the header or the field.
    """
    kind = content_type(request)
    if kind == JSON or (kind.startswith("application/") and kind.endswith("+json")):
        return read_json(request.body)
    if kind == FORM:
        return {name: only_value(values, name) for name, values in read_form(request.body).items()}
    raise Malformed(f"the content type must be {JSON} or {FORM}", field="Content-Type")


def only_value(values: list[str], name: str) -> str:
    """Return the value of a form's field that may stand there once only. Errors: Malformed."""
    if len(values) != 1:
        raise Malformed("a field stands there more than once", field=shorten(name))
    return values[0]


def pick(document: object, path: str) -> object:
    """Return what a document holds under a name, or under a path of names and places with dots; None for none.

    >>> pick({"results": [{"from": "0812"}]}, "results.0.from"), pick({"a.b": 1}, "a.b"), pick([], "x")
    ('0812', 1, None)
    """
    if isinstance(document, dict) and path in document:
        return document[path]
    found: object = document
    for part in path.split("."):
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list) and re.fullmatch(r"[0-9]{1,3}", part, re.ASCII) and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def read_text(value: object, name: str) -> str:
    """Return a field's text, cleaned; a whole number counts as its digits. Errors: Malformed, naming the field."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    raise Malformed("a field is missing" if value is None else "a field is not a text", field=shorten(name))


def read_key(value: object, name: str) -> str:
    """Return a field that tells one message from all others. Errors: Malformed: missing, blank or too long."""
    key = read_text(value, name).strip()
    if not key or len(key) > LONGEST_KEY or not key.isprintable() or REPLACEMENT in key:
        raise Malformed(f"a field must have 1 to {LONGEST_KEY} printable characters", field=shorten(name))
    return key


def read_instant(value: object, name: str) -> datetime | None:
    """Return when something happened, in UTC; None where nothing is written.

    Shape: ISO 8601 with its zone, or seconds (or milliseconds) since 1970.
    Errors: Malformed, naming the field.
    """
    if value is None or value == "":
        return None
    written = read_text(value, name).strip()
    try:
        if re.fullmatch(r"[0-9]{9,13}(\.[0-9]{1,9})?", written, re.ASCII):
            seconds = float(written)
            return datetime.fromtimestamp(seconds / 1000 if seconds >= 10**11 else seconds, UTC)
        instant = datetime.fromisoformat(written)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError) as fault:
        raise Malformed("a field is not a time", field=shorten(name)) from fault
    raise Malformed("a time must say its zone", field=shorten(name))


def shorten(name: str) -> str:
    """Return a stranger's word so that it can stand in our own sentence: short and printable."""
    return "".join(mark if mark.isprintable() else "?" for mark in clean_text(name)[:64])


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise Malformed("a name stands twice in one object", field=shorten(name))
        found[name] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed("JSON has no such number", field=shorten(name))
