"""Registering a facility's month as complete, once; taking it back where what is there is not what we have any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.channels.http import Answer
from gateway.errors import KabarError
from gateway.export.dhis2 import results
from gateway.export.dhis2.client import Client
from gateway.export.dhis2.payload import Target
from gateway.export.dhis2.reasons import Reason
from gateway.export.dhis2.results import Course, Heard, Trouble
from gateway.export.dhis2.turns import Halted, Hand, Later
from gateway.store import pushed


@dataclass
class Register:
    """The register of complete months of one destination.

    Errors of each step: Later where it may or may not have been done and cannot be told now; Halted where never.
    """

    hand: Hand
    client: Client
    scheme: str

    def complete(self, target: Target) -> Trouble | None:
        """Have a month registered as complete; return why it was refused, if it was."""
        known = self._known(target)
        if known == pushed.MAYBE and self._is_complete(target):
            known = self._keep(target, pushed.YES)
        if known == pushed.YES:
            return None
        self._keep(target, pushed.MAYBE)
        answer = self._call(lambda: self.client.complete(target, self.scheme, self.hand.now().date()))
        trouble = _find_trouble(answer)
        self._keep(target, pushed.NO if trouble else pushed.YES)
        return trouble

    def undo(self, target: Target) -> Trouble | None:
        """Have a month not registered as complete; return why that was refused, if it was."""
        known = self._known(target)
        if known == pushed.MAYBE and not self._is_complete(target):
            known = self._keep(target, pushed.NO)
        if known == pushed.NO:
            return None
        uids = self._find_uid("dataSets", target.data_set), self._find_uid("organisationUnits", target.org_unit)
        if None in uids:
            return Trouble(Reason.INCOMPLETE)
        self._keep(target, pushed.MAYBE)
        answer = self._call(lambda: self.client.undo_complete(target, str(uids[0]), str(uids[1])))
        if 200 <= answer.status < 300:
            self._keep(target, pushed.NO)
            return None
        self._keep(target, pushed.YES)
        found = results.read_object(answer.body) or {}
        return Trouble(Reason.INCOMPLETE, str(answer.status), str(found.get("message") or "")[: results.LONGEST])

    def _known(self, target: Target) -> str:
        with self.hand.database.session(read_only=True) as session:
            month = pushed.find_month(session, self.hand.spot(target))
        return month.complete if month else pushed.NO

    def _keep(self, target: Target, complete: str) -> str:
        with self.hand.kept() as session:
            pushed.set_complete(session, self.hand.spot(target), complete)
        return complete

    def _is_complete(self, target: Target) -> bool:
        answer = self._call(lambda: self.client.read_completeness(target, self.scheme))
        found = results.read_object(answer.body)
        if answer.status != 200 or found is None:
            raise Later(Trouble(Reason.UNREAD, str(answer.status)), is_unsure=True)
        listed = found.get("completeDataSetRegistrations") or []
        return any(isinstance(one, dict) and one.get("completed", True) not in (False, "false") for one in listed)

    def _find_uid(self, kind: str, code: str) -> str | None:
        if self.scheme == "UID":
            return code
        answer = self._call(lambda: self.client.find(kind, code, self.scheme))
        listed = (results.read_object(answer.body) or {}).get(kind) or []
        return str(listed[0]["id"]) if len(listed) == 1 and isinstance(listed[0], dict) and "id" in listed[0] else None

    def _call(self, call: Callable[[], Answer]) -> Answer:
        try:
            answer = call()
        except KabarError as fault:
            raise _cut_short(results.hear_fault(fault)) from None
        heard = results.hear_other(answer.status, answer.headers, answer.body)
        is_told = answer.status == 204 or results.read_object(answer.body) is not None
        if heard.course in (Course.HALT, Course.WAIT, Course.ONCE) or not is_told:
            raise _cut_short(heard)
        return answer


def _cut_short(heard: Heard) -> Exception:
    trouble = heard.whole[0]
    if heard.course is Course.HALT:
        return Halted(trouble)
    return Later(trouble, after_seconds=heard.after_seconds, is_unsure=True)


def _find_trouble(answer: Answer) -> Trouble | None:
    """Return why a registration was refused: a refusal may come as a success that holds conflicts."""
    found = results.read_object(answer.body)
    summary = results.find_summary(found)
    if summary is None:
        said = str((found or {}).get("message") or "")[: results.LONGEST]
        return Trouble(Reason.INCOMPLETE, str(answer.status), said)
    conflicts = [one for one in summary.get("conflicts") or () if isinstance(one, dict)]
    if conflicts:
        code, said = str(conflicts[0].get("errorCode") or ""), str(conflicts[0].get("value") or "")[: results.LONGEST]
        return Trouble(Reason.INCOMPLETE, code, said)
    return Trouble(Reason.INCOMPLETE) if summary.get("status") == "ERROR" else None
