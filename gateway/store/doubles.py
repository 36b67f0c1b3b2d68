"""Doubles: what stands in the registry twice; found, set aside as different, or merged."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from gateway.store.base import metadata

no_doubles = Table(
    "no_doubles",
    metadata,
    Column("noun", String(20), primary_key=True),
    Column("first_id", Integer, primary_key=True),
    Column("second_id", Integer, primary_key=True),
)
