"""A gateway whose clock the test holds, for what runs out: visits, links, codes, waits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.review import proofs
from gateway.runtime import Runtime
from gateway.store import factors, users
from gateway.store.users import NewUser
from gateway.values import Role

PASSWORD = "kuda baterai staples"
START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@dataclass(frozen=True)
class ClockedRuntime(Runtime):
    """A runtime whose clock stands where the test has put it."""

    clock: list[datetime] = None  # type: ignore[assignment]

    def now(self) -> datetime:
        """Return the test's clock."""
        return self.clock[0]

    def pass_time(self, **span: float) -> None:
        """Move the clock, for example `minutes=31`."""
        self.clock[0] += timedelta(**span)


def with_clock(runtime: Runtime) -> ClockedRuntime:
    """Return the same runtime with a clock to be held."""
    parts = {name: getattr(runtime, name) for name in Runtime.__dataclass_fields__}
    return ClockedRuntime(**parts, clock=[START])


def add_user(
    runtime: Runtime, login: str, role: str = "district", area: str = "14.03", password: str = PASSWORD
) -> int:
    """Add a user who has chosen a password, and return the id."""
    new = NewUser(login, f"{login.title()} Lestari", Role(role), area, "id", runtime.now())
    with runtime.database.session() as session:
        user_id = users.add_user(session, new)
        factors.set_password(session, user_id, proofs.hash_password(password))
        session.commit()
    return user_id


def give_password(visitor: FlaskClient, login: str, password: str = PASSWORD, **fields: str) -> TestResponse:
    """Send the login form."""
    return visitor.post("/login", data={"login": login, "password": password} | fields)


def take_token(visitor: FlaskClient, path: str = "/account") -> None:
    """Open a page and bring its form's token along from now on, as a person who sends its forms does."""
    visitor.environ_base["HTTP_X_CSRF_TOKEN"] = token_of(visitor.get(path))


def token_of(page: TestResponse) -> str:
    """Return the token in a page's forms."""
    found = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert found, page.text
    return found.group(1)


def cookie(visitor: FlaskClient, name: str = "kabar_session") -> str:
    """Return the value of a browser's cookie, or an empty string."""
    found = visitor.get_cookie(name)
    return found.value if found else ""
