"""Choosing a password: what is asked of one, in words."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.review import proofs
from gateway.review.pages.language import mark
from gateway.review.proofs import PasswordFault
from gateway.store.users import User

FAULTS: Mapping[PasswordFault, str] = {
    PasswordFault.SHORT: mark(
        "A password has at least 8 characters; a sentence of four words is good and easy to keep."
    ),
    PasswordFault.LONG: mark("A password has at most 200 characters."),
    PasswordFault.GUESSED: mark("This password is among the first that anybody would guess. Please take another one."),
    PasswordFault.OWN: mark("This password holds your own name or login. Please take another one."),
}
UNLIKE = mark("The two are not the same. Please type the password again.")


def find_faults(user: User, password: str, again: str) -> dict[str, str]:
    """Return what is wrong with a password that somebody chooses, by field, in words to be translated."""
    fault = proofs.find_password_fault(password, user.login, user.name)
    if fault is not None:
        return {"password": FAULTS[fault]}
    return {} if password == again else {"again": UNLIKE}
