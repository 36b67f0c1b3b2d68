"""Each module stands on exactly one floor; that imports go downward only is import-linter's part (pyproject.toml)."""

from __future__ import annotations

import graphlib
import tomllib

import grimp

from tests.house.source import ROOT, is_within, read_modules

FLOORS_KEPT_BY_IMPORT_LINTER = ("parsers", "gateway", "workers")


def read_floors() -> list[list[str]]:
    """Return the floors of the contract in pyproject.toml, the highest first, each with its rooms."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [floors] = [contract["layers"] for contract in contracts if contract["id"] == "floors"]
    return [[room.strip().strip("()") for room in floor.split("|")] for floor in floors]


def test_each_module_stands_on_exactly_one_floor() -> None:
    rooms = [room for floor in read_floors() for room in floor]
    homeless = []
    for module in read_modules(*FLOORS_KEPT_BY_IMPORT_LINTER):
        if module.is_signboard:
            continue
        homes = [room for room in rooms if is_within(module.name, room)]
        if len(homes) != 1:
            homeless.append(f"{module.at()} stands in {homes or 'no room'}")
    assert not homeless, f"put each into one room of [tool.importlinter] layers in pyproject.toml: {homeless}"


def test_every_contract_of_the_floors_is_of_the_strict_kind() -> None:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    loosened = [contract["id"] for contract in written["contracts"] if "ignore_imports" in contract]
    assert not loosened, f"an exception to the floors is a new floor or another place for the code: {loosened}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph(*FLOORS_KEPT_BY_IMPORT_LINTER, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    try:
        graphlib.TopologicalSorter(imports).prepare()
        circle = []
    except graphlib.CycleError as error:
        circle = error.args[1]
    assert not circle, f"move what both need to a module below them: {' -> '.join(circle)}"
