"""Take one hop of a USSD session: what was typed is kept before the next screen is shown."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from gateway import jobs
from gateway.channels.ussd.base import UssdChannel
from gateway.errors import Malformed, Raced, Refused, Unavailable
from gateway.handle import batch
from gateway.handle.facts import Rules
from gateway.handle.ground import find_people, gather_ground
from gateway.lines import DialogueState, UssdHop, UssdScreen
from gateway.receive import keep
from gateway.reply import compose
from gateway.reply.wordings import Wording
from gateway.store import dialogues, inbox
from gateway.store.base import Database, Session
from gateway.store.dialogues import Standing
from gateway.store.reporters import Reporter
from gateway.values import HttpRequest, HttpResponse, InboundSms, Sender, SenderKind, lane_of
from parsers import dialogue as menu
from parsers.dialogue import Dialogue, Ground, Turn

WAIT_SECONDS = 0.9  # for what another session holds: the network gives up on a screen after some seconds
DRAFT_LASTS = timedelta(days=1)  # so long a dropped session can be taken up again
REPEATED_WITHIN = timedelta(minutes=10)  # a first hop that comes later begins another session of the same number
MOST_HOPS = 200  # of one session
LONGEST_ID = 200  # characters, the width of the column
GO_ON, BEGIN = "1", "2"  # what the offer of a draft is answered with

# No language is known where the database is away: both, on one screen.
AWAY = UssdScreen(
    "Maaf, ini belum terkirim. Isian tadi aman. Dial lagi nanti atau kirim SMS. / "
    "Sorry, not sent. What you typed before is kept. Dial again or send SMS.",
    ends=True,
)

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who dials: the number, who reports from it, and the sentences that they read."""

    phone: str
    people: tuple[Reporter, ...]
    wording: Wording


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a hop is answered: the session's transaction, the rules, the instant, and how often a message is tried."""

    session: Session
    rules: Rules
    now: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What a hop has come to: the screen, where the session stands, and what is to be rung for."""

    screen: UssdScreen
    standing: Standing | None = None
    is_repeat: bool = False
    channels: frozenset[str] = frozenset()
    lane: int | None = None  # of a message that waits for the worker


def receive_hop(
    database: Database,
    bells: jobs.Bells,
    channel: UssdChannel,
    request: HttpRequest,
    rules: Rules,
    now: datetime,
    *,
    tries: int = 5,
) -> HttpResponse:
    """Take a hop and return the gateway's answer to it; what was accepted is committed before.

    A repeat is shown the same screen. Never raises on anything a peer can send, and shows a person no fault of ours.
    """
    try:
        hop = channel.take_hop(request, now)
    except Refused as error:
        logger.warning("refused", channel=channel.name, why=str(error))
        return keep.REFUSED
    except Malformed as error:
        logger.warning("malformed", channel=channel.name, field=error.field, why=str(error))
        return channel.refuse_malformed(error)
    if hop.is_over:
        _end(database, channel, hop, now)
        return channel.write_end(request, hop)
    return channel.write_screen(request, hop, _answer(database, bells, channel, hop, rules, now, tries))


def _answer(
    database: Database, bells: jobs.Bells, channel: UssdChannel, hop: UssdHop, rules: Rules, now: datetime, tries: int
) -> UssdScreen:
    try:
        with database.session(wait_seconds=WAIT_SECONDS) as session:
            answered = take_hop(Stage(session, rules, now, tries), channel.name, hop)
            if answered.standing is not None and not answered.is_repeat:
                session.commit()
    except (Unavailable, Raced) as error:
        logger.warning("hop_not_kept", channel=channel.name, why=str(error))
        return AWAY
    except Exception:  # our bug: a person on the phone gets words, and what was kept before stays
        logger.exception("hop_failed", channel=channel.name, sender=hop.sender.address)
        return AWAY
    for name in answered.channels:
        bells.ring(jobs.OUTBOUND, name)
    if answered.lane is not None:
        bells.ring(jobs.INBOUND, answered.lane)
    found = answered.standing
    logger.info(
        "hop",
        channel=channel.name,
        sender=hop.sender.address,
        network=hop.network,
        dialogue=found.id if found else None,
        step=found.stands.step if found else None,
        is_repeat=answered.is_repeat,
        ends=answered.screen.ends,
    )
    return answered.screen


def take_hop(stage: Stage, channel: str, hop: UssdHop) -> Answered:
    """Take a hop within one transaction; who opened it commits what comes of it."""
    people = find_people(stage.session, hop.sender.address, channel)
    if not people:
        return Answered(_end_screen(stage.rules.wordings[stage.rules.language], "ussd_unregistered"))
    caller = Caller(hop.sender.address, people, stage.rules.wordings[people[0].language])
    standing = dialogues.hold(stage.session, channel, fit_id(hop.session_id), caller.phone, stage.now)
    if hop.inputs_if_new is not None and not standing.hops:  # what was typed is what it will be known again by
        hop = replace(hop, inputs=hop.inputs_if_new, is_first=True, key=hop.key or _known_by(hop))
    if is_repeat(standing, hop, stage.now):
        return Answered(UssdScreen(standing.screen, standing.ends), standing, is_repeat=True)
    if hop.is_first and standing.hops:  # the gateway uses its numbers again: this is another session
        dialogues.give_up_id(stage.session, standing)
        standing = dialogues.hold(stage.session, channel, fit_id(hop.session_id), caller.phone, stage.now)
    if standing.hops >= MOST_HOPS:
        return Answered(_end_screen(caller.wording, "ussd_too_long"), standing, is_repeat=True)
    ground = gather_ground(stage.session, people, stage.rules, stage.now)
    standing, inputs = _begin_hop(stage, standing, hop)
    answered = _go_on(stage, caller, ground, standing, inputs)
    assert answered.standing is not None
    shown = replace(answered.standing, screen=answered.screen.text, ends=answered.screen.ends)
    dialogues.keep(stage.session, shown)
    return replace(answered, standing=shown)


def is_repeat(standing: Standing, hop: UssdHop, now: datetime) -> bool:
    """Tell whether a hop was answered before: by its key, or where it has none, by what was taken of the session. Pure.

    The last inputs of a gateway that numbers nothing cannot be told from the same inputs once more: they are new ones.
    """
    if not standing.hops or (hop.is_first and now - standing.changed_at > REPEATED_WITHIN):
        return False
    is_known = _mark_of(hop) in standing.keys
    if hop.key:
        return is_known
    if hop.is_first and (standing.ends or not hop.is_whole):
        return standing.hops == 1 and is_known
    if hop.is_whole:
        return len(hop.inputs) <= standing.taken
    return standing.ends or (hop.inputs_if_new is not None and standing.hops == 1 and is_known)


def _begin_hop(stage: Stage, standing: Standing, hop: UssdHop) -> tuple[Standing, Sequence[str]]:
    """Count a hop, and return the session with what was newly typed; at its beginning, with the draft it may take up.

    Whoever has dialled a whole report is offered nothing: it is answered, and the draft waits.
    """
    new = hop.inputs[standing.taken :] if hop.is_whole else hop.inputs
    inputs = ("*".join(new),) if hop.is_whole and new else new  # it came in one hop, so it was typed in one go
    if not standing.hops and not inputs:
        dropped = dialogues.find_draft(stage.session, standing, stage.now - DRAFT_LASTS)
        if dropped is not None:
            dialogues.set_state(stage.session, dropped.id, DialogueState.MOVED)
            standing = replace(standing, offer=dialogues.draft_of(dropped))
    begun = replace(
        standing,
        keys=(*standing.keys, _mark_of(hop)),
        hops=standing.hops + 1,
        taken=standing.taken + len(new),
        changed_at=stage.now,
    )
    return begun, inputs


def _go_on(stage: Stage, caller: Caller, ground: Ground, standing: Standing, inputs: Sequence[str]) -> Answered:
    """Return the screen that follows on what was typed; a draft is offered first, and a confirmed report handed in."""
    if standing.offer is not None:
        chosen = next(iter(inputs), "").strip()
        if chosen not in (GO_ON, BEGIN):
            return Answered(_offer(caller.wording, standing.offer, ground), standing)
        begun = standing.offer if chosen == GO_ON else Dialogue()
        standing, inputs = replace(standing, stands=begun, offer=None), inputs[1:]
    turn = menu.next_screen(standing.stands, inputs, ground)
    standing = replace(standing, stands=turn.dialogue, state=_state_after(standing, turn))
    if not turn.sends:
        return Answered(UssdScreen(turn.text, turn.ends), standing)
    return _hand_in(stage, caller, ground, standing, turn)


def _state_after(standing: Standing, turn: Turn) -> DialogueState:
    values = turn.dialogue.values
    is_sent = standing.state == DialogueState.SENT and values == standing.stands.values  # a question of it is open
    if turn.sends or is_sent:
        return DialogueState.SENT
    if not turn.ends:
        return DialogueState.OPEN
    return DialogueState.DRAFT if values else DialogueState.OVER


def _hand_in(stage: Stage, caller: Caller, ground: Ground, standing: Standing, turn: Turn) -> Answered:
    """Keep a confirmed message as if it had come by SMS, have it handled, and return the screen with its answer."""
    standing = replace(standing, sends=standing.sends + 1)
    dialogues.drop_drafts(stage.session, standing)
    # a gateway may use the number of a session again; the row's own stands for this one
    key = f"{standing.session_id[:150]}:{standing.id}:{standing.sends}"
    sms = InboundSms(key, Sender(caller.phone, SenderKind.PHONE), turn.sends, sent_at=stage.now)
    keep.keep_sms(stage.session, standing.channel, sms, stage.now)
    message = inbox.find_message(stage.session, standing.channel, keep.key_of(key, caller.phone))
    assert message is not None
    outcome, channels = batch.handle_shown(stage.session, message, stage.rules, stage.now, tries=stage.tries)
    if outcome is None or not outcome.text:
        lane = None if outcome else lane_of(caller.phone)
        return Answered(UssdScreen(turn.text, turn.ends), standing, channels=channels, lane=lane)
    shown = menu.show_answer(turn.dialogue, outcome.text, ground, asks=outcome.asks)
    standing = replace(standing, stands=shown.dialogue)
    return Answered(UssdScreen(shown.text, shown.ends), standing, channels=channels)


def _end(database: Database, channel: UssdChannel, hop: UssdHop, now: datetime) -> None:
    """Write down that a session is over: what was typed and not sent is a draft. What is not known does no harm."""
    try:
        with database.session(wait_seconds=WAIT_SECONDS) as session:
            found = dialogues.end(session, channel.name, fit_id(hop.session_id), hop.sender.address, now)
            session.commit()
    except (Unavailable, Raced) as error:  # a session that only falls silent is a draft as well
        logger.warning("hop_not_kept", channel=channel.name, why=str(error))
        return
    logger.info("session_over", channel=channel.name, dialogue=found.id if found else None)


def _offer(wording: Wording, draft: Dialogue, ground: Ground) -> UssdScreen:
    """Return the screen that offers to go on with what was typed in a session before."""
    form = next((one for one in ground.forms if one.code == draft.form), None)
    about = [compose.keyword(form)] if form else []
    about += [wording.month(draft.period)] if draft.period else []
    return UssdScreen(wording.fill(wording.answers["ussd_resume"], names=" ".join(about)))


def _end_screen(wording: Wording, answer: str) -> UssdScreen:
    return UssdScreen(wording.answers[answer], ends=True)


def fit_id(session_id: str) -> str:
    """Return a session's id that fits its column; a longer one becomes its hash, never cut."""
    if len(session_id) <= LONGEST_ID:
        return session_id
    return f"sha256:{hashlib.sha256(session_id.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _mark_of(hop: UssdHop) -> str:
    """Return what a hop is known again by, without what was typed: its key, or a first one its inputs."""
    known_by = hop.key or _known_by(hop)
    return hashlib.blake2b(known_by.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _known_by(hop: UssdHop) -> str:
    return "\0".join(hop.inputs)
