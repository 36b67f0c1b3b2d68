"""Reminders: who was reminded of which report by which rung; each key once, whatever is repeated or runs twice."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from gateway.store.base import UtcDateTime, metadata
from gateway.store.inbox import BigId

reminders = Table(
    "reminders",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("form", String(20), nullable=False),
    Column("period", String(7), nullable=False),
    Column("subject", String(24), nullable=False),
    Column("rung", String(20), nullable=False),
    Column("opening", Integer, nullable=False),
    Column("area", String(13), nullable=False),
    Column("facility_id", ForeignKey("facilities.id"), nullable=True),
    Column("closes_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("form", "period", "subject", "rung", "opening", name="uq_reminders_key"),
)
Index("ix_reminders_area", reminders.c.area, reminders.c.id)
Index("ix_reminders_facility_id", reminders.c.facility_id, reminders.c.id)
Index("ix_reminders_period", reminders.c.period, reminders.c.form, reminders.c.area, reminders.c.id)  # lists of a month

reminder_messages = Table(
    "reminder_messages",
    metadata,
    Column("reminder_id", ForeignKey("reminders.id"), primary_key=True),
    Column("outbox_id", ForeignKey("outbox.id"), primary_key=True, index=True),
)

reminder_rounds = Table(
    "reminder_rounds",
    metadata,
    Column("area", String(13), primary_key=True),
    Column("ran_at", UtcDateTime, nullable=False),
)
