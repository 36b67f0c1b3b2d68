"""What a DHIS2 does with a data value set, in three generations: a model made from reading dhis2-core, not a DHIS2.

36 stands for all up to 2.37, 42 for 2.38 to 2.42, 43 for 2.43 and later. `catalogue.json` holds what it answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.gateway.export.dhis2.their_answers import Body, Broken, Refusal, envelope, read_period, refuse
from tests.gateway.export.dhis2.their_country import DEFAULT, Country

WHOLE_OR_ZERO = re.compile(r"(0|[1-9]\d*)\Z")
Key = tuple[str, str, str, str]  # data element, period, org unit, combo
UID = re.compile(r"[A-Za-z][A-Za-z0-9]{10}")


@dataclass
class TheirImport:
    """The values of one DHIS2 and how it takes others in. `writes` counts what each key was given, by time."""

    generation: int
    country: Country
    store: dict[Key, dict[str, Any]] = field(default_factory=dict)
    complete: dict[tuple[str, str, str], str] = field(default_factory=dict)
    completions: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def live(self) -> dict[Key, str]:
        """The values that are there."""
        return {key: one["value"] for key, one in self.store.items() if not one["deleted"]}

    def take(self, body: bytes, params: Mapping[str, str]) -> tuple[int, Body]:
        """Take a data value set in and return the answer."""
        summary: Body = {
            "responseType": "ImportSummary",
            "status": "SUCCESS",
            "importCount": dict.fromkeys(("imported", "updated", "ignored", "deleted"), 0),
            "conflicts": [],
            "rejectedIndexes": [],
            "dataSetComplete": "false",
        }
        try:
            group, values = self._read(body)
            (self._take_43 if self.generation >= 43 else self._take_42)(summary, group, values, params)
        except Refusal as refusal:
            refuse(summary, refusal)
        except Broken as broken:
            if self.generation >= 43:
                name = {400: "Bad Request", 500: "Internal Server Error"}[broken.status]
                return broken.status, envelope(broken.status, name, "ERROR", broken.said)
            summary |= {"status": "ERROR", "description": f"The import process failed: {broken.said}"}
        return self._answer(summary)

    def _answer(self, summary: Body) -> tuple[int, Body]:
        state, is_new = summary["status"], self.generation >= 43
        if self.generation == 36:
            return 200, summary
        status = 200 if state == "SUCCESS" or (is_new and state == "WARNING") else 409
        warned = (
            "Import completed with warnings, please check" if is_new else "One more conflicts encountered, please check"
        )
        said = {
            "SUCCESS": "Import was successful.",
            "ERROR": "An error occurred, please check import summary.",
            "WARNING": f"{warned} import summary.",
        }[state]
        name = "OK" if status == 200 else "Conflict"
        return status, envelope(status, name, "OK" if state == "SUCCESS" else state, said) | {"response": summary}

    def _read(self, body: bytes) -> tuple[Body, list[Body]]:
        try:
            group = json.loads(body)
        except ValueError as fault:
            raise Broken(400, f"Unexpected character in JSON: {fault}") from fault
        values = group.get("dataValues") or []
        for value in values:
            for name in ("value", "period", "dataElement", "orgUnit"):
                given = value.get(name)
                if given is not None and not isinstance(given, str):
                    if self.generation == 43:
                        raise Broken(500, f"Path `.{name}` does not contain an STRING but a(n) NUMBER: {given}")
                    value[name] = str(given)
        return group, values

    def _schemes(self, group: Body, params: Mapping[str, str]) -> dict[str, str]:
        base = group.get("idScheme") or params.get("idScheme") or "UID"
        names = {
            "de": "dataElementIdScheme",
            "ou": "orgUnitIdScheme",
            "ds": "dataSetIdScheme",
            "coc": "categoryOptionComboIdScheme",
        }
        return {kind: str(group.get(name) or params.get(name) or base) for kind, name in names.items()}

    # up to 2.42: value by value; month and org unit of the group win; completion first, and in a dry run too

    def _take_42(self, summary: Body, group: Body, values: list[Body], params: Mapping[str, str]) -> None:
        country, schemes = self.country, self._schemes(group, params)
        data_set = country.find("ds", group.get("dataSet"), schemes["ds"])
        if group.get("dataSet") and not data_set:
            said = f"Data set not found or not accessible: `{group['dataSet']}`"
            self._abort(summary, "E7600", said, "dataSet", group["dataSet"])
            return
        unit = country.find("ou", group.get("orgUnit"), schemes["ou"])
        if group.get("orgUnit") and not unit:
            said = f"Org unit not found or not accessible: `{group['orgUnit']}`"
            self._abort(summary, "E7603", said, "organisationUnit", group["orgUnit"])
            return
        month = read_period(group.get("period"))
        if data_set and group.get("completeDate"):
            if unit and month:
                self.complete[(data_set, month[1], unit)] = group["completeDate"]
            else:
                about = "Period" if unit else "OrganisationUnit"
                summary["conflicts"].append({"object": about, "value": "Must be provided to complete data set"})
        for at, value in enumerate(values):
            self._take_one_42(summary, at, value, (data_set, month, unit), schemes, params)
        for conflict in summary["conflicts"]:
            conflict.pop("_key", None)
            if self.generation == 36:
                for name in ("objects", "errorCode", "property", "indexes"):
                    conflict.pop(name, None)
        summary["status"] = "WARNING" if summary["conflicts"] else "SUCCESS"

    def _take_one_42(
        self,
        summary: Body,
        at: int,
        value: Body,
        around: tuple[Any, Any, Any],
        schemes: Mapping[str, str],
        params: Mapping[str, str],
    ) -> None:
        country, (data_set, month, unit) = self.country, around
        named, combo_code = value.get("dataElement"), value.get("categoryOptionCombo")
        element = country.find("de", named, schemes["de"])
        month = month or read_period(value.get("period"))
        unit = unit or country.find("ou", value.get("orgUnit"), schemes["ou"])
        combo = country.find("coc", combo_code, schemes["coc"]) if combo_code else DEFAULT
        said_unit = value.get("orgUnit", unit)

        def no(code: str, said: str, objects: Body, about: str) -> None:
            self._conflict(summary, at, code, said, objects, about)

        if not element:
            no("E7610", f"Data element not found or not accessible: `{named}`", {"dataElement": named}, "dataElement")
        elif not month:
            no("E7611", f"Period not valid: `{value.get('period')}`", {"period": value.get("period")}, "period")
        elif not unit:
            said = f"Organisation unit not found or not accessible: `{value.get('orgUnit')}`"
            no("E7612", said, {"organisationUnit": value.get("orgUnit")}, "orgUnit")
        elif not combo:
            said = f"Category option combo not found or not accessible for writing data: `{combo_code}`"
            no("E7613", said, {"categoryOptionCombo": combo_code}, "categoryOptionCombo")
        elif unit not in country.user_units:
            said = f"Organisation unit: `{said_unit}` not in hierarchy of current user: `u`"
            no("E7617", said, {"organisationUnit": said_unit, "user": "u"}, "orgUnit")
        elif strict := self._find_strict(element, month, unit, params):
            no(strict[0], strict[1], {"dataElement": named}, "dataElement")
        else:
            self._store_42(summary, at, value, (element, month, unit, combo), data_set, params)

    def _find_strict(
        self, element: str, month: tuple[str, str], unit: str, params: Mapping[str, str]
    ) -> tuple[str, str] | None:
        if month[0] != "Monthly" and params.get("strictPeriods") == "true":
            return "E7632", f"Period type of period: `{month[1]}` not valid for data element: `{element}`"
        if element not in self.country.in_set and params.get("strictDataElements") == "true":
            return "E7633", f"Data element: `{element}` is not part of dataset"
        if unit not in self.country.assigned and params.get("strictOrganisationUnits") == "true":
            return (
                "E7636",
                f"Data element: `{element}` is not assigned through data sets to organisation unit: `{unit}`",
            )
        return None

    def _store_42(
        self,
        summary: Body,
        at: int,
        value: Body,
        where: tuple[str, tuple[str, str], str, str],
        data_set: str | None,
        params: Mapping[str, str],
    ) -> None:
        element, month, unit, combo = where
        given, is_deleted = value.get("value"), bool(value.get("deleted"))
        strategy, count = params.get("importStrategy", "CREATE_AND_UPDATE"), summary["importCount"]
        number = given if (given or "").strip() else None
        named = value["dataElement"]
        if given is None and not is_deleted and strategy != "DELETE":
            said = f"Data value or comment not specified for data element: `{named}`"
            self._conflict(summary, at, "E7618", said, {"dataElement": named}, "value")
            return
        if number is not None and not WHOLE_OR_ZERO.match(number):
            fault = "value_not_zero_or_positive_integer"
            said = f"Value must match value type of data element `{named}`: `{fault}`"
            self._conflict(summary, at, "E7619", said, {"dataElement": named, "value": fault}, "value")
            return
        if locked := self._find_lock(month, element, data_set):
            self._conflict(summary, at, locked[0], locked[1], {"period": month[1], "dataSet": data_set or ""}, "period")
            return
        key = (element, month[1], unit, combo)
        old = self.store.get(key)
        is_dropped = number == "0" and not self.country.keeps_zero
        new: Body | None = None
        if is_dropped and (old is None or strategy == "CREATE"):
            return  # no count and no conflict
        if old and not old["deleted"]:
            if strategy == "CREATE":
                count["ignored"] += 1
                summary["rejectedIndexes"].append(at)
            elif is_deleted or is_dropped or number is None or strategy == "DELETE":
                count["deleted"] += 1
                new = {"value": number, "deleted": True}
            elif old["value"] == number:
                count["ignored"] += 1
            else:
                count["updated"] += 1
                new = {"value": number, "deleted": False}
        elif (number is None and not is_deleted) or strategy == "DELETE":
            count["ignored"] += 1
        else:
            count["imported"] += 1
            new = {"value": number, "deleted": is_deleted}
        if new is not None and params.get("dryRun") != "true":
            self.store[key] = new

    def _abort(self, summary: Body, code: str, said: str, name: str, about: str) -> None:
        conflict: Body = {"object": about, "value": said}
        if self.generation != 36:
            conflict = {"object": about, "objects": {name: about}, "value": said, "errorCode": code}
        summary["conflicts"].append(conflict)
        summary |= {"status": "ERROR", "description": "Import process was aborted"}

    def _conflict(self, summary: Body, at: int, code: str, said: str, objects: Body, about: str) -> None:
        key = (code, tuple(objects.values()))
        summary["rejectedIndexes"].append(at)
        summary["importCount"]["ignored"] += 1
        for conflict in summary["conflicts"]:
            if conflict.get("_key") == key:
                conflict["indexes"].append(at)
                return
        first = next(iter(objects.values()), None)
        found = {"_key": key, "object": first, "objects": objects, "value": said}
        summary["conflicts"].append(found | {"errorCode": code, "property": about, "indexes": [at]})

    def _find_lock(self, month: tuple[str, str], element: str, data_set: str | None) -> tuple[str, str] | None:
        country, (kind, period) = self.country, month
        year, number = int(period[:4]), int(period[4:6]) if kind == "Monthly" else 12
        end = date(year + (number == 12), number % 12 + 1, 1) - timedelta(1)
        data_set = data_set or country.set_uid
        if country.expiry_days and country.today > end + timedelta(country.expiry_days):
            return "E7640", f"Current date is past expiry days for period: `{period}`  and data set: `{data_set}`"
        last = country.today.year * 12 + country.today.month - 2 + country.open_future
        if kind == "Monthly" and year * 12 + number - 1 > last:
            said = f"Period: `{period}` is after latest open future period: `{country.today:%Y%m}`"
            return "E7641", f"{said} for data element: `{element}` and data set: `{data_set}`"
        return None

    # from 2.43: look everything up, check it as a whole, then value by value

    def _take_43(self, summary: Body, group: Body, values: list[Body], params: Mapping[str, str]) -> None:
        country, schemes = self.country, self._schemes(group, params)
        given = group.get("dataSet")
        data_set = given if schemes["ds"].upper() == "UID" else country.find("ds", given, schemes["ds"])
        if given and not data_set:
            raise Refusal("E8005", f"Data set not found: `{given}`", [given])
        if group.get("completeDate") and not (given and group.get("orgUnit") and group.get("period")):
            said = "Data set `completeDate` requires data set, org unit, period and attribute option combo"
            raise Refusal("E8009", f"{said} to be defined at the group level.", [])
        found = [self._look_up(at, value, group, schemes) for at, value in enumerate(values)]
        if found:
            self._check_43(data_set or country.set_uid, found)
        self._store_43(summary, found, group, params)

    def _look_up(
        self, at: int, value: Body, group: Body, schemes: Mapping[str, str]
    ) -> tuple[int, Key, tuple[str, str], Body]:
        named = value.get("period") or group.get("period")
        month = read_period(named)
        if named and not month:
            raise Broken(400, f"Invalid Period `{named}`, failed to create date interval")
        if not month:
            raise Refusal("E8100", f"Value #{at} period not defined in group or value", [at])

        def look(kind: str, code: str, words: str, codes: tuple[str, str]) -> str:
            if schemes[kind].upper() == "UID":
                if UID.fullmatch(code):
                    return code
                between = "" if kind == "de" else "is "
                raise Refusal(codes[1], f"Value #{at} {words} UID {between}not valid: `{code}`", [at, code])
            uid = self.country.find(kind, code, schemes[kind])
            if uid is None:
                raise Refusal(codes[0], f"Value #{at} {words} not found: `{code}`", [at, code])
            return uid

        element = look("de", value["dataElement"], "data element", ("E8103", "E8104"))
        unit_code = value.get("orgUnit") or group.get("orgUnit")
        if not unit_code:
            raise Refusal("E8105", f"Value #{at} org unit not defined in group or value", [at])
        unit = look("ou", unit_code, "org unit", ("E8107", "E8106"))
        code = value.get("categoryOptionCombo")
        combo = look("coc", code, "category option combo", ("E8108", "E8109")) if code else DEFAULT
        return at, (element, month[1], unit, combo), month, value

    def _check_43(self, data_set: str, found: Sequence[tuple[int, Key, tuple[str, str], Body]]) -> None:
        country, indexes = self.country, [one[0] for one in found]

        def check(code: str, said: str, wrong: Sequence[str], *first: str) -> None:
            if wrong:
                listed = f"[{', '.join(dict.fromkeys(wrong))}]"
                raise Refusal(code, f"{said}: `{listed}`", [*first, listed], indexes)

        units = [one[1][2] for one in found]
        check(
            "E8011",
            "Current user cannot enter data for org unit(s)",
            [one for one in units if one not in country.user_units],
        )
        use = f"Data set {data_set} not usable with"
        outside = [one[1][0] for one in found if one[1][0] not in country.in_set]
        check("E8020", f"{use} data element(s)", outside, data_set)
        check("E8022", f"{use} org unit(s)", [one for one in units if one not in country.assigned], data_set)
        check("E8021", f"{use} period(s)", [one[2][1] for one in found if one[2][0] != "Monthly"], data_set)
        for _at, key, month, _value in found:
            if self._find_lock(month, key[0], data_set):
                said = f"Untimely data entry for data set {data_set} and period(s): `[{month[1]}]`"
                raise Refusal("E8030", said, [data_set, month[1]], indexes)
        for _at, key, _month, _value in found:
            same = [one[0] for one in found if one[1] == key]
            if len(same) > 1:
                raise Refusal("E8128", f"Value #{same} all affect the same data value", same, indexes)

    def _store_43(
        self,
        summary: Body,
        found: Sequence[tuple[int, Key, tuple[str, str], Body]],
        group: Body,
        params: Mapping[str, str],
    ) -> None:
        is_removal, kind = params.get("importStrategy") == "DELETE", "INTEGER_ZERO_OR_POSITIVE"
        put: list[tuple[Key, Body]] = []
        for at, key, _month, value in found:
            number = value.get("value") or None
            number = number[:-2] if number and number.endswith(".0") else number
            is_deleted = is_removal or bool(value.get("deleted"))
            trouble: tuple[str, str, str] | None = None
            if number is None and not is_deleted:
                trouble = ("E8120", f"Value #{at} value is required", str(at))
            elif number is not None and not is_deleted and not WHOLE_OR_ZERO.match(number):
                fault = "value_not_zero_or_positive_integer"
                trouble = (
                    "E8122",
                    f"Value #{at} value `{number}` is no valid {kind}: {fault}",
                    f"{at}-{number}-{kind}-{fault}",
                )
            if trouble is None:
                put.append((key, {"value": number, "deleted": is_deleted}))
                continue
            code, said, arguments = trouble
            summary["conflicts"].append(
                {"objects": {"args": arguments}, "value": said, "errorCode": code, "indexes": [at]}
            )
            summary["rejectedIndexes"].append(at)
        wrong = len(found) - len(put)
        if params.get("atomic") == "true" and wrong:
            summary["conflicts"].clear()
            summary["rejectedIndexes"].clear()
            said = f"Atomic mode requires all values to be valid but only {len(put)}/{len(found)} were."
            raise Refusal("E8000", said, [len(put), len(found)], [one[0] for one in found])
        if params.get("dryRun") != "true":
            self.store.update(put)
        summary["importCount"]["deleted" if is_removal else "updated"] += len(put)
        summary["importCount"]["ignored"] += wrong
        if wrong:
            summary["status"] = "WARNING" if put else "ERROR"
