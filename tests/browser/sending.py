"""A month that staff have sent to a DHIS2 by the time that a browser looks in: most of it taken, some of it not."""

from __future__ import annotations

from dataclasses import replace

from flask.testing import FlaskClient
from sqlalchemy import text

from gateway import keybox
from gateway.mapping import Cell
from gateway.runtime import Runtime
from gateway.store import destinations, mappings
from gateway.store.destinations import LockedSecret, NewDestination
from gateway.store.mappings import NewMapping
from gateway.values import Scope
from tests.browser.forms import fill_in
from tests.gateway.export.dhis2.dhis2_server import TOKEN, Dhis2Server
from tests.gateway.export.dhis2.their_country import METHODS, make_country
from workers import pushes

AREA = Scope("14.03")
CODES = ("suntik", "suntik1", "suntik3", "pil", "kondom", "iud", "implan", "implan1", "implan2", "mow", "mop", "mal")
ELEMENTS = {"baru": "KB_BARU", "aktif": "KB_AKTIF"}
NOT_SENT = ("pasca", "gugur", "ganti", "ulang", "gagal", "cabut")


def send_a_month(runtime: Runtime, staff: FlaskClient) -> None:
    """Send August to a DHIS2 that knows all facilities but two, and has not learnt one method."""
    with runtime.database.session(read_only=True) as session:
        rows = session.execute(text("SELECT code FROM facilities WHERE area LIKE '14.03.%' ORDER BY code"))
        codes = [row.code for row in rows]
    country = make_country()
    country.units = {f"ou{at:09}": code for at, code in enumerate(codes[2:])}
    country.assigned = country.user_units = {*country.units}
    country.combos |= {f"cod{at:08}": code.upper() for at, code in enumerate(CODES) if code.upper() not in METHODS}
    with Dhis2Server(42, country) as server:
        to = _prepare(runtime, server.url)
        for fields in ({"what": "try"}, {"what": "send"}):
            fill_in(staff, f"/pushes/new?to={to}&period=2025-08", "/pushes/new$", **fields)
            near = runtime.settings.model_copy(update={"private_hosts": "127.0.0.1"})
            pushes.drain(replace(runtime, settings=near))


def _prepare(runtime: Runtime, address: str) -> str:
    now, key = runtime.now(), keybox.read_key(runtime.settings.secret_key, runtime.settings.var)
    cells = {measure: Cell(element) for measure, element in ELEMENTS.items()}
    cells |= {f"{measure}.{item}": Cell(ELEMENTS[measure], item.upper()) for measure in ELEMENTS for item in CODES}
    cells["aktif.kondom"] = Cell("KB_AKTIF", "CONDOM")  # a code that nobody knows there
    with runtime.database.session() as session:
        place = NewDestination("14.03", "ASDK Provinsi Riau", address, "token", "")
        secret = LockedSecret(keybox.lock(key, TOKEN), TOKEN[-4:], now)
        destination_id = destinations.add_destination(session, place, secret, now, scope=AREA)
        assert destination_id is not None
        user_id = session.execute(text("SELECT min(id) FROM users")).scalar_one()
        left_out = frozenset({*NOT_SENT, *(f"{measure}.{item}" for measure in NOT_SENT for item in CODES)})
        about = ("kb", "KB_BULANAN", "CODE", "code", cells, dict[str, str](), left_out)
        new = NewMapping(destination_id, *about, user_id, "Rahma Yulianti", now, "peta-kb.xlsx", "0" * 64)
        draft_id = mappings.keep_draft(session, new, scope=AREA)
        assert draft_id is not None
        mappings.use_draft(session, draft_id, 0, now, user_id=user_id, scope=AREA)
        session.commit()
    return f"{destination_id}-kb"
