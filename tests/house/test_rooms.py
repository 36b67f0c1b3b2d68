"""One library, one room: what leans on the outside world does so in one place, and can be changed there."""

from __future__ import annotations

import ast
import sys

from tests.house.source import PRODUCT, dotted, is_within, libraries_of, read_modules

ANYWHERE = ("gateway", "workers")
FLASK_ROOMS = (
    "gateway.app",
    "gateway.receive.webhook",
    "gateway.receive.ussd",
    "gateway.review.pages",
    "gateway.publish",
    "gateway.health",
)
ROOMS = {
    "alembic": ("gateway.store", "migrations"),
    "argon2": ("gateway.review.proofs",),
    "babel": ("gateway.review.pages",),
    "certifi": ("gateway.channels.http",),
    "click": (
        "gateway.cli",
        "gateway.cli_backup",
        "gateway.cli_export",
        "gateway.cli_privacy",
        "gateway.cli_reconcile",
        "gateway.cli_registry",
        "gateway.cli_remind",
        "gateway.cli_staff",
        "gateway.cli_users",
        "gateway.cli_usage",
        "gateway.cli_ussd",
    ),
    "cryptography": ("gateway.keybox",),
    "flask": FLASK_ROOMS,
    "gsm0338": ("gateway.segments",),
    "gunicorn": ("gateway.cli",),
    "holidays": ("gateway.remind.off_days",),
    "jinja2": FLASK_ROOMS,
    "markupsafe": FLASK_ROOMS,
    "limits": ("gateway.publish",),
    "phonenumbers": ("gateway.values", "gateway.operators"),
    "prometheus_client": ("gateway.metrics",),
    "psycopg": ("gateway.store",),
    "pydantic": ("gateway.settings", "gateway.publish", "gateway.spool"),
    "pyotp": ("gateway.review.proofs",),
    "pyrage": ("gateway.archive",),
    "pysqlite3": ("gateway.store.sqlite",),
    "python_calamine": ("gateway.enrol.unpack",),
    "redis": ("gateway.jobs", "workers"),
    "rq": ("gateway.jobs", "workers"),
    "segno": ("gateway.review.proofs",),
    "smpplib": ("gateway.channels.smpp_pdu",),
    "sqlalchemy": (
        "gateway.store",
        "migrations",
        "gateway.channels.gammu",
        "gateway.channels.gammu_health",
        "gateway.channels.gammu_tables",
    ),
    "standardwebhooks": ("gateway.export.webhooks",),
    "structlog": ANYWHERE,
    "twilio": ("gateway.channels.twilio", "gateway.channels.twilio_list"),
    "urllib3": ("gateway.channels.http",),
    "werkzeug": FLASK_ROOMS,
    "xlsxwriter": ("gateway.export", "gateway.enrol.writing_files"),
    # of Python's own library: what reaches out by other doors than the house's
    "http.client": ("gateway.channels.http",),
    "smtplib": (),
    "socket": ("gateway.channels.http", "gateway.channels.smpp_link", "gateway.supervise"),
    "sqlite3": ("gateway.store.sqlite",),
    "subprocess": ("gateway.leash", "gateway.cli", "gateway.enrol.reading_files", "gateway.store.pg_programs"),
    "urllib.request": ("gateway.channels.http",),
}
OWN = {*PRODUCT}
PURE = (
    "parsers",
    "gateway.values",
    "gateway.errors",
    "gateway.calendar",
    "gateway.coverage",
    "gateway.stock",
    "gateway.redact",
    "gateway.review.permit",
    "gateway.enrol.plan",
    "gateway.channels.reach",
    "gateway.channels.smpp_delivery",
    "gateway.channels.smpp_pdu",
    "gateway.ladder",
    "gateway.lines",
    "gateway.mapping",
    "gateway.operators",
    "gateway.owing",
    "gateway.remind.due",
    "gateway.remind.plan",
    "gateway.segments",
)
IMPURE_LIBRARIES = ("os", "io", "logging", "random", "secrets", "socket", "subprocess", "threading", "time")

WALL_CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.ctime",
    "time.strftime",
}
CLOCK_ROOM = "gateway.runtime"
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
ENVIRONMENT_ROOM = "gateway.settings"


def test_each_library_is_used_in_its_own_room_only() -> None:
    strays = []
    for module in read_modules(*PRODUCT):
        for library, line in libraries_of(module):
            for known, rooms in ROOMS.items():
                if is_within(library, known) and not any(is_within(module.name, room) for room in rooms):
                    strays.append(f"{module.at(line)} imports {library}; its room: {', '.join(rooms) or 'none'}")
    assert not strays, f"go through the room instead: {strays}"


def test_each_library_from_outside_has_a_room() -> None:
    unknown = set()
    for module in read_modules(*PRODUCT):
        for library, line in libraries_of(module):
            top = library.partition(".")[0]
            if top not in ROOMS and top not in OWN and top not in sys.stdlib_module_names:
                unknown.add(f"{module.at(line)} imports {top}")
    assert not unknown, f"give each a room in ROOMS: {sorted(unknown)}"


def test_what_is_pure_does_not_touch_the_outside_world() -> None:
    strays = [
        f"{module.at(line)} imports {library}"
        for module in read_modules("parsers", "gateway")
        for library, line in libraries_of(module)
        if any(is_within(module.name, room) for room in PURE)
        and any(is_within(library, impure) for impure in IMPURE_LIBRARIES)
    ]
    assert not strays, f"hand it the value it needs: {strays}"


def test_only_the_runtime_reads_the_clock() -> None:
    readers = [
        f"{module.at(node.lineno)} calls {dotted(node.func)}"
        for module in read_modules(*PRODUCT)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ".".join(dotted(node.func).split(".")[-2:]) in WALL_CLOCKS
        and module.name != CLOCK_ROOM
    ]
    assert not readers, f"be given `now` as an argument: {readers}"


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        f"{module.at(node.lineno)} reads {dotted(node)}"
        for module in read_modules(*PRODUCT)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and dotted(node) in ENVIRONMENT and module.name != ENVIRONMENT_ROOM
    ]
    imported = [
        f"{module.at(line)} imports {library}"
        for module in read_modules(*PRODUCT)
        for library, line in libraries_of(module)
        if library in ENVIRONMENT
    ]
    assert not readers + imported, f"add a setting, or be given the environment: {readers + imported}"
