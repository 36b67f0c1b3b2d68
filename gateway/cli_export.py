"""The command that hands on a file without a browser: the same export, in the same history, straight to the disk."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import click

from gateway.cli_staff import say, start
from gateway.errors import KabarError, Malformed, Permanent
from gateway.export import gather, run
from gateway.export.base import say_about
from gateway.runtime import Runtime
from gateway.store import audit, exports
from gateway.store.audit import NewAudit
from gateway.store.exports import Export, Wanted
from gateway.values import Scope

WHO = "./kabar export"
ANEW = (
    "Seseorang dihapus selagi berkas ini dibuat; berkas tidak disimpan. Jalankan sekali lagi. / "
    "Somebody was erased while this file was made; it was not kept. Run it once more."
)
_EVERYWHERE = Scope("")
_PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


@click.command("export")
@click.option("--format", "name", required=True, help="Nama format; salah ketik: daftarnya ditampilkan. / The format.")
@click.option("--form", default="", help="Kode formulir; default yang utama. / Form code; default the main one.")
@click.option("--month", "first", required=True, help="Bulan, mis. 2025-09. / The month.")
@click.option("--until", "last", default="", help="Bulan terakhir; default sama. / The last month; default the same.")
@click.option("--area", default="", help="Kode wilayah, mis. 14.03; default semua. / Area code; default all.")
@click.option("--out", type=click.Path(path_type=Path), help="Berkas atau folder; default di sini. / File or folder.")
def export(name: str, form: str, first: str, last: str, area: str, out: Path | None) -> None:
    """Buat berkas untuk diserahkan. / Write a file that hands on what is settled."""
    runtime = start()
    wanted = read_wanted(runtime, name, form, first, last or first, area.strip())
    with runtime.database.session() as session:
        asked = exports.ask(session, wanted, (None, WHO), runtime.now(), scope=_EVERYWHERE)
        assert asked, "the whole country holds every area"
        claimed = exports.claim(session, asked.id)
        assert claimed, "who has just asked is first to take it"
        about = {"format": asked.format, "form": asked.form, "period": f"{wanted.period_from} {wanted.period_to}"}
        done = NewAudit(runtime.now(), None, WHO, "export", "file", asked.ref, asked.area, about)
        audit.record(session, done)
        session.commit()
    path = _place(out, run.name_file(asked, run.formats()[asked.format]))
    write(runtime, *claimed, path)


def read_wanted(runtime: Runtime, name: str, form: str, first: str, last: str, area: str) -> Wanted:
    """Return what is asked for. Errors: Malformed names the fault and what there is instead."""
    known = run.formats()
    if name not in known:
        raise Malformed(f"tidak ada format / there is no format {name!r}: {', '.join(known)}")
    forms = known[name].FORMAT.forms or tuple(one.code for one in runtime.forms)
    main = runtime.settings.main_form
    form = form.strip().lower() or (main if main in forms else forms[0])
    if form not in forms:
        raise Malformed(f"format {name} untuk / is for: {', '.join(forms)}")
    for month in (first, last):
        if not _PERIOD.fullmatch(month):
            raise Malformed(f"bulan ditulis seperti / write a month like 2025-09: {month!r}")
    count = len(gather.months_between(first, last))
    if not 0 < count <= known[name].FORMAT.most_months:
        raise Malformed(f"1-{known[name].FORMAT.most_months} bulan / months, bukan / not {count}")
    return Wanted(name, form, first, last, area)


def _place(out: Path | None, file_name: str) -> Path:
    path = Path(file_name) if out is None else out / file_name if out.is_dir() else out
    if path.exists():
        raise Malformed(f"sudah ada, tidak ditimpa / exists, and is not overwritten: {path}")
    return path


def _take_away(path: Path) -> None:
    with suppress(OSError):  # it was never there, or its disk is gone
        path.unlink()


def write(runtime: Runtime, asked: Export, token: str, path: Path) -> None:
    """Write the file, then note what is in it; a file that is not whole, or was made too early, is taken away again.

    Errors: Permanent in words.
    """
    try:
        with path.open("w+b") as file:
            made, source = run.write_export(runtime.database, asked, runtime.forms, file, runtime.now())
        is_made = run.note(runtime.database, asked, token, made, source, runtime.now(), is_kept=False)
    except (KabarError, OSError) as fault:
        _take_away(path)
        with runtime.database.session() as session:
            if not exports.give_up(session, asked, token, str(fault), again=False):
                exports.call_off(session, asked, str(fault))
            session.commit()
        raise fault if isinstance(fault, KabarError) else Permanent(f"{path}: {fault.strerror}") from fault
    if not is_made:
        _take_away(path)
        with runtime.database.session() as session:
            exports.call_off(session, asked, ANEW)
            session.commit()
        raise Permanent(ANEW)
    for words, value in say_about(source.about, made.digest):
        click.echo(f"{words}: {value}", err=True)
    say(f"Ditulis: {path} ({made.bytes} bita, SHA-256 {made.file_digest})", f"Written: {path}")
