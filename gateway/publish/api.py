"""The frame of the API: who asks and what they may, what they ask for, and how they are answered."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import structlog
from flask import Blueprint, Response, current_app, request
from pydantic import BaseModel

from gateway.errors import Unavailable
from gateway.publish import bodies
from gateway.publish.problems import Kind, Refusal
from gateway.publish.shapes import Asked, Page, Paged, Told
from gateway.publish.throttle import Left, Throttle
from gateway.runtime import Runtime, redis_address
from gateway.store import tokens
from gateway.store.tokens import Token, TokenScope
from gateway.values import Scope

BASE = "/api/v1"
REALM = "Kabar"

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """The system that asks: its token, and the house that it asks. `left` is what it may still ask this minute."""

    token: Token
    runtime: Runtime
    now: datetime
    left: Left

    @property
    def scope(self) -> Scope:
        """The area within which everything is asked."""
        return self.token.scope


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked, as the code and the page of the API know it.

    Shape: `says` is a sentence by language; `path` as OpenAPI writes it; `taken` are the statuses it answers with when
    all is well, each with what it tells.
    """

    name: str
    method: str
    path: str
    scope: TokenScope | None
    says: Mapping[str, str]
    taken: Mapping[int, type[BaseModel]]
    query: type[Asked] | None = None
    body: type[Asked] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    path_pattern: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is not simply 200."""

    told: Told
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Resource:
    """What can be asked about one kind of thing. Its `routes` are served; `operations` are what the API says of it."""

    def __init__(self, name: str) -> None:
        self.routes = Blueprint(f"api_{name}", __name__, url_prefix=BASE)
        self.operations: list[Operation] = []

    def serve(self, operation: Operation) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
        """Let a function answer an operation: it is given the caller, the parts of the path, the query and the body."""
        self.operations.append(operation)

        def wrap(function: Callable[..., Any]) -> Callable[..., Response]:
            @functools.wraps(function)
            def view(**path: str) -> Response:
                caller = admit(operation.scope)
                asked: list[Any] = [bodies.read_query(operation.query or Asked)]
                if operation.body:
                    asked.append(bodies.read_body(operation.body))
                return show(function(caller, *path.values(), *asked), caller)

            rule = operation.path.replace("{", "<").replace("}", ">")
            self.routes.add_url_rule(rule, operation.name, view, methods=[operation.method])
            return view

        return wrap


def runtime_of_request() -> Runtime:
    """Return the runtime of the application that serves this request."""
    found: Runtime = current_app.extensions["kabar"]
    return found


def admit(needed: TokenScope | None, *, is_basic_taken: bool = False) -> Caller:
    """Return who asks. Errors: Refusal where the token is missing, wrong, used too often or may not do what is needed.

    Only what stands in the Authorization header counts; whoever is signed in to the pages is nobody here.
    """
    runtime = runtime_of_request()
    now = runtime.now()
    given = _read_token(is_basic_taken=is_basic_taken)
    token = None
    if tokens.is_well_formed(given):
        with runtime.database.session(read_only=True) as session:
            token = tokens.find_by_secret(session, given, now)
    if token is None:
        raise Refusal(
            Kind.TOKEN_REFUSED,
            "It is unknown, has run out or was revoked. Ask the district office for another one.",
            "Tidak dikenal, sudah habis masa berlakunya, atau dicabut. Mintalah yang baru ke dinas.",
            headers=_challenge('error="invalid_token"', is_basic_taken=is_basic_taken),
        )
    left = _throttle(runtime).take(str(token.id), now)
    _note_use(runtime, token, now)
    if needed is not None and needed not in token.scopes:
        raise Refusal(
            Kind.SCOPE_MISSING,
            f"It needs {needed.value}; this token has: {', '.join(sorted(token.scopes)) or 'nothing'}.",
            f"Perlu {needed.value}; token ini punya: {', '.join(sorted(token.scopes)) or 'tidak ada'}.",
        )
    return Caller(token, runtime, now, left)


def show(answer: Any, caller: Caller) -> Response:
    """Return an answer as JSON; one that was seen already is not sent again (ETag)."""
    if not isinstance(answer, Answer):
        answer = Answer(answer)
    body = answer.told.model_dump_json() + "\n"
    response = Response(body, status=answer.status, content_type="application/json")
    response.headers.extend(caller.left.headers)
    response.headers.extend(answer.headers)
    if isinstance(answer.told, Page) and answer.told.next:
        response.headers["Link"] = f'<{answer.told.next}>; rel="next"'
    return as_seen(response)


def as_seen(response: Response) -> Response:
    """Mark an answer by its content; where the caller has it already, say only that."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.update(("Authorization",))
    if response.status_code == 200 and request.method in ("GET", "HEAD"):
        response.set_etag(hashlib.blake2b(response.get_data(), digest_size=16).hexdigest())
        response.make_conditional(request)
    return response


def paged(
    rows: Sequence[Any],
    asked: Paged,
    tell: Callable[[Any], Told],
    place: Callable[[Any], object],
    told: type[Page[Any]],
) -> Page[Any]:
    """Return a page of one more row than fit, with the address of the page behind it."""
    kept = rows[: asked.limit]
    following = None
    if len(rows) > asked.limit:
        chosen = asked.model_dump(mode="json", exclude_none=True, exclude={"cursor"})
        words = {name: value if isinstance(value, str) else json.dumps(value) for name, value in chosen.items()}
        following = f"{request.path}?{urlencode(words | {'cursor': write_cursor(place(kept[-1]), asked)})}"
    return told(items=[tell(row) for row in kept], next=following)


def write_cursor(place: object, asked: Asked) -> str:
    """Return a place in a list as a word that nobody needs to understand; it belongs to this very question."""
    written = json.dumps([_fingerprint(asked), place]).encode()
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


def read_cursor(asked: Paged, kind: type[Any], first: Any) -> Any:
    """Return the place where a list goes on, or its first. Errors: Refusal for a cursor of another question.

    A place is an id or a code; what the database is asked with it has the token's scope, whoever made the cursor.
    """
    if asked.cursor is None:
        return first
    try:
        padded = asked.cursor + "=" * (-len(asked.cursor) % 4)
        mark, place = json.loads(base64.urlsafe_b64decode(padded))
        is_place = 0 <= place < 2**63 if type(place) is int else place.isascii() and place.isdecimal()
        if mark == _fingerprint(asked) and type(place) is kind and is_place:
            return place
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass  # said below, in the same words
    raise Refusal(
        Kind.INVALID,
        "This cursor belongs to another question. Begin again without it.",
        "Kursor ini untuk pertanyaan lain. Mulai lagi tanpa kursor.",
    )


def absent() -> Refusal:
    """Return the refusal of what is not there or lies outside the token's area: nobody can tell which."""
    return Refusal(Kind.NOT_FOUND)


def choose_area(caller: Caller, asked: str | None) -> str:
    """Return the area that is asked for, else the token's. Errors: Refusal for one outside of it."""
    if asked is None:
        return caller.token.area
    if not caller.scope.covers(asked):
        raise absent()
    return asked


def _read_token(*, is_basic_taken: bool) -> str:
    try:
        given = request.authorization
    except ValueError:  # Basic, in no base64
        given = None
    if given is not None and given.type == "bearer" and given.token:
        return given.token.strip()
    if given is not None and given.type == "basic" and is_basic_taken and given.password:
        return given.password
    raise Refusal(
        Kind.TOKEN_MISSING,
        "Send it as: Authorization: Bearer kabar_...",
        "Kirim sebagai: Authorization: Bearer kabar_...",
        headers=_challenge(is_basic_taken=is_basic_taken),
    )


def _challenge(more: str = "", *, is_basic_taken: bool = False) -> Mapping[str, str]:
    if is_basic_taken:
        return {"WWW-Authenticate": f'Basic realm="{REALM}", charset="UTF-8"'}
    return {"WWW-Authenticate": ", ".join(filter(None, [f'Bearer realm="{REALM}"', more]))}


def _throttle(runtime: Runtime) -> Throttle:
    found = current_app.extensions.get("kabar_throttle")
    if found is None:
        pool = runtime.bells.redis.connection_pool
        found = Throttle(redis_address(runtime.settings), runtime.settings.api_per_minute, pool)
        current_app.extensions["kabar_throttle"] = found
    assert isinstance(found, Throttle)
    return found


def _note_use(runtime: Runtime, token: Token, now: datetime) -> None:
    if not tokens.is_use_due(token, now):
        return
    try:
        with runtime.database.session() as session:
            tokens.note_use(session, token, now)
            session.commit()
    except Unavailable as error:  # who asks is answered all the same
        logger.warning("use_not_noted", system=token.name, why=str(error))


def _fingerprint(asked: Asked) -> str:
    chosen = asked.model_dump(mode="json", exclude={"cursor", "limit"})
    return hashlib.blake2b(json.dumps([request.path, chosen], sort_keys=True).encode(), digest_size=6).hexdigest()
