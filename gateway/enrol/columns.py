"""Which column of a register file is which field, by the names people give them in either language. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum


class Kind(StrEnum):
    """What a file lists: what the registry holds, or Klik-KB's midwives."""

    FACILITIES = "facilities"
    REPORTERS = "reporters"
    DIRECTORY = "directory"


REGISTRY = (Kind.FACILITIES, Kind.REPORTERS)


FIELDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.FACILITIES: (
        *("code", "name", "short_name", "type", "ownership", "area", "kemenkes_code", "dhis2_uid"),
        *("latitude", "longitude", "opened_on", "is_active"),
    ),
    Kind.REPORTERS: ("name", "phones", "facilities", "language"),
    Kind.DIRECTORY: ("klikkb_id", "name", "phones", "facility_code", "facility_name", "area"),
}
SEVERAL = ("phones",)
WANTED: Mapping[Kind, tuple[str, ...]] = {  # without these no row can be told from another
    Kind.FACILITIES: ("code",),
    Kind.REPORTERS: ("name", "phones"),
    Kind.DIRECTORY: ("klikkb_id", "name"),
}
HEADINGS: Mapping[Kind, Mapping[str, str]] = {  # as exports and templates name them
    Kind.FACILITIES: {
        "code": "kode faskes",
        "name": "nama faskes",
        "short_name": "nama singkat",
        "type": "jenis",
        "ownership": "kepemilikan",
        "area": "kecamatan",
        "kemenkes_code": "kode kemenkes",
        "dhis2_uid": "uid dhis2",
        "latitude": "lintang",
        "longitude": "bujur",
        "opened_on": "lapor sejak",
        "is_active": "aktif",
    },
    Kind.REPORTERS: {"name": "nama bidan", "phones": "nomor hp", "facilities": "kode faskes", "language": "bahasa"},
}
_ALIASES: Mapping[Kind, Mapping[str, str]] = {
    Kind.FACILITIES: {
        "code": "kode faskes|kode|kode faskes kb|kode register|no register|nomor register|kode kb|facility code|code",
        "name": "nama faskes|nama|nama fasilitas|nama tempat|faskes|nama klinik|facility name|facility|name",
        "short_name": "nama singkat|nama pendek|singkatan|sandi|short name|alias",
        "type": "jenis|jenis faskes|tipe|tipe faskes|type|facility type",
        "ownership": "kepemilikan|pemilik|status kepemilikan|milik|ownership|run by|owner",
        "area": "kecamatan|kode kecamatan|kec|nama kecamatan|wilayah|kode wilayah|subdistrict|district|area",
        "kemenkes_code": "kode kemenkes|kode fasyankes|kemenkes|kode satusehat|kemenkes code|moh code",
        "dhis2_uid": "uid dhis2|dhis2 uid|dhis2|uid|org unit",
        "latitude": "lintang|latitude|lat",
        "longitude": "bujur|longitude|long|lon|lng",
        "opened_on": "lapor sejak|tanggal buka|mulai lapor|tmt|opened on|reports since|opened",
        "is_active": "aktif|status|buka|status aktif|active",
    },
    Kind.REPORTERS: {
        "name": "nama bidan|nama|nama petugas|nama pelapor|bidan|petugas|midwife|reporter|name",
        "phones": (
            "nomor hp|no hp|hp|nomor telepon|no telepon|telepon|no telp|telp|nomor wa|no wa|wa|no hp wa|nomor|"
            "phone|phones|phone number|phone numbers|mobile"
        ),
        "facilities": "kode faskes|faskes|kode|kode tempat praktik|tempat praktik|facility|facilities|facility code",
        "language": "bahasa|language",
    },
    Kind.DIRECTORY: {
        "klikkb_id": (
            "id klik kb|id klikkb|klik kb id|klikkb id|kode klik kb|id bidan|kode bidan|nomor klik kb|id anggota|id"
        ),
        "name": "nama bidan|nama|nama lengkap|nama lengkap bidan|bidan|midwife|name",
        "phones": "nomor hp|no hp|hp|nomor telepon|no telepon|telepon|no telp|telp|nomor wa|no wa|wa|no hp wa|phone",
        "facility_code": "kode faskes|kode faskes kb|kode register|kode tempat praktik|facility code",
        "facility_name": "nama faskes|faskes|tempat praktik|nama tempat praktik|nama klinik|nama tpmb|facility",
        "area": "kecamatan|kode kecamatan|kec|nama kecamatan|kode wilayah|wilayah|subdistrict",
    },
}
_FIELD_OF: Mapping[Kind, Mapping[str, str]] = {
    kind: {alias: field for field, aliases in fields.items() for alias in aliases.split("|")}
    for kind, fields in _ALIASES.items()
}


def recognise(kind: Kind, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the field of each column, empty where its name says none, or one that an earlier column is already.

    Phones may stand in several columns.

    >>> recognise(Kind.FACILITIES, ["No", "KODE FASKES", "Nama_Faskes", "Kec."])
    ('', 'code', 'name', 'area')
    """
    found: list[str] = []
    for column in columns:
        name = plain(column)
        field = _FIELD_OF[kind].get(name) or _FIELD_OF[kind].get(name.rstrip("0123456789 "), "")
        found.append("" if field in found and field not in SEVERAL else field)
    return tuple(found)


def plain(heading: str) -> str:
    """Return the name of a column as it is looked up: small letters, without marks.

    >>> plain(" No. HP / WA ")
    'no hp wa'
    """
    return " ".join("".join(mark if mark.isalnum() else " " for mark in heading.casefold()).split())
