"""The API's description: as a file for machines, and as a page in two languages, made from that file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from gateway.publish import openapi
from gateway.publish.api import BASE, Operation, as_seen, runtime_of_request
from gateway.publish.problems import KINDS
from gateway.store.tokens import TokenScope

LANGUAGES = {"id": "Bahasa Indonesia", "en": "English"}
WORDS = Path(__file__).parent / "docs.toml"

routes = Blueprint("api_docs", __name__, url_prefix=BASE, template_folder="templates")


@routes.get("/openapi.json")
def show_spec() -> Response:
    """Show the description as OpenAPI 3.1. It is no secret: it holds nothing of anybody."""
    return as_seen(jsonify(openapi.make_spec()))


@routes.get("/docs")
def show_docs() -> Response:
    """Show the description as a page."""
    wished = request.args.get("lang", "")
    language = wished if wished in LANGUAGES else runtime_of_request().settings.language
    page = current_app.jinja_env.get_template("api_docs.html")
    body = page.render(
        language=language,
        languages=LANGUAGES,
        words=load_words()[language],
        operations=[(tag, _show(operation, language)) for tag, operation in openapi.list_operations()],
        kinds=[(kind.value, about.status, getattr(about, language)) for kind, about in KINDS.items()],
        scopes=[scope.value for scope in TokenScope],
        limit=runtime_of_request().settings.api_per_minute,
        base=BASE,
    )
    return as_seen(Response(body, content_type="text/html; charset=utf-8"))


@cache
def load_words() -> Mapping[str, Mapping[str, str]]:
    """Return what the page says, by language."""
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


def _show(operation: Operation, language: str) -> dict[str, Any]:
    body = operation.body.model_json_schema() if operation.body else {"properties": {}}
    return {
        "name": operation.name,
        "method": operation.method,
        "path": BASE + operation.path,
        "says": operation.says[language],
        "scope": operation.scope.value if operation.scope else "",
        "parameters": [_name_kind(one) for one in openapi.list_parameters(operation)],
        "fields": [
            _name_kind({"name": name, "required": name in body.get("required", ()), "schema": about, "in": "body"})
            for name, about in body["properties"].items()
        ],
        "taken": sorted(operation.taken),
        "refused": openapi.statuses_of(operation),
    }


def _name_kind(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter or a field with what may stand in it, in short."""
    schema = one["schema"]
    plain = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
    allowed = " | ".join(map(str, plain.get("enum", ()))) or plain.get("format") or plain.get("type", "")
    example = next(iter(plain.get("examples") or schema.get("examples") or ()), schema.get("default"))
    return {
        "name": one["name"],
        "place": one["in"],
        "required": one["required"],
        "kind": allowed,
        "example": "" if example in (None, "", []) else example,
    }
