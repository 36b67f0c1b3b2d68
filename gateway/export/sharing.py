"""What an export tells a partner: only what an agreement in force allows, and whose the reports are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from gateway.errors import Permanent
from gateway.export.base import About, Shared, Source
from gateway.store import agreements, midwives
from gateway.store.agreements import Agreement, Lack
from gateway.store.base import Session
from gateway.store.settled import Selection
from gateway.values import Scope
from parsers.form import Form

NAMES: Mapping[str, str] = {agreements.KLIKKB: "Klik-KB"}
REFUSED: Mapping[Lack, str] = {
    Lack.NONE: (
        "Belum ada perjanjian berbagi data dengan {partner} untuk wilayah ini, jadi tidak ada yang diserahkan. "
        "Minta administrator mencatatnya di layar Klik-KB, Perjanjian. / "
        "There is no data-sharing agreement with {partner} for this area, so nothing was handed over. "
        "Ask an administrator to record it on the screen Klik-KB, Agreements."
    ),
    Lack.NOT_YET: (
        "Perjanjian dengan {partner} belum mulai berlaku. Coba lagi pada tanggal mulainya. / "
        "The agreement with {partner} has not begun. Try again on its first day."
    ),
    Lack.ENDED: (
        "Perjanjian dengan {partner} sudah berakhir, jadi tidak ada yang diserahkan. "
        "Minta administrator mencatat perjanjian yang baru. / "
        "The agreement with {partner} has ended, so nothing was handed over. "
        "Ask an administrator to record the new one."
    ),
    Lack.REVOKED: (
        "Perjanjian dengan {partner} sudah dicabut, jadi tidak ada yang diserahkan. / "
        "The agreement with {partner} was revoked, so nothing was handed over."
    ),
    Lack.FORM: (
        "Perjanjian dengan {partner} tidak mencakup formulir ini. Pilih formulir lain. / "
        "The agreement with {partner} does not cover this form. Choose another form."
    ),
}


def share(session: Session, source: Source, partner: str, *, scope: Scope) -> None:
    """Put into a source what its partner may be given, and have the export say by which agreement.

    Errors: Permanent in words where no agreement is in force for its area and form on the day that it is made.
    """
    about = source.about
    agreement = demand_agreement(session, partner, about.area, day_of(about), source.form.code, scope=scope)
    selection = Selection(source.form.code, about.periods, about.area, about.choices.settles_at.states)
    source.shared = Shared(agreement, midwives.attribute(session, selection, scope=scope))
    source.about = replace(about, filters=(*about.filters, *say_agreement(agreement, source.form)))


def demand_agreement(session: Session, partner: str, area: str, on: date, form: str = "", *, scope: Scope) -> Agreement:
    """Return the agreement by which an area's figures go to a partner on this day. Errors: Permanent in words."""
    found = agreements.find_in_force(session, partner, area, on, form, scope=scope)
    if isinstance(found, Lack):
        raise Permanent(REFUSED[found].format(partner=NAMES.get(partner, partner)))
    return found


def day_of(about: About) -> date:
    """Return the day that an export is made on, by the clock of its area."""
    return about.made_at.astimezone(ZoneInfo(about.timezone)).date()


def keys_shared(source: Source) -> tuple[str, ...]:
    """Return the keys of a form that the agreement allows, each measure's total before its items, in its order."""
    allowed = source.shared.agreement.measures.get(source.form.code, ()) if source.shared else ()
    form = source.form
    return tuple(
        key
        for code, measure in form.measures.items()
        if code in allowed
        for key in (code, *(f"{code}.{item}" for item in form.items if item in measure.items))
    )


def say_agreement(agreement: Agreement, form: Form) -> tuple[str, ...]:
    """Return in words, Indonesian, what an export obeys."""
    words = ", ".join(form.word_for(one) for one in form.measures if one in agreement.measures.get(form.code, ()))
    personal = {
        (True, True): "dengan nama dan nomor HP bidan",
        (True, False): "dengan nama bidan, tanpa nomor HP",
        (False, True): "dengan nomor HP bidan, tanpa nama",
        (False, False): "tanpa nama dan tanpa nomor HP bidan",
    }[agreement.may_name, agreement.may_phone]
    return (
        f"Perjanjian {agreement.number}, {agreement.title}",
        f"Berlaku {agreement.starts_on.isoformat()} s.d. {agreement.ends_on.isoformat()}",
        f"Cakupan: {words}; {personal}",
    )
