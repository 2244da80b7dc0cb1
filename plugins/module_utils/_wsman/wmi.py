# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WMI over WS-Management: the messages for classes, objects, queries and methods, and the typed answers."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import re
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import Origin, Unsendable

Scalar: t.TypeAlias = "str | int | bool | datetime.datetime"
Value: t.TypeAlias = "Scalar | t.Sequence[str] | t.Sequence[int] | None"
"""Input values: None is a null, a list is an array; an empty list sends no element at all (MS-WSMV 3.1.4.1.26)."""

WMI_ROOT: t.Final = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"  # MS-WSMV 3.1.4.1.1
WQL: t.Final = "http://schemas.microsoft.com/wbem/wsman/1/WQL"  # MS-WSMV 3.1.4.1.13
MAX_ELEMENTS: t.Final = 32_000  # MaxBatchItems since WinRM 2.0; older servers return fewer

_NAME: t.Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMESPACE: t.Final = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*")
# Methods that change nothing, by class: sending them twice is harmless.
_READING_METHODS: t.Final[t.Mapping[str, re.Pattern[str]]] = {
    "stdregprov": re.compile(r"(Get|Enum)[A-Za-z]+|CheckAccess"),
    "win32_service": re.compile(r"InterrogateService"),
}


@dataclasses.dataclass(frozen=True)
class Reference:
    """An endpoint reference to an object: its class, namespace (``root/cimv2``) and keys."""

    class_name: str
    namespace: str
    selectors: t.Mapping[str, str]

    def selector(self, name: str) -> str | None:
        """The value of one key, by its case-insensitive name."""
        return next((value for key, value in self.selectors.items() if key.casefold() == name.casefold()), None)


def class_uri(namespace: str, class_name: str) -> str:
    """The resource URI of a class; ``*`` as the class is the whole namespace (for WQL)."""
    if not _NAMESPACE.fullmatch(namespace) or not (class_name == "*" or _NAME.fullmatch(class_name)):
        raise Unsendable(host="", meaning=f"{namespace + '/' + class_name!a} is no name of a WMI class")
    return f"{WMI_ROOT}{namespace}/{class_name}"


def get_message(namespace: str, class_name: str, selectors: t.Mapping[str, str]) -> soap.Message:
    """Get one object by its keys; no keys for a singleton."""
    uri = class_uri(namespace, class_name)
    return soap.Message(soap.Action.GET.value, uri, selectors=selectors, repeatable=True)


def put_message(
    namespace: str, class_name: str, selectors: t.Mapping[str, str], properties: t.Mapping[str, Value]
) -> soap.Message:
    """Write an object's properties."""
    uri = class_uri(namespace, class_name)
    return soap.Message(soap.Action.PUT.value, uri, body=_members(class_name, uri, properties), selectors=selectors)


def enumerate_message(namespace: str, wql: str, *, dialect: str = WQL, optimized: bool = True) -> soap.Message:
    """Start a query.

    ``optimized``: the first items may come with the answer (OptimizeEnumeration, DSP0226 section 8.2.3).
    """
    first_items = (soap.element("w:OptimizeEnumeration"), soap.element("w:MaxElements", str(MAX_ELEMENTS)))
    query = soap.element("w:Filter", wql, {"Dialect": dialect})
    body = soap.container("n:Enumerate", *(first_items if optimized else ()), query)
    return soap.Message(soap.Action.ENUMERATE.value, class_uri(namespace, "*"), body=body, repeatable=True)


def pull_message(namespace: str, context: str, most: int | None = None) -> soap.Message:
    """Ask for the next items, at most ``most``. Not repeatable: the context moves on with every answer."""
    body = soap.container(
        "n:Pull",
        soap.element("n:EnumerationContext", context),
        soap.element("n:MaxElements", str(min(most or MAX_ELEMENTS, MAX_ELEMENTS))),
    )
    return soap.Message(soap.Action.PULL.value, class_uri(namespace, "*"), body=body, continues=True)


def release_message(namespace: str, context: str) -> soap.Message:
    """Give up an enumeration before its end."""
    body = soap.container("n:Release", soap.element("n:EnumerationContext", context))
    return soap.Message(soap.Action.RELEASE.value, class_uri(namespace, "*"), body=body)


def invoke_message(
    namespace: str,
    class_name: str,
    method: str,
    parameters: t.Mapping[str, Value],
    selectors: t.Mapping[str, str],
) -> soap.Message:
    """Call a method; a static one has no selectors (MS-WSMV 3.1.4.1.32)."""
    uri = class_uri(namespace, class_name)
    reading = _READING_METHODS.get(class_name.lower())
    return soap.Message(
        f"{uri}/{_checked_name(method)}",
        uri,
        body=_members(f"{method}_INPUT", uri, parameters),
        selectors=selectors,
        repeatable=reading is not None and reading.fullmatch(method) is not None,
    )


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Unsendable(host="", meaning=f"{name!a} is no name of a WMI method or property")
    return name


def _members(tag: str, uri: str, members: t.Mapping[str, Value]) -> str:
    written = [item for name, value in members.items() for item in _valued(f"q:{_checked_name(name)}", value)]
    return soap.container(f"q:{tag}", *written, attributes={"xmlns:q": uri})


def _valued(tag: str, value: Value) -> list[str]:
    if value is None:
        return [soap.element(tag, "", {"xsi:nil": "true"})]
    if isinstance(value, datetime.datetime):
        return [soap.container(tag, soap.element("cim:Datetime", _utc(value)))]
    if isinstance(value, (str, int)):
        return [soap.element(tag, _scalar(value))]
    return [soap.element(tag, _scalar(item)) for item in value]


def _scalar(value: str | int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _utc(value: datetime.datetime) -> str:
    """UTC with a Z; a time without a zone is refused, since Windows would read it as UTC."""
    if value.tzinfo is None:
        raise Unsendable(host="", meaning="a time without time zone cannot be sent")
    return value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


Item: t.TypeAlias = "str | Reference | Instance | None"
"""One element of a property: text, null, a reference or an embedded object."""
_MAX_DEPTH: t.Final = 8
_DATETIME: t.Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_INTEGER: t.Final = re.compile(r"[+-]?[0-9]{1,20}")
_BOOLEANS: t.Final[t.Mapping[str, bool]] = {"true": True, "1": True, "false": False, "0": False}


_Properties: t.TypeAlias = "t.Mapping[str, tuple[str, tuple[Item, ...]]]"
"""By the name in small letters: the name, and one item, or those of an array."""


class Instance(t.Mapping[str, "Item | tuple[Item, ...]"]):
    """A WMI object or a method's output: a read-only mapping of property names, in upper or lower case, to values.

    A property that the answer does not carry reads as None (or as an empty tuple), exactly like one that is null: WMI
    sends no element for an empty array. The typed accessors raise ProtocolViolation when the shape is wrong.
    """

    __slots__ = ("_origin", "_properties", "class_name")

    def __init__(self, class_name: str, properties: _Properties, origin: Origin | None = None) -> None:
        self.class_name = class_name
        self._origin = origin or Origin(host="")
        self._properties = properties

    @classmethod
    def of(cls, class_name: str, values: t.Mapping[str, Value | Reference]) -> Instance:
        """An instance from Python values, as the server would have sent it."""
        return cls(class_name, {name.casefold(): (name, _items(value)) for name, value in values.items()})

    def __getitem__(self, name: str) -> Item | tuple[Item, ...]:
        _name, items = self._properties[name.casefold()]
        return items[0] if len(items) == 1 else items

    def __iter__(self) -> t.Iterator[str]:
        return iter([name for name, _items in self._properties.values()])

    def __len__(self) -> int:
        return len(self._properties)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.casefold() in self._properties

    def __repr__(self) -> str:
        return f"Instance({self.class_name}, {dict(self)!r})"

    def text(self, name: str) -> str | None:
        """The text of a single value; a datetime as the server wrote it."""
        item = self._single(name)
        if item is None or isinstance(item, str):
            return item
        raise self._wrong(name, "text")

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of texts in order, empty for an absent or null array."""
        return tuple(self._text_items(name, "a list of texts"))

    def integer(self, name: str) -> int | None:
        """A decimal number of any sign."""
        text = self.text(name)
        return None if text is None else self._integer(name, text)

    def integers(self, name: str) -> tuple[int, ...]:
        """An array of numbers, empty for an absent or null array."""
        return tuple(self._integer(name, text) for text in self._text_items(name, "a list of numbers"))

    def boolean(self, name: str) -> bool | None:
        """``true`` or ``false``, in any case, or 1 or 0."""
        text = self.text(name)
        if text is None:
            return None
        if text.strip().lower() not in _BOOLEANS:
            raise self._wrong(name, "a boolean")
        return _BOOLEANS[text.strip().lower()]

    def moment(self, name: str) -> datetime.datetime | None:
        """A point of time, always with a time zone (none given: UTC); fractions beyond microseconds are cut."""
        text = self.text(name)
        if text is None:
            return None
        match = _DATETIME.fullmatch(text.strip())
        if match is None:
            raise self._wrong(name, "a time")
        fraction = (match[2] or "0").ljust(6, "0")[:6]
        zone = (match[3] or "Z").replace("Z", "+00:00")
        try:
            return datetime.datetime.fromisoformat(f"{match[1]}.{fraction}{zone}")
        except ValueError as error:
            raise self._wrong(name, "a time") from error

    def reference(self, name: str) -> Reference | None:
        """A reference to another object."""
        item = self._single(name)
        if item is None or isinstance(item, Reference):
            return item
        raise self._wrong(name, "a reference")

    def _single(self, name: str) -> Item:
        items = self._items_of(name)
        if len(items) > 1:
            raise self._wrong(name, "a single value")
        return items[0] if items else None

    def _items_of(self, name: str) -> tuple[Item, ...]:
        _name, items = self._properties.get(name.casefold(), (name, ()))
        return items

    def _text_items(self, name: str, wanted: str) -> t.Iterator[str]:
        for item in self._items_of(name):
            if isinstance(item, str):
                yield item
            elif item is not None:
                raise self._wrong(name, wanted)

    def _integer(self, name: str, text: str) -> int:
        if not _INTEGER.fullmatch(text.strip()):
            raise self._wrong(name, "a number")
        return int(text)

    def _wrong(self, name: str, wanted: str) -> Exception:
        return soap.violation(self._origin, f"{self.class_name}.{name} is not {wanted}")


def _items(value: Value | Reference) -> tuple[Item, ...]:
    if value is None or isinstance(value, (str, Reference)):
        return (value,)
    if isinstance(value, datetime.datetime):
        return (_utc(value),)
    if isinstance(value, collections.abc.Sequence):
        return tuple(_scalar(item) for item in value)
    return (_scalar(value),)


class _Names(dict[str, tuple[str, str]]):
    """The names in the tags of an answer, in small letters and as they are: its rows, maybe many, share both."""

    def __missing__(self, tag: str) -> tuple[str, str]:
        name = tag.rpartition("}")[2]
        self[tag] = names = (name.casefold(), name)
        return names


def _instance(node: ET.Element, origin: Origin, names: _Names, *, class_name: str = "", depth: int = 0) -> Instance:
    """Read an object, a method's output or an ``XmlFragment`` (selected columns, which carries no class name)."""
    if depth > _MAX_DEPTH:
        raise soap.violation(origin, "the answer nests objects too deeply")
    found: dict[str, tuple[str, list[Item]]] = {}
    for member in node:
        folded, name = names[member.tag]
        found.setdefault(folded, (name, []))[1].append(_item(member, origin, names, depth))
    properties = {folded: (name, tuple(items)) for folded, (name, items) in found.items()}
    return Instance(class_name or soap.local(node), properties, origin)


def _item(node: ET.Element, origin: Origin, names: _Names, depth: int) -> Item:
    if node.attrib and _is_null(node):
        return None
    if len(node) == 0:
        return node.text or ""
    for path in (("ReferenceParameters",), ("EndpointReference", "ReferenceParameters")):
        parameters = soap.child(node, *path)
        if parameters is not None:
            return _reference(parameters)
    timestamp = soap.child(node, "Datetime")
    if timestamp is not None:
        return soap.text_of(timestamp)
    return _instance(node, origin, names, depth=depth + 1)


def _is_null(node: ET.Element) -> bool:
    nil = next((value for key, value in node.attrib.items() if key.rpartition("}")[2] == "nil"), "false")
    return nil.strip() in ("true", "1")


def _reference(parameters: ET.Element) -> Reference:
    uri = soap.text_of(soap.child(parameters, "ResourceURI"))
    path, _slash, class_name = uri.rpartition("/")
    namespace = path[len(WMI_ROOT) :] if path.casefold().startswith(WMI_ROOT) else path
    selectors = soap.child(parameters, "SelectorSet")
    named = {item.get("Name", ""): item.text or "" for item in (selectors if selectors is not None else ())}
    return Reference(class_name, namespace, named)


def body_object(body: ET.Element, origin: Origin, class_name: str) -> Instance:
    """The one object of a Get, Put or Invoke answer."""
    if len(body) != 1:
        raise soap.violation(origin, f"the answer carries {len(body)} objects instead of one")
    return _instance(body[0], origin, _Names(), class_name=class_name)


class Page(t.NamedTuple):
    """A part of a query's result; ``context`` is where the next Pull goes on, None at the end."""

    items: tuple[Instance, ...]
    context: str | None
    elements: int = 0
    """Of its XML: what it costs in memory."""


def page_of(body: ET.Element, origin: Origin) -> Page:
    """Read an EnumerateResponse (``w:Items``) or a PullResponse (``n:Items``); items may be missing in both."""
    response = body[0] if len(body) else body
    if soap.local(response) not in ("EnumerateResponse", "PullResponse"):
        raise soap.violation(origin, "the answer is no result of a query")
    nodes = soap.child(response, "Items")
    names = _Names()
    items = tuple(_row(node, origin, names) for node in (nodes if nodes is not None else ()))
    elements = len([*response.iter()])
    if soap.child(response, "EndOfSequence") is not None:
        return Page(items, None, elements)
    context = soap.text_of(soap.child(response, "EnumerationContext"))
    if not context:
        raise soap.violation(origin, "the query's result ends without its end mark")
    return Page(items, context, elements)


def _row(node: ET.Element, origin: Origin, names: _Names) -> Instance:
    fragment = soap.local(node) == "XmlFragment"
    return _instance(node, origin, names, class_name=origin.target.rpartition("/")[2] if fragment else "")
