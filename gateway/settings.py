"""What an operator decides by environment: every name, its meaning and its default. Nobody else reads it."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from gateway.errors import Misconfigured
from gateway.instances import parse_channels, parse_routes, split_list
from gateway.operators import prefixes_in
from gateway.values import Role

PREFIX = "KABAR_"
FALLBACKS = {"DATABASE_URL": "database_url", "REDIS_URL": "redis_url", "PORT": "port"}  # what Heroku-like hosts set
ELSEWHERE = {  # names that other commands of Kabar read, so that they are not taken for a slip here
    "KABAR_VENV": "the folder of the virtual environment that `./kabar` makes (default `.venv`)",
    "KABAR_PYTHON": "the Python that `./kabar` makes the virtual environment with (default: the first from 3.11 on)",
    "KABAR_URL": "the server that `./kabar sms` speaks to (default: port KABAR_PORT of this machine)",
}
FAULTS = {  # what pydantic calls a fault, and how it is told
    "bool_parsing": "harus 1 atau 0 / must be 1 or 0",
    "int_parsing": "harus bilangan bulat / must be a whole number",
    "greater_than_equal": "paling kecil / must be at least {ge}",
    "less_than_equal": "paling besar / must be at most {le}",
    "literal_error": "harus salah satu dari / must be one of: {expected}",
    "string_pattern_mismatch": "tidak ditulis seperti / is not written like {pattern}",
}
_ADDRESS = re.compile(r"https?://([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/|$)", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*", re.ASCII)
_START = re.compile(r"\+[1-9][0-9]{1,9}", re.ASCII)
_INSTANCE = re.compile(r"[a-z][a-z0-9]{0,19}", re.ASCII)


class Settings(BaseModel):
    """Everything that is set by environment. Each field is read from `KABAR_` and its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    var: Annotated[
        Path, Field(description="The folder for everything that is written: embedded database and server, secrets.")
    ] = Path("var")
    spool: Annotated[
        str,
        Field(
            description="The folder that keeps what comes in while the database can take nothing, best on another disk"
            " than the database's. Empty: `spool` in KABAR_VAR. `none`: providers are told to come again, where this"
            " machine's disk does not outlast its processes."
        ),
    ] = ""
    database_url: Annotated[
        str,
        Field(description="`postgresql://user:password@host/name`, or `sqlite:///path`. Empty: SQLite in KABAR_VAR."),
    ] = ""
    redis_url: Annotated[
        str,
        Field(description="`redis://...`, `rediss://...` or `unix://...`. Empty: the embedded server in KABAR_VAR."),
    ] = ""
    public_url: Annotated[
        str,
        Field(
            description="Where providers reach this server, e.g. `https://kabar.example.go.id`; signatures hold for it."
        ),
    ] = ""
    port: Annotated[int, Field(ge=1, le=65535, description="The port of the web server.")] = 8000
    host: Annotated[
        str, Field(description="The address the web server listens on. `0.0.0.0` for all, behind a proxy.")
    ] = "127.0.0.1"
    web_processes: Annotated[int, Field(ge=1, le=32, description="Processes of the web server.")] = 2
    web_threads: Annotated[int, Field(ge=1, le=64, description="Threads of each of them.")] = 4
    channels: Annotated[
        str,
        Field(
            description="Which channels are used: `twilio, modem1=gammu`. Their own settings are `KABAR_<NAME>_...`."
        ),
    ] = "simulator"
    ussd: Annotated[
        str,
        Field(
            description="Which USSD service codes come in, by dialect: `umb=africastalking`. Their own settings are"
            " `KABAR_<NAME>_...`."
        ),
    ] = ""
    demo: Annotated[
        bool,
        Field(
            description="1 opens simulator and pages to other machines, beside real channels. Not with real reports."
        ),
    ] = False
    language: Annotated[
        Literal["id", "en"], Field(description="The language of pages and of answers to unknown numbers.")
    ] = "id"
    secret_key: Annotated[
        str,
        Field(
            repr=False,
            description="At least 32 random characters that lock what the database must not tell: the secrets of"
            " second factors. Empty: a key made in KABAR_VAR. Every web server needs the same one.",
        ),
    ] = ""
    idle_minutes: Annotated[int, Field(ge=5, le=1440, description="Who does nothing for so long is signed out.")] = 60
    session_hours: Annotated[
        int, Field(ge=1, le=168, description="Who has signed in so long ago must do so again.")
    ] = 12
    code_roles: Annotated[
        str,
        Field(description="Roles that must use a second factor: `administrator, district`. The others may."),
    ] = ""
    proxies: Annotated[
        int,
        Field(
            ge=0,
            le=3,
            description="Proxies of yours before the web server; so many of X-Forwarded-For and -Proto are believed.",
        ),
    ] = 0
    private_hosts: Annotated[
        str,
        Field(
            description="Hosts of the office's own network that pages may have figures sent to: `dhis2.lan, 10.1.2.3`."
            " All others must be public ones, and be called by https."
        ),
    ] = ""
    region: Annotated[
        str, Field(pattern="^[A-Z]{2}$", description="The country that a number without `+` belongs to.")
    ] = "ID"
    routes: Annotated[
        str,
        Field(
            description="Which channel sends to which numbers, by operator or by how they begin:"
            " `telkomsel=modem1, xl=modem2, +62899=modem3`. Empty: by the channel that somebody wrote by."
        ),
    ] = ""
    timezone: Annotated[str, Field(description="The clock of senders who belong to no area yet.")] = "Asia/Jakarta"
    main_form: Annotated[str, Field(description="The form that examples show, and that STATUS tells of always.")] = "kb"
    answers_per_hour: Annotated[
        int,
        Field(
            ge=1,
            description="At most so many answers to one number in an hour; messages beyond it are still handled.",
        ),
    ] = 10
    answers_per_day_unregistered: Annotated[
        int, Field(ge=0, description="At most so many answers to an unknown number in a day.")
    ] = 1
    answers_per_hour_unregistered: Annotated[
        int,
        Field(ge=0, description="At most so many answers to all unknown numbers together in an hour: a flood costs."),
    ] = 200
    question_hours: Annotated[
        int,
        Field(ge=1, le=240, description="So long a question stays open; then the report goes to staff as it stands."),
    ] = 48
    ussd_confirms_by_sms: Annotated[
        bool, Field(description="A report by USSD, whose answer was shown on the screen, is confirmed by SMS as well.")
    ] = False
    api_per_minute: Annotated[
        int, Field(ge=1, le=100_000, description="Requests of one token of the API in a minute; more are told to wait.")
    ] = 300
    backups: Annotated[
        str,
        Field(description="The folder that backups are written to and that doctor looks into. Empty: none is set up."),
    ] = ""
    batch_size: Annotated[int, Field(ge=1, le=1000, description="Messages handled in one transaction.")] = 100
    tries: Annotated[
        int, Field(ge=1, le=20, description="A message that cannot be handled is tried so often before staff get it.")
    ] = 5
    metrics: Annotated[
        str,
        Field(
            description="Where the clock tells its metrics to a Prometheus: `127.0.0.1:9464`. Empty: nowhere."
            " Never an address that strangers reach."
        ),
    ] = ""
    log: Annotated[
        Literal["auto", "json", "plain"],
        Field(description="How logs are written; auto: plain on a terminal, else JSON lines."),
    ] = "auto"
    channel_options: Annotated[dict[str, dict[str, str]], Field(exclude=True, repr=False)] = {}

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        value = re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", value)
        if value and not value.startswith(("postgresql+psycopg://", "sqlite:///")):
            raise ValueError("harus diawali / must start with postgresql:// atau/or sqlite:///")
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("harus diawali / must start with redis://, rediss:// atau/or unix://")
        return value

    @field_validator("public_url")
    @classmethod
    def _whole_url(cls, value: str) -> str:
        if value and not _ADDRESS.match(value):
            raise ValueError("ditulis seperti / is written like https://kabar.example.go.id")
        return value.rstrip("/")

    @field_validator("secret_key")
    @classmethod
    def _long_key(cls, value: str) -> str:
        if value and len(value) < 32:
            raise ValueError("paling sedikit 32 karakter / must have at least 32 characters")
        return value

    @field_validator("code_roles")
    @classmethod
    def _known_roles(cls, value: str) -> str:
        known = {str(role) for role in Role}
        if unknown := [role for role in split_list(value) if role not in known]:
            raise ValueError(f"tidak ada peran / there is no role {unknown[0]!r}: {', '.join(sorted(known))}")
        return value

    @field_validator("private_hosts")
    @classmethod
    def _hosts_alone(cls, value: str) -> str:
        if wrong := [host for host in split_list(value) if not _HOST.fullmatch(host)]:
            raise ValueError(f"{wrong[0]!r} harus host saja, tanpa / must be a host without https://, port and path")
        return value

    @field_validator("metrics")
    @classmethod
    def _address_with_port(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        is_port = port.isascii() and port.isdigit() and 1 <= int(port) <= 65535
        if value and not (colon and is_port and _HOST.fullmatch(host.strip("[]"))):
            raise ValueError("harus alamat dan port / must be an address and a port: 127.0.0.1:9464")
        return value

    @field_validator("channels", "ussd")
    @classmethod
    def _named_once(cls, value: str, info: ValidationInfo) -> str:
        names = [instance.name for instance in parse_channels(value)]
        for name in names:
            if not _INSTANCE.fullmatch(name):
                raise ValueError(f"{name!r} harus huruf kecil, lalu boleh angka / must be small letters, then digits")
            if names.count(name) > 1:
                raise ValueError(f"{name!r} tertulis dua kali / stands twice")
        taken = {instance.name for instance in parse_channels(info.data.get("channels", ""))}
        if info.field_name == "ussd" and (both := taken & set(names)):
            raise ValueError(f"{min(both)!r} sudah nama kanal / is a channel's name already")
        if info.field_name == "channels" and not names:
            raise ValueError("tidak menyebut satu kanal pun / names no channel")
        return value

    @field_validator("routes")
    @classmethod
    def _known_routes(cls, value: str, info: ValidationInfo) -> str:
        instances = {one.name: one.adapter for one in parse_channels(info.data.get("channels", ""))}
        operators = prefixes_in(info.data.get("region", ""))
        starts = [start for start, _ in parse_routes(value)]
        for start, name in parse_routes(value):
            if start not in operators and not _START.fullmatch(start):
                known = f"({', '.join(sorted(operators))}), bukan awal nomor / and no start of numbers (+62899)"
                raise ValueError(f"{start!r} bukan operator / is no operator {known}")
            if starts.count(start) > 1:
                raise ValueError(f"{start!r} tertulis dua kali / stands twice")
            if name not in instances:
                raise ValueError(f"tidak ada kanal / there is no channel {name!r}: {', '.join(instances)}")
            if instances[name] == "simulator":
                raise ValueError(f"{name!r} hanya simulator / is a simulator, which sends to its own phones only")
        return value

    @property
    def routes_by_prefix(self) -> dict[str, str]:
        """The channels that send to numbers, by how these begin; what is written out comes before an operator's."""
        operators, routes = prefixes_in(self.region), dict(parse_routes(self.routes))
        found = {prefix: routes[word] for word in routes if word in operators for prefix in operators[word]}
        return found | {start: name for start, name in routes.items() if start not in operators}

    @property
    def database(self) -> str:
        """The database's address: the one that is set, or SQLite in `var`."""
        return self.database_url or f"sqlite:///{self.var.absolute() / 'kabar.db'}"

    @property
    def spool_folder(self) -> Path | None:
        """The folder of the spool, or None where there is none."""
        return None if self.spool == "none" else Path(self.spool or self.var / "spool").absolute()

    @property
    def backups_folder(self) -> Path | None:
        """The folder of backups, or None where none is set up."""
        return Path(self.backups) if self.backups else None

    def make_var(self) -> None:
        """Make the folder for what is written, for this user alone: it holds phone numbers and secrets."""
        self.var.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def address(self) -> str:
        """Where this server is reached: the public address, or this computer's own."""
        return self.public_url or f"http://127.0.0.1:{self.port}"

    @property
    def roles_with_code(self) -> frozenset[str]:
        """The roles that must use a second factor."""
        return frozenset(split_list(self.code_roles))

    @property
    def hosts_allowed(self) -> frozenset[str]:
        """The private hosts that may be called though they were typed on a page; see `channels.http.HttpClient`."""
        return frozenset(host.lower().removesuffix(".") for host in split_list(self.private_hosts))

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Where metrics are told, host and port; None for nowhere."""
        host, _, port = self.metrics.rpartition(":")
        return (host.strip("[]"), int(port)) if self.metrics else None

    @property
    def is_embedded(self) -> bool:
        """Whether this process's own supervisor must run the Redis server."""
        return not self.redis_url


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of an environment, this process's own unless told.

    Errors: Misconfigured with every mistake at once, by name; a value is never repeated, it may be a secret.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {field: environ[name] for name, field in FALLBACKS.items() if environ.get(name)}
    listed = environ.get(f"{PREFIX}CHANNELS", "simulator"), environ.get(f"{PREFIX}USSD", "")
    instances = {instance.name for written in listed for instance in parse_channels(written)}
    options: dict[str, dict[str, str]] = {name: {} for name in instances}
    faults: dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name in ELSEWHERE or not value:
            continue
        field = name.removeprefix(PREFIX).lower()
        instance, _, option = field.partition("_")
        if field in Settings.model_fields and field != "channel_options":
            values[field] = value
        elif instance in options and option:
            options[instance][option] = value
        else:
            faults[name] = _unknown(name)
    try:
        settings = Settings(**values, channel_options=options)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            said = FAULTS.get(fault["type"], "").format(**fault.get("ctx", {}))
            faults[_name_of(str(fault["loc"][0]))] = said or fault["msg"].removeprefix("Value error, ")
        raise Misconfigured(faults) from None
    if faults:
        raise Misconfigured(faults)
    return settings


def phone_server(url: str | None) -> tuple[Path, str]:
    """Return the folder with the simulator's secret and the server that a terminal phone speaks to.

    The server is the one given, else KABAR_URL, else the one of these settings.
    """
    settings = read_settings()
    return settings.var, (url or os.environ.get("KABAR_URL") or f"http://127.0.0.1:{settings.port}").rstrip("/")


def child_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with changes, for a process that it starts."""
    return dict(os.environ) | dict(changes)


def adopt_environment(environ: Mapping[str, str]) -> None:
    """Take over an environment, in a process that was forked to have it."""
    os.environ.clear()
    os.environ.update(environ)


def _unknown(name: str) -> str:
    known = [_name_of(field) for field in Settings.model_fields if field != "channel_options"]
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"; maksudnya / did you mean {close[0]}?" if close else ""
    return f"bukan setelan Kabar / is no setting of Kabar{meant}"


def _name_of(field: str) -> str:
    return f"{PREFIX}{field.upper()}"


def describe_settings() -> list[tuple[str, str, str]]:
    """Return (name, default, meaning) of every setting, for the settings page."""
    rows = []
    for name, field in Settings.model_fields.items():
        if name != "channel_options":
            default = field.default
            shown = {True: "1", False: "0"}.get(default, str(default)) if isinstance(default, bool) else str(default)
            rows.append((_name_of(name), shown, field.description or ""))
    return rows + [(name, "", meaning) for name, meaning in ELSEWHERE.items()]
