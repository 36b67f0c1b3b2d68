"""Which Kabar this is: pyproject.toml says the same, and a test holds that."""

from __future__ import annotations

VERSION = "0.1.0"
