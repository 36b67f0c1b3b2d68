"""Schemathesis asks the real server whatever its own description allows and forbids, and judges every answer by it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance
from werkzeug.serving import make_server

from gateway.app import create_app
from gateway.publish import openapi
from gateway.publish.api import BASE
from gateway.store.base import Database
from tests.district import District, make_runtime
from tests.gateway.publish.conftest import WORDS, Systems, plant_neighbour

EXAMPLES = 25  # of each operation and mode
OPERATIONS = [(operation.method, f"{BASE}{operation.path}") for _, operation in openapi.list_operations()]


@dataclass(frozen=True, slots=True)
class Server:
    """The running application, its description as it serves it, and a token that opens everything."""

    schema: BaseSchema
    secret: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Server]:
    """The application on a free port of this machine, with some reports in it."""
    folder = tmp_path_factory.mktemp("api")
    database = Database(f"sqlite:///{shutil.copy(migrated_sqlite, folder / 'kabar.db')}")
    runtime = make_runtime(database, folder / "var", api_per_minute=100_000)
    district = District(runtime)
    plant_neighbour(district)
    for name in ("ani", "budi", "eve"):
        district.say(name, WORDS)
    district.say("budi", "ALOKON 0925 PIL AWAL 10 TERIMA 5 KELUAR 5 AKHIR 10")
    app = create_app(runtime)
    system = Systems(app, district).make()
    serving = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{serving.server_port}/api/v1/openapi.json")
    yield Server(schema, system.secret)
    serving.shutdown()
    thread.join()
    serving.server_close()
    database.dispose()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "forbidden"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_every_answer_is_as_the_description_says(server: Server, method: str, path: str, mode: GenerationMode) -> None:
    """No fault of ours, no status, type or shape that is not described, nothing wrong taken, no door without a token.

    What is allowed by its shape may still not be there, or no report that can be taken: that is told as described.
    """
    strategy = server.schema[path][method].as_strategy(generation_mode=mode)

    @settings(max_examples=EXAMPLES, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
    @given(case=strategy)
    def ask(case: Case[Any]) -> None:
        given = {"Authorization": f"Bearer {server.secret}"}
        case.call_and_validate(headers=given, excluded_checks=[positive_data_acceptance])

    ask()
