"""What a DHIS2 tells of itself, its user, a data set, elements and org units, over HTTP on loopback."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gateway.channels.http import HttpClient
from gateway.export.dhis2.client import Client
from gateway.export.dhis2.mapping_rows import list_keys
from gateway.mapping import Destination
from gateway.redact import Secret
from parsers.form import Form
from tests.gateway.channels.standin import Fault, Reply, Seen, StandIn

TOKEN = "d2pat_5xVA12xyUbWNedQxy4ohH77WlxRGVvZZ1151814092"
KINDS = ("dataSets", "dataElements", "organisationUnits")


@dataclass
class Known:
    """What the server knows. Each object is as a DHIS2 tells it, with every field."""

    version: str = "2.40.3"
    rights: list[str] = field(default_factory=lambda: ["F_DATAVALUE_ADD"])
    mine: list[dict[str, str]] = field(default_factory=lambda: [{"id": "ouRiau", "name": "Riau", "path": "/ouRiau"}])
    objects: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @property
    def data_set(self) -> dict[str, Any]:
        """The data set."""
        return self.objects["dataSets"][0]

    def element(self, code: str) -> dict[str, Any]:
        """Return a data element."""
        return next(one for one in self.objects["dataElements"] if one["code"] == code)

    def take_out(self, code: str) -> None:
        """Take an element out of the data set; it stays in the DHIS2."""
        members = self.data_set["dataSetElements"]
        members[:] = [one for one in members if one["dataElement"]["code"] != code]


def make_known(form: Form, facilities: list[str]) -> Known:
    """Return a server that has all that the mapping to begin with suggests, for these facilities."""
    known = Known()
    combos: dict[str, list[str]] = {}
    for key in list_keys(form):
        measure, _, item = key.partition(".")
        combos.setdefault(f"{form.code}_{measure}".upper(), []).append(item.upper() or "default")
    for at, (code, methods) in enumerate(combos.items()):
        options = [{"id": f"coc{at}{number}", "code": method} for number, method in enumerate(methods)]
        known.objects["dataElements"].append(
            {
                "id": f"de{at:09}",
                "code": code,
                "valueType": "INTEGER_ZERO_OR_POSITIVE",
                "zeroIsSignificant": True,
                "categoryCombo": {"categoryOptionCombos": options},
            }
        )
    known.objects["dataSets"].append(
        {
            "id": "dsKBBULAN01",
            "code": f"{form.code}_BULANAN".upper(),
            "periodType": "Monthly",
            "openFuturePeriods": 0,
            "expiryDays": 0,
            "categoryCombo": {"categoryOptionCombos": [{"id": "HllvX50cXC0", "code": "default"}]},
            "dataSetElements": [{"dataElement": one} for one in known.objects["dataElements"]],
        }
    )
    known.objects["organisationUnits"] = [
        {"id": f"ou{code}", "code": code, "path": f"/ouRiau/ou{code}", "dataSets": [{"id": "dsKBBULAN01"}]}
        for code in facilities
    ]
    return known


class MetadataServer(StandIn):
    """A DHIS2 that is only asked. `instead` is answered to everything, if it is set."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self.known = known
        self.instead: Reply | Fault | None = None

    def answer(self, seen: Seen) -> Reply | Fault:
        """Answer a question."""
        if self.instead is not None:
            return self.instead
        if seen.headers.get("authorization") != f"ApiToken {TOKEN}":
            return Reply.of_json({"status": "ERROR", "message": "The API token does not exists"}, 401)
        split = urlsplit(seen.path)
        params = dict(parse_qsl(split.query))
        path = split.path.removesuffix(".json")
        if path == "/api/system/info":
            return Reply.of_json({"version": self.known.version})
        if path == "/api/me":
            me = {"username": "kabar", "authorities": self.known.rights, "organisationUnits": self.known.mine}
            return Reply.of_json(me)
        kind = path.removeprefix("/api/")
        by, how, wanted = params["filter"].split(":", 2)
        codes = wanted.strip("[]").split(",") if how == "in" else [wanted]
        return Reply.of_json({kind: [one for one in self.known.objects[kind] if one.get(by) in codes]})


def make_client(address: str) -> Client:
    """Return what calls a server on loopback."""
    one = Destination(1, "14.03", "ASDK", address, "token", "", "", is_on=True)
    return Client(HttpClient(0.5, 0.5, guard={"127.0.0.1"}), one, Secret(TOKEN))
