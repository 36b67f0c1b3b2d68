"""A visitor's hands and eyes: open a page, take it apart, type and send; and messages as the worker leaves them."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.review.pages import entrance
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.store import inbox, users, visits
from gateway.store.users import NewUser, User
from gateway.store.visits import NewVisit
from gateway.values import InboxState, Role, lane_of

ANI = "+6281200000101"


def make_settings(tmp_path: Path, database_url: str, **others: object) -> Settings:
    """Return settings on a database, with a queue server that nobody answers: the pages must do without."""
    values: dict[str, object] = {"var": tmp_path / "var", "database_url": database_url}
    return Settings.model_validate(values | {"redis_url": "redis://127.0.0.1:1"} | others)


def sign_in(visitor: FlaskClient, runtime: Runtime, role: str = "district", area: str = "14.03") -> User:
    """Let a browser be signed in as somebody new with this role and area, and return who that is.

    Whatever the browser sends from then on brings the visit's token, as our forms would.
    """
    now, token = runtime.now(), entrance.new_token()
    with runtime.database.session() as session:
        count = users.count_users(session)
        new = NewUser(f"{role}{count}", f"{role.title()} {count}", Role(role), area, "id", now)
        user_id = users.add_user(session, new)
        visits.begin_visit(session, NewVisit(entrance.hash_token(token), user_id, now))
        session.commit()
        found = users.find_user(session, user_id)
    assert found
    visitor.set_cookie(entrance.COOKIE, token)
    visitor.environ_base["HTTP_X_CSRF_TOKEN"] = entrance.seal(token, "form")
    return found


class Page(HTMLParser):
    """A page taken apart: its tags, its attributes, and what stands on it."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep what is read."""
        self.words += data

    def hidden(self, name: str) -> str:
        """Return the value of a hidden field."""
        return next(str(attrs["value"]) for tag, attrs in self.tags if tag == "input" and attrs.get("name") == name)


def type_and_send(visitor: FlaskClient, text: str, **fields: str) -> TestResponse:
    """Open the start page, type a text and send it."""
    key = Page(visitor.get("/phone")).hidden("key")
    return visitor.post("/phone", data={"key": key, "text": text} | fields)


def kept(runtime: Runtime) -> tuple[inbox.InboxMessage, ...]:
    """Return every message of the inbox, oldest first."""
    with runtime.database.session(read_only=True) as session:
        return inbox.latest_messages(session)[::-1]


def keep(runtime: Runtime, text: str, state: InboxState = InboxState.RECEIVED, fault: str | None = None) -> int:
    """Keep a message of Bidan Ani's as the worker would leave it, and return its id."""
    now = datetime.now(UTC)
    new = inbox.NewInboxMessage(
        channel="simulator",
        provider_id=f"test-{now.timestamp()}",
        sender=ANI,
        recipient="",
        text=text,
        sent_at=now,
        received_at=now,
        lane=lane_of(ANI),
        trace_id="0123456789abcdef",
        state=state,
        fault=fault,
    )
    with runtime.database.session() as session:
        inbox.keep(session, new)
        session.commit()
        found = inbox.find_message(session, "simulator", new.provider_id)
    assert found
    return found.id
