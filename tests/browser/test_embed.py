"""The page to embed within another site, as a stranger's browser shows it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.office import House

pytestmark = pytest.mark.browser


def test_another_site_shows_it_in_a_frame_where_a_method_can_be_looked_for(chromium: Browser, office: House) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(f'<iframe src="{office.url}/embed/14.03" title="KB" width="340" height="760"></iframe>')
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_contain_text("Kabupaten Bengkalis")
    frame.get_by_label("Alat atau pelayanan").select_option("pil")
    frame.get_by_role("button", name="Cari").click()
    expect(frame.get_by_role("listitem").first).to_contain_text("tersedia: Pil")
    assert context.cookies() == []
    assert {url.partition("?")[0] for url in asked} == {f"{office.url}/embed/14.03"}
    context.close()


def test_no_other_page_is_shown_in_a_frame(chromium: Browser, office: House) -> None:
    context = chromium.new_context()
    page = context.new_page()
    with page.expect_event("console", lambda said: "frame" in said.text.lower()):
        page.set_content(f'<iframe src="{office.url}/login" title="KB"></iframe>')
    expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_have_count(0)
    context.close()
