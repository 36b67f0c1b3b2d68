"""The USSD mode of our own phones, `./kabar ussd` and the one in the browser: nothing leaves the house."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from gateway.channels.base import Surroundings
from gateway.channels.bodies import JSON, pick, read_document, read_key, read_text
from gateway.channels.options import Options
from gateway.channels.simulator import read_secret, verify_own
from gateway.channels.ussd.base import UssdChannel
from gateway.errors import Malformed
from gateway.lines import UssdHop, UssdScreen
from gateway.redact import Secret
from gateway.values import HttpRequest, HttpResponse, Setting, read_sender

SETTINGS: tuple[Setting, ...] = ()
MOST_INPUTS = 200


class UssdSimulator(UssdChannel):
    """A USSD gateway of our own: it stands wherever the simulator does, under the same name and secret."""

    def __init__(self, name: str, secret: Secret, region: str, is_open: bool) -> None:
        self.name = name
        self._secret = secret
        self._region = region
        self._is_open = is_open

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Refuse whoever is none of our own phones."""
        verify_own(request, self._secret, is_open=self._is_open)

    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop.

        Shape: JSON with `session_id`, `from`, and `input` or a list of `inputs`; and if it pleases `is_first`,
        `is_over` and `key`.
        """
        document = read_document(request)
        return UssdHop(
            session_id=read_key(pick(document, "session_id"), "session_id"),
            sender=read_sender(read_key(pick(document, "from"), "from"), self._region),
            inputs=_read_inputs(pick(document, "inputs"), pick(document, "input")),
            is_first=pick(document, "is_first") is True,
            is_over=pick(document, "is_over") is True,
            key=read_text(pick(document, "key") or "", "key"),
        )

    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the screen as {"text", "ends"}."""
        return HttpResponse(200, json.dumps({"text": screen.text, "ends": screen.ends}), JSON)

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """Return 400 and the field at fault: whoever tries a phone wants to know."""
        return HttpResponse(400, json.dumps({"fault": str(fault), "field": fault.field}), JSON)


def _read_inputs(several: object, single: object) -> tuple[str, ...]:
    if several is None:
        return () if single is None else (read_text(single, "input"),)
    if not isinstance(several, list) or len(several) > MOST_INPUTS:
        raise Malformed("inputs must be a list of texts", "inputs")
    return tuple(read_text(one, "inputs") for one in several)


def make(name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
    """Return the dialect of our own phones."""
    return UssdSimulator(name, read_secret(surroundings.var_folder), surroundings.region, surroundings.is_demo)


def write_hop(
    secret: Secret,
    session_id: str,
    sender: str,
    inputs: Sequence[str] = (),
    *,
    is_first: bool = False,
    is_over: bool = False,
    key: str = "",
    name: str = "simulator",
) -> HttpRequest:
    """Return the request by which our own phones hand in a hop, for the page and for `./kabar ussd`."""
    told = {"session_id": session_id, "from": sender, "key": key, "is_first": is_first, "is_over": is_over}
    hop = told | {"inputs": list(inputs)}
    headers = {"authorization": f"Bearer {secret.reveal()}", "content-type": JSON}
    return HttpRequest("POST", f"/in/{name}/ussd", headers, json.dumps(hop).encode(), peer="127.0.0.1")
