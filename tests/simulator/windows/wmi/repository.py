# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All WMI classes of a server, and the operations on them."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.context import Context
from tests.simulator.windows.interface import CimInstance, CimReference, CimValue, Operation, WmiFault
from tests.simulator.windows.wmi import eventlog, network, services, sockets, stdregprov, system
from tests.simulator.windows.wmi.base import STANDARD_CIMV2, CimClass, Parameters, RawParameters, Row
from tests.simulator.windows.wql import Association, Select, WqlError, parse

CLASSES: t.Final[tuple[CimClass, ...]] = (
    *stdregprov.CLASSES,
    *services.CLASSES,
    *system.CLASSES,
    *eventlog.CLASSES,
    *network.CLASSES,
    *sockets.CLASSES,
)
_BY_PLACE: t.Final = {
    (namespace, definition.name.casefold()): definition for definition in CLASSES for namespace in definition.namespaces
}
_DEPENDENT: t.Final = "Win32_DependentService"


def fold_namespace(namespace: str) -> str:
    """Bring ``root\\cimv2``, ``ROOT/CIMV2`` and the like to one form."""
    return namespace.replace("\\", "/").strip("/").casefold()


def _check_access(context: Context, operation: Operation, target: str, namespace: str) -> None:
    """Only an administrator with a full token gets in from the network, or an account that the scenario lets in."""
    user, place = context.user, fold_namespace(namespace)
    is_let_in = user.elevated or (user.remote_wmi and not user.filtered_token)
    may_call = operation != "ExecMethod" or user.may("methods", place)
    if not (is_let_in and may_call and user.may("wmi", place)):
        raise WmiFault("access_denied", "Access is denied.", operation=operation, target=target)


def _find(context: Context, namespace: str, class_name: str, operation: Operation) -> CimClass:
    folded = fold_namespace(namespace)
    definition = _BY_PLACE.get((folded, class_name.casefold()))
    if definition is not None and definition.available(context.machine):
        return definition
    known = {place for place, _name in _BY_PLACE} | {"root"}
    exists = folded in known and (folded != STANDARD_CIMV2 or context.machine.release.standard_cimv2)
    if not exists:
        raise WmiFault("invalid_namespace", "Invalid namespace", operation=operation, target=namespace)
    kind: t.Literal["invalid_class", "invalid_query"] = "invalid_query" if operation == "ExecQuery" else "invalid_class"
    raise WmiFault(kind, f"Invalid class {class_name}", operation=operation, target=class_name)


def _ordered(row: Row) -> Row:
    return dict(sorted(row.items(), key=lambda item: item[0].casefold()))


def _instance(definition: CimClass, namespace: str, row: Row, *, projected: bool = False) -> CimInstance:
    return CimInstance(definition.name, namespace, _ordered(row), projected)


def _whole_instance(context: Context, definition: CimClass, namespace: str, row: Row) -> CimInstance:
    """A row of ``SELECT *``, which comes as the most derived class of its object."""
    name, more = definition.derived(context.machine, row) or (definition.name, {})
    return CimInstance(name, namespace, _ordered({**row, **more}))


def _same(value: CimValue, wanted: str) -> bool:
    if isinstance(value, CimReference):
        name = value.selectors.get("Name", "").casefold()
        return name != "" and f'name="{name}"' in wanted.casefold().replace("'", '"').replace(" ", "")
    return str(value).casefold() == wanted.casefold()


def _select_one(
    context: Context, definition: CimClass, selectors: t.Mapping[str, str], operation: Operation
) -> Row | None:
    """Return the instance that the selectors name; None for a class without instances of its own."""
    given = {name.casefold(): value for name, value in selectors.items()}
    given.pop("__cimnamespace", None)
    known = {name.casefold(): name for name in definition.properties(context.machine)}
    if not set(given) <= set(known):
        message = f"{definition.name} has no such key"
        raise WmiFault("unexpected_selectors", message, operation=operation, target=definition.name)
    if not {key.casefold() for key in definition.keys} <= set(given):
        message = f"The selectors do not name an instance of {definition.name}"
        raise WmiFault("missing_selectors", message, operation=operation, target=definition.name)
    if not known:
        return None
    for row in definition.instances(context):
        if all(_same(row[known[name]], value) for name, value in given.items()):
            return row
    raise WmiFault("not_found", "Not found", operation=operation, target=definition.name)


def get(context: Context, namespace: str, class_name: str, selectors: t.Mapping[str, str]) -> CimInstance:
    """Get one instance."""
    _check_access(context, "GetObject", class_name, namespace)
    definition = _find(context, namespace, class_name, "GetObject")
    row = _select_one(context, definition, selectors, "GetObject")
    if row is None:
        raise WmiFault("not_found", "Not found", operation="GetObject", target=class_name)
    return _instance(definition, namespace, row)


def put(context: Context, namespace: str, class_name: str, selectors: t.Mapping[str, str]) -> CimInstance:
    """Refuse to change an instance: no class that is simulated has writable properties."""
    instance = get(context, namespace, class_name, selectors)
    message = "Provider is not capable of the attempted operation"
    raise WmiFault("provider_failure", message, operation="PutInstance", target=instance.class_name)


def invoke(
    context: Context,
    namespace: str,
    class_name: str,
    selectors: t.Mapping[str, str],
    *,
    method: str,
    parameters: RawParameters,
) -> CimInstance:
    """Run a method of a class or an instance."""
    _check_access(context, "ExecMethod", class_name, namespace)
    definition = _find(context, namespace, class_name, "ExecMethod")
    methods = {name.casefold(): name for name in definition.methods}
    name = methods.get(method.casefold())
    if name is None:
        raise WmiFault("invalid_method", f"Invalid method {method}", operation="ExecMethod", target=class_name)
    target = _select_one(context, definition, selectors, "ExecMethod")
    output = definition.methods[name](context, target, Parameters(parameters, target=f"{definition.name}.{name}"))
    return CimInstance(f"{name}_OUTPUT", namespace, _ordered(output))


def query(context: Context, namespace: str, wql: str) -> list[CimInstance]:
    """Answer a query."""
    _check_access(context, "ExecQuery", wql, namespace)
    try:
        parsed = parse(wql)
        if isinstance(parsed, Association):
            return _associated(context, namespace, parsed)
        return _selected(context, namespace, parsed)
    except WqlError as error:
        raise WmiFault("invalid_query", f"Invalid query: {error}", operation="ExecQuery", target=wql) from error
    except WmiFault as error:
        # ParameterInfo of a failed query is its text (captured).
        raise WmiFault(error.kind, error.message, operation="ExecQuery", target=wql) from error


class _Folded(t.Mapping[str, CimValue]):
    """A row that is read by folded names, without copying it."""

    __slots__ = ("_names", "row")

    def __init__(self, names: t.Mapping[str, str]) -> None:
        self._names = names
        self.row: Row = {}

    def __getitem__(self, name: str) -> CimValue:
        return self.row.get(self._names[name])

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _selected(context: Context, namespace: str, select: Select) -> list[CimInstance]:
    definition = _find(context, namespace, select.class_name, "ExecQuery")
    names = {name.casefold(): name for name in definition.properties(context.machine)}
    unknown = ({column.casefold() for column in select.columns} | select.names) - set(names)
    if unknown or not names:
        raise WqlError(f"{definition.name} has no property {', '.join(sorted(unknown))}")
    rows = list(definition.instances(context))
    if select.condition is not None:
        folded = _Folded(names)
        found: list[Row] = []
        for row in rows:
            folded.row = row
            if select.condition(folded):
                found.append(row)
        rows = found
    if not select.columns:
        return [_whole_instance(context, definition, namespace, row) for row in rows]
    wanted = [names[column.casefold()] for column in select.columns]
    return [_instance(definition, namespace, {name: row.get(name) for name in wanted}, projected=True) for row in rows]


def _associated(context: Context, namespace: str, association: Association) -> list[CimInstance]:
    """Answer ASSOCIATORS OF and REFERENCES OF a service; the one association that is simulated is the dependency."""
    definition = _find(context, namespace, association.class_name, "ExecQuery")
    name = association.selectors.get("Name", association.selectors.get("name", ""))
    if definition.name != "Win32_Service" or not name:
        raise WqlError("only the dependencies of a Win32_Service are simulated")
    _select_one(context, definition, association.selectors, "ExecQuery")
    links = _find(context, namespace, _DEPENDENT, "ExecQuery")
    association_class = association.options.get(
        "assocclass" if association.kind == "associators" else "resultclass", _DEPENDENT
    )
    if association_class.casefold() != _DEPENDENT.casefold():
        return []
    role = association.options.get("role", "").casefold()
    found: list[CimInstance] = []
    for row in links.instances(context):
        for mine, other in (("Antecedent", "Dependent"), ("Dependent", "Antecedent")):
            if role not in ("", mine.casefold()) or not _is_service(row[mine], name):
                continue
            if association.kind == "references":
                found.append(_instance(links, namespace, row))
            elif association.options.get("resultrole", other).casefold() == other.casefold():
                found += _other_end(context, namespace, row[other], association.options.get("resultclass", ""))
    return found


def _is_service(value: CimValue, name: str) -> bool:
    return (
        isinstance(value, CimReference)
        and value.class_name == "Win32_Service"
        and value.selectors["Name"].casefold() == name.casefold()
    )


def _other_end(context: Context, namespace: str, value: CimValue, result_class: str) -> list[CimInstance]:
    if not isinstance(value, CimReference) or value.class_name != "Win32_Service":
        return []
    if result_class and result_class.casefold() != "win32_service":
        return []
    return [get(context, namespace, "Win32_Service", value.selectors)]
