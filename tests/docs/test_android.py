"""The page on Android phones: its settings make a channel, and its commands register what that channel needs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from android_sms_gateway import domain

from gateway.channels import android
from gateway.channels.base import Adapter, SmsChannel, Surroundings, make_channel
from tests.docs.pages import page
from tests.gateway.channels.phone import PASSWORD, USER, Phone

NOW = datetime(2026, 11, 21, 19, 9, 42, tzinfo=UTC)
SETTINGS, REGISTERING, AGAIN = (block.splitlines() for block in page("docs/android.md").blocks("sh"))

CURL = """#!{python}
import base64, sys, urllib.error, urllib.request
options, rest, words = dict(), [], iter(sys.argv[1:])
for word in words:
    if word in ("-u", "-H", "-d"):
        options[word] = next(words)
    elif not word.startswith("--"):
        rest.append(word)
headers = dict([options["-H"].split(": ")], Authorization="Basic " + base64.b64encode(options["-u"].encode()).decode())
try:
    urllib.request.urlopen(urllib.request.Request(rest[0], options["-d"].encode(), headers))
except urllib.error.HTTPError as fault:
    sys.exit(22 if "--fail" in sys.argv else 0)
"""


@pytest.fixture
def phone() -> Iterator[Phone]:
    """The phone that is set up."""
    with Phone(clock=lambda: NOW) as found:
        yield found


def run(lines: list[str], phone: Phone, folder: Path) -> None:
    """Run a block of the page as it stands, with this phone's own address and password, and a curl of our own."""
    curl = folder / "curl"
    curl.write_text(CURL.format(python=sys.executable))
    curl.chmod(curl.stat().st_mode | stat.S_IXUSR)
    own = [f"LOGIN={USER}:{PASSWORD}", f"API={phone.api}", "KABAR=https://kabar.example.go.id/in/android"]
    script = "\n".join(["set -e", *own, *(line for line in lines if not line.startswith(("LOGIN=", "API=", "KABAR=")))])
    environ = {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def channel_of_the_page(phone: Phone, folder: Path) -> SmsChannel:
    """Return the channel that the settings of the page make, at this phone."""
    written = dict(line.strip().split("=", 1) for line in SETTINGS)
    assert written.pop("KABAR_CHANNELS") == "android"
    surroundings = Surroundings(written.pop("KABAR_PUBLIC_URL"), folder)
    given = {name.removeprefix("KABAR_ANDROID_").lower(): value for name, value in written.items()}
    assert make_channel(cast(Adapter, android), "android", given, surroundings).name == "android"
    own = {"api_url": phone.api, "user": USER, "password": PASSWORD}
    return make_channel(cast(Adapter, android), "android", given | own, surroundings)


def test_the_settings_and_the_registration_of_the_page_make_a_channel_that_is_well(
    phone: Phone, tmp_path: Path
) -> None:
    channel = channel_of_the_page(phone, tmp_path)
    before = channel.look(NOW)
    run(REGISTERING, phone, tmp_path)
    run(REGISTERING, phone, tmp_path)
    after = channel.look(NOW)
    assert (before and before.is_well, after and after.is_well) == (False, True)
    sms, status = (
        sorted(hook["event"] for hook in phone.hooks.values() if hook["url"].endswith(door))
        for door in ("/sms", "/status")
    )
    assert (sms, status) == (["sms:received"], sorted(android.STATES)), "each once, however often it was registered"


def test_the_inbox_is_asked_for_again_as_the_published_client_does(phone: Phone, tmp_path: Path) -> None:
    run(AGAIN, phone, tmp_path)
    (seen,) = phone.seen
    asked = seen.json
    assert isinstance(asked, dict)
    since, until = (datetime.fromisoformat(asked[name]) for name in ("since", "until"))
    wanted = domain.InboxRefreshRequest(since, until, webhook_delivery=domain.WebhookDelivery.INDIVIDUAL)
    assert (seen.path, asked) == (f"{phone.api_path}/inbox/refresh", wanted.asdict())
