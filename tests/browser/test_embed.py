"""The page to embed within another site, as a stranger's browser shows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.browser.office import House

pytestmark = pytest.mark.browser


@contextmanager
def serve_city(address: str) -> Iterator[str]:
    """Serve a city's site, another one to the browser, whose page holds an address in a frame."""

    @Request.application
    def show(_request: Request) -> Response:
        frame = f'<iframe src="{address}" title="KB" width="340" height="760"></iframe>'
        return Response(f'<!doctype html><link rel="icon" href="data:,">{frame}', content_type="text/html")

    server = make_server("127.0.0.1", 0, show)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_site_shows_it_in_a_frame_where_a_method_can_be_looked_for(chromium: Browser, office: House) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with serve_city(f"{office.url}/embed/14.03") as city:
        page.goto(city)
        frame = page.frame_locator("iframe")
        expect(frame.get_by_role("heading", level=1)).to_contain_text("Kabupaten Bengkalis")
        frame.get_by_label("Alat atau pelayanan").select_option("pil")
        frame.get_by_role("button", name="Cari").click()
        expect(frame.get_by_role("listitem").first).to_contain_text("tersedia: Pil")
        assert context.cookies() == []
        here = [url for url in asked if not url.startswith(("data:", city))]
        assert {url.partition("?")[0] for url in here} == {f"{office.url}/embed/14.03"}
    context.close()


def test_no_other_page_is_shown_in_a_frame(chromium: Browser, office: House) -> None:
    context = chromium.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    with serve_city(f"{office.url}/login") as city:
        page.goto(city, wait_until="networkidle")
        expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_have_count(0)
    assert [words for words in complaints if "frame" in words.lower()], complaints
    context.close()
