"""How the schema came to be: one file a version, run on SQLite and PostgreSQL alike, up and down, with rows inside.

Never change a version that was released: add one. A table is read by old and new code together while a deploy goes on.
"""
