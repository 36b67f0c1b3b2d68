"""Africa's Talking, and who speaks as it does: a form with all that was typed so far; `CON` and `END` out."""

from __future__ import annotations

from gateway.channels.base import Surroundings
from gateway.channels.bodies import only_value, read_form, read_key, read_text
from gateway.channels.options import Options
from gateway.channels.ussd.base import UssdChannel
from gateway.channels.ussd.callback import NOBODY, PEERS, TOKENS, UNREAD, Callback, read_typed
from gateway.errors import Malformed
from gateway.lines import UssdHop, UssdScreen
from gateway.values import HttpRequest, HttpResponse, Setting

SETTINGS: tuple[Setting, ...] = (TOKENS, PEERS)


class AfricasTalking(Callback):
    """A service code at Africa's Talking.

    Source: Africa's Talking, "USSD: handle requests" and "end of session notification". What is dialled after the code
    comes as `text` of the first hop; which hop it is follows from how much was typed.
    """

    def read_hop(self, request: HttpRequest) -> UssdHop:
        """Return the hop, or the news that the session is over, which may come to the same address."""
        fields = {name: only_value(values, name) for name, values in read_form(request.body).items()}
        session_id = read_key(fields.get("sessionId"), "sessionId")
        if "text" not in fields and "status" in fields:
            return UssdHop(session_id, NOBODY, is_over=True)
        typed = read_typed(fields.get("text"), "text")
        inputs = tuple(typed.split("*")) if typed else ()
        return UssdHop(
            session_id=session_id,
            sender=self._read_phone(fields.get("phoneNumber"), "phoneNumber"),
            inputs=inputs,
            is_whole=True,
            is_first=not inputs,
            key=str(len(inputs)),
            network=read_text(fields.get("networkCode", ""), "networkCode")[:64],
        )

    def write_screen(self, request: HttpRequest, hop: UssdHop, screen: UssdScreen) -> HttpResponse:
        """Return the screen after the word that says whether the session goes on."""
        return HttpResponse(200, f"{'END' if screen.ends else 'CON'} {screen.text}")

    def refuse_malformed(self, fault: Malformed) -> HttpResponse:
        """End the session with a sentence."""
        return HttpResponse(200, f"END {UNREAD}")


def make(name: str, options: Options, surroundings: Surroundings) -> UssdChannel:
    """Return a service code at Africa's Talking."""
    return AfricasTalking(name, options, surroundings)
