"""Make one export that waits: claim it, write it within one snapshot to a file on disk, keep the file in the database.

Whoever dies while making it leaves nothing: the next one begins anew, and what the first one still says is not taken.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import IO, BinaryIO, cast

import structlog

from gateway.discover import discover
from gateway.errors import Permanent, Unavailable
from gateway.export.base import ExportFormat, Source, say_about
from gateway.export.gather import EVERYWHERE, gather
from gateway.export.sharing import share
from gateway.store import exports
from gateway.store.base import Database
from gateway.store.exports import Export, Made
from parsers.form import Form

IN_MEMORY = 4 << 20  # bytes of a file before it goes to the disk
OUR_FAULT = (
    "Ada kesalahan pada kami; sudah dicatat. Coba sekali lagi, atau hubungi operator. / "
    "A fault of ours; it was written down. Try once more, or tell the operator."
)

logger = structlog.get_logger(__name__)


def formats() -> Mapping[str, ExportFormat]:
    """Return every format by its name: a module of this folder with `FORMAT` and `write`."""
    return cast(Mapping[str, ExportFormat], discover("gateway.export", having=("FORMAT", "write")))


def make_next(database: Database, forms: Sequence[Form], now: Callable[[], datetime]) -> Export | None:
    """Make the next export that waits and return it as it was claimed; None where none waits.

    Errors: Unavailable when the database goes away; the export is claimed again once its lease is over.
    """
    with database.session() as session:
        claimed = exports.claim(session)
        if claimed is None:
            return None
        export, token = claimed
        exports.drop_pieces(session, export.id)
        session.commit()
    try:
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
            made, source = write_export(database, export, forms, file, now())
            if _keep(database, export, token, made, source, file, now()):
                logger.info("export_made", export=export.ref, format=export.format)
    except Unavailable:
        raise
    except Permanent as fault:
        _give_up(database, export, token, str(fault), again=False)
    except Exception as error:
        logger.exception("export_failed", export=export.ref, error=type(error).__name__)
        _give_up(database, export, token, OUR_FAULT, again=True)
    return export


def write_export(
    database: Database, export: Export, forms: Sequence[Form], target: IO[bytes], now: datetime
) -> tuple[Made, Source]:
    """Write an export into a file and return what came of it, with what it was made of.

    Errors: Permanent in words when it cannot be: no such form or format any more, or nothing settled.
    """
    form = next((one for one in forms if one.code == export.form), None)
    chosen = formats().get(export.format)
    if form is None or chosen is None:
        raise Permanent(
            "Formulir atau format ini tidak ada lagi. Pilih yang lain. / "
            "This form or format is there no more. Choose another."
        )
    with database.session(snapshot=True) as session:
        source = gather(session, export, form, now, scope=EVERYWHERE)
        if chosen.FORMAT.partner:
            share(session, source, chosen.FORMAT.partner, scope=EVERYWHERE)
        check_size(source, chosen)
        chosen.write(source, cast(BinaryIO, target))
    digest = source.digest.hexdigest()
    size, file_digest = _measure(target)
    made = Made(
        file_name=name_file(export, chosen),
        media_type=chosen.FORMAT.media_type,
        bytes=size,
        file_digest=file_digest,
        digest=digest,
        reports=len(source.report_ids),
        facilities=len(source.facility_ids),
        about={
            "said": [list(pair) for pair in say_about(source.about, digest)],
            "settles_at": source.about.choices.settles_at.value,
        },
    )
    return made, source


def check_size(source: Source, chosen: ExportFormat) -> None:
    """Go on only if there is something to write, and no more than the format can hold. Errors: Permanent in words."""
    count, most = sum(reach.settled for reach in source.about.reach.values()), chosen.FORMAT.most_reports
    if not count:
        raise Permanent(
            "Belum ada laporan yang boleh diserahkan untuk pilihan ini. Setujui laporannya dulu di layar Periksa. / "
            "No report is settled yet for this choice. Approve the reports first, on the screen Review."
        )
    if most and count > most:
        raise Permanent(
            f"{count} laporan terlalu banyak untuk satu berkas ini (paling banyak {most}). Pilih wilayah yang kecil,"
            f" bulan yang lebih sedikit, atau CSV. / {count} reports are too many for one such file (at most {most})."
            " Choose a smaller area or fewer months, or CSV."
        )


def name_file(export: Export, chosen: ExportFormat) -> str:
    """Return what an export's file is called: its format, area, months and ref, so that no two are the same."""
    months = (
        export.period_from if export.period_from == export.period_to else f"{export.period_from}--{export.period_to}"
    )
    parts = ("kabar", export.format.replace("_", "-"), export.area or "indonesia", months, export.ref)
    return f"{'-'.join(parts)}.{chosen.FORMAT.suffix}"


def _measure(file: IO[bytes]) -> tuple[int, str]:
    found, size = hashlib.sha256(), 0
    file.seek(0)
    while piece := file.read(exports.PIECE):
        found.update(piece)
        size += len(piece)
    return size, found.hexdigest()


def _keep(
    database: Database, export: Export, token: str, made: Made, source: Source, file: IO[bytes], now: datetime
) -> bool:
    """Keep a file piece by piece, so that who receives messages never waits long, and say last that it is whole.

    False when it is to be made anew meanwhile.
    """
    file.seek(0)
    part = 0
    while piece := file.read(exports.PIECE):
        with database.session() as session:
            if not exports.is_mine(session, export, token):  # it is to be made anew: who was erased may be in this one
                return False
            exports.keep_part(session, export.id, part, piece)
            session.commit()
        part += 1
    return note(database, export, token, made, source, now, is_kept=True)


def note(
    database: Database, export: Export, token: str, made: Made, source: Source, now: datetime, *, is_kept: bool
) -> bool:
    """Remember which reports are in an export, then that it is made; False when it is to be made anew meanwhile."""
    for at in range(0, len(source.report_ids), exports.ROWS):
        with database.session() as session:
            if not exports.is_mine(session, export, token):
                return False
            exports.keep_reports(session, export.id, source.report_ids[at : at + exports.ROWS])
            session.commit()
    with database.session() as session:
        is_made = exports.finish(session, export, token, made, now, is_kept=is_kept)
        session.commit()
    return is_made


def _give_up(database: Database, export: Export, token: str, fault: str, *, again: bool) -> None:
    with database.session() as session:
        exports.give_up(session, export, token, fault, again=again)
        session.commit()
