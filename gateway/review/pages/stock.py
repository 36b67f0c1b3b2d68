"""The stock of one contraceptive, facility by facility."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, request

from gateway.review.pages import frame, month_figures, show
from gateway.review.pages.missing import LARGEST_ID
from gateway.review.pages.month import find_wish
from gateway.stock import MONTHS_BACK, Status, judge_stock, last_given
from gateway.store import supplies, thresholds
from gateway.store.supplies import Supply
from gateway.store.thresholds import Threshold
from parsers.form import Form

routes = frame.make_routes("stock")

ROWS = 50


@routes.get("/month/stock")
def show_stock() -> Response:
    """Show what each facility has left of an item, fifty at a time."""
    runtime = frame.runtime_of_request()
    form = month_figures.find_stock_form(runtime.forms)
    after = request.args.get("after", type=int)
    if form is None:
        return frame.absent()
    known = month_figures.stock_items(form)
    item = request.args.get("item", "")
    item = item if item in known else known[0]
    only = request.args.get("only") == Status.EMPTY
    with runtime.database.session(read_only=True) as session:
        wish = find_wish(session, runtime)
        if wish is None:
            return frame.absent()
        found = supplies.list_supplies(
            session,
            form.code,
            item,
            month_figures.months_until(wish.period, MONTHS_BACK),
            wish.area.code,
            scope=frame.visitor().scope,
            only_empty=only,
            after=after if after is not None and 0 <= after < LARGEST_ID else None,
            limit=ROWS + 1,
        )
        chosen = thresholds.thresholds_around(session, wish.area.code, form.code, scope=frame.visitor().scope)
    rows = [
        (one, judge_stock(one.left, last_given(one.given, wish.period), *_limits(chosen, form, one)))
        for one in found[:ROWS]
    ]
    about = {"item": item, "form": None, "only": Status.EMPTY.value if only else None}
    return frame.answer(
        "stock.html",
        wish=wish,
        rows=rows,
        item=item,
        item_name=show.name_item(form, item),
        items=[(one, show.name_item(form, one)) for one in known],
        only=only,
        older=wish.url("stock.show_stock", after=rows[-1][0].facility_id, **about) if len(found) > ROWS else None,
        now=runtime.now(),
    )


def _limits(chosen: Sequence[Threshold], form: Form, supply: Supply) -> tuple[int, int]:
    return month_figures.stock_limits(chosen, form, supply.area, supply.type)
