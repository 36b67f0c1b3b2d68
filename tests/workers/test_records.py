"""Recording what became of a claim: in one commit where a send may be repeated, and nothing is lost by it."""

from __future__ import annotations

import pytest
from sqlalchemy import event, update

from gateway.reply import send
from gateway.store import outbox as outbox_store
from gateway.store.channels import channels
from tests.gateway.channels.standin import Reply
from tests.workers.test_outbound import LONG_AGO, MakeSending, ask, write
from workers import outbound
from workers.sweep import sweep


def test_what_is_sent_of_a_claim_is_recorded_in_one_commit_where_a_send_may_be_repeated(
    make_sending: MakeSending,
) -> None:
    district, provider = make_sending(send_idempotent="yes", per_second="20")
    provider.replies = [Reply(200), Reply(400), Reply(503), Reply(200)]
    ask(district, 4)
    commits: list[object] = []
    event.listen(district.database.engine, "commit", commits.append)
    outbound.send_claim(district.runtime, district.runtime.channels["generic"])
    assert len(commits) == 2  # the claim, before anything is sent, and what came of it
    with district.database.session(read_only=True) as session:
        assert outbox_store.count_by_state(session) == {"sent": 2, "failed": 1, "queued": 1}


def test_a_sender_killed_before_it_recorded_sends_the_same_refs_again(
    make_sending: MakeSending, monkeypatch: pytest.MonkeyPatch
) -> None:
    district, provider = make_sending(send_idempotent="yes", per_second="20")
    ask(district, 3)
    with monkeypatch.context() as killed:
        killed.setattr(send, "record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            outbound.send_claim(district.runtime, district.runtime.channels["generic"])
    refs = [taken.ref for taken in provider.ledger]
    write(district, lease_until=LONG_AGO)
    sweep(district.runtime)
    write(district, next_try_at=None)
    with district.database.session() as session:
        session.execute(update(channels).values(next_send_at=LONG_AGO))
        session.commit()
    district.send()
    assert len(refs) == 3
    assert {taken.ref for taken in provider.ledger} == set(refs)
    with district.database.session(read_only=True) as session:
        assert outbox_store.count_by_state(session) == {"sent": 3}
