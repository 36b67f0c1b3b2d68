"""The wordings: the sentences of the answers, as an area puts them in its own words; each is checked to be one SMS."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request, url_for

from gateway.reply.chosen import nearest
from gateway.reply.own_words import tidy_words
from gateway.reply.sentence import SAMPLES, Checked, Fault, check_sentence, find_slots, show_sentence
from gateway.reply.wordings import GROUPS, Wording
from gateway.review.pages import frame
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.store import areas, unsettled, wordings
from gateway.store.base import Session
from gateway.store.wordings import ChosenSentence
from parsers.read import read_message

FAULTS: Mapping[Fault, str] = {
    Fault.EMPTY: mark("Write a sentence."),
    Fault.BRACES: mark("Braces may only hold a name, such as {month}, and must be closed."),
    Fault.SLOT_MISSING: mark("%(about)s must stand in it: it is filled with what the answer is about."),
    Fault.SLOT_UNKNOWN: mark("%(about)s cannot stand in it: there is nothing to fill it with."),
    Fault.CHARACTER: mark("These characters make an SMS shorter and dearer; write others: %(about)s"),
    Fault.NUMBER: mark("%(about)s: local routes drop a number of four digits or more."),
    Fault.COMMAND: mark("It says to reply %(about)s, but Kabar would not understand that."),
    Fault.TOO_LONG: mark("Too long for one SMS by %(about)s characters, at its longest values."),
    Fault.LONGER_PART: mark(
        "Longer than the original by %(about)s characters; it shares an SMS with others and has no more room."
    ),
}
GROUP_NAMES: Mapping[str, str] = {
    "answers": mark("Answers"),
    "problems": mark("Questions"),
    "parts": mark("Parts of answers"),
}
LONGEST = 400  # characters that are looked at

routes = frame.make_routes("wordings")


@routes.get("/wordings")
def show_wordings() -> Response:
    """Show the sentences of a language as a midwife of an area reads them."""
    frame.demand(Action.ADMINISTER)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    language, group = request.args.get("language", "id"), request.args.get("group", GROUPS[0])
    area = request.args.get("area", user.area)[:13]
    wording = runtime.wordings.get(language)
    if wording is None or group not in GROUPS or not user.scope.covers(area):
        return frame.absent()
    with runtime.database.session(read_only=True) as session:
        chosen = _chosen_around(session, area)
        names = areas.names_of(session, {one.area for one in chosen.values()} | {area})
        places = _places(session)
    rows = []
    for own, sentence in getattr(wording, group).items():
        name = f"{group}.{own}"
        best = chosen.get((language, name))
        rows.append((name, show_sentence(wording, name, best.sentence if best else sentence), best))
    return frame.answer(
        "wordings.html",
        rows=rows,
        area=area,
        language_code=language,
        group=group,
        names=names,
        places=places,
        wordings=runtime.wordings,
        tabs_of_groups=[
            (
                url_for("wordings.show_wordings", language=language, group=one, area=area),
                translate(words),
                one == group,
                None,
            )
            for one, words in GROUP_NAMES.items()
        ],
    )


@routes.get("/wordings/<language_code>/<name>")
def show_wording(language_code: str, name: str) -> Response:
    """Show one sentence in its form."""
    return _show(language_code, name, request.args.get("area", frame.visitor().area)[:13])


@routes.post("/wordings/<language_code>/<name>")
def choose(language_code: str, name: str) -> Response:
    """Say it in these words from now on, or in those of the file again."""
    frame.demand(Action.ADMINISTER)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    wording, area = _find_wording(language_code, name), request.form.get("area", "")[:13]
    if wording is None or not user.scope.covers(area):
        return frame.absent()
    if request.form.get("what") == "drop":
        return _drop(language_code, name, area)
    sentence = tidy_words(request.form.get("sentence", "")[:LONGEST])
    if _check(wording, name, sentence).faults:
        return _show(language_code, name, area, sentence)
    with runtime.database.session() as session:
        if area and areas.find_area_within(session, area, scope=user.scope) is None:
            return frame.absent()
        before = _chosen_around(session, area).get((language_code, name))
        chosen = ChosenSentence(area, language_code, name, sentence, user.name, runtime.now())
        wordings.choose_sentence(session, chosen, scope=user.scope)
        about = {"sentence": [before.sentence if before else None, sentence], "language": language_code}
        frame.audit(session, "change", "wording", name, area, **about)
        session.commit()
    return _go_back(mark("It is said in these words from now on."), language_code, name, area)


def _drop(language_code: str, name: str, area: str) -> Response:
    with frame.runtime_of_request().database.session() as session:
        if wordings.drop_sentence(session, area, language_code, name, scope=frame.visitor().scope):
            frame.audit(session, "drop", "wording", name, area, language=language_code)
        session.commit()
    return _go_back(
        mark("It is said in the words of the area around, or of the file, again."), language_code, name, area
    )


def _go_back(said: str, language_code: str, name: str, area: str) -> Response:
    group = name.partition(".")[0]
    return frame.go("wordings.show_wordings", said, language=language_code, group=group, area=area)


@routes.post("/wordings/<language_code>/<name>/check")
def show_check(language_code: str, name: str) -> Response:
    """Show what is wrong with a sentence while it is being typed, and how it would read."""
    frame.demand(Action.ADMINISTER)
    wording = _find_wording(language_code, name)
    if wording is None:
        return frame.absent()
    checked = _check(wording, name, tidy_words(request.form.get("sentence", "")[:LONGEST]))
    return frame.answer("wording_check.html", checked=checked, faults=_say(checked))


def _show(language_code: str, name: str, area: str, typed: str | None = None) -> Response:
    frame.demand(Action.ADMINISTER)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    wording = _find_wording(language_code, name)
    if wording is None or not user.scope.covers(area):
        return frame.absent()
    with runtime.database.session(read_only=True) as session:
        best = _chosen_around(session, area).get((language_code, name))
        names = areas.names_of(session, {area, best.area if best else area})
        places = _places(session)
    group, _, own = name.partition(".")
    original = getattr(wording, group)[own]
    sentence = typed if typed is not None else (best.sentence if best else original)
    checked = _check(wording, name, sentence)
    return frame.answer(
        "wording.html",
        422 if typed is not None else 200,
        wording=wording,
        name=name,
        group=group,
        group_name=GROUP_NAMES[group],
        area=area,
        places=places,
        area_name=names.get(area) or translate(mark("Whole country")),
        best=best,
        is_own=best is not None and best.area == area,
        names=names,
        original=original,
        sentence=sentence,
        slots=[(slot, SAMPLES.get(slot, 40)) for slot in sorted(find_slots(original) or ())],
        checked=checked,
        faults=_say(checked),
    )


def _find_wording(language_code: str, name: str) -> Wording | None:
    """Return a language that has such a sentence, or None."""
    wording = frame.runtime_of_request().wordings.get(language_code)
    group, _, own = name.partition(".")
    return wording if wording and group in GROUPS and own in getattr(wording, group) else None


def _check(wording: Wording, name: str, sentence: str) -> Checked:
    runtime = frame.runtime_of_request()
    today = runtime.now().date()
    return check_sentence(
        wording, name, sentence, lambda words: read_message(words, today, runtime.forms).command is not None
    )


def _say(checked: Checked) -> list[str]:
    return [translate(FAULTS[fault]) % {"about": about} for fault, about in checked.faults]


def _chosen_around(session: Session, area: str) -> dict[tuple[str, str], ChosenSentence]:
    """Return what counts in an area of the visitor's, by language and name: what the smallest area around it chose."""
    return nearest(wordings.sentences_within(session, area, scope=frame.visitor().scope), area)


def _places(session: Session) -> list[tuple[str, str]]:
    scope = frame.visitor().scope
    found = list(unsettled.regencies_with_facilities(session, scope=scope))
    return found if scope.area else [("", translate(mark("Whole country"))), *found]
