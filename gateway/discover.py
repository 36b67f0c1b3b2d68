"""Finding what can be added by adding a file: channels, export formats."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType


def discover(package: str, having: Iterable[str]) -> dict[str, ModuleType]:
    """Return the modules of a package that expose all the names in `having`, by their own short name, sorted.

    A module without those names (a base, a tool of the others) is passed over. A module that cannot be imported is an
    error: a channel that silently is not there is worse than a gateway that does not start.

    >>> "simulator" in discover("gateway.channels", having=("SETTINGS", "make"))
    True
    """
    wanted = tuple(having)
    folder = importlib.import_module(package)
    names = sorted(one.name for one in pkgutil.iter_modules(folder.__path__))
    modules = {name: importlib.import_module(f"{package}.{name}") for name in names}
    return {name: module for name, module in modules.items() if all(hasattr(module, each) for each in wanted)}
