"""Modules and functions that can be read in one sitting, imports at the top, and a sentence at every door."""

from __future__ import annotations

import ast

from tests.house.source import FUNCTION_NODES, PRODUCT, functions_of, read_modules

LONGEST_MODULE = 400  # lines
LONGEST_FUNCTION = 60
SAID_BY_OTHERS = {  # names whose meaning is somebody else's
    "migrations.versions": {"upgrade", "downgrade"},  # alembic's
}


def test_no_module_is_longer_than_one_sitting() -> None:
    long = [
        f"{module.at()} has {lines} lines"
        for module in read_modules(*PRODUCT, "tests")
        if (lines := len(module.text.splitlines())) > LONGEST_MODULE
    ]
    assert not long, f"find the second thing in it, and give that a file ({LONGEST_MODULE} lines at most): {long}"


def test_no_function_is_longer_than_one_screen() -> None:
    long = [
        f"{module.at(function.lineno)} {function.name} has {lines} lines"
        for module in read_modules(*PRODUCT, "tests")
        for function in functions_of(module)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
        and not (module.name.startswith("migrations.versions.") and function.name in {"upgrade", "downgrade"})
    ]
    assert not long, f"give its steps names ({LONGEST_FUNCTION} lines at most): {long}"


def test_everything_is_imported_at_the_top() -> None:
    hidden = [
        f"{module.at(node.lineno)} in {function.name}"
        for module in read_modules(*PRODUCT, "tests")
        for function in functions_of(module)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not hidden, f"an import in a function hides a circle or a cost: {hidden}"


def test_signboards_hold_a_docstring_and_nothing_else() -> None:
    wrong = [
        module.at()
        for module in read_modules(*PRODUCT)
        if module.is_signboard and (len(module.tree.body) != 1 or not ast.get_docstring(module.tree))
    ]
    assert not wrong, f"say what the folder does and in which order to read it; no code: {wrong}"


def test_each_folder_of_code_has_a_signboard() -> None:
    modules = read_modules(*PRODUCT)
    folders = {module.path.parent for module in modules}
    signed = {module.path.parent for module in modules if module.is_signboard}
    assert folders == signed, f"add an __init__.py with a docstring: {sorted(map(str, folders - signed))}"


def test_each_public_name_has_a_docstring() -> None:
    silent = []
    for module in read_modules(*PRODUCT):
        if not ast.get_docstring(module.tree):
            silent.append(module.at())
        theirs = next((names for place, names in SAID_BY_OTHERS.items() if module.name.startswith(place)), set())
        scopes: list[ast.Module | ast.ClassDef] = [module.tree]
        while scopes:
            for node in scopes.pop().body:
                if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                if node.name.startswith("_") or node.name in theirs:
                    continue
                if not ast.get_docstring(node) and not (isinstance(node, FUNCTION_NODES) and _is_overload(node)):
                    silent.append(f"{module.at(node.lineno)} {node.name}")
                if isinstance(node, ast.ClassDef):
                    scopes.append(node)
    assert not silent, f"one sentence each, then only what the signature does not say: {silent}"


def _is_overload(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in function.decorator_list)
