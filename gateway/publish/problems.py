"""How a fault is told to a system: `application/problem+json` (RFC 9457), in two languages, never with a trace."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from flask import Response, request
from werkzeug.exceptions import HTTPException

from gateway.errors import KabarError, Raced, Unavailable
from parsers.judge import Finding
from parsers.problems import ProblemCode
from parsers.reading import Problem

MEDIA_TYPE = "application/problem+json"
DOCS = "/api/v1/docs"
DOORS = ("/api/", "/odata/")  # the addresses under which every fault is told so
FOLDER = Path(__file__).parent

logger = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What can be wrong with a request. The page of the API explains each under `#problem-<code>`."""

    UNREADABLE = "unreadable"
    TOKEN_MISSING = "token-missing"  # noqa: S105  no secret, a name
    TOKEN_REFUSED = "token-refused"  # noqa: S105
    SCOPE_MISSING = "scope-missing"
    NOT_FOUND = "not-found"
    METHOD_REFUSED = "method-refused"
    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    INVALID = "invalid"
    REPORT_REFUSED = "report-refused"
    REPORT_DOUBTFUL = "report-doubtful"
    KEY_REUSED = "key-reused"
    TOO_MANY = "too-many-requests"
    FAILED = "failed"
    NOT_BUILT = "not-built"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class About:
    """A kind's status and its title in both languages."""

    status: int
    en: str
    id: str


_WORDS: Mapping[Kind, tuple[int, str, str]] = {
    Kind.UNREADABLE: (400, "The request cannot be read", "Permintaan tidak dapat dibaca"),
    Kind.TOKEN_MISSING: (401, "A token is needed", "Perlu token"),
    Kind.TOKEN_REFUSED: (401, "This token opens nothing", "Token ini tidak berlaku"),
    Kind.SCOPE_MISSING: (403, "This token may not do that", "Token ini tidak berhak melakukannya"),
    Kind.NOT_FOUND: (404, "Not there, or not in the area of this token", "Tidak ada, atau di luar wilayah token"),
    Kind.METHOD_REFUSED: (405, "This address has no such method", "Alamat ini tidak mengenal metode itu"),
    Kind.TOO_LARGE: (413, "The request is too large", "Permintaan terlalu besar"),
    Kind.NOT_JSON: (415, "The body must be JSON", "Isi permintaan harus JSON"),
    Kind.INVALID: (422, "Something in the request is not as it must be", "Ada yang tidak sesuai dalam permintaan"),
    Kind.REPORT_REFUSED: (422, "The report cannot be taken as it is", "Laporan belum dapat diterima"),
    Kind.REPORT_DOUBTFUL: (422, "Something is doubtful: correct or confirm it", "Meragukan: betulkan atau tegaskan"),
    Kind.KEY_REUSED: (422, "This key was used for another report", "Kunci ini sudah dipakai untuk laporan lain"),
    Kind.TOO_MANY: (429, "Too many requests, wait a little", "Terlalu banyak permintaan, tunggu sebentar"),
    Kind.FAILED: (500, "A fault of ours; it was written down", "Kesalahan pada kami; sudah dicatat"),
    Kind.NOT_BUILT: (501, "This feed does not do that", "Umpan ini tidak melayani itu"),
    Kind.UNAVAILABLE: (503, "Nothing was kept: try again later", "Tidak ada yang disimpan: coba lagi nanti"),
}
KINDS: Mapping[Kind, About] = {kind: About(*words) for kind, words in _WORDS.items()}
LEVELS = {code.value: code.level.value for code in ProblemCode}
_BY_STATUS = {KINDS[kind].status: kind for kind in [*KINDS][::-1]}  # the first of a status stands for it


class Refusal(KabarError):
    """A request that is answered with a problem: its kind, a sentence in both languages, and what else is told."""

    def __init__(
        self,
        kind: Kind,
        en: str = "",
        id: str = "",  # noqa: A002  a language's code, as everywhere
        *,
        headers: Mapping[str, str] | None = None,
        **told: Any,
    ) -> None:
        super().__init__(en or KINDS[kind].en)
        self.kind, self.en, self.id, self.headers, self.told = kind, en, id, dict(headers or {}), told


def is_ours(path: str) -> bool:
    """Tell whether a fault at an address is told as a problem."""
    return path.startswith(DOORS)


def answer_error(error: Exception) -> Response:
    """Answer a fault at one of our addresses; what only we can mend goes to the log with its trace."""
    if isinstance(error, Refusal):
        return _show(error)
    if isinstance(error, Unavailable | Raced):
        logger.warning("not_answered", path=request.path, why=str(error))
        return _show(Refusal(Kind.UNAVAILABLE, headers={"Retry-After": "5"}))
    if isinstance(error, HTTPException):
        headers = {name: value for name, value in error.get_headers() if name == "Allow"}
        return _show(Refusal(_BY_STATUS.get(error.code or 500, Kind.UNREADABLE), headers=headers))
    logger.error("crashed", path=request.path, exc_info=error)
    return _show(Refusal(Kind.FAILED))


def _show(refusal: Refusal) -> Response:
    about = KINDS[refusal.kind]
    if request.path.startswith("/odata/"):
        words = refusal.en or about.en
        told: dict[str, Any] = {"error": {"code": refusal.kind.value, "message": f"{words} / {refusal.id or about.id}"}}
        media_type = "application/json;odata.metadata=minimal"
        refusal.headers["OData-Version"] = "4.0"
    else:
        told = {
            "type": f"{DOCS}#problem-{refusal.kind}",
            "title": about.en,
            "title_id": about.id,
            "status": about.status,
        }
        if refusal.en:
            told |= {"detail": refusal.en, "detail_id": refusal.id}
        told |= refusal.told
        media_type = MEDIA_TYPE
    response = Response(json.dumps(told) + "\n", status=about.status, content_type=media_type)
    response.headers.extend(refusal.headers)
    return response


def say_findings(found: Sequence[Problem | Finding], signs: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return what was found in a report, each with its code, its level and a sentence in both languages.

    `signs` are what confirms each, where it can be confirmed.
    """
    said = [_say(finding) for finding in found]
    return [one | {"confirm": sign} for one, sign in zip(said, signs, strict=True)] if signs else said


def say_flags(flags: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the flags of a report as they were kept, each with a sentence in both languages."""
    return [_say_code(str(flag.get("code", "")), flag.get("about") or {}) for flag in flags]


def _say(finding: Problem | Finding) -> dict[str, Any]:
    return _say_code(str(finding.code), finding.about) | {"level": LEVELS[str(finding.code)]}


def _say_code(code: str, about: Mapping[str, Any]) -> dict[str, Any]:
    words = load_sayings().get(code, {})
    slots = defaultdict(str, {name: str(value) for name, value in about.items()})
    said = {language: words.get(language, code).format_map(slots) for language in ("en", "id")}
    return {"code": code, "title": said["en"], "title_id": said["id"], "about": dict(about)}


@cache
def load_sayings() -> Mapping[str, Mapping[str, str]]:
    """Return the sentences about reports by code and language."""
    return tomllib.loads((FOLDER / "sayings.toml").read_text(encoding="utf-8"))
