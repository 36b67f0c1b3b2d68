"""The demo's last days: after them each screen of the desk has something to do on it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from gateway import demo, demo_days
from gateway.store import inbox, outbox, registrations, reports
from gateway.store.base import Database
from tests.district import make_runtime


def test_the_days_leave_work_on_every_screen(database: Database, tmp_path: Path) -> None:
    now = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    with database.session() as session:
        demo.load(session, now)
        demo_days.play(session, make_runtime(database, tmp_path).rules, now)
        session.commit()
    with database.session(read_only=True) as session:
        found = [report for report, _ in reports.latest_reports(session, limit=100_000)]
        states = Counter(report.state for report in found)
        assert states["waiting"] >= 1, "somebody is asked"
        assert states["flagged"] >= 1, "an approved report is to be changed"
        noted = [report for report in found if report.state == "accepted" and reports.find_flags(session, report.id)]
        assert noted, "something looks odd and counts"
        messages = inbox.latest_messages(session)
        assert {"for_staff", "held", "done"} <= {message.state for message in messages}
        assert all(message.sent_at < now for message in messages)
        assert registrations.waiting_registrations(session)
        answered = {message.sender for message in messages if message.state == "done"}
        assert answered == {answer.recipient for answer in outbox.latest_to(session, answered)}
