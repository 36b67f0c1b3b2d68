"""Python runs this first in the processes of a chaos run: it puts the run's patches in, before anything else starts."""

from __future__ import annotations

import os

from tests.chaos import patches

patches.put_in(os.environ.get("CHAOS_PATCHES", "").split())
