"""One word for one thing, and tests whose names say what holds."""

from __future__ import annotations

import ast
import re

from tests.house.source import PRODUCT, Module, dotted, functions_of, project_files, read_modules

FORBIDDEN = {  # words that name nothing
    *("submission", "submissions", "entry", "entries", "data", "info", "infos", "manager", "managers"),
    *("helper", "helpers", "util", "utils", "common", "service", "services"),
}
FEWEST_WORDS = 4  # of a test's name, after `test_`
SKIPS = {"skip", "skipif", "xfail", "importorskip"}


def split_words(name: str) -> set[str]:
    """Return the words of a snake_case or CamelCase name, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)}


def names_of(module: Module) -> list[tuple[str, int]]:
    """Return (name, line) of everything a module gives a name to: itself, classes, functions, constants, tables."""
    found = [(module.name.rpartition(".")[2], 1)]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.append((node.name, node.lineno))
        elif isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in {"Table", "create_table"}:
            found += [(str(word.value), node.lineno) for word in node.args[:1] if isinstance(word, ast.Constant)]
    found += [
        (target.id, node.lineno)
        for node in module.tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    return found


def tests_of(module: Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the test functions of a module."""
    return [function for function in functions_of(module) if function.name.startswith("test_")]


def test_no_name_uses_a_word_that_names_nothing() -> None:
    found = [
        f"{module.at(line)} {name}"
        for module in read_modules(*PRODUCT)
        for name, line in names_of(module)
        if split_words(name) & FORBIDDEN
    ]
    assert not found, f"say what it is or does: {found}"


def test_no_file_is_called_by_a_word_that_names_nothing() -> None:
    found = [str(path) for path in project_files() if path.suffix == ".py" and split_words(path.stem) & FORBIDDEN]
    assert not found, f"say what is in it: {found}"


def test_the_name_of_each_test_is_a_sentence() -> None:
    short = [
        f"{module.at(test.lineno)} {test.name}"
        for module in read_modules("tests")
        for test in tests_of(module)
        if len(test.name.split("_")) - 1 < FEWEST_WORDS
    ]
    assert not short, f"say in {FEWEST_WORDS} words or more what holds: {short}"


def test_no_two_tests_of_a_module_share_one_name() -> None:
    shared = []
    for module in read_modules("tests"):
        for scope in ast.walk(module.tree):
            if isinstance(scope, ast.Module | ast.ClassDef):
                names = [node.name for node in scope.body if isinstance(node, ast.FunctionDef)]
                shared += [f"{module.at()} {name}" for name in set(names) if names.count(name) > 1]
    assert not shared, f"the later one hides the earlier one: {shared}"


def test_no_test_sleeps_or_is_left_out() -> None:
    found = []
    for module in read_modules("tests"):
        for node in ast.walk(module.tree):
            name = dotted(node) if isinstance(node, ast.Attribute) else ""
            if name in {"time.sleep", "asyncio.sleep"} or (
                name.startswith("pytest.") and name.rpartition(".")[2] in SKIPS
            ):
                found.append(f"{module.at(getattr(node, 'lineno', 1))} {name}")
        imported = {
            alias.name for node in ast.walk(module.tree) if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        found += [f"{module.at()} imports {name}" for name in imported & {"sleep", *SKIPS}]
    assert not found, f"wait for what is to happen; mend the test or take it out: {found}"
