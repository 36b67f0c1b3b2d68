"""A phone that dials: sessions of the simulator's USSD mode, hop by hop, with whatever may befall them on the way."""

from __future__ import annotations

import json
from itertools import count

from flask import Flask

from gateway.app import create_app
from gateway.channels.simulator import read_secret
from gateway.channels.ussd.simulator import write_hop
from gateway.lines import UssdScreen
from gateway.store import dialogues
from gateway.store.dialogues import Standing
from tests.district import PHONES, District

_numbers = count(1)


class Handset:
    """One phone of the district's; `name` is the USSD channel that it dials."""

    def __init__(self, district: District, who: str, name: str = "simulator", app: Flask | None = None) -> None:
        self.district = district
        self.phone = PHONES.get(who, who)
        self.name = name
        self.app = app or create_app(district.runtime)
        self.session_id = ""
        self._hop = 0

    def dial(self, *inputs: str, session_id: str = "") -> UssdScreen:
        """Begin a session, with what stands behind the service code, and return its first screen."""
        self.session_id, self._hop = session_id or f"s{next(_numbers)}", 0
        return self._knock(inputs, is_first=True)

    def press(self, *inputs: str) -> UssdScreen:
        """Answer a screen and return the next one."""
        self._hop += 1
        return self._knock(inputs)

    def again(self, *inputs: str) -> UssdScreen:
        """Let the gateway send the last hop once more, and return what is shown for it."""
        return self._knock(inputs, is_first=not self._hop)

    def hang_up(self) -> None:
        """Let the gateway say that the session is over."""
        self._post(is_over=True)

    def standing(self) -> Standing:
        """Return the session as it is kept."""
        with self.district.database.session(read_only=True) as session:
            return dialogues.sessions_of(session, self.phone)[-1]

    def _knock(self, inputs: tuple[str, ...], *, is_first: bool = False) -> UssdScreen:
        self.district.pass_time(seconds=1)
        return UssdScreen(**self._post(inputs, is_first=is_first, key=str(self._hop)))

    def _post(self, inputs: tuple[str, ...] = (), **how: object) -> dict[str, object]:
        secret = read_secret(self.district.runtime.settings.var)
        hop = write_hop(secret, self.session_id, self.phone, inputs, name=self.name, **how)  # type: ignore[arg-type]
        answer = self.app.test_client().post(hop.path, data=hop.body, headers=dict(hop.headers))
        assert answer.status_code == 200, answer.data
        return json.loads(answer.data) if answer.data else {}
