"""The database: one file per noun, with its table and every question asked of it.

Read `base` first (sessions, types, clocks), then `inbox`, `reports`, `outbox`. Only this room knows SQLAlchemy. No
function here commits: who opens a session commits it.
"""
