"""What the pages about webhooks say of states, events and faults."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.channels import reach
from gateway.review.pages.language import mark
from gateway.store import events, hook_deliveries, hooks

KINDS: Mapping[str, str] = {
    events.ACCEPTED: mark("A report counts"),
    events.APPROVED: mark("A report is approved"),
    events.CLOSED: mark("A month is closed"),
    events.TEST: mark("Test message"),
}
STATES: Mapping[str, tuple[str, str]] = {  # words, tone
    hooks.ON: (mark("is told"), "good"),
    hooks.PAUSED: (mark("paused for now"), "wait"),
    hooks.OFF: (mark("is told no more"), "past"),
}
WHY: Mapping[str, str] = {
    hooks.BY_STAFF: "",
    hooks.FAILING: mark(
        "Paused by Kabar: nothing has arrived for three days. Everything waits and goes out, in order."
    ),
    hooks.GONE: mark("Turned off by Kabar: the receiver answered that it wants to hear no more (410)."),
    hooks.NO_KEY: mark(
        "Paused by Kabar: its secret was kept with another KABAR_SECRET_KEY. Make a new one, and turn it on."
    ),
}
DELIVERY_STATES: Mapping[str, tuple[str, str]] = {
    hook_deliveries.QUEUED: (mark("waits to be told"), "wait"),
    hook_deliveries.DELIVERED: (mark("heard"), "good"),
    hook_deliveries.FAILED: (mark("not heard"), "bad"),
}
ADDRESS_FAULTS: Mapping[str, str] = {
    reach.ADDRESS: mark("This is no address. Write it whole, such as https://dinas.example/kabar."),
    reach.SCHEME: mark("It must begin with https://, so that nobody on the way reads or changes what is said."),
    reach.LOGIN: mark("Leave out the name and password before the @: the signature proves who speaks."),
    reach.NUMBER: mark("Write the IP address as usual, such as 203.0.113.5, or a name."),
    reach.PRIVATE: mark("It lies within a private network. Whoever runs Kabar can allow it: KABAR_PRIVATE_HOSTS."),
}
FAULTS: Mapping[str, str] = {
    "connect": mark("No connection could be made. Is the receiver running, and its address right?"),
    "certificate": mark("The receiver's certificate was not accepted."),
    "no_answer": mark("No answer came in time, or the connection broke. It may have been heard."),
    "name": mark("No server of this name is known. Is the address right?"),
    "answer": mark("The receiver answered with a fault. Whoever runs it finds it in their log."),
    "redirect": mark("The receiver leads elsewhere. Kabar does not follow: write the new address."),
    "refused": mark("The receiver read it and does not want it."),
    "gone": mark("The receiver wants to hear no more."),
    "key": mark("It could not be signed: the secret was kept with another key."),
    "crashed": mark("Kabar itself failed at this. Look into its log."),
    **ADDRESS_FAULTS,
    hook_deliveries.GIVEN_UP: mark("Given up by staff."),
}
OTHER_FAULT = mark("It could not be sent there.")


def say_fault(fault: str) -> str:
    """Return what a fault means, in words to be translated; nothing where there is none."""
    return FAULTS.get(fault, OTHER_FAULT) if fault else ""
