"""What the API can do, as OpenAPI 3.1: made from the operations themselves, so that it says what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.discover import discover
from gateway.publish.api import BASE, Operation, Resource
from gateway.publish.problems import KINDS, MEDIA_TYPE
from gateway.publish.shapes import Page, Problem

VERSION = "1.0.0"
JSON = "application/json"
Refs = Mapping[tuple[Any, JsonSchemaMode], Any]  # what stands for a model, where it is read or written
_REF = "#/components/schemas/{model}"
_ALWAYS = (401, 422, 429, 503)
_WITH_BODY = (400, 413, 415)


def list_operations() -> tuple[tuple[str, Operation], ...]:
    """Return everything that can be asked, each with what it is about."""
    found = []
    for module in discover("gateway.publish", having=("resource", "routes")).values():
        resource = module.resource
        assert isinstance(resource, Resource)
        found += [(operation.path.split("/")[1], operation) for operation in resource.operations]
    return tuple(sorted(found, key=lambda one: (one[0], one[1].path, one[1].method)))


def make_spec() -> dict[str, Any]:
    """Return the whole description."""
    operations = list_operations()
    schemas, refs = _schemas([operation for _, operation in operations])
    paths: dict[str, dict[str, Any]] = {}
    for tag, operation in operations:
        paths.setdefault(BASE + operation.path, {})[operation.method.lower()] = _describe(tag, operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kabar API",
            "version": VERSION,
            "summary": "Monthly family-planning reports: read what came in by SMS, and send reports and messages.",
            "description": f"Every answer lies within the area of the token. A readable page: {BASE}/docs.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "kabar_...", "description": "A token."}
            },
        },
    }


def list_parameters(operation: Operation) -> list[dict[str, Any]]:
    """Return the parameters of an operation: of its path, its query and its headers."""
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": operation.path_pattern}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    if operation.query is not None:
        schema = operation.query.model_json_schema()
        needed = schema.get("required", [])
        for name, about in schema["properties"].items():
            plain = _without_null(about)
            words = plain.pop("description", "")
            plain.pop("title", None)
            one = {"name": name, "in": "query", "required": name in needed, "schema": plain}
            found.append(one | ({"description": words} if words else {}))
    for name, words in operation.headers.items():
        schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
        found.append({"name": name, "in": "header", "required": True, "description": words, "schema": schema})
    return found


def statuses_of(operation: Operation) -> tuple[int, ...]:
    """Return the statuses with which an operation tells a fault."""
    found = {*_ALWAYS, *(_WITH_BODY if operation.body else ())}
    if operation.scope is not None:
        found |= {403, 404}
    return tuple(sorted(found))


def _describe(tag: str, operation: Operation, refs: Refs) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [tag],
        "summary": operation.says["en"],
        "x-summary-id": operation.says["id"],
        "security": [{"token": [operation.scope.value] if operation.scope else []}],
        "parameters": list_parameters(operation),
        "responses": {str(status): _answer(status, model, refs) for status, model in operation.taken.items()},
    }
    if operation.method == "GET":
        told["responses"]["304"] = {"description": "As it was: the ETag is the one of If-None-Match."}
    for status in statuses_of(operation):
        titles = sorted({about.en for about in KINDS.values() if about.status == status})
        told["responses"][str(status)] = {
            "description": "; or: ".join(titles),
            "content": {MEDIA_TYPE: {"schema": refs[Problem, "serialization"]}},
        }
    if operation.body is not None:
        content = {JSON: {"schema": refs[operation.body, "validation"]}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _answer(status: int, model: type[BaseModel], refs: Refs) -> dict[str, Any]:
    words = (model.__doc__ or "").strip()
    told: dict[str, Any] = {"description": words, "content": {JSON: {"schema": refs[model, "serialization"]}}}
    whole = {"schema": {"type": "integer"}}
    headers: dict[str, Any] = dict.fromkeys(("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"), whole)
    if issubclass(model, Page):
        headers["Link"] = {"schema": {"type": "string"}, "description": "The next page, if there is one."}
    if status == 200:
        headers["ETag"] = {"schema": {"type": "string"}}
    return told | {"headers": headers}


def _schemas(operations: list[Operation]) -> tuple[dict[str, Any], Refs]:
    refs, definitions = models_json_schema(list(dict.fromkeys(_models(operations))), ref_template=_REF)
    return definitions["$defs"], refs


def _models(operations: list[Operation]) -> Iterator[tuple[type[BaseModel], JsonSchemaMode]]:
    yield Problem, "serialization"
    for operation in operations:
        yield from ((model, "serialization") for model in operation.taken.values())
        if operation.body is not None:
            yield operation.body, "validation"


def _without_null(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema: what may be left out is left out in an address, and never null."""
    rest = {name: value for name, value in about.items() if name not in ("anyOf", "default")}
    if about.get("default") is not None:
        rest["default"] = about["default"]
    given = [one for one in about.get("anyOf", ()) if one != {"type": "null"}]
    return rest | (dict(given[0]) if given else {})
