"""PostgreSQL's own programs for whole databases: pg_dump, pg_restore, psql. No password ever stands in their words."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.engine import URL

from gateway.errors import Permanent

DEBIAN = Path("/usr/lib/postgresql")
_BLOCK = 1 << 16
_LONGEST = 600  # characters of what a program says that are worth telling


def find_program(name: str, server: int, environ: Mapping[str, str]) -> str:
    """Return the program of the version closest to a server's, not older: an older one refuses it.

    Errors: Permanent names what to install.
    """
    places = [str(path) for path in DEBIAN.glob(f"*/bin/{name}")]
    if in_path := shutil.which(name, path=environ.get("PATH")):
        places.append(in_path)
    versions = {place: _version(place, environ) for place in places}
    fitting = [place for place in places if versions[place] >= server]
    if not fitting:
        found = ", ".join(sorted({str(version) for version in versions.values()})) or "-"
        raise Permanent(
            f"perlu {name} versi {server} atau lebih baru (ada: {found}): apt install postgresql-client-{server}"
            f" / {name} of version {server} or later is needed (found: {found})"
        )
    return min(fitting, key=lambda place: versions[place])


def _version(program: str, environ: Mapping[str, str]) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, env=dict(environ))
    number = re.search(r"\d+", said.stdout)
    return int(number.group()) if number else 0


def dump(url: URL, into: Path, snapshot: str, server: int, environ: Mapping[str, str]) -> None:
    """Write the schema `public` into a file in pg_dump's own format, as a snapshot sees it. Errors: Permanent."""
    program = find_program("pg_dump", server, environ)
    address, surroundings = _address(url, environ)
    command = [program, "--format=custom", "--compress=0", "--schema=public", "--no-owner", "--no-privileges"]
    done = subprocess.run(
        [*command, f"--snapshot={snapshot}", "--no-password", f"--file={into}", f"--dbname={address}"],
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise Permanent(f"pg_dump: {_last_words(done.stderr)}")


def load(url: URL, file: Path, *, before: str, after: str, server: int, environ: Mapping[str, str]) -> None:
    """Lay a dump into a database in one transaction, statements before and after it in the same one.

    Only when the whole of it was read is the COMMIT said: who dies before has changed nothing. Errors: Permanent.
    """
    read = [find_program("pg_restore", server, environ), "--no-owner", "--no-privileges", "--file=-", str(file)]
    address, surroundings = _address(url, environ)
    command = [
        find_program("psql", server, environ),
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--no-password",
    ]
    surroundings["PGOPTIONS"] = "-c statement_timeout=0 -c client_min_messages=warning"
    with (
        subprocess.Popen(read, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader,
        subprocess.Popen(
            [*command, f"--dbname={address}"],
            env=surroundings,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as writer,
    ):
        assert reader.stdout
        assert reader.stderr
        assert writer.stdin
        assert writer.stderr
        try:
            writer.stdin.write(f"BEGIN;\n{before}\n".encode())
            while block := reader.stdout.read(_BLOCK):
                writer.stdin.write(block)
            faults = reader.stderr.read()
            writer.stdin.write(f"{after}\nCOMMIT;\n".encode() if not reader.wait() else b"ROLLBACK;\n")
            writer.stdin.close()
        except BrokenPipeError:
            faults = b""
            reader.kill()
        said = writer.stderr.read()
    if writer.returncode:
        raise Permanent(f"psql: {_last_words(said)}")
    if reader.returncode:
        raise Permanent(f"pg_restore: {_last_words(faults)}")


def _address(url: URL, environ: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return a database's address without its password, and an environment that holds it instead."""
    query = {name: value for name, value in url.query.items() if name != "password"}
    hosts = query.get("host")
    if isinstance(hosts, tuple):  # one of several, host=a:5432&host=b:5432: SQLAlchemy's way to write it, not libpq's
        _, told = url.get_dialect()().create_connect_args(url)
        query |= {name: str(told[name]) for name in ("host", "port") if name in told}
    password = url.password or url.query.get("password")
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    return bare.render_as_string(), dict(environ) | ({"PGPASSWORD": str(password)} if password else {})


def _last_words(said: bytes) -> str:
    return " ".join(said.decode("utf-8", "replace").split())[-_LONGEST:]
