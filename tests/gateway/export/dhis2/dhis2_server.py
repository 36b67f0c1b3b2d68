"""A DHIS2 of one of three generations over HTTP on loopback, whose connections break where a test wants them to."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.gateway.channels.standin import Fault, Reply, Seen, StandIn
from tests.gateway.export.dhis2.their_country import Country, make_country
from tests.gateway.export.dhis2.their_import import TheirImport

TOKEN = "d2pat_5xVA12xyUbWNedQxy4ohH77WlxRGVvZZ1151814092"


class Cut(StrEnum):
    """Where a request's connection breaks: before it is looked at, after it was done, or within the answer."""

    BEFORE = "before"
    AFTER = "after"
    HALFWAY = "halfway"  # within the answer, which says how long it would have been


class Dhis2Server(StandIn):
    """A DHIS2. `cuts` maps the number of a request, from 0 on, to where it breaks or what is answered instead."""

    def __init__(self, generation: int, country: Country | None = None) -> None:
        super().__init__()
        self.imports = TheirImport(generation, country or make_country())
        self.cuts: dict[int, Cut | Reply] = {}
        self.every: Reply | None = None
        self.count = 0

    def cut_next(self, *where: Cut | Reply | None) -> None:
        """Break the next requests, each where it is said; None lets one pass."""
        self.cuts |= {self.count + at: one for at, one in enumerate(where) if one is not None}

    def answer(self, seen: Seen) -> Reply | Fault:
        """Answer a request, or break off."""
        wanted = self.every or self.cuts.get(self.count)
        self.count += 1
        if wanted is Cut.BEFORE:
            return Fault.LOST
        if isinstance(wanted, Reply):
            return wanted
        reply = self._do(seen)
        if wanted is Cut.HALFWAY:
            promised = {"Content-Length": str(len(reply.body) + 1), "Connection": "close"}
            return Reply(reply.status, reply.body[: len(reply.body) // 2], dict(reply.headers) | promised)
        return Fault.LOST if wanted is Cut.AFTER else reply

    def _do(self, seen: Seen) -> Reply:
        if seen.headers.get("authorization") != f"ApiToken {TOKEN}":
            said = {"httpStatus": "Unauthorized", "httpStatusCode": 401, "status": "ERROR"}
            return Reply.of_json(said | {"message": "The API token does not exists"}, 401)
        split = urlsplit(seen.path)
        params = dict(parse_qsl(split.query))
        body = gzip.decompress(seen.body) if seen.body[:2] == b"\x1f\x8b" else seen.body
        match (seen.method, split.path.removesuffix(".json")):
            case ("POST", "/api/dataValueSets"):
                status, found = self.imports.take(body, params)
                return Reply.of_json(found, status)
            case ("GET", "/api/dataValueSets"):
                return self._list_values(params)
            case ("POST", "/api/completeDataSetRegistrations"):
                return self._complete(seen, params)
            case ("GET", "/api/completeDataSetRegistrations"):
                return self._list_complete(params)
            case ("DELETE", "/api/completeDataSetRegistrations"):
                self.imports.complete.pop((params["ds"], params["pe"], params["ou"]), None)
                return Reply(204)
            case ("GET", "/api/dataSets" | "/api/organisationUnits" as path):
                return self._look_up(path.rpartition("/")[2], params)
        return Reply.of_json({"httpStatus": "Not Found", "httpStatusCode": 404, "status": "ERROR"}, 404)

    def _where(self, params: Mapping[str, str], unit: str = "orgUnit") -> tuple[str, str, str] | None:
        country, scheme = self.imports.country, params.get("idScheme", "UID")
        data_set = country.find("ds", params["dataSet"], scheme)
        org_unit = country.find("ou", params[unit], scheme)
        return (data_set, params["period"], org_unit) if data_set and org_unit else None

    def _list_values(self, params: Mapping[str, str]) -> Reply:
        where = self._where(params)
        if where is None:
            said = {"httpStatus": "Conflict", "httpStatusCode": 409, "status": "ERROR"}
            return Reply.of_json(
                said | {"message": "At least one valid data set must be specified", "errorCode": "E2001"}, 409
            )
        country, is_new = self.imports.country, self.imports.generation >= 43
        around = {"period": where[1], "orgUnit": params["orgUnit"], "attributeOptionCombo": "default"}
        values = []
        for (element, period, unit, combo), one in self.imports.store.items():
            if (period, unit) == where[1:]:
                named = {"dataElement": country.elements[element], "categoryOptionCombo": country.combos[combo]}
                value: dict[str, Any] = named | {"value": one["value"], "deleted": one["deleted"]}
                values.append(value if is_new else value | around)
        found: dict[str, Any] = {"dataSet": params["dataSet"], "dataValues": values}
        return Reply.of_json(found | around if is_new else found)

    def _complete(self, seen: Seen, params: Mapping[str, str]) -> Reply:
        counts = dict.fromkeys(("imported", "updated", "ignored", "deleted"), 0)
        conflicts = []
        listed: Any = seen.json
        for one in listed["completeDataSetRegistrations"]:
            where = self._where(params | one, "organisationUnit")
            if where is None:
                conflicts.append({"object": one["organisationUnit"], "value": "Organisation unit not found"})
                continue
            counts["updated" if where in self.imports.complete else "imported"] += 1
            self.imports.complete[where] = one["date"]
            self.imports.completions.append(where)
        state = "ERROR" if conflicts and not counts["imported"] + counts["updated"] else "SUCCESS"
        summary = {"responseType": "ImportSummary", "status": state, "importCount": counts, "conflicts": conflicts}
        if self.imports.generation == 36:
            return Reply.of_json(summary)
        status = 200 if state == "SUCCESS" else 409
        return Reply.of_json({"httpStatusCode": status, "status": state, "response": summary}, status)

    def _list_complete(self, params: Mapping[str, str]) -> Reply:
        where = self._where(params)
        if where not in self.imports.complete:
            return Reply.of_json({})
        found = {"dataSet": params["dataSet"], "period": params["period"], "organisationUnit": params["orgUnit"]}
        return Reply.of_json({"completeDataSetRegistrations": [found | {"completed": True}]})

    def _look_up(self, kind: str, params: Mapping[str, str]) -> Reply:
        _by, _, code = params["filter"].split(":", 2)
        uid = self.imports.country.find("ds" if kind == "dataSets" else "ou", code, "CODE")
        return Reply.of_json({kind: [{"id": uid}] if uid else []})
