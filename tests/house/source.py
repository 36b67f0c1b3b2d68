"""The project's own source, parsed once, for the house tests to look through."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ("var", "__pycache__")  # folders of what running writes
PRODUCT = ("parsers", "gateway", "workers", "migrations")

FUNCTION_NODES = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Module:
    """One file of Python: its dotted name, its text and its syntax tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def is_signboard(self) -> bool:
        """Whether it is a package's `__init__.py`."""
        return self.path.name == "__init__.py"

    def at(self, line: int = 1) -> str:
        """Return the place of a line, as an editor opens it."""
        return f"{self.path.relative_to(ROOT)}:{line}"


def read_modules(*packages: str) -> tuple[Module, ...]:
    """Return every module of these top folders."""
    return tuple(module for package in packages for module in _read_package(package))


@cache
def _read_package(package: str) -> tuple[Module, ...]:
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        found.append(Module(name, path, text, ast.parse(text)))
    assert found, f"nothing to look at in {package}"
    return tuple(found)


def functions_of(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function and method, nested ones too."""
    return (node for node in ast.walk(module.tree) if isinstance(node, FUNCTION_NODES))


def libraries_of(module: Module) -> Iterator[tuple[str, int]]:
    """Return (dotted name, line) of everything it imports."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` of such an expression, or "" of any other."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def is_within(name: str, place: str) -> bool:
    """Return whether a dotted name is this place or lies in it."""
    return name == place or name.startswith(f"{place}.")


@cache
def project_files() -> tuple[Path, ...]:
    """Return the files that git keeps or would keep; outside of git, all but hidden and written ones."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if asked.returncode == 0:
        return tuple(path for name in asked.stdout.split("\0") if name and (path := ROOT / name).is_file())
    return tuple(
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not any(part[0] == "." or part in WRITTEN for part in path.relative_to(ROOT).parts)
    )
