"""Keep what was closed as it was counted: while a month is closed, nothing that staff decide changes its figures."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.review.deeds import CannotDo, Why
from gateway.store import months
from gateway.store.base import Session
from gateway.store.decisions import Held, Move
from gateway.values import COUNTING


def demand_open(session: Session, held: Held, moves: Sequence[Move], *, has_new: bool = False) -> None:
    """Go on only if these moves change no figures, or their month is open.

    A request may be rejected, and what counts be approved, while the month is closed. `has_new`: a revision of staff's
    own comes besides, and counts. Errors: CannotDo with CLOSED; nothing was changed.
    """
    is_changed = has_new or any((one.before in COUNTING) != (one.after in COUNTING) for one in moves)
    if not is_changed:
        return
    months.wait_for_closings(session)
    if months.is_closed(session, held.key.form, held.key.period, held.area):
        raise CannotDo(Why.CLOSED)
