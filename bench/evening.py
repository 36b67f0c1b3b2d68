"""The country's evening: what every midwife sends on it, what must become of that, and the months behind it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, Table, cast, func, insert, literal, select, text

from bench.messages import Text, vary, write_chat, write_clean, write_faulty, write_plain, write_sloppy
from bench.nation import Size, fill_people, fill_places, phone_of
from gateway.calendar import shift
from gateway.store import channels, reports, totals
from gateway.store.base import Session, is_postgresql
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.inventory import kinds
from gateway.store.outbox import outbox
from gateway.store.patience import have_patience
from gateway.values import LANES, HttpRequest
from parsers.period import assumed_period
from workers.forgetting import NAME as FORGETTING

CHANNEL = "generic"
SECRET = "the-secret-of-the-evening-0123456789"
CLEAN, MENDED, ASKED, CHAT = "clean", "mended", "asked", "chat"
MIX = {CLEAN: 70, MENDED: 14, ASKED: 6, CHAT: 5}  # of a hundred requests; the other five are repeats
REPEATS = 5
LATEST = 40  # a provider repeats a message at most so many messages later
AT_ONCE = 20_000  # reports that are summed up at once
WARM = 32  # midwives beside the country's, who report before anything is timed
_WRITERS = {CLEAN: write_clean, MENDED: write_sloppy, ASKED: write_faulty, CHAT: write_chat}


@dataclass(frozen=True, slots=True)
class Message:
    """One midwife's message and what it is; a report that is not asked about must be stored with `values`."""

    text: Text
    kind: str
    midwife: int
    values: dict[str, int]


def write_messages(first: int, count: int, today: datetime, seed: int) -> list[Message]:
    """Return what the midwives from number `first` on send, one message each, in no order."""
    chance = random.Random(seed)
    period = assumed_period(today.date())
    code = f"{period[5:]}{period[2:4]}"
    found = []
    for midwife in range(first, first + count):
        kind = chance.choices(list(MIX), list(MIX.values()))[0]
        own = f"{seed} {midwife}"
        words = _WRITERS[kind](midwife, code, random.Random(own))
        values = vary(midwife, random.Random(own)) if kind in {CLEAN, MENDED} else {}
        found.append(Message(Text(f"evening-{midwife}", phone_of(midwife), words), kind, midwife, values))
    chance.shuffle(found)
    return found


def with_repeats(messages: list[Message], seed: int) -> list[Text]:
    """Return the requests that bring these messages: five of a hundred bring one that was brought before."""
    chance = random.Random(seed)
    requests: list[tuple[float, Text]] = [(place, one.text) for place, one in enumerate(messages)]
    for place in chance.sample(range(len(messages)), len(messages) * REPEATS // sum(MIX.values())):
        first = messages[place].text
        again = Text(first.provider_id, first.sender, first.text, is_repeat=True)
        requests.append((place + chance.uniform(0, LATEST), again))
    return [one for _, one in sorted(requests, key=lambda pair: pair[0])]


def write_request(one: Text) -> HttpRequest:
    """Return the request that a gateway brings a message by."""
    body = json.dumps({"id": one.provider_id, "from": one.sender, "text": one.text})
    headers = {"content-type": "application/json", "authorization": f"Bearer {SECRET}"}
    return HttpRequest("POST", f"/in/{CHANNEL}/sms", headers, body.encode())


def channel_settings(send_url: str) -> dict[str, str]:
    """Return the environment of the channel that the evening comes and is answered by."""
    ours = {"SECRETS": SECRET, "SEND_URL": send_url, "PER_SECOND": "1000"}
    return {"KABAR_CHANNELS": CHANNEL} | {f"KABAR_{CHANNEL.upper()}_{name}": value for name, value in ours.items()}


def fill_country(session: Session, midwives: int, months: int, today: datetime) -> None:
    """Fill an empty database: the midwives and their places, and so many months of their messages before this one."""
    count = midwives + WARM
    fill_places(session, Size(count, is_national=True))
    fill_people(session, count)
    if is_postgresql(session):  # nothing of it can be wrong, so that no foreign key needs to be looked up
        session.execute(text("SET session_replication_role = replica"))
        have_patience(session)
        session.execute(text("SET statement_timeout = 0"))
    newest = assumed_period(today.date())
    periods = [shift(newest, step - months) for step in range(months)]
    for step, period in enumerate(periods):
        _fill_month(session, period, step * count, today)
        session.commit()
    while totals.refresh(session, AT_ONCE):
        pass
    for table in (totals.month_totals, totals.month_counts):  # the figures of every month are the same
        _copy_month(session, table, periods)
    channels.tick(session, FORGETTING, today)  # today's is done: it goes through everything, once a day
    session.commit()
    if is_postgresql(session):
        for table in (inbox, reports.reports, outbox):
            sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
            session.execute(text(f"SELECT setval({sequence}, :last)"), {"last": max(1, months * count)})
        session.commit()
        session.execute(text("RESET session_replication_role"))
        session.commit()
        # as a database that has had its months for long: otherwise autovacuum's work would be measured
        session.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM (ANALYZE)"))
    else:
        session.execute(text("ANALYZE"))
        session.commit()


def _copy_month(session: Session, table: Table, periods: Sequence[str]) -> None:
    """Write the rows of the first of these months for the others, too."""
    for period in periods[1:]:
        columns = [literal(period) if column.name == "period" else column for column in table.columns]
        session.execute(
            insert(table).from_select(list(table.columns), select(*columns).where(table.c.period == periods[0]))
        )


def _fill_month(session: Session, period: str, base: int, today: datetime) -> None:
    """Write a month in which every midwife reported, was answered and approved; ids begin after `base`.

    Only the first month, whose `base` is nothing, is still to be summed up; old answers have lost their words, as they
    do from day to day.
    """
    following = shift(period, 1)
    at = datetime(int(following[:4]), int(following[5:]), 2, 3, tzinfo=UTC) + timedelta(minutes=base % 50)
    answer = "Terima kasih." if today - at < kinds()["answers"].span else ""
    for table, values in _rows_of_month(period, at, base, answer):
        statement = select(*(value.label(name) for name, value in values.items())).select_from(facilities)
        session.execute(insert(table).from_select(list(values), statement))


def _rows_of_month(
    period: str, at: datetime, base: int, answer: str
) -> Iterator[tuple[Table, dict[str, ColumnElement[Any]]]]:
    """Yield (table, each column as an expression over the facilities)."""
    number = facilities.c.id
    row, phone = number + base, literal("+62812") + func.substr(cast(number + 100_000_000, String), 2)
    users = number % 60 + 40

    def constants(table: Table, **values: object) -> dict[str, ColumnElement[Any]]:
        return {name: literal(value, table.c[name].type) for name, value in values.items()}

    sample = vary(1, random.Random(period))
    words = write_plain(f"{period[5:]}{period[2:4]}", sample)
    key = literal("history-") + cast(row, String)
    yield (
        inbox,
        {
            "id": row,
            "provider_id": key,
            "sender": phone,
            "lane": number % LANES,
            "trace_id": key,
            **constants(inbox, channel=CHANNEL, recipient="", text=words, sent_at=at, received_at=at, state="done"),
            **constants(inbox, is_answered=False, attempts=0, rounds=0, handled_at=at),
        },
    )
    yield (
        reports.reports,
        {
            "id": row,
            "facility_id": number,
            "reporter_id": number,
            "inbox_id": row,
            "sent_key": key,
            **constants(
                reports.reports, form="kb", period=period, revision=1, state="approved", sent_at=at, text=words
            ),
            **constants(
                reports.reports, reading={"form": "kb", "period": period, "repairs": [], "problems": []}, flags=[]
            ),
            **constants(reports.reports, form_version=1, reader_version=1, created_at=at, is_summed=base > 0),
        },
    )
    amounts = {"": users, "pil": users // 3, "suntik3": users // 3, "kondom": number % 2 + 3, "iud": number * 0 + 4}
    values = [("baru", "", number % 5 + 5), *(("aktif", item, amount) for item, amount in amounts.items())]
    for measure, item, amount in values:
        yield (
            reports.report_values,
            {
                "report_id": row,
                "quantity": cast(amount, reports.report_values.c.quantity.type),
                **constants(reports.report_values, measure=measure, item=item),
            },
        )
    yield (
        outbox,
        {
            "id": row,
            "inbox_id": row,
            "recipient": phone,
            "ref": key,
            "trace_id": key,
            **constants(outbox, kind="answer", channel=CHANNEL, text=answer, state="delivered", attempts=1),
            **constants(outbox, refusals=0, segments=1, created_at=at, sent_at=at, delivered_at=at),
        },
    )
