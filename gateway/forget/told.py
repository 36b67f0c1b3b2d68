"""What is kept of somebody, told to herself: every row as JSON, and the same to be read, in Indonesian."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from gateway.store.base import Session
from gateway.store.dossiers import Row, collect
from gateway.store.erasures import Person
from gateway.store.inventory import tables

VERSION = 1
# How the tables are called to whom they are about, in the order of telling.
HEADINGS: Mapping[str, str] = {
    "reporters": "Nama dan bahasa",
    "reporter_phones": "Nomor HP",
    "facilities": "Tempat praktik",
    "reporter_facilities": "Bulan-bulan di tempat praktik",
    "reporter_leaves": "Cuti dan pengganti",
    "registrations": "Permintaan daftar",
    "klikkb_midwives": "Direktori Klik-KB (BKKBN)",
    "inbox": "Pesan yang dikirim",
    "parts": "Potongan pesan panjang",
    "dialogues": "Sesi USSD",
    "outbox": "Pesan yang diterima",
    "reports": "Laporan",
    "report_values": "Angka laporan",
    "questions": "Pertanyaan kepada pelapor",
    "decisions": "Keputusan petugas atas laporan",
    "reminder_messages": "Pengingat",
    "audit": "Siapa mengubah atau mengambil apa",
}


# And what of a row she can make something of; the JSON has all of it.
FIELDS: Mapping[str, str] = {
    "name": "nama",
    "code": "kode",
    "phone": "nomor",
    "old_phone": "nomor lama",
    "language": "bahasa",
    "stopped_at": "STOP sejak",
    "from_on": "dari",
    "from_period": "dari bulan",
    "until_period": "sampai bulan",
    "until_on": "sampai",
    "sender": "dari",
    "recipient": "kepada",
    "form": "formulir",
    "period": "bulan",
    "text": "isi",
    "words": "isi",
    "screen": "layar",
    "measure": "hitungan",
    "item": "rincian",
    "quantity": "jumlah",
    "state": "keadaan",
    "reason": "alasan",
    "user_name": "oleh",
    "action": "perbuatan",
    "details": "rincian",
    "sent_at": "dikirim",
    "received_at": "sampai",
    "asked_at": "ditanyakan",
    "at": "pada",
}


def tell(session: Session, person: Person, now: datetime) -> dict[str, Any]:
    """Return everything that is kept of somebody.

    Shape: {"version", "made_at", "phones", "shared_phones", "names", "kept": {table: {"why", "rows": [...]}}}.
    """
    found = collect(session, person)
    return {
        "version": VERSION,
        "made_at": now.isoformat(),
        "phones": list(person.phones),
        "shared_phones": list(person.shared),
        "names": list(person.names),
        "kept": {
            name: {"why": tables()[name].why, "rows": [_plain(row) for row in found[name]]}
            for name in HEADINGS
            if name in found
        },
    }


def as_json(told: Mapping[str, Any]) -> str:
    """Return it as a file for another system."""
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def as_text(told: Mapping[str, Any]) -> str:
    """Return it as a page to be read, in Indonesian."""
    lines = [
        "DATA PRIBADI YANG DISIMPAN KABAR",
        f"Dibuat: {told['made_at']}",
        f"Nama: {', '.join(told['names']) or '-'}",
        f"Nomor HP: {', '.join((*told['phones'], *told['shared_phones'])) or '-'}",
        "",
        "Data ini milik Ibu/Bapak. Bila ada yang salah, mintalah diperbaiki atau dihapus kepada petugas KB.",
    ]
    for name, kept in told["kept"].items():
        said = [words for row in kept["rows"] if (words := _say(row))]
        if said:
            lines += ["", f"{HEADINGS[name].upper()} ({len(said)})", *(f"  - {words}" for words in said)]
    return "\n".join(lines) + "\n"


def _say(row: Row) -> str:
    told = ((name, value) for name, value in row.items() if name in FIELDS and value not in ("", [], {}))
    return "; ".join(f"{FIELDS[name]}: {_flat(value, is_instant=name.endswith('at'))}" for name, value in told)


def _flat(value: Any, *, is_instant: bool) -> str:
    if is_instant:
        return f"{value[:10]} {value[11:16]} UTC"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping | Sequence) else str(value)


def _plain(row: Row) -> Row:
    return {name: _as_plain(value) for name, value in row.items()}


def _as_plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
