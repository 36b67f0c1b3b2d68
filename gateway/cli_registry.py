"""The commands that fill the registry: the country's areas, and register files of facilities and reporters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from gateway.cli_staff import reporters_group, start
from gateway.cli_words import say
from gateway.enrol import apply
from gateway.enrol.areas import read_areas
from gateway.enrol.columns import WANTED, Kind, recognise
from gateway.enrol.plan import Act, Plan
from gateway.enrol.reading_files import COMMAND_LINE, FileFault, Sheet, read_sheet
from gateway.errors import Malformed
from gateway.review.pages.imports import FILE_FAULTS
from gateway.review.pages.registry_words import FAULTS, FIELD_NAMES
from gateway.store import areas
from gateway.values import Scope

SHOWN = 50  # rows with errors that are told one by one
_WHOLE = Scope("")  # whoever sits at this terminal may read the database itself

_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_apply = click.option(
    "--apply", "is_real", is_flag=True, help="Lakukan; tanpa ini hanya dilihat. / Do it, not only look."
)
_only_good = click.option("--only-good", is_flag=True, help="Lewati baris yang salah. / Leave out rows with errors.")


@click.group("areas")
def areas_group() -> None:
    """Provinsi, kabupaten, kecamatan. / Provinces, regencies, kecamatan."""


@areas_group.command("load")
def load_areas() -> None:
    """Muat wilayah seluruh negeri; yang sudah ada tetap. / Load the country's areas; what is there stays."""
    runtime = start()
    every = read_areas()
    with runtime.database.session() as session:
        known = areas.list_named(session, scope=_WHOLE)
        new = [area for area in every if area.code not in known]
        areas.add_areas(session, new)
        session.commit()
    click.echo(f"{len(new)} wilayah baru / new areas, {len(every) - len(new)} sudah ada / there already")


@click.group("facilities")
def facilities_group() -> None:
    """Faskes. / Facilities."""


@facilities_group.command("import")
@_file
@_apply
@_only_good
def import_facilities(file: Path, is_real: bool, only_good: bool) -> None:
    """Impor faskes dari XLSX atau CSV. / Import facilities from XLSX or CSV."""
    _import(Kind.FACILITIES, file, is_real=is_real, only_good=only_good)


@reporters_group.command("import")
@_file
@_apply
@_only_good
def import_reporters(file: Path, is_real: bool, only_good: bool) -> None:
    """Impor bidan dari XLSX atau CSV. / Import reporters from XLSX or CSV."""
    _import(Kind.REPORTERS, file, is_real=is_real, only_good=only_good)


def _import(kind: Kind, file: Path, *, is_real: bool, only_good: bool) -> None:
    content = file.read_bytes()
    try:
        sheet = read_sheet(content, COMMAND_LINE)
    except FileFault as fault:
        raise Malformed(say(FILE_FAULTS[fault.code], {"most": str(fault.most)})) from None
    fields = recognise(kind, sheet.columns)
    missing = [say(FIELD_NAMES[field]) for field in WANTED[kind] if field not in fields]
    if missing:
        raise Malformed(f"{', '.join(missing)}: kolom tidak dikenali / no column was recognised: {sheet.columns}")
    _run(kind, sheet, fields, {"file": file.name, "digest": hashlib.sha256(content).hexdigest()}, is_real, only_good)


def _run(
    kind: Kind, sheet: Sheet, fields: tuple[str, ...], about: Mapping[str, str], is_real: bool, only_good: bool
) -> None:
    """Plan an import and tell what it would do; do it where that was asked for."""
    runtime = start()
    now = runtime.now()
    today = now.astimezone(ZoneInfo(runtime.settings.timezone)).date()
    with runtime.database.session() as session:
        plan = apply.make_plan(session, kind, sheet, fields, scope=_WHOLE, today=today, region=runtime.settings.region)
        counts = plan.count()
        _tell(plan)
        is_refused = bool(counts[Act.WRONG]) and not only_good
        if is_refused:
            raise Malformed(
                "belum ada yang diubah; perbaiki baris yang salah, atau --only-good"
                " / nothing was changed; mend the wrong rows, or --only-good"
            )
        if not is_real:
            click.echo("Belum ada yang diubah; ulangi dengan --apply. / Nothing was changed; again with --apply.")
            return
        apply.apply_plan(session, kind, plan, scope=_WHOLE)
        details = {**about, **{act.value: count for act, count in counts.items()}}
        apply.write_down(session, kind, plan, details, by=(None, "kabar", ""), now=now)
        session.commit()
    click.echo(f"{counts[Act.NEW] + counts[Act.CHANGED]} baris diambil. / rows were taken over.")


def _tell(plan: Plan) -> None:
    """Say row by row what is wrong, and how many rows do what."""
    wrong = plan.of(Act.WRONG)
    for row in wrong[:SHOWN]:
        for fault in row.faults:
            name = say(FIELD_NAMES.get(fault.field, fault.field))
            click.echo(f"Baris/row {row.number}, {name}: {say(FAULTS[fault.code], fault.about)}")
    if len(wrong) > SHOWN:
        click.echo(f"... dan {len(wrong) - SHOWN} baris salah lagi / more rows with errors")
    counts = plan.count()
    click.echo(
        f"baru/new {counts[Act.NEW]}, berubah/changed {counts[Act.CHANGED]}, "
        f"tetap/unchanged {counts[Act.SAME]}, salah/wrong {counts[Act.WRONG]}"
    )


GROUPS = (areas_group, facilities_group)
