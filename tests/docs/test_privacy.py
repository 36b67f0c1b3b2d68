"""The pages on privacy say what the code does: the inventory, the times, the commands."""

from __future__ import annotations

import re

from gateway.cli_privacy import privacy_group
from gateway.forget.listing import inventory_page
from gateway.store.inventory import kinds
from tests.docs.pages import page

ENGLISH, INDONESIAN = "docs/privacy.md", "docs/privasi.md"


def test_the_inventory_on_the_page_is_the_one_that_the_code_holds() -> None:
    written = page(ENGLISH).text.partition("<!-- inventory -->\n")[2].partition("<!-- /inventory -->")[0]
    assert written == inventory_page(), "paste what ./kabar privacy inventory prints"


def test_every_command_is_named_and_every_option_that_is_named_is_there() -> None:
    text = page(ENGLISH).text + page(INDONESIAN).text
    named = re.findall(r"`\./kabar privacy (\w+)([^`]*)`", text)
    assert {name for name, _ in named} == set(privacy_group.commands)
    for name, rest in named:
        known = {word for parameter in privacy_group.commands[name].params for word in parameter.opts}
        assert set(re.findall(r"--[a-z]+", rest)) <= known, name


def test_the_times_that_staff_are_told_are_the_defaults() -> None:
    days = {code: one.days for code, one in kinds().items()}
    year = {days[code] for code in ("chatter", "answers", "questions", "registrations", "strangers")}
    assert (days["malformed"], year, days["dialogues"], days["left"]) == (30, {365}, 90, 730)
    told = {row[1] for table in page(INDONESIAN).tables("jenis", "lama") for row in table}
    assert {"30 hari", "1 tahun", "90 hari", "7 hari", "5 tahun"} <= told
