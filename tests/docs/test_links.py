"""What the pages point to and name is there: links, files, commands, settings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from gateway.channels.base import option_variable
from gateway.cli import kabar
from gateway.discover import discover
from gateway.settings import ELSEWHERE, FALLBACKS, describe_settings
from tests.docs.pages import Page, read_pages
from tests.house.source import ROOT

OF_THE_LAUNCHER = {"test": {"--all", "-k"}}  # a command that is no part of gateway.cli, and its options
TOP_FOLDERS = ("gateway", "parsers", "workers", "migrations", "tests", "docs", "bench", "var")
WRITTEN_LATER = ("var/",)


def anchors_of(one: Page) -> set[str]:
    """Return the anchors that a page's headings make."""
    headings = re.findall(r"^#+ (.+)$", one.text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands_of(one: Page) -> Iterator[list[str]]:
    """Return the words of every `./kabar ...` that a page shows, without what follows it on the line."""
    for code in one.codes():
        found = re.search(r"(?:\./kabar|/srv/kabar/kabar)((?: .*)?)$", code)
        if found:
            written = re.split(r"\s#|\s>", found[1])[0]
            yield shlex.split(written)


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    broken = []
    for one in read_pages():
        for link in one.links():
            target, _, anchor = link.partition("#")
            if target.startswith("https://"):
                continue
            path = (one.path.parent / target).resolve() if target else one.path
            if not path.is_file():
                broken.append(f"{one.name}: {link}")
            elif anchor and anchor not in anchors_of(Page(str(path), path.read_text(encoding="utf-8"))):
                broken.append(f"{one.name}: {link}: no such heading")
    assert not broken


def test_every_page_is_reached_from_the_index() -> None:
    index = next(one for one in read_pages() if one.name == "docs/README.md")
    reached = {(index.path.parent / link).resolve() for link in index.links()}
    lost = [one.name for one in read_pages() if one.name.startswith("docs/") and one.path.resolve() not in reached]
    assert lost == ["docs/README.md"], f"add to docs/README.md: {lost}"


def test_every_file_that_a_page_names_is_there() -> None:
    missing = []
    for one in read_pages():
        for code in one.codes():
            name = code.strip().rstrip(":,")
            is_path = re.fullmatch(r"[\w./-]+", name) and name.startswith(tuple(f"{top}/" for top in TOP_FOLDERS))
            if is_path and not name.startswith(WRITTEN_LATER) and not (ROOT / name).exists():
                missing.append(f"{one.name}: {name}")
    assert not missing


def test_every_room_that_a_page_names_is_a_module() -> None:
    missing = []
    for one in read_pages():
        for code in one.codes():
            for name in re.findall(r"(?<![\w./-])(?:gateway|workers|parsers)(?:\.[a-z_]+)+(?![\w/])", code):
                path = ROOT / name.replace(".", "/")
                parent = path.parent  # the last word may be a name within the module
                places = (path, path.with_suffix(".py"), parent.with_suffix(".py"))
                if not any(place.exists() for place in places) and not name.endswith((".py", ".toml")):
                    missing.append(f"{one.name}: {name}")
    assert not missing


def test_every_command_on_a_page_exists_with_its_options() -> None:
    wrong = []
    shown = 0
    for one in read_pages():
        for words in commands_of(one):
            if not words or words == ["..."] or words[0].startswith("-"):
                continue
            shown += 1
            if fault := find_command_fault(words):
                wrong.append(f"{one.name}: ./kabar {' '.join(words)}: {fault}")
    assert shown > 20, "the pages show commands; were they found?"
    assert not wrong


def find_command_fault(words: list[str]) -> str:
    """Return what is wrong with a command, or an empty string."""
    options = {word for word in words if word.startswith("-") and word != "-"}
    if words[0] in OF_THE_LAUNCHER:
        return "no such option" if options - OF_THE_LAUNCHER[words[0]] else ""
    command: click.Command = kabar
    for word in words:
        if not isinstance(command, click.Group):
            break
        found = command.commands.get(word.strip(",;."))
        if found is None:
            return f"there is no {word}"
        command = found
    known = {name for parameter in command.params for name in parameter.opts}
    return f"no option {options - known}" if options - known else ""


def test_every_setting_that_a_page_names_exists() -> None:
    known = {name for name, _, _ in describe_settings()} | set(ELSEWHERE) | set(FALLBACKS)
    for folder in ("gateway.channels", "gateway.channels.ussd"):
        for name, adapter in discover(folder, having=("SETTINGS", "make")).items():
            known |= {option_variable(name, one.name) for one in adapter.SETTINGS}
    wrong = [
        f"{one.name}: {name}"
        for one in read_pages()
        for name in re.findall(r"KABAR_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_<])", one.text)
        if name not in known and f"{name}_..." not in one.text
    ]
    assert not wrong
