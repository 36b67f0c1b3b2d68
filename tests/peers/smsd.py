"""Gammu's daemon and the databases that it writes to, as the page docs/gammu.md sets them up."""

from __future__ import annotations

import configparser
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pymysql

from gateway.supervise import start_leashed
from tests.docs.pages import page
from tests.peers.at_modem import AtModem
from tests.servers import PostgresServer, Server, as_nobody, is_root

SCHEMAS = Path("/usr/share/doc/gammu-smsd/examples")
ZONE = "Asia/Makassar"  # neither this machine's nor PostgreSQL's: a stamp that is read in another one shows
HASTE = {  # what a test does not wait for
    "receivefrequency": "1",
    "commtimeout": "1",
    "statusfrequency": "2",
    "multiparttimeout": "4",
    "sendtimeout": "2",
    "maxretries": "1",
    "retrytimeout": "1",
    "loopsleep": "1",
}


@dataclass(frozen=True, slots=True)
class Store:
    """A database for SMSD: what stands in its smsdrc, and how Kabar reaches it."""

    kind: str
    smsdrc: Mapping[str, str]
    url: str


class MariaDbServer(Server):
    """A MariaDB on a unix socket; as root it runs as nobody."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="kabar-my-"))  # short, for the socket
        self.socket = self._folder / "my.sock"
        self._log = self._folder / "log"
        if is_root():
            shutil.chown(self._folder, "nobody")
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        self._run("mariadb-install-db", "--no-defaults", f"--datadir={self._folder / 'data'}", *options)

    def is_answering(self) -> bool:
        """Return whether it takes commands."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def last_words(self) -> str:
        """Return what it wrote, for a person."""
        return self._log.read_text(errors="replace")[-2000:]

    def execute(self, script: str, database: str | None = None) -> None:
        """Run a script."""
        with self._connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(script)
            while cursor.nextset():
                pass

    def remove(self) -> None:
        """Stop it and take its folder away."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _connect(self, database: str | None = None) -> pymysql.Connection:
        multi = pymysql.constants.CLIENT.MULTI_STATEMENTS
        return pymysql.connect(
            unix_socket=str(self.socket), user="root", database=database, autocommit=True, client_flag=multi
        )

    def _run(self, *command: str) -> None:
        done = subprocess.run(as_nobody([*command]), cwd=self._folder, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stdout + done.stderr

    def _spawn(self) -> subprocess.Popen[bytes]:
        options = ["--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--default-time-zone=+08:00"]
        command = ["mariadbd", "--no-defaults", f"--datadir={self._folder / 'data'}", f"--socket={self.socket}"]
        with self._log.open("ab") as log:
            if is_root():
                return subprocess.Popen(as_nobody([*command, *options]), cwd=self._folder, stdout=log, stderr=log)
            return start_leashed([*command, *options], {"PATH": os.environ["PATH"]}, self._folder, log)


class Smsd(Server):
    """A daemon with its own modem. Its log is its last words."""

    def __init__(self, store: Store, modem: AtModem, phone_id: str, folder: Path, **changes: str) -> None:
        super().__init__()
        self._log = folder / f"{phone_id}.log"
        self.file = folder / f"{phone_id}.smsdrc"
        self._folder = folder
        smsd = {"phoneid": phone_id, "logfile": str(self._log), "debuglevel": "1"}
        write_smsdrc(self.file, store, modem.port, {**HASTE, **smsd, **changes})

    def is_answering(self) -> bool:
        """Return whether it has made the modem's acquaintance."""
        return self._log.exists() and "Starting phone communication" in self.last_words()

    def last_words(self) -> str:
        """Return what it wrote, for a person."""
        return self._log.read_text(errors="replace")[-4000:]

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._log.unlink(missing_ok=True)
        environ = {"PATH": os.environ["PATH"], "TZ": ZONE}
        return start_leashed(["gammu-smsd", "-c", str(self.file)], environ, self._folder, subprocess.DEVNULL)


def write_smsdrc(path: Path, store: Store, port: int, changes: Mapping[str, str]) -> None:
    """Write the smsdrc of the page, with this machine's own names in it; only what stands there may be changed."""
    blocks = [read_ini(block) for block in page("docs/gammu.md").blocks("ini")]
    whole = next(block for block in blocks if "gammu" in block)
    own = next(block for block in blocks if block.get("smsd", "driver", fallback="") == store.smsdrc["driver"])
    if own is not whole:
        for name in ("driver", "host", "user", "password", "database"):
            whole.remove_option("smsd", name)
        whole.read_dict({"smsd": dict(own["smsd"])})
    whole.remove_option("smsd", "runonreceive")
    whole.read_dict({"gammu": {"connection": "proxyat", "device": f"socat - TCP:127.0.0.1:{port}"}})
    whole.read_dict({"smsd": {**store.smsdrc, **changes}})
    with path.open("w") as file:
        whole.write(file)


def read_ini(block: str) -> configparser.ConfigParser:
    """Return a block of the page, taken apart."""
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(block)
    return found


def make_sqlite_store(folder: Path) -> Store:
    """Make a database with Gammu's own file, as the page says."""
    path = folder / "smsd.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((SCHEMAS / "sqlite.sql").read_text())
    connection.close()
    return Store("sqlite", {"driver": "sqlite3", "dbdir": f"{folder}/", "database": path.name}, f"sqlite:///{path}")


@contextmanager
def make_postgresql_store(server: PostgresServer) -> Iterator[Store]:
    """Make a database with Gammu's own file, as the page says."""
    with server.new_database() as url:
        parts = urlsplit(url)
        name, [host] = parts.path.removeprefix("/"), parse_qs(parts.query)["host"]
        server.execute(f"ALTER DATABASE {name} SET timezone = '{ZONE}'")
        script = "\n".join(
            line for line in (SCHEMAS / "pgsql.sql").read_text().splitlines() if "CREATE LANGUAGE" not in line
        )
        with psycopg.connect(host=host, user="kabar", dbname=name) as connection:
            connection.execute(script.encode())
        smsdrc = {"driver": "native_pgsql", "host": host, "user": "kabar", "password": "", "database": name}
        yield Store("postgresql", smsdrc, f"postgresql://kabar@/{name}?host={quote(host, safe='')}")


def make_mariadb_store(server: MariaDbServer, name: str) -> Store:
    """Make a database with Gammu's own file, as the page says."""
    server.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    server.execute((SCHEMAS / "mysql.sql").read_text().replace("MyISAM", "InnoDB"), name)
    path = str(server.socket)
    smsdrc = {"driver": "native_mysql", "host": f"localhost:{path}", "user": "root", "password": "", "database": name}
    return Store("mariadb", smsdrc, f"mysql://root@localhost/{name}?unix_socket={quote(path, safe='')}")
