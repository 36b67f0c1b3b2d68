"""Every example of docs/api.md, run in its order, is answered as it stands there."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.district import District
from tests.docs.pages import page
from tests.gateway.publish.conftest import System

SERVER = "http://localhost"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough to read a page by."""
    return sqlite_url


def run(client: FlaskClient, command: str, token: str) -> tuple[int, Any]:
    """Return the status and the JSON that a curl command gets."""
    words = shlex.split(command.replace("\\\n", " "), posix=True)
    words = [word.replace("$KABAR", SERVER).replace("$TOKEN", token).replace("\\$", "$") for word in words]
    assert words[0] == "curl"
    method, sent, headers, auth, url = "GET", None, {}, None, ""
    rest = iter(words[1:])
    for word in rest:
        if word == "-X":
            method = next(rest)
        elif word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "-d":
            sent = next(rest)
        elif word == "-u":
            name, _, password = next(rest).partition(":")
            auth = (name, password)
        else:
            url = word
    answer = client.open(url.removeprefix(SERVER), method=method, data=sent, headers=headers, auth=auth)
    return answer.status_code, answer.get_json()


def holds(found: Any, wanted: Any) -> bool:
    """Tell whether an answer holds everything that the page shows of it."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(name in found and holds(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        return len(found) >= len(wanted) and all(map(holds, found, wanted))
    return bool(found == wanted)


def test_every_example_of_the_guide_is_answered_as_it_says(system: System, district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    examples = page("docs/api.md").blocks("curl")
    assert len(examples) >= 8
    for example in examples:
        command, _, shown = example.strip().rpartition("\n\n")
        status, _, told = shown.partition(" ")
        found = run(system.client, command, system.secret)
        assert found[0] == int(status), f"{command}\n{found}"
        assert holds(found[1], json.loads(told)), f"{command}\n{found}"
