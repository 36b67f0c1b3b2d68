"""The rules of ADX in our own words: the schema of 2015, and three against being misread by newer DHIS2."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping

SPACE = "{urn:ihe:qrph:adx:2015}"
INSTANT = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)  # xs:dateTime
PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])/P(1D|7D|14D|1M|2M|3M|6M|1Y)", re.ASCII)
DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)  # xs:decimal
NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)  # of an attribute, which a category's code becomes


def find_faults(content: bytes) -> list[str]:
    """Return what a document does wrong, in sentences; none where it is good."""
    try:
        root = ET.fromstring(content)
    except ET.ParseError as fault:
        return [f"no XML: {fault}"]
    if root.tag != f"{SPACE}adx":
        return [f"the root is {root.tag}"]
    return [*_check_root(root), *(fault for group in root for fault in _check_group(group)), *_check_keys(root)]


def _check_root(root: ET.Element) -> Iterator[str]:
    if not INSTANT.fullmatch(root.get("exported", "")):
        yield "exported is no instant"
    if set(root.attrib) - {"exported"}:
        yield f"the root has more attributes: {sorted(root.attrib)}"
    if not len(root):
        yield "there is no group"


def _check_group(group: ET.Element) -> Iterator[str]:
    if group.tag != f"{SPACE}group":
        yield f"{group.tag} stands where a group should"
        return
    yield from _check_names(group.attrib)
    for name in ("dataSet", "orgUnit"):
        if not group.get(name):
            yield f"a group has no {name}"
    if not PERIOD.fullmatch(group.get("period", "")):
        yield f"{group.get('period')} is no period"
    if "completeDate" in group.attrib:
        yield "completeDate: from 2.43 on two groups with the same one are merged, and belong to no facility"
    if not len(group):
        yield "a group is empty"
    for value in group:
        if value.tag != f"{SPACE}dataValue":
            yield f"{value.tag} stands where a value should"
            continue
        yield from _check_names(value.attrib)
        if not value.get("dataElement"):
            yield "a value has no dataElement"
        if not DECIMAL.fullmatch(value.get("value", "")):
            yield f"{value.get('value')!r} is no decimal"
        if len(value):
            yield "a value has an annotation, which is taken for the value from 2.43 on"


def _check_names(attributes: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{name} is no name of an attribute" for name in attributes if not NAME.fullmatch(name))


def _check_keys(root: ET.Element) -> Iterator[str]:
    seen = set()
    for group in root:
        for value in group:
            parts = [(name, word) for name, word in value.attrib.items() if name != "value"]
            key = (*sorted(group.attrib.items()), *sorted(parts))
            if key in seen:
                yield f"{value.attrib} stands twice in a group"
            seen.add(key)
