"""The inventory: every column of the database stands in it, once, and nothing that is not there."""

from __future__ import annotations

from gateway.store import inventory, schema
from gateway.store.base import metadata
from gateway.store.inventory import CLASSES, kinds, tables

assert schema.MIGRATIONS.is_dir()  # every table is known now


def test_every_column_is_classified_once_and_none_that_is_not_there() -> None:
    listed = {
        name: sorted(column for these in kept.columns.values() for column in these) for name, kept in tables().items()
    }
    there = {table.name: sorted(column.name for column in table.columns) for table in metadata.sorted_tables}
    assert listed == there, f"say in gateway/store/inventory.toml what a new column is: one of {CLASSES}"


def test_every_table_says_why_it_is_kept_and_as_which_kind() -> None:
    assert not [kept.name for kept in tables().values() if not kept.why or kept.kept not in kinds()]


def test_every_kind_is_kept_for_a_time_or_says_where_its_time_stands() -> None:
    wrong = [
        one.code for one in kinds().values() if bool(one.fixed) == bool(one.least <= one.days <= one.most and one.days)
    ]
    assert not wrong


def test_columns_that_hold_texts_are_known_to_the_sweep_and_names_and_numbers_of_others_are_not() -> None:
    swept = {f"{table.name}.{column.name}" for table, column in inventory.text_columns()}
    assert {"inbox.text", "reports.reading", "audit.details"} <= swept
    assert not {"reporters.name", "reporter_phones.phone", "inbox.sender"} & swept
