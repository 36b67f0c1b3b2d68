"""The calls to one DHIS2, each written down without its secret: values, reading them back, completeness, metadata."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from gateway.channels.http import Answer, HttpClient
from gateway.errors import KabarError
from gateway.export.dhis2.payload import Parcel, Target, write_body, write_document
from gateway.mapping import Destination
from gateway.redact import HIDDEN, Secret

JSON = "application/json"
LONGEST = 16_384  # characters of a request or an answer that are kept
READ_SECONDS = 60.0  # an import of one month is quick, the line to it may not be
# As strict before 2.43 as it is from then on: a wrong kind of period or a facility that is not assigned would be taken.
_STRICT = (
    "strictPeriods",
    "strictDataElements",
    "strictCategoryOptionCombos",
    "strictAttributeOptionCombos",
    "strictOrganisationUnits",
)
_SCHEMES = (
    "idScheme",
    "dataSetIdScheme",
    "dataElementIdScheme",
    "orgUnitIdScheme",
    "categoryOptionComboIdScheme",
    "attributeOptionComboIdScheme",
)
_INPUT_SCHEMES = ("inputIdScheme", "inputDataSetIdScheme", "inputOrgUnitIdScheme")


@dataclass(frozen=True, slots=True)
class Call:
    """One request and what came of it, without its secret and cut to a length. `status` is None where none came."""

    method: str
    path: str
    status: int | None
    request: str
    answer: str


class Client:
    """Calls one destination. Errors of every call: as `HttpClient`; an answer of any status is returned."""

    def __init__(
        self,
        http: HttpClient,
        destination: Destination,
        secret: Secret,
        hear: Callable[[Call], None] = lambda call: None,
    ) -> None:
        self._http = http
        self._address = destination.address.rstrip("/")
        self._secret = secret
        self._login = destination.login if destination.auth == "basic" else ""
        self._hear = hear

    def post_parcel(self, parcel: Parcel, scheme: str, *, is_dry_run: bool = False, is_packed: bool = False) -> Answer:
        """Send one facility's month; `is_packed` compresses it, for a slow line."""
        body = write_body(write_document(parcel))
        params = import_params(scheme) | {"dryRun": "true" if is_dry_run else "false"}
        return self.post_values(body, params, is_packed=is_packed)

    def post_values(self, body: bytes, params: Mapping[str, str], *, is_packed: bool = False) -> Answer:
        """Post a data value set as it is."""
        return self._call("POST", "/api/dataValueSets", params, body, is_packed=is_packed)

    def read_values(self, target: Target, scheme: str) -> Answer:
        """Ask for what is there of a facility's month, deleted values too."""
        return self._call("GET", "/api/dataValueSets.json", _about(target, scheme) | {"includeDeleted": "true"})

    def read_completeness(self, target: Target, scheme: str) -> Answer:
        """Ask whether a facility's month is registered as complete."""
        return self._call("GET", "/api/completeDataSetRegistrations.json", _about(target, scheme))

    def complete(self, target: Target, scheme: str, day: date) -> Answer:
        """Register a facility's month as complete. Theirs is `organisationUnit` here, and `orgUnit` everywhere else."""
        registration = {
            "dataSet": target.data_set,
            "period": target.their_period,
            "organisationUnit": target.org_unit,
            "date": day.isoformat(),
            "completed": True,
        }
        body = write_body({"completeDataSetRegistrations": [registration]})
        return self._call("POST", "/api/completeDataSetRegistrations", _schemes(scheme), body)

    def undo_complete(self, target: Target, data_set_uid: str, org_unit_uid: str) -> Answer:
        """Take a registration back; this call knows UIDs only."""
        params = {"ds": data_set_uid, "pe": target.their_period, "ou": org_unit_uid}
        return self._call("DELETE", "/api/completeDataSetRegistrations", params)

    def find(self, kind: str, code: str, scheme: str, fields: str = "id") -> Answer:
        """Look up metadata, such as `dataSets`, by its code in a scheme."""
        by = {"CODE": "code", "UID": "id"}.get(scheme, scheme.removeprefix("attribute:"))
        return self.get(f"/api/{kind}.json", {"filter": f"{by}:eq:{code}", "fields": fields, "paging": "false"})

    def get(self, path: str, params: Mapping[str, str]) -> Answer:
        """Ask for anything else, such as `/api/me` or `/api/system/info`."""
        return self._call("GET", path, params)

    def _call(
        self, method: str, path: str, params: Mapping[str, str], body: bytes | None = None, *, is_packed: bool = False
    ) -> Answer:
        target = f"{path}?{urlencode(params)}"
        said = body.decode("ascii") if body is not None else ""
        headers = {
            "Accept": JSON,
            "Authorization": self._authorization(),
            "X-Requested-With": "XMLHttpRequest",  # or who is not known is sent to a page to sign in
        }
        if body is not None:
            headers["Content-Type"] = JSON
        if body is not None and is_packed:
            headers["Content-Encoding"], body = "gzip", gzip.compress(body, mtime=0)
        try:
            answer = self._http.call(method, self._address + target, headers, body)
        except KabarError as fault:
            self._write_down(Call(method, target, None, said, str(fault)))
            raise
        self._write_down(Call(method, target, answer.status, said, answer.text))
        return answer

    def _authorization(self) -> str:
        value = self._secret.reveal()
        if not self._login:
            return f"ApiToken {value}"
        return f"Basic {base64.b64encode(f'{self._login}:{value}'.encode()).decode()}"

    def _write_down(self, call: Call) -> None:
        hidden = (self._secret.reveal(), self._authorization().partition(" ")[2])
        self._hear(
            Call(
                call.method,
                _hide(call.path, hidden),
                call.status,
                _hide(call.request, hidden),
                _hide(call.answer, hidden),
            )
        )


def import_params(scheme: str) -> dict[str, str]:
    """Return how an import is to be taken: codes of which scheme, wholly, at once, and as strictly as it can be."""
    strict = dict.fromkeys(_STRICT, "true")
    return _schemes(scheme) | {"importStrategy": "CREATE_AND_UPDATE", "async": "false"} | strict


def _schemes(scheme: str) -> dict[str, str]:
    return dict.fromkeys(_SCHEMES, scheme)


def _about(target: Target, scheme: str) -> dict[str, Any]:
    params = {"dataSet": target.data_set, "period": target.their_period, "orgUnit": target.org_unit}
    return params | _schemes(scheme) | dict.fromkeys(_INPUT_SCHEMES, scheme)


def _hide(text: str, hidden: tuple[str, ...]) -> str:
    for secret in hidden:
        if secret:
            text = text.replace(secret, HIDDEN)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
