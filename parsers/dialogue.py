"""Door 4: what was typed into a USSD session so far -> the next screen. Pure; a session's state is one small value."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from parsers.faces import is_dead_end, pages_of
from parsers.screens import LONGEST_SCREEN, Words, cut, load_words, write_page
from parsers.session import Dialogue, Ground, Month, Place, Turn, as_json, from_json
from parsers.steps import Standing, Step, stand
from parsers.taking import FIRST_STEPS, Move, take, take_message, take_numbers
from parsers.typed import tidy_typed

__all__ = ["Dialogue", "Ground", "Month", "Place", "Turn", "as_json", "from_json", "next_screen", "show_answer"]


def next_screen(dialogue: Dialogue, inputs: Sequence[str], ground: Ground) -> Turn:
    """Take what was typed, in order, and return the next screen; without any input, the screen that waits.

    What is wrong is said on the screen and moves nothing; what was typed behind it is not read. Nothing is sent that
    was not first shown: of several inputs, none but the first confirms. No screen is longer than 160 GSM-7 characters.

    What was dialled behind the service code speaks of no draft that is kept: it is to be given with a new Dialogue.
    """
    words = load_words(ground.language)
    standing = stand(dialogue, ground)
    waiting = deque((typed, False) for typed in inputs)
    is_first = True
    while waiting and not is_dead_end(standing):
        typed, is_at_once = waiting.popleft()
        move = _take_several(standing, typed, words)
        if move is None and "*" in tidy_typed(typed) and standing.step != Step.ANSWER:
            waiting.extendleft((token, True) for token in reversed(tidy_typed(typed).split("*")))
            continue
        if move is None:
            is_whole = standing.step == Step.ANSWER  # it is sent on as it was typed
            typed = " ".join(typed.split()) if is_whole else tidy_typed(typed)
            move = take(standing, typed, words, is_first=is_first, is_at_once=is_at_once)
        is_first = False
        if move.sends:
            return _send(standing, move, words)
        standing = stand(move.dialogue, ground)
        if move.note:
            dropped = [words.say("faults", "dropped")] if waiting else []
            return _show(standing, words, " ".join([move.note, *dropped]))
    return _show(standing, words)


def _take_several(standing: Standing, typed: str, words: Words) -> Move | None:
    """Take what was typed in one go at the first prompt, a message or its bare numbers; None for anything else."""
    tokens = tidy_typed(typed).split("*")
    if len(tokens) == 1 or standing.step not in FIRST_STEPS:
        return None
    if any(mark.isalpha() for mark in typed):
        move = take_message(standing, typed, words)
        return None if move.note else move  # a place's code has letters too
    return take_numbers(standing, tokens, words)


def _show(standing: Standing, words: Words, note: str = "") -> Turn:
    pages = pages_of(standing, words)
    page = min(standing.dialogue.page, len(pages) - 1)
    return Turn(replace(standing.dialogue, page=page), write_page(pages[page], note), ends=is_dead_end(standing))


def _send(standing: Standing, move: Move, words: Words) -> Turn:
    month = words.month(standing.dialogue.period) if standing.month else ""
    form = standing.form.keywords[0].upper() if standing.form else ""
    text = words.say("screens", "sent", form=cut(form, 10), month=month)
    return Turn(move.dialogue, text.strip(), ends=True, sends=move.sends)


def show_answer(dialogue: Dialogue, answer: str, ground: Ground, *, asks: bool) -> Turn:
    """Return the screen with the answer to the message that was sent; one that asks waits for YA or a change."""
    words = load_words(ground.language)
    if asks and answer.strip():
        asked = replace(dialogue, step=str(Step.ANSWER), page=0, answer=" ".join(answer.split()))
        return _show(stand(asked, ground), words)
    return Turn(Dialogue(), cut(answer, LONGEST_SCREEN), ends=True)
