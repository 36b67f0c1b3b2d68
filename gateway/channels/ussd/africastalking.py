"""Africa's Talking, and who speaks as it does: all that was typed so far in a form or a query; `CON` and `END` out."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.channels.base import Surroundings
from gateway.channels.bodies import only_value, read_form, read_key, read_text
from gateway.channels.options import Options
from gateway.channels.ussd.base import UssdChannel
from gateway.channels.ussd.callback import NOBODY, PEERS, TOKENS, UNREAD, Callback, read_query, read_typed
from gateway.errors import Malformed
from gateway.lines import UssdHop, UssdScreen
from gateway.values import HttpRequest, HttpResponse, Setting

SETTINGS: tuple[Setting, ...] = (TOKENS, PEERS)


@dataclass(frozen=True, slots=True)
class Names:
    """What a gateway calls its fields."""

    session: str
    phone: str
    typed: str
    network: str


FORM = Names("sessionId", "phoneNumber", "text", "networkCode")
QUERY = Names("SESSION_ID", "ORIG", "USSD_PARAMS", "")  # Source: Vumi's Safaricom transport, which speaks to one


class AfricasTalking(Callback):
    """A service code at Africa's Talking, or at an operator that asks the same by GET.

    Source: Africa's Talking, "USSD: handle requests" and "end of session notification". What is dialled after the code
    comes as what was typed with the first hop; which hop it is follows from how much was typed.
    """

    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop, or the news that the session is over, which may come to the same address."""
        names = QUERY if request.method == "GET" else FORM
        fields = read_query(request) if request.method == "GET" else read_posted(request)
        session_id = read_key(fields.get(names.session), names.session)
        if names.typed not in fields and "status" in fields:
            return UssdHop(session_id, NOBODY, is_over=True)
        typed = read_typed(fields.get(names.typed), names.typed)
        inputs = tuple(typed.split("*")) if typed else ()
        return UssdHop(
            session_id=session_id,
            sender=self._read_phone(fields.get(names.phone), names.phone),
            inputs=inputs,
            is_whole=True,
            is_first=not inputs,
            key=str(len(inputs)),
            network=read_text(fields.get(names.network, ""), names.network)[:64],
        )

    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the screen after the word that says whether the session goes on."""
        return HttpResponse(200, f"{'END' if screen.ends else 'CON'} {screen.text}")

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """End the session with a sentence."""
        return HttpResponse(200, f"END {UNREAD}")


def read_posted(request: HttpRequest) -> dict[str, str]:
    """Return the fields of a form, each of which may stand there once only. Errors: Malformed."""
    return {name: only_value(values, name) for name, values in read_form(request.body).items()}


def make(name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
    """Return a service code at Africa's Talking."""
    return AfricasTalking(name, options, surroundings)
