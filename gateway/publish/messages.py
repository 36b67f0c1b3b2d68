"""/api/v1/messages, POST: a message that another gateway received; kept before it is acknowledged, then handled."""

from __future__ import annotations

from typing import Annotated

import structlog
from pydantic import Field

from gateway import jobs
from gateway.publish.api import Answer, Caller, Operation, Resource
from gateway.publish.problems import Kind, Refusal
from gateway.publish.shapes import Asked, Instant, Told
from gateway.receive import keep
from gateway.store import senders
from gateway.store.tokens import TokenScope
from gateway.values import InboundSms, lane_of, read_sender

resource = Resource("messages")
routes = resource.routes
LONGEST_TEXT = 10_000
ELSEWHERE = "sent through the API by a system of another area"

logger = structlog.get_logger(__name__)


class PostMessage(Asked):
    """A message. `id` is the gateway's own for this very message: a repeat has the same one, another never."""

    id: Annotated[str, Field(min_length=1, max_length=120)]
    sender: Annotated[str, Field(min_length=1, max_length=64, examples=["+6281234567890"])]
    text: Annotated[str, Field(max_length=LONGEST_TEXT, examples=["KB 0925 BARU 12 AKTIF 40"])]
    recipient: Annotated[str, Field(max_length=64)] = ""
    sent_at: Annotated[Instant | None, Field(description="When it was sent. Without it: now.")] = None
    channel: Annotated[
        str | None,
        Field(pattern="^[a-z][a-z0-9]{0,19}$", description="The channel of Kabar that the answer goes out by."),
    ] = None


class Kept(Told):
    """A message that is kept. `repeated`: it was kept before, and nothing was added."""

    id: str
    repeated: bool


@resource.serve(
    Operation(
        name="postMessage",
        method="POST",
        path="/messages",
        scope=TokenScope.WRITE_MESSAGES,
        says={
            "en": "Hand over a message that was received elsewhere. It is kept once, and handled as any SMS is.",
            "id": "Serahkan pesan yang diterima di tempat lain. Disimpan sekali, lalu diproses seperti SMS lain.",
        },
        body=PostMessage,
        taken={202: Kept},
    )
)
def post_message(caller: Caller, _query: Asked, posted: PostMessage) -> Answer:
    """Keep a message, and say so only when it is kept.

    One whose sender reports in another area only is kept for staff and read by nobody else: the answer is the same.
    """
    runtime, now = caller.runtime, caller.now
    channel = posted.channel or next(iter(runtime.channels))
    if channel not in runtime.channels:
        raise Refusal(
            Kind.INVALID,
            f"There is no channel {channel}.",
            f"Tidak ada kanal {channel}.",
            faults=[{"at": "channel", "fault": "is not known", "fault_id": "tidak dikenal"}],
        )
    sms = InboundSms(
        provider_id=f"api:{caller.token.id}:{posted.id}",
        sender=read_sender(posted.sender, runtime.settings.region),
        text=posted.text,
        recipient=posted.recipient,
        sent_at=posted.sent_at,
    )
    with runtime.database.session() as session:
        is_elsewhere = senders.is_known_elsewhere(session, sms.sender.address, scope=caller.scope)
        trace_id = keep.keep_sms(session, channel, sms, now, for_staff=ELSEWHERE if is_elsewhere else "")
        session.commit()
    logger.info("kept" if trace_id else "repeated", channel=channel, system=caller.token.name, trace_id=trace_id)
    if trace_id and not is_elsewhere:
        runtime.bells.ring(jobs.INBOUND, lane_of(sms.sender.address))
    return Answer(Kept(id=posted.id, repeated=not trace_id), 202)
