"""/api/v1/forms: which forms there are, and the codes of what they count."""

from __future__ import annotations

from gateway.publish.api import Caller, Operation, Resource
from gateway.publish.shapes import Asked, Page, Told
from parsers.form import Form

resource = Resource("forms")
routes = resource.routes


class MeasureTold(Told):
    """One measure, and the items that it is counted by."""

    code: str
    name: str
    name_id: str
    items: list[str]


class FormTold(Told):
    """One form. Values are named `measure` or `measure.item`."""

    code: str
    name: str
    name_id: str
    version: int
    required: list[str]
    measures: list[MeasureTold]


class FormPage(Page[FormTold]):
    """The forms."""


@resource.serve(
    Operation(
        name="listForms",
        method="GET",
        path="/forms",
        scope=None,
        says={
            "en": "Forms, and the codes of what they count.",
            "id": "Formulir, dan kode semua yang dihitung di dalamnya.",
        },
        taken={200: FormPage},
    )
)
def list_forms(caller: Caller, _asked: Asked) -> FormPage:
    """Return every form."""
    return FormPage(items=[_tell(form) for form in caller.runtime.forms])


def _tell(form: Form) -> FormTold:
    measures = [
        MeasureTold(
            code=one.code,
            name=one.names.get("en") or one.names["id"],
            name_id=one.names["id"],
            items=[item for item in form.items if item in one.items],
        )
        for one in form.measures.values()
    ]
    return FormTold(
        code=form.code,
        name=form.name("en"),
        name_id=form.name("id"),
        version=form.version,
        required=list(form.required),
        measures=measures,
    )
