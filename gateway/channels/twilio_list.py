"""Twilio's own list of messages: what its account received and sent, whether we heard of it or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from gateway.channels.bodies import read_text, shorten
from gateway.errors import KabarError, Malformed, Retryable, Unsure
from gateway.lines import FoundSend, LookedBack
from gateway.values import InboundSms, OutboxState

AT_ONCE = 200  # messages in a page; Twilio gives up to 1000
MOST_PAGES = 1000  # a list that never ends is none

logger = structlog.get_logger(__name__)

# What reads one message: its sid, from whom, to whom, what it says, and when it came.
Reader = Callable[[str, str, str, str, datetime], InboundSms]


def look_back(
    client: Client,
    since: datetime,
    until: datetime,
    *,
    is_ours: Callable[[str, str], bool],
    read: Reader,
    states: Mapping[str, OutboxState],
    translate: Callable[[TwilioException], KabarError],
) -> Iterator[LookedBack]:
    """Return an account's messages between two instants, those that are `is_ours` (a number of ours, a service).

    Source: Twilio, "Messages resource": list, its filters by DateSent, its pages, and "Direction values".
    """
    try:
        page = client.messages.page(date_sent_after=since, date_sent_before=until, page_size=AT_ONCE)
        for _ in range(MOST_PAGES):
            yield _read_page(list(page), is_ours, read, states)
            page = page.next_page()
            if page is None:
                return
    except TwilioException as fault:
        ours = translate(_with_its_code(fault))
        if isinstance(ours, Unsure):
            ours = Retryable("Twilio does not show its list now")
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        ours = Retryable("Twilio's list cannot be read")
    else:
        ours = Retryable("Twilio's list does not end")
    raise ours


def _with_its_code(fault: TwilioException) -> TwilioException:
    """Return a refusal with Twilio's own status and code: for a page, the library leaves them in the answer."""
    answer = fault.args[1] if len(fault.args) > 1 else None
    if answer is None:
        return fault
    try:
        code = json.loads(answer.text).get("code")
    except (ValueError, AttributeError, RecursionError):
        code = None
    return TwilioRestException(answer.status_code, "", code=code)


def _read_page(
    found: list[Any], is_ours: Callable[[str, str], bool], read: Reader, states: Mapping[str, OutboxState]
) -> LookedBack:
    messages, sends = [], []
    for one in found:
        service, at = str(one.messaging_service_sid or ""), one.date_sent or one.date_created
        at = at.replace(tzinfo=at.tzinfo or UTC)
        is_inbound = one.direction == "inbound"
        if not is_ours(str((one.to if is_inbound else one.from_) or ""), service):
            continue
        try:
            if is_inbound:
                messages.append(read(str(one.sid), str(one.from_), str(one.to), str(one.body or ""), at))
            else:
                sends.append(_read_send(one, at, states))
        except Malformed as fault:  # it would hold up all the others for ever
            logger.warning("not_read_back", provider_id=shorten(str(one.sid)), field=fault.field, why=str(fault))
    return LookedBack(tuple(messages), tuple(sends))


def _read_send(one: Any, at: datetime, states: Mapping[str, OutboxState]) -> FoundSend:
    return FoundSend(
        provider_id=str(one.sid)[:200],
        recipient=str(one.to),
        text=read_text(one.body or "", "body"),
        sent_at=at,
        state=states.get(str(one.status)),
        code=str(one.error_code or "")[:40],
        words=shorten(str(one.status)),
    )
