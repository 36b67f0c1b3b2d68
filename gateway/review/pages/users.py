"""Users: who may sign in; inviting, changing and disabling them, within one's own area and rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request, url_for

from gateway.errors import Raced
from gateway.redact import mask_phone
from gateway.review import permit, proofs
from gateway.review.pages import frame, show
from gateway.review.pages.account import NO_PHONE
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.store import areas, factors, invitations, users, visits
from gateway.store.areas import Area
from gateway.store.base import Session
from gateway.store.users import NewUser, User
from gateway.values import Role, find_phone

ROWS = 50
ROLES: Mapping[Role, str] = {
    Role.ADMINISTRATOR: mark("Administrator"),
    Role.DISTRICT: mark("District office (Dinas)"),
    Role.OFFICER: mark("Kecamatan officer"),
    Role.VIEWER: mark("Viewer"),
}

NOT_THERE = mark("There is no such area within yours. Write a code such as 14.03, or a name.")
SEVERAL = mark("Several areas are called so. Please choose one.")
WHOLE = mark("Only who looks after the whole country can give it. Please write an area.")
NOT_YOURS = mark("Your own role does not allow you to give this one.")
OTHERWISE = mark("Somebody else has changed this user meanwhile. This is how it stands now.")

routes = frame.make_routes("users")


@dataclass(frozen=True, slots=True)
class Wished:
    """What was typed about a user, what is wrong with it by field, and the areas that a name may mean."""

    login: str = ""
    name: str = ""
    role: str = Role.OFFICER
    area: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    options: tuple[tuple[str, str], ...] = ()
    phone: str | None = None


@routes.before_request
def _administrators_only() -> None:
    frame.demand(Action.ADMINISTER)


@routes.get("/users")
def show_users() -> Response:
    """Show the users of one's area."""
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        last = users.find_in_scope(session, _read_id(request.args.get("after", "")), scope=scope)
        after = (last.name, last.id) if last else ("", 0)
        found = users.list_users(session, scope=scope, after=after, limit=ROWS + 1)
        places = areas.names_of(session, {user.area for user in found})
        waiting = invitations.find_open_invitations(session, [user.id for user in found], runtime.now())
        without = factors.find_without_password(session, [user.id for user in found])
    older = url_for("users.show_users", after=found[ROWS - 1].id) if len(found) > ROWS else None
    newer = url_for("users.show_users") if last else None
    context: dict[str, Any] = {"places": places, "waiting": waiting, "without": without, "older": older, "newer": newer}
    return frame.answer("users.html", users=found[:ROWS], roles=ROLES, **context)


@routes.get("/users/new")
def show_new() -> Response:
    """Show the form to invite somebody by."""
    frame.demand_fresh(url_for("users.show_new"))
    return _show_new(Wished(area=frame.visitor().area))


@routes.post("/users/new")
def invite() -> Response:
    """Add a user, and show the link by which they choose their password."""
    frame.demand_fresh(url_for("users.show_new"))
    runtime, me, now = frame.runtime_of_request(), frame.visitor(), frame.runtime_of_request().now()
    with runtime.database.session(read_only=True) as session:
        wished = _read_wished(session, me, is_new=True)
    if wished.faults:
        return _show_new(wished, 422)
    role = Role(wished.role)
    new = NewUser(wished.login, wished.name, role, wished.area, runtime.settings.language, now)
    try:
        with runtime.database.session() as session:
            user_id = users.add_user(session, new)
            link = _make_link(session, user_id)
            frame.audit(session, "invite", "user", user_id, new.area, name=new.name, role=str(role))
            session.commit()
    except Raced:
        taken = {"login": mark("This login is taken. Please choose another one.")}
        return _show_new(Wished(wished.login, wished.name, wished.role, wished.area, taken), 422)
    return frame.answer("link.html", link=link, name=new.name, login=users.clean_login(new.login))


@routes.get("/users/<int:user_id>")
def show_user(user_id: int) -> Response:
    """Show a user of one's area."""
    user = _find(user_id)
    return _show_user(user, Wished(user.login, user.name, user.role, user.area)) if user else frame.absent()


@routes.post("/users/<int:user_id>")
def change(user_id: int) -> Response:
    """Give a user another role or area; they sign in again with it."""
    frame.demand_fresh(url_for("users.show_user", user_id=user_id))
    runtime, me, user = frame.runtime_of_request(), frame.visitor(), _find(user_id)
    if user is None:
        return frame.absent()
    if request.form.get("seen") != _seen(user):
        return _show_user(user, Wished(user.login, user.name, user.role, user.area), 409, OTHERWISE)
    with runtime.database.session() as session:
        wished = _read_wished(session, me)
        faults = dict(wished.faults)
        if not faults and wished.role != user.role and (fault := _find_fault(session, me, user)):
            faults["role"] = fault
        if user.id == me.id:
            faults["role"] = mark("Nobody changes their own rights. Ask another administrator.")
        if faults:
            return _show_user(
                user, Wished(user.login, user.name, wished.role, wished.area, faults, wished.options), 422
            )
        if not users.change_rights(session, user, Role(wished.role), wished.area, scope=me.scope):
            return frame.absent()
        visits.end_visits(session, user.id)
        was = {"role": [str(user.role), wished.role], "area": [user.area, wished.area]}
        frame.audit(session, "change", "user", user.id, wished.area, name=user.name, **was)
        session.commit()
    return frame.go("users.show_user", said=mark("Changed. They sign in again with it."), user_id=user_id)


@routes.post("/users/<int:user_id>/phone")
def change_phone(user_id: int) -> Response:
    """Send a user's lists of who is missing to this number; without one none are sent."""
    frame.demand_fresh(url_for("users.show_user", user_id=user_id))
    runtime, me, user = frame.runtime_of_request(), frame.visitor(), _find(user_id)
    if user is None:
        return frame.absent()
    written = request.form.get("phone", "").strip()[:30]
    phone = find_phone(written, runtime.settings.region) if written else None
    if written and phone is None:
        faults = {"phone": NO_PHONE}
        return _show_user(user, Wished(user.login, user.name, user.role, user.area, faults, phone=written), 422)
    with runtime.database.session() as session:
        if not users.set_phone(session, user.id, phone, scope=me.scope):
            return frame.absent()
        if phone != user.phone:
            changed = [mask_phone(user.phone or ""), mask_phone(phone or "")]
            frame.audit(session, "change", "user", user.id, user.area, name=user.name, phone=changed)
        session.commit()
    return frame.go("users.show_user", said=mark("Kept."), user_id=user_id)


@routes.post("/users/<int:user_id>/disable")
def disable(user_id: int) -> Response:
    """Let a user sign in no more, and end where they are signed in."""
    return _set_active(user_id, is_active=False)


@routes.post("/users/<int:user_id>/enable")
def enable(user_id: int) -> Response:
    """Let a disabled user sign in again."""
    return _set_active(user_id, is_active=True)


@routes.post("/users/<int:user_id>/link")
def renew_link(user_id: int) -> Response:
    """Show a new link by which a user chooses a password; if wished, without the second factor that they lost."""
    frame.demand_fresh(url_for("users.show_user", user_id=user_id))
    runtime, user = frame.runtime_of_request(), _find(user_id)
    if user is None:
        return frame.absent()
    if user.id == frame.visitor().id or not user.is_active:
        return frame.go("users.show_user", said=mark("For this user there is no link."), tone="bad", user_id=user_id)
    is_cleared = request.form.get("clear") == "1"
    with runtime.database.session() as session:
        if is_cleared:
            factors.clear(session, user.id)
            visits.end_visits(session, user.id)
        link = _make_link(session, user.id)
        frame.audit(session, "clear_proofs" if is_cleared else "renew_link", "user", user.id, user.area, name=user.name)
        session.commit()
    return frame.answer("link.html", link=link, name=user.name, login=user.login)


def _set_active(user_id: int, *, is_active: bool) -> Response:
    frame.demand_fresh(url_for("users.show_user", user_id=user_id))
    runtime, me, user = frame.runtime_of_request(), frame.visitor(), _find(user_id)
    if user is None:
        return frame.absent()
    with runtime.database.session() as session:
        fault = _find_fault(session, me, user) if not is_active else ""
        if fault:
            return frame.go("users.show_user", said=fault, tone="bad", user_id=user_id)
        if user.is_active != is_active:
            if not users.set_active(session, user, is_active=is_active, scope=me.scope):
                return frame.go("users.show_user", said=OTHERWISE, tone="look", user_id=user_id)
            visits.end_visits(session, user.id)
            frame.audit(session, "enable" if is_active else "disable", "user", user.id, user.area, name=user.name)
            session.commit()
    if is_active:
        return frame.go("users.show_user", said=mark("They may sign in again."), user_id=user_id)
    undo = url_for("users.enable", user_id=user_id)
    return frame.go("users.show_user", said=mark("They cannot sign in any more."), undo=undo, user_id=user_id)


def _find(user_id: int) -> User | None:
    with frame.runtime_of_request().database.session(read_only=True) as session:
        return users.find_in_scope(session, _read_id(str(user_id)), scope=frame.visitor().scope)


def _read_id(written: str) -> int:
    return int(written) if written.isdecimal() and len(written) < 10 else 0


def _seen(user: User) -> str:
    return f"{user.role}:{user.area}:{user.is_active:d}"


def _find_fault(session: Session, me: User, user: User) -> str:
    """Return why this user's rights cannot be taken away, in words to be translated; empty where they can."""
    if user.id == me.id:
        return mark("Nobody disables themselves. Ask another administrator.")
    if user.role == Role.ADMINISTRATOR and user.is_active and users.count_administrators(session) < 2:
        return mark("This is the last administrator. Appoint another one first.")
    return ""


def _read_wished(session: Session, me: User, *, is_new: bool = False) -> Wished:
    """Return what was typed, checked against what the visitor may give."""
    login = users.clean_login(request.form.get("login", ""))
    name = request.form.get("name", "").strip()
    role, words = request.form.get("role", ""), request.form.get("area", "").strip()
    faults: dict[str, str] = {}
    if is_new:
        if users.find_login_fault(login):
            faults["login"] = mark(
                "A login is an e-mail address, or 2 to 100 letters and digits, with dots or hyphens."
            )
        if not name or len(name) > 100:
            faults["name"] = mark("Please write a name of at most 100 characters.")
    if role not in set(Role) or not permit.may_give(me.role, role):
        faults["role"] = NOT_YOURS
    options: tuple[Area, ...] = ()
    if not words:
        area = ""
        if me.area:
            faults["area"] = WHOLE
    else:
        options = areas.find_called(session, words, scope=me.scope)
        area = options[0].code if len(options) == 1 else words
        if len(options) != 1:
            faults["area"] = SEVERAL if options else NOT_THERE
    choices = tuple((one.code, f"{one.name} ({one.code})") for one in options)
    return Wished(login, name, role, area, faults, choices if len(options) > 1 else ())


def _make_link(session: Session, user_id: int) -> str:
    """Return a new invitation's address, by the public name if there is one, else by the one we were called by."""
    runtime = frame.runtime_of_request()
    token = proofs.new_invitation()
    invitations.invite(session, user_id, proofs.hash_code(token), runtime.now())
    base = runtime.settings.public_url or request.host_url.rstrip("/")
    return base + url_for("invitation.show_invitation", token=token)


def _may_give() -> list[tuple[str, str]]:
    mine = frame.visitor().role
    return [(str(role), translate(words)) for role, words in ROLES.items() if permit.may_give(mine, role)]


def _show_new(wished: Wished, status: int = 200) -> Response:
    return frame.answer("user_new.html", status, wished=wished, roles=_may_give())


def _show_user(user: User, wished: Wished, status: int = 200, said: str = "") -> Response:
    runtime = frame.runtime_of_request()
    with runtime.database.session(read_only=True) as session:
        places = areas.names_of(session, {user.area})
        waiting = invitations.find_open_invitations(session, [user.id], runtime.now()).get(user.id)
        has_password = not factors.find_without_password(session, [user.id])
    return frame.answer(
        "user.html",
        status,
        user=user,
        wished=wished,
        phone=show.show_phone(user.phone or "") if wished.phone is None else wished.phone,
        place=places.get(user.area, ""),
        roles=_may_give(),
        names=ROLES,
        seen=_seen(user),
        waiting=waiting,
        has_password=has_password,
        zone=runtime.settings.timezone,
        told=said,
    )
