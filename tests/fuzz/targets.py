"""What is fuzzed: each target takes any bytes, and raises where something does not hold that must hold for all."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

from gateway.channels import smpp, smpp_delivery, smpp_pdu
from gateway.channels.base import SmsChannel
from gateway.channels.ussd.base import UssdChannel
from gateway.errors import Malformed, Refused
from gateway.forms import load_forms
from gateway.lines import UssdScreen
from gateway.reply import compose
from gateway.reply.compose import Stored
from gateway.reply.wordings import load_wordings
from gateway.segments import fits_one_sms
from gateway.values import HttpRequest
from parsers.explain import explain
from parsers.judge import Facts, judge
from parsers.numbers import MOST
from parsers.period import MONTHS
from parsers.read import read_message
from parsers.reading import OpenQuestion, Reading, ReadReport
from parsers.report_json import as_json
from parsers.tidy import tidy
from tests.gateway.channels import recorded
from tests.gateway.channels.fitting import fits, fits_column, read_both, read_or_fault
from tests.gateway.channels.ussd import recorded as ussd_recorded
from tests.parsers.corpus import HERE as CORPORA
from tests.parsers.corpus import read_cases

SENT_ON = date(2025, 10, 3)
LONGEST = 1600  # characters that are read of a message
FORMS = load_forms()
WORDINGS = load_wordings()
QUESTION = OpenQuestion(read_message("KB 0925 BARU 12", SENT_ON, FORMS).reports[0])
BECOMES = {"jadi", "menjadi", "mjd", "jd", "ke"}
_DIGITS = re.compile(r"[0-9]{1,5}", re.ASCII)
_IN_DATE = re.compile(r"[/.-][0-9]{1,2}[/.-][0-9]{2,4}(?![0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that is fuzzed, and the inputs that it begins with."""

    try_one: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def read_any_text(raw: bytes) -> None:
    """Read a text: as an answer to an open question where its first byte is odd."""
    text = raw[1:].decode("utf-8", "replace")[:LONGEST]
    question = QUESTION if raw[:1] and raw[0] % 2 else None
    reading = read_message(text, SENT_ON, FORMS, question)
    assert explain(text, SENT_ON, FORMS, question)
    json.dumps(as_json(reading))
    for report in reading.reports:
        assert all(0 <= count <= MOST for count in report.values.values())
        assert all(text[one.span.start : one.span.end] == one.words for one in report.problems)
        _answer(report)
    if question is None and reading.reports and reading.is_clean:
        _hold_every_number_counts(text, reading)


def _answer(report: ReadReport) -> None:
    """Compose what its sender would be told."""
    form = next(one for one in FORMS if one.code == report.form)
    verdict = None if report.problems else judge(report, form, Facts(SENT_ON, "PMB"))
    for wording in WORDINGS.values():
        if report.problems:
            about = {
                "due_month": "0925",
                "example": "KB 0925",
                "choices": "",
                "facility_type": "PMB",
            }
            said = compose.ask(wording, form, report.period, report.problems, about)
        elif verdict is not None and not verdict.refusals:
            said = compose.confirm(wording, Stored(form, "PMB Ani", report, 1)) or "too many repairs to name: asked"
        else:
            continue
        assert said
        assert fits_one_sms(said), said


def _hold_every_number_counts(text: str, reading: Reading) -> None:
    """Hold that a clean report has left out no number: with another one in its place it reads otherwise.

    The day of a date counts for nothing (TGL 30 SEPT), nor does the old number of a correction (AKTIF 40 JADI 45).
    """
    tokens = tidy(text)
    new = [token.span.start for token in tokens if token.word in BECOMES] if reading.command else []
    days = {day.span.start for day, month in pairwise(tokens) if month.word in MONTHS}
    for run in _DIGITS.finditer(text):
        if run.start() in days or _IN_DATE.match(text, run.end()) or any(start >= run.end() for start in new):
            continue
        other = "8" if int(run[0]) != 8 else "3"
        changed = read_message(text[: run.start()] + other + text[run.end() :], SENT_ON, FORMS)
        assert (changed.kind, changed.reports) != (reading.kind, reading.reports), f"{run[0]!r} counts for nothing"


def take_request(channel: SmsChannel, case: recorded.Case, raw: bytes) -> None:
    """Take a request from a stranger, then as if the peer itself had sent it."""
    request = read_request(raw)
    with suppress(Refused):
        channel.verify(request, case.now)
    for found in read_both(channel, request):
        if isinstance(found, Malformed):
            assert fits_column(found.field, 64)
            assert channel.acknowledge_malformed(found).body.isascii()
        else:
            assert all(fits(one) for one in found)


def take_hop(channel: UssdChannel, raw: bytes) -> None:
    """Take a hop of a USSD session, and show a screen."""
    request = read_request(raw)
    with suppress(Refused):
        channel.verify(request, ussd_recorded.NOW)
    hop = read_or_fault(channel.read_hop, request)
    if isinstance(hop, Malformed):
        assert fits_column(hop.field, 64)
        assert channel.refuse_malformed(hop).body.isascii()
        return
    assert fits_column(hop.session_id, 200)
    assert hop.session_id
    answer = (
        channel.write_end(request, hop) if hop.is_over else channel.write_screen(request, hop, UssdScreen("Bulan?"))
    )
    assert 200 <= answer.status < 300


def take_pdus(channel: smpp.Smpp, raw: bytes) -> None:
    """Take octets as they come over an SMPP link."""
    pdus = read_or_fault(lambda octets: list(smpp_pdu.Frames().feed(octets)), raw)
    for pdu in () if isinstance(pdus, Malformed) else pdus:
        delivery = smpp_pdu.HEADER.pack(len(pdu.octets), smpp_pdu.DELIVER_SM, pdu.status, pdu.sequence)
        octets = delivery + pdu.octets[smpp_pdu.HEADER.size :]
        found = read_or_fault(partial(channel.read_pdu, place="s1:7"), replace(pdu, octets=octets))
        if isinstance(found, Malformed):
            assert fits_column(found.field, 64)
        else:
            assert fits(found.status if isinstance(found, smpp_delivery.Receipt) else found)


def write_request(request: HttpRequest) -> bytes:
    """Return a request as a target reads it: method and address, content type, then the body."""
    kind = request.headers.get("content-type", "")
    return f"{request.method} {request.path}\n{kind}\n".encode() + request.body


def read_request(raw: bytes) -> HttpRequest:
    """Return the request that these bytes stand for."""
    first, _, rest = raw.partition(b"\n")
    kind, _, body = rest.partition(b"\n")
    method, _, path = first.decode("latin-1").partition(" ")
    return HttpRequest(method, path or "/", {"content-type": kind.decode("latin-1")}, body, peer="192.0.2.7")


@cache
def list_targets() -> Mapping[str, Target]:
    """Return every target by its name: the reader, each channel's webhook, each dialect of USSD, SMPP's line."""
    texts = tuple(
        b"\0" + case.text.encode("utf-8", "surrogatepass")
        for path in sorted(CORPORA.glob("forms/*.txt"))
        for case in read_cases(path)
    )
    return {"reader": Target(read_any_text, texts)} | dict(_channels()) | dict(_dialects())


def _channels() -> Iterator[tuple[str, Target]]:
    cases = recorded.load_cases()
    for adapter in recorded.ADAPTERS:
        mine = [case for case in cases if case.adapter == adapter]
        channel = mine[0].make(Path(tempfile.mkdtemp(prefix="kabar-fuzz-")))
        if isinstance(channel, smpp.Smpp):
            pdus = tuple(bytes.fromhex(case.table["pdu"]) for case in mine if "pdu" in case.table)
            yield adapter, Target(partial(take_pdus, channel), pdus)
        else:
            seeds = tuple(write_request(case.request) for case in mine if case.is_request)
            yield adapter, Target(partial(take_request, channel, mine[0]), seeds)


def _dialects() -> Iterator[tuple[str, Target]]:
    cases = ussd_recorded.load_cases()
    for dialect in ussd_recorded.DIALECTS:
        mine = [case for case in cases if case.dialect == dialect]
        channel = mine[0].make(Path(tempfile.mkdtemp(prefix="kabar-fuzz-")))
        seeds = tuple(write_request(case.request) for case in mine)
        yield f"ussd-{dialect}", Target(partial(take_hop, channel), seeds)
