"""How a phone with SMS Gateway for Android does: what its app, or the server that it works for, says when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.channels.bodies import pick, read_instant, read_json, shorten
from gateway.channels.http import Answer, HttpClient
from gateway.errors import KabarError, Malformed
from gateway.lines import ChannelHealth

QUIET = timedelta(hours=1)  # an idle app asks its server for work every 15 minutes. Source: sms-gate.app, FAQ
LOW_BATTERY = 25  # percent; below it the app itself warns. Source: sms-gate.app, "Healthcheck"
GUIDE = "docs/android.md"


def look(api: str, login: tuple[str, str], own_url: str, device_id: str, now: datetime) -> ChannelHealth:
    """Return how the phone, or all phones of the account, do; the first thing that is to be mended goes before others.

    Shape: `own_url` is where this channel takes webhooks, without /sms.
    """
    http = HttpClient(connect_seconds=3, read_seconds=3)
    try:
        return _look(http, api, login, own_url, device_id, now)
    except KabarError as fault:
        return _unwell(f"{api} tidak menjawab: ponsel hidup dan terhubung?", f"no answer from {api}: {fault}")
    finally:
        http.close()


def _look(
    http: HttpClient, api: str, login: tuple[str, str], own_url: str, device_id: str, now: datetime
) -> ChannelHealth:
    hooks = http.call("GET", f"{api}/webhooks", auth=login)
    if hooks.status in {401, 403}:
        return _unwell("nama pengguna atau kata sandi salah", "user or password is wrong")
    if hooks.status != 200:
        return _unwell(
            f"{api} menjawab {hooks.status}: periksa KABAR_..._API_URL",
            f"{api} answered {hooks.status}: check KABAR_..._API_URL",
        )
    found = _look_at_phones(http.call("GET", f"{api}/devices", auth=login), device_id, now)
    if found.is_well and not _leads_here(hooks, own_url, device_id):
        found = replace(
            found,
            is_well=False,
            words=f"belum ada webhook sms:received ke {own_url}/sms: daftarkan ({GUIDE})"
            f" / no webhook sms:received to {own_url}/sms: register it ({GUIDE})",
        )
    return _add_battery(found, http.call("GET", f"{api}/health", auth=login))


def _look_at_phones(answer: Answer, device_id: str, now: datetime) -> ChannelHealth:
    if answer.status == 404:  # the phone itself, with an app that does not list itself: it has just answered
        return _well(now)
    phones = [one for one in _read_list(answer) if not device_id or one.get("id") == device_id]
    if not phones:
        return _unwell(
            "akun ini tidak punya ponsel itu: periksa KABAR_..._DEVICE_ID, dan buka aplikasi di ponsel",
            "the account has no such phone: check KABAR_..._DEVICE_ID, and open the app on the phone",
        )
    heard = {_name(one): _read_last_seen(one) for one in phones}
    known = [at for at in heard.values() if at is not None]
    silent = sorted(name for name, at in heard.items() if at is None or at < now - QUIET)
    if silent:
        names = ", ".join(silent)
        unwell = _unwell(
            f"lama tidak terdengar: {names}; periksa daya, internet dan hemat baterai, atau hapus dari akun",
            f"silent for long: {names}; check power, Internet and battery saving, or remove it from the account",
        )
        return replace(unwell, heard_at=min(known, default=None))
    return _well(min(known))


def _leads_here(hooks: Answer, own_url: str, device_id: str) -> bool:
    """Tell whether received messages come to this channel, from the phone that it is."""
    return any(
        one.get("event") == "sms:received"
        and str(one.get("url", "")).partition("?")[0] == f"{own_url}/sms"
        and (not device_id or one.get("deviceId") in (None, "", device_id))
        for one in _read_list(hooks)
    )


def _add_battery(found: ChannelHealth, answer: Answer) -> ChannelHealth:
    """Add what a phone says of itself; a server in its place says nothing of it. A phone in need answers 500."""
    level = _read_check(answer, "battery:level")
    if level is None:
        return found
    found = replace(found, battery=level)
    if not found.is_well:
        return found
    if level < LOW_BATTERY and not _read_check(answer, "battery:charging"):
        words = f"baterai {level}%: sambungkan pengisi daya / battery at {level}%: plug the charger in"
        return replace(found, is_well=False, words=words)
    if pick(_read(answer), "checks.messages:failed.status") == "fail":
        words = "semua SMS sejam terakhir gagal: periksa pulsa dan sinyal / every SMS of the last hour failed: check"
        return replace(found, is_well=False, words=f"{words} credit and signal")
    return found


def _well(heard_at: datetime) -> ChannelHealth:
    words = "ponsel terhubung, webhook terdaftar / the phone is connected, its webhook is registered"
    return ChannelHealth(True, words, heard_at)


def _unwell(indonesian: str, english: str) -> ChannelHealth:
    return ChannelHealth(False, f"{indonesian} / {english}")


def _read(answer: Answer) -> object:
    try:
        return read_json(answer.body)
    except Malformed:
        return None


def _read_list(answer: Answer) -> list[Mapping[str, object]]:
    document = _read(answer)
    return [one for one in document if isinstance(one, dict)] if isinstance(document, list) else []


def _name(phone: Mapping[str, object]) -> str:
    return shorten(f"{phone.get('name') or ''} ({phone.get('id')})".strip())


def _read_last_seen(phone: Mapping[str, object]) -> datetime | None:
    try:
        return read_instant(phone.get("lastSeen"), "lastSeen")
    except Malformed:
        return None


def _read_check(answer: Answer, name: str) -> int | None:
    value = pick(_read(answer), f"checks.{name}.observedValue")
    return value if isinstance(value, int) and not isinstance(value, bool) else None
