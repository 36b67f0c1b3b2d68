"""The commands for who may sign in: the first administrator, and a way back in when nobody can."""

from __future__ import annotations

import click

from gateway.cli_staff import read_name, say, start
from gateway.errors import Malformed, Raced
from gateway.review import proofs
from gateway.runtime import Runtime
from gateway.store import areas, audit, factors, invitations, users, visits
from gateway.store.audit import NewAudit
from gateway.store.base import Session
from gateway.store.users import NewUser, User
from gateway.values import Role, Scope

WHO = "./kabar users"  # as whom the audit names what is done here


@click.group("users")
def users_group() -> None:
    """Siapa yang boleh masuk ke halaman. / Who may sign in to the pages."""


@users_group.command("list")
def list_users() -> None:
    """Semua pengguna. / All users."""
    runtime = start()
    with runtime.database.session(read_only=True) as session:
        after = ("", 0)
        while found := users.list_users(session, scope=Scope(""), after=after, limit=500):
            for one in found:
                state = "" if one.is_active else "  (nonaktif / disabled)"
                click.echo(f"{one.login}  {one.name}  {one.role}  {one.area or '*'}{state}")
            after = (found[-1].name, found[-1].id)


@users_group.command("add")
@click.argument("login")
@click.option("--name", required=True, callback=read_name, help="Nama lengkap / full name.")
@click.option("--role", default=str(Role.ADMINISTRATOR), show_default=True, type=click.Choice([*map(str, Role)]))
@click.option("--area", default="", help="Kode wilayah, mis. 14.03; kosong: seluruh negeri / area code; empty: all.")
@click.option("--language", default="id", type=click.Choice(["id", "en"]))
def add_user(login: str, name: str, role: str, area: str, language: str) -> None:
    """Tambah pengguna dan cetak tautan undangannya. / Add a user and print their invitation link."""
    runtime = start()
    login = users.clean_login(login)
    if fault := users.find_login_fault(login):
        raise Malformed(f"{login!r} tidak bisa dipakai: alamat e-mail atau nama pendek / {fault}")
    try:
        with runtime.database.session() as session:
            if area and areas.find_area(session, area) is None:
                raise Malformed(f"tidak ada wilayah / there is no area {area!r}")
            user_id = users.add_user(session, NewUser(login, name, Role(role), area, language, runtime.now()))
            link = _make_link(session, runtime, user_id)
            _record(session, runtime, "invite", _get(session, login))
            session.commit()
    except Raced:
        raise Malformed(f"{login} sudah ada / is there already: ./kabar users link {login}") from None
    _show(link)


@users_group.command("link")
@click.argument("login")
@click.option("--clear", is_flag=True, help="Hapus sandi dan faktor kedua / forget password and second factor.")
def renew_link(login: str, clear: bool) -> None:
    """Tautan baru untuk memilih kata sandi. / A new link to choose a password by."""
    runtime = start()
    with runtime.database.session() as session:
        user = _get(session, login)
        if clear:
            factors.clear(session, user.id)
            visits.end_visits(session, user.id)
        users.set_active(session, user, is_active=True, scope=Scope(""))
        link = _make_link(session, runtime, user.id)
        _record(session, runtime, "clear_proofs" if clear else "renew_link", user)
        session.commit()
    _show(link)


@users_group.command("disable")
@click.argument("login")
def disable(login: str) -> None:
    """Keluarkan pengguna; `link` membukanya lagi. / Let a user in no more; `link` opens it again."""
    runtime = start()
    with runtime.database.session() as session:
        user = _get(session, login)
        if user.role == Role.ADMINISTRATOR and user.is_active and users.count_administrators(session) < 2:
            raise Malformed(f"{login}: administrator terakhir / the last administrator; add another one first")
        users.set_active(session, user, is_active=False, scope=Scope(""))
        visits.end_visits(session, user.id)
        _record(session, runtime, "disable", user)
        session.commit()
    say(f"{login} tidak bisa masuk lagi.", f"{login} cannot sign in any more.")


def _get(session: Session, login: str) -> User:
    user = users.find_by_login(session, login)
    if user is None:
        raise Malformed(f"tidak ada pengguna / there is no user {login!r}")
    return user


def _make_link(session: Session, runtime: Runtime, user_id: int) -> str:
    token = proofs.new_invitation()
    invitations.invite(session, user_id, proofs.hash_code(token), runtime.now())
    return f"{runtime.settings.address}/invitation/{token}"


def _record(session: Session, runtime: Runtime, action: str, user: User) -> None:
    details = {"name": user.name, "role": str(user.role)}
    audit.record(session, NewAudit(runtime.now(), None, WHO, action, "user", str(user.id), user.area, details))


def _show(link: str) -> None:
    say("Buka tautan ini dalam 72 jam dan pilih kata sandi:", "Open this link within 72 hours and choose a password:")
    click.echo(link)


GROUPS = (users_group,)
