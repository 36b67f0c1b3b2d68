"""Imports: registry files that somebody uploaded and has not applied yet, kept for an hour."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Integer, String, Table

from gateway.store.base import UtcDateTime, metadata

imports = Table(
    "imports",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("file_name", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("sheet", JSON, nullable=False),
    Column("columns", JSON, nullable=False),
    Column("kept_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)
