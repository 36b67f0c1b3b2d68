"""No secret lies in what is shipped."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

from tests.house.source import PRODUCT as CODE
from tests.house.source import ROOT, read_modules

KINDS = [
    *("AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "GitHubTokenDetector", "GitLabTokenDetector"),
    *("JwtTokenDetector", "KeywordDetector", "MailchimpDetector", "NpmDetector", "OpenAIDetector"),
    *("PrivateKeyDetector", "SendGridDetector", "SlackDetector", "StripeDetector", "TelegramBotTokenDetector"),
    *("TwilioKeyDetector",),
]
PRODUCT = ("gateway", "parsers", "workers", "migrations", "docs", ".ci", "kabar", "pyproject.toml", "Procfile")
READ = {".py", ".md", ".toml", ".html", ""}
EXAMPLES = {  # what looks like a secret and is an example or a word
    ("docs/gammu.md", "Basic Auth Credentials"),
    ("docs/gammu.md", "Secret Keyword"),
    ("docs/kannel.md", "Basic Auth Credentials"),
    ("docs/kannel.md", "Secret Keyword"),
    ("docs/settings.md", "Basic Auth Credentials"),
    ("docs/webhooks.md", "Secret Keyword"),
    ("docs/adding-a-channel.md", "Secret Keyword"),
    ("gateway/archive.py", "Secret Keyword"),
    ("gateway/checks/servers.py", "Basic Auth Credentials"),
    ("gateway/channels/gammu_settings.py", "Basic Auth Credentials"),
    ("gateway/channels/gammu_tables.py", "Basic Auth Credentials"),
    ("gateway/channels/simulator.py", "Secret Keyword"),
    ("gateway/settings.py", "Basic Auth Credentials"),
}
CHANCE = {  # where chance is no secret: waits, and figures that are made up
    *("gateway.export.webhooks.deliver", "gateway.reply.send", "gateway.demo", "gateway.demo_stock", "workers.smpp"),
}


def files() -> list[Path]:
    """Return what is shipped and read: code, pages, settings, guides."""
    tops = [ROOT / name for name in PRODUCT]
    found = [path for top in tops for path in (sorted(top.rglob("*")) if top.is_dir() else [top])]
    return [path for path in found if path.is_file() and path.suffix in READ and "__pycache__" not in path.parts]


def find_secrets(*paths: Path) -> set[tuple[Path, str]]:
    """Return (file, kind) of everything that looks like a secret."""
    found = SecretsCollection()
    with transient_settings({"plugins_used": [{"name": kind} for kind in KINDS]}):
        for path in paths:
            found.scan_file(str(path))
    return {(Path(name), secret.type) for name, secret in found}


@pytest.mark.long  # every line of every file is looked at
def test_no_secret_is_shipped() -> None:
    found = {(str(path.relative_to(ROOT)), kind) for path, kind in find_secrets(*files())}
    assert found - EXAMPLES == set()


def test_the_search_would_find_one(tmp_path: Path) -> None:
    key = tmp_path / "key.py"
    key.write_text("-----BEGIN RSA PRIVATE " + "KEY-----\nAWS = 'AKIA" + "IOSFODNN7EXAMPLE'\n")
    assert find_secrets(key) == {(key, "Private Key"), (key, "AWS Access Key")}


def test_chance_makes_no_secret() -> None:
    found = {
        module.name
        for module in read_modules(*CODE)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names)
    }
    assert found == CHANCE
