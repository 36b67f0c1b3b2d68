"""The pages of webhooks: a secret is shown once, who is told is an administrator's to say, and every deed is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway import keybox
from gateway.app import create_app
from gateway.redact import Secret
from gateway.store import audit, hook_deliveries, hooks
from gateway.store.audit import Wanted
from gateway.store.base import Database
from gateway.store.events import KINDS
from gateway.values import Scope
from tests.district import District, make_runtime
from tests.gateway.channels.standin import Reply
from tests.gateway.export.webhooks.listening import (
    EVERYWHERE,
    Receiver,
    add_hook,
    deliveries,
    find_hook,
    is_signed,
    key_of,
    tell,
)
from tests.gateway.review.deciding import KB, approve
from tests.gateway.review.visits import Page, sign_in

SHOWN = re.compile(r"whsec_[A-Za-z0-9+/=]+")


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district whose pages may have receivers on this machine; the test runs once on each database."""
    return District(make_runtime(database, tmp_path, private_hosts="127.0.0.1"))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who listens."""
    with Receiver() as made:
        yield made


def _add(browser: FlaskClient, receiver: Receiver, **others: object) -> TestResponse:
    typed = {"name": "Dinas Kesehatan", "address": f"{receiver.url}/kabar?token=canary-71", "area": "14.03"}
    return browser.post("/hooks/new", data=typed | {"kinds": list(KINDS)} | others)


def test_a_receiver_is_added_hears_and_its_secret_is_shown_once(
    district: District, budi: FlaskClient, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    page = _add(budi, receiver)
    (shown,) = SHOWN.findall(page.text)
    assert page.headers["Cache-Control"] == "no-store"
    receiver.secret = Secret(shown)
    district.say("ani", KB)
    tell(district)
    assert receiver.told == ["report.accepted"]
    assert is_signed(receiver.seen[0], receiver.secret)
    seen = "".join(budi.get(f"/{path}").text for path in ("hooks", "hooks/1", "hooks/1/edit", "audit", "month"))
    logged = "".join(capsys.readouterr())
    with district.database.session(read_only=True) as session:
        kept = repr(audit.search(session, Wanted(), scope=EVERYWHERE)) + repr(find_hook(district, 1))
    assert "hook_told" in logged
    assert shown not in seen + logged + kept
    assert "canary-71" not in logged


WRONG = [
    ("address", "dinas.example/kabar"),
    ("address", "http://dinas.example/kabar"),
    ("address", "https://siti:rahasia@dinas.example/"),
    ("address", "https://10.0.0.7/kabar"),
    ("address", "https://2130706433/"),
    ("address", "https://dinas.example/" + "a" * 500),
    ("name", " "),
    ("kinds", []),
    ("area", "72.71"),
]


def test_what_cannot_be_is_named_and_nothing_is_kept(district: District, receiver: Receiver) -> None:
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, "administrator", "14.03")
    for field, typed in WRONG:
        page = _add(browser, receiver, **{field: typed})
        assert page.status_code == 422, typed
        assert any(f"{field}-fault" == attrs.get("id") for _, attrs in Page(page).tags), typed
    with district.database.session(read_only=True) as session:
        assert hooks.list_hooks(session, scope=EVERYWHERE) == ()


def test_only_an_administrator_of_the_area_sees_and_does_anything(
    district: District, rina: FlaskClient, receiver: Receiver
) -> None:
    hook_id = add_hook(district, receiver)
    elsewhere = create_app(district.runtime).test_client()
    sign_in(elsewhere, district.runtime, "administrator", "14.04")
    posts = ("edit", "secret", "test", "state", "replay", "give-up")
    typed = {"what": "off", "since": "2025-10-01", "delivery": "1", "name": "x", "address": f"{receiver.url}/"}
    for browser, status in ((rina, 403), (elsewhere, 404)):
        assert browser.get(f"/hooks/{hook_id}").status_code == status
        for path in posts:
            answer = browser.post(f"/hooks/{hook_id}/{path}", data=typed | {"area": "14.04", "kinds": KINDS[0]})
            assert answer.status_code == status, path
    assert rina.get("/hooks").status_code == rina.get("/hooks/new").status_code == 403
    assert "Dinas Kesehatan" not in elsewhere.get("/hooks").text
    assert find_hook(district, hook_id).state == hooks.ON


def test_a_secret_is_made_and_an_address_changed_only_by_who_has_just_shown_who_they_are(
    district: District, budi: FlaskClient, receiver: Receiver
) -> None:
    hook_id = add_hook(district, receiver)
    locked = find_hook(district, hook_id).secret
    district.pass_time(minutes=31)
    for path in (f"/hooks/{hook_id}/secret", f"/hooks/{hook_id}/edit", "/hooks/new"):
        assert "/account/confirm" in budi.post(path).headers["Location"]
    assert find_hook(district, hook_id).secret == locked


@pytest.mark.parametrize("is_leaked", [False, True])
def test_a_new_secret_leaves_the_old_one_for_a_day_unless_others_know_it(
    district: District, budi: FlaskClient, receiver: Receiver, is_leaked: bool
) -> None:
    hook_id = add_hook(district, receiver)
    page = budi.post(f"/hooks/{hook_id}/secret", data={"leaked": "1"} if is_leaked else {})
    (shown,) = SHOWN.findall(page.text)
    now, hook = district.runtime.now(), find_hook(district, hook_id)
    good = [keybox.unlock(key_of(district), one) for one in hook.locked_secrets(now)]
    assert good == ([shown] if is_leaked else [shown, receiver.secret.reveal()])
    later = hook.locked_secrets(now + timedelta(hours=24))
    assert [keybox.unlock(key_of(district), one) for one in later] == [shown]


def test_who_was_paused_by_kabar_is_an_alarm_until_somebody_turns_it_on(district: District, budi: FlaskClient) -> None:
    with Receiver(*[Reply(500)] * 10) as receiver:
        hook_id = add_hook(district, receiver)
        district.say("ani", KB)
        for _ in range(10):
            tell(district, hours=29)
        with district.database.session(read_only=True) as session:
            assert [one.id for one in hooks.list_stopped(session, scope=Scope("14.03"))] == [hook_id]
            assert hooks.list_stopped(session, scope=Scope("72.71")) == ()
        sign_in(budi, district.runtime, "administrator", "")
        alarm = "Dinas Kesehatan tidak lagi diberi tahu"
        assert alarm in budi.get("/month").text
        assert "HTTP 500" in budi.get(f"/hooks/{hook_id}").text
        receiver.replies.clear()
        assert budi.post(f"/hooks/{hook_id}/state", data={"what": "on"}).status_code == 303
        assert alarm not in budi.get("/month").text
        tell(district)
        assert receiver.told == ["report.accepted"]


def test_what_failed_is_told_again_from_the_page_one_or_all_of_a_time(district: District, budi: FlaskClient) -> None:
    with Receiver(*[Reply(422)] * 8) as receiver:
        hook_id = add_hook(district, receiver)
        district.say("ani", KB)
        approve(district)
        for _ in range(8):
            tell(district, hours=1)
        first, second = deliveries(district, hook_id)
        assert (first.state, second.state) == ("failed", "failed")
        sign_in(budi, district.runtime, "administrator", "")
        budi.post(f"/hooks/{hook_id}/replay", data={"delivery": str(second.id)})
        budi.post(f"/hooks/{hook_id}/give-up", data={"delivery": str(second.id)})
        assert [one.fault for one in deliveries(district, hook_id)] == ["refused", hook_deliveries.GIVEN_UP]
        budi.post(f"/hooks/{hook_id}/replay", data={"since": "2099-01-01"})
        assert [one.state for one in deliveries(district, hook_id)] == ["failed", "failed"]
        budi.post(f"/hooks/{hook_id}/replay", data={"since": "2025-10-01"})
        tell(district)
        assert receiver.told == ["report.accepted", "report.approved"]
        done = budi.get("/audit").text
        assert "mengirim lagi kejadian ke webhook" in done
        assert "melewati satu kejadian untuk webhook" in done


def test_a_test_message_arrives_and_its_answer_stands_on_the_page(
    district: District, budi: FlaskClient, receiver: Receiver
) -> None:
    hook_id = add_hook(district, receiver)
    budi.post(f"/hooks/{hook_id}/state", data={"what": "pause"})
    budi.post(f"/hooks/{hook_id}/test")
    tell(district)
    assert receiver.told == ["webhook.ping"]
    page = budi.get(f"/hooks/{hook_id}?lang=en").text
    assert "Test message" in page
    assert "HTTP 204" in page
