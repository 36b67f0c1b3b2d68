"""/api/v1/stock: what facilities have left, for how long it lasts, and how much to send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from gateway.calendar import report_month, shift
from gateway.handle.limits import limits_for
from gateway.publish.api import Caller, Operation, Resource, absent, choose_area, paged, read_cursor
from gateway.publish.shapes import AreaCode, Count, ItemCode, Page, Paged, Period, Told
from gateway.stock import GIVEN, LEFT, MONTHS_BACK, Status, judge_stock, last_given
from gateway.store import figures, supplies, thresholds
from gateway.store.facilities import Facility
from gateway.store.supplies import Shelf
from gateway.store.thresholds import Threshold
from gateway.store.tokens import TokenScope
from parsers.form import Form

resource = Resource("stock")
routes = resource.routes


class ListStock(Paged):
    """Whose stock is asked for, and of what. Without a period, at the end of the month that is due."""

    area: AreaCode | None = None
    period: Period | None = None
    item: ItemCode | None = None


class ItemTold(Told):
    """One item. `usual` is what a usual month takes; `months` is how long it lasts, null where nobody knows."""

    item: str
    left: Count
    usual: float | None
    months: float | None
    status: Status
    resupply: Count


class StockTold(Told):
    """All that a facility has."""

    facility: str
    name: str
    type: str
    area: str
    period: str
    items: list[ItemTold]


class StockPage(Page[StockTold]):
    """Stock of the facilities that reported it, by their code."""


@resource.serve(
    Operation(
        name="listStock",
        method="GET",
        path="/stock",
        scope=TokenScope.READ_STOCK,
        says={
            "en": "What facilities have left at the end of a month, its status, and how much to send.",
            "id": "Sisa stok faskes pada akhir bulan, statusnya, dan berapa yang perlu dikirim.",
        },
        query=ListStock,
        taken={200: StockPage},
    )
)
def list_stock(caller: Caller, asked: ListStock) -> Page[Any]:
    """Return a page of facilities with their stock."""
    code = choose_area(caller, asked.area)
    form = next((one for one in caller.runtime.forms if {LEFT, GIVEN} <= one.measures.keys()), None)
    if form is None or (asked.item is not None and asked.item not in form.measures[LEFT].items):
        raise absent()
    after = read_cursor(asked, str, "")
    with caller.runtime.database.session(read_only=True) as session:
        area = figures.find_area(session, code, scope=caller.scope)
        if area is None:
            raise absent()
        period = asked.period or report_month(caller.now.astimezone(ZoneInfo(area.timezone)).date())
        periods = [shift(period, -back) for back in range(MONTHS_BACK)]
        found = supplies.list_shelves(
            session, form.code, periods, code, scope=caller.scope, after=after, limit=asked.limit + 1
        )
        chosen = (
            *thresholds.thresholds_around(session, code, form.code, scope=caller.scope),
            *thresholds.thresholds_within(session, form.code, scope=caller.scope),
        )

    def tell(shelf: Shelf) -> StockTold:
        return _tell(shelf, form, period, chosen, asked.item)

    return paged(found, asked, tell, lambda one: one.code, StockPage)


def _tell(shelf: Shelf, form: Form, period: str, chosen: Sequence[Threshold], item: str | None) -> StockTold:
    place = Facility(0, "", "", "", shelf.type, shelf.area, "")
    limits = limits_for(chosen, form, place)
    items = []
    for one in form.items:
        if one not in shelf.left or item not in (None, one):
            continue
        given = last_given(shelf.given.get(one, {}), period)
        stock = judge_stock(shelf.left[one], given, limits.stock_least, limits.stock_most)
        items.append(
            ItemTold(
                item=one,
                left=shelf.left[one],
                usual=None if stock.usual is None else round(stock.usual, 2),
                months=None if stock.months is None else round(stock.months, 2),
                status=stock.status,
                resupply=stock.resupply,
            )
        )
    return StockTold(facility=shelf.code, name=shelf.name, type=shelf.type, area=shelf.area, period=period, items=items)
