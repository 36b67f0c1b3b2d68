"""A USSD handset on the terminal: `./kabar ussd --from 0812...`."""

from __future__ import annotations

import json
import secrets
import sys
import textwrap
from collections.abc import Sequence

import click

from gateway.channels import http, simulator
from gateway.channels.ussd.simulator import write_hop
from gateway.errors import Permanent
from gateway.lines import UssdScreen
from gateway.redact import Secret
from gateway.settings import phone_server

WIDTH = 32  # characters in a line of the screen, as on a small phone


@click.command("ussd")
@click.option("--from", "sender", required=True, help="Nomor bidan / a midwife's number: 0812...")
@click.option("--dial", default="*123#", show_default=True, help="Yang didial / what is dialled: *123*13*40#")
@click.option("--url", help="Server; default KABAR_URL, atau / or http://127.0.0.1:8000.")
def ussd(sender: str, dial: str, url: str | None) -> None:
    """Dial kode USSD seperti dari telepon, jawab layar demi layar. / Dial as a phone would, answer screen by screen.

    Baris kosong atau Ctrl-D menutup telepon. / An empty line or Ctrl-D hangs up.
    """
    var, address = phone_server(url)
    handset = Handset(address, simulator.read_secret(var), sender)
    screen = handset.dial(dial)
    show(screen)
    while not screen.ends:
        typed = ask()
        if not typed:
            handset.hang_up()
            click.echo("Telepon ditutup. / You have hung up.", err=True)
            return
        screen = handset.press(typed)
        show(screen)


class Handset:
    """One session of a phone at the running server."""

    def __init__(self, address: str, secret: Secret, sender: str) -> None:
        self._address = address
        self._secret = secret
        self._sender = sender
        self._session_id = f"cli-{secrets.token_hex(8)}"
        self._hops = 0
        self._client = http.HttpClient()

    def dial(self, dialled: str) -> UssdScreen:
        """Begin the session; what stands behind the code is typed at once."""
        behind = dialled.strip("*#").partition("*")[2]
        return self._ask([behind] if behind else [], is_first=True)

    def press(self, typed: str) -> UssdScreen:
        """Answer a screen and return the next one."""
        return self._ask([typed])

    def hang_up(self) -> None:
        """End the session, as a phone that is put down."""
        self._call((), is_over=True)

    def _ask(self, inputs: Sequence[str], *, is_first: bool = False) -> UssdScreen:
        self._hops += 1
        shown = json.loads(self._call(inputs, is_first=is_first))
        return UssdScreen(shown["text"], shown["ends"])

    def _call(self, inputs: Sequence[str], *, is_first: bool = False, is_over: bool = False) -> str:
        key = str(self._hops)
        hop = write_hop(
            self._secret, self._session_id, self._sender, inputs, is_first=is_first, is_over=is_over, key=key
        )
        answer = simulator.call(self._client, self._address, hop)
        if answer.status != 200:
            raise Permanent(f"server menolak / the server refused ({answer.status}): {answer.text.strip()}")
        return answer.text


def show(screen: UssdScreen) -> None:
    """Draw a screen as a phone has it."""
    lines = [part for line in screen.text.split("\n") for part in textwrap.wrap(line, WIDTH) or [""]]
    edge = f"+{'-' * (WIDTH + 2)}+"
    click.echo("\n".join((edge, *(f"| {line:{WIDTH}} |" for line in lines), edge)))


def ask() -> str:
    """Return what is typed; nothing where the line is empty or there is none."""
    click.echo("> ", nl=False, err=True)
    return sys.stdin.readline().strip()
