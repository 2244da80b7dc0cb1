# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIM values as XML: instances, projections, method parameters, references (MS-WSMV 2.2.4 and captured answers)."""

from __future__ import annotations

import datetime
import typing as t
import xml.etree.ElementTree as ET

from tests.simulator.windows.interface import CimInstance, CimReference, CimValue
from tests.simulator.wire.soap import ANONYMOUS, WMI_PREFIX, declarations, element, local_name, tag

Parameters: t.TypeAlias = dict[str, "list[str] | None"]


def class_uri(namespace: str, class_name: str) -> str:
    """Give the resource URI of a WMI class."""
    return f"{WMI_PREFIX}{namespace}/{class_name}"


def split_class_uri(uri: str) -> tuple[str, str] | None:
    """Give (namespace, class) of a WMI resource URI, or None if it is none."""
    if not uri.lower().startswith(WMI_PREFIX):
        return None
    namespace, _separator, class_name = uri[len(WMI_PREFIX) :].strip("/").rpartition("/")
    return (namespace, class_name) if namespace and class_name else None


def instance_element(instance: CimInstance) -> ET.Element:
    """Write an instance: a projection as ``w:XmlFragment`` without a class, anything else as its class element."""
    if instance.projected:
        made = element("w:XmlFragment", attributes=declarations("xsi", "w"))
        return _with_properties(made, instance, prefix="")
    made = element(f"p:{instance.class_name}", attributes=_class_declarations(instance))
    made.set("xsi:type", f"p:{instance.class_name}_Type")
    return _with_properties(made, instance, prefix="p:")


def output_element(output: CimInstance, *, uri: str) -> ET.Element:
    """Write the OUTPUT of a method in the namespace of the class; ReturnValue comes last, as captured."""
    attributes = {**declarations("xsi"), "xmlns:p": uri, **declarations("cim")}
    made = element(f"p:{output.class_name}", attributes=attributes)
    for name in sorted(output.properties, key=lambda item: item == "ReturnValue"):
        made.extend(value_elements(f"p:{name}", output.properties[name]))
    return made


def _class_declarations(instance: CimInstance) -> dict[str, str]:
    uri = class_uri(instance.namespace, instance.class_name)
    return {**declarations("xsi"), "xmlns:p": uri, **declarations("cim")}


def _with_properties(made: ET.Element, instance: CimInstance, *, prefix: str) -> ET.Element:
    for name in sorted(instance.properties, key=str.lower):
        made.extend(value_elements(f"{prefix}{name}", instance.properties[name]))
    return made


def value_elements(name: str, value: CimValue) -> list[ET.Element]:
    """Write one property or parameter: an array repeats the element, so an empty array writes nothing."""
    if isinstance(value, list):
        return [_value_element(name, item) for item in value]
    return [_value_element(name, value)]


def _value_element(name: str, value: CimValue) -> ET.Element:
    if value is None:
        return element(name, attributes={"xsi:nil": "true"})
    if isinstance(value, datetime.datetime | datetime.timedelta):
        return element(name, _time_element(value))
    if isinstance(value, CimReference):
        return element(name, *reference_elements(value))
    if isinstance(value, CimInstance):
        return _with_properties(_embedded_element(name, value), value, prefix="p:")
    if isinstance(value, bool):
        return element(name, text="true" if value else "false")
    return element(name, text=str(value))


def _embedded_element(name: str, value: CimInstance) -> ET.Element:
    return element(name, attributes={**_class_declarations(value), "xsi:type": f"p:{value.class_name}_Type"})


def _time_element(value: datetime.datetime | datetime.timedelta) -> ET.Element:
    kind, text = ("Interval", interval_text(value)) if isinstance(value, datetime.timedelta) else ("Datetime", "")
    if isinstance(value, datetime.datetime):
        text = datetime_text(value)
    return element(f"cim:{kind}", text=text, attributes=declarations("cim"))


def datetime_text(moment: datetime.datetime) -> str:
    """Write a moment in UTC; the fraction has as many digits as it needs, none if it is zero (as captured)."""
    text = moment.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def interval_text(span: datetime.timedelta) -> str:
    """Write a span as an xs:duration."""
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"P{span.days}DT{hours}H{minutes}M{seconds}S"


def reference_elements(reference: CimReference) -> tuple[ET.Element, ET.Element]:
    """Write the two elements of an endpoint reference."""
    selectors = [
        element("w:Selector", text=value, attributes={"Name": name}) for name, value in reference.selectors.items()
    ]
    address = element("a:Address", text=ANONYMOUS, attributes=declarations("a"))
    parameters = element(
        "a:ReferenceParameters",
        element("w:ResourceURI", text=class_uri(reference.namespace, reference.class_name)),
        element("w:SelectorSet", *selectors),
        attributes=declarations("a", "w"),
    )
    return address, parameters


def read_parameters(payload: ET.Element) -> Parameters:
    """Read ``Method_INPUT`` or a Put body: names match by local name, since senders differ in the namespace."""
    found: Parameters = {}
    for child in payload:
        name = local_name(child)
        if child.get(tag("xsi:nil")) in ("true", "1"):
            found[name] = None
        else:
            texts = found.setdefault(name, [])
            if texts is not None:
                texts.append("".join(child.itertext()))
    return found
