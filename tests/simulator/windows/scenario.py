# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenario files: the keys of one host entry, and the disk that it describes."""

from __future__ import annotations

import dataclasses
import typing as t
import zlib

from tests.simulator.windows import services_file
from tests.simulator.windows.assumptions import Assumptions, assumptions_from
from tests.simulator.windows.boot import GROUP_ORDER_KEY
from tests.simulator.windows.catalogue import LOAD_ORDER_GROUPS, install
from tests.simulator.windows.dns import DNS_PARAMETERS, TCPIP_PARAMETERS
from tests.simulator.windows.evidence import Evidence, read_evidence
from tests.simulator.windows.exclusions import Block
from tests.simulator.windows.interface import RIGHTS, User
from tests.simulator.windows.machine import Foreigner, Machine
from tests.simulator.windows.portranges import PortRange, read_range
from tests.simulator.windows.products.directory import NTDS_PARAMETERS
from tests.simulator.windows.registry import SERVICES, Registry, RegistryData, ValueType
from tests.simulator.windows.releases import RELEASES, Language, Release, WinrmStack
from tests.simulator.windows.roles import ROLES, SMALL_BUSINESS, expand, misplaced, release_with, rows_for
from tests.simulator.windows.services import Start
from tests.simulator.windows.sockets import Family, Protocol

DAY: t.Final = 86400.0

FLEET_KEYS: t.Final = frozenset({"address", "connection", "faults", "groups", "inventory_name", "port", "vars", "wire"})
"""Keys of a host entry that belong to the fleet process; the model passes over them."""

LONGEST_NAME: t.Final = 63
NETBIOS_LENGTH: t.Final = 15

DEFAULT_ROLES: t.Final = ("exchange_edge", "dns")
EDGE_LDAP_PORT: t.Final = 50389
EDGE_SSL_PORT: t.Final = 50636

USUAL_DOMAIN: t.Final = "corp.example"
STANDALONE_SERVER: t.Final = 2
MEMBER_SERVER: t.Final = 3
DOMAIN_CONTROLLER: t.Final = 5
SMALL_BUSINESS_SUITES: t.Final = ["Small Business", "Small Business(Restricted)"]

StartMode: t.TypeAlias = t.Literal["auto", "delayed", "manual", "disabled"]
START_MODES: t.Final[t.Mapping[StartMode, tuple[Start, bool]]] = {
    "auto": (Start.AUTO, False),
    "delayed": (Start.AUTO, True),
    "manual": (Start.DEMAND, False),
    "disabled": (Start.DISABLED, False),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostSpec:
    """One host of a scenario.

    ``update``: KB951746/KB953230 is there (2003 and 2008; later releases always have the pool). ``netsh_hotfix``: 2008
    and 2008 R2 have the excludedportrange commands. ``broken``: the first seed from ``seed`` on with which the role's
    victim, or the service or services that are named instead of ``true``, and no other loses its port (``false``: no
    service does); absent: just that seed. ``uptime`` in seconds. ``time_scale`` below 1 makes every simulated duration
    shorter. ``exclusions`` and ``runtime_blocks``: lists of ``{protocol, ports}``. ``tcp_clients``: connections that
    lsass.exe has opened before late services start.
    """

    name: str
    release: Release
    roles: tuple[str, ...] = DEFAULT_ROLES
    language: Language = "en"
    winrm_stack: WinrmStack = "3.0"
    update: bool = True
    netsh_hotfix: bool = False
    max_user_port: int | None = None
    dynamic_range: t.Mapping[Protocol, PortRange] = dataclasses.field(default_factory=dict)
    seed: int = 0
    broken: bool | tuple[str, ...] | None = None
    reserved_ports: tuple[str, ...] | None = None
    dns_pool_size: int | None = None
    dns_pool_exclusions: tuple[str, ...] | None = None
    exclusions: tuple[tuple[Protocol, PortRange], ...] = ()
    runtime_blocks: tuple[tuple[Protocol, PortRange], ...] = ()
    foreigners: tuple[Foreigner, ...] = ()
    tcp_clients: int = 0
    ldap_port: int = EDGE_LDAP_PORT
    ssl_port: int = EDGE_SSL_PORT
    start_modes: t.Mapping[str, StartMode] = dataclasses.field(default_factory=dict)
    registry: tuple[tuple[str, str, ValueType, RegistryData], ...] = ()
    denied_keys: tuple[str, ...] = ()
    services_file: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    assumptions: Assumptions = dataclasses.field(default_factory=Assumptions)
    evidence: Evidence = dataclasses.field(default_factory=Evidence)
    domain: str = ""
    uptime: float = 30 * DAY
    clock_offset: float = 0.0
    time_scale: float = 1.0

    @property
    def parts(self) -> tuple[str, ...]:
        """The roles with those that they bring."""
        return expand(self.roles)

    @property
    def victims(self) -> tuple[str, ...]:
        """The services that ``broken`` names; none if no role has a usual victim."""
        if isinstance(self.broken, tuple):
            return self.broken
        return next(((ROLES[name].victim,) for name in self.parts if ROLES[name].victim), ())


def _wrong(name: str, what: str, value: object) -> ValueError:
    return ValueError(f"host {name!r}: {what}, not {value!r}")


class _Reader:
    """Reads one host entry key by key; every error names the host and the key."""

    def __init__(self, entry: t.Mapping[str, t.Any]) -> None:
        self.entry = entry
        self.name = str(entry.get("name", ""))

    def of_type(self, key: str, kind: type | tuple[type, ...], default: t.Any) -> t.Any:
        value = self.entry.get(key, default)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if value is not default and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            raise _wrong(self.name, f"{key} must be {' or '.join(one.__name__ for one in kinds)}", value)
        return value

    def one_of(self, key: str, choices: t.Collection[str], default: str) -> t.Any:
        value = str(self.entry.get(key, default))
        if value not in choices:
            raise _wrong(self.name, f"{key} must be one of {', '.join(choices)}", value)
        return value

    def some_of(self, key: str, choices: t.Collection[str]) -> tuple[str, ...]:
        values = self.texts(key) or ()
        for value in values:
            if value not in choices:
                raise _wrong(self.name, f"{key} must be among {', '.join(choices)}", value)
        return values

    def range(self, key: str, value: object) -> PortRange:
        found = read_range(str(value))
        if found is None or found[0] < 1:
            raise _wrong(self.name, f"{key} must hold ports or ranges such as 50000-50099", value)
        return found

    def texts(self, key: str) -> tuple[str, ...] | None:
        value = self.of_type(key, list, None)
        return None if value is None else tuple(str(item) for item in value)

    def port(self, key: str, default: int | None) -> t.Any:
        value = self.of_type(key, int, default)
        if value is not None and not 1 <= value <= 65535:
            raise _wrong(self.name, f"{key} must be a port from 1 to 65535", value)
        return value

    def protocol(self, key: str, item: t.Mapping[str, t.Any]) -> Protocol:
        value: t.Any = item.get("protocol")
        if value not in ("tcp", "udp"):
            raise _wrong(self.name, f"protocol in {key} must be tcp or udp", value)
        return t.cast("Protocol", value)

    def mappings(self, key: str, required: frozenset[str], allowed: frozenset[str]) -> list[t.Mapping[str, t.Any]]:
        items: list[t.Mapping[str, t.Any]] = self.of_type(key, list, [])
        for item in items:
            if not isinstance(item, dict) or not required <= set(item) <= required | allowed:
                raise _wrong(self.name, f"an item of {key} must have the keys {', '.join(sorted(required))}", item)
        return items

    def blocks(self, key: str) -> tuple[tuple[Protocol, PortRange], ...]:
        items = self.mappings(key, frozenset({"protocol", "ports"}), frozenset())
        return tuple((self.protocol(key, item), self.range(key, item["ports"])) for item in items)

    def foreigners(self) -> tuple[Foreigner, ...]:
        allowed = frozenset({"account", "option", "address", "state", "remote"})
        items = self.mappings("foreigners", frozenset({"image", "protocol", "port"}), allowed)
        return tuple(Foreigner(**item) for item in items if self.protocol("foreigners", item))

    def broken(self) -> bool | tuple[str, ...] | None:
        value: t.Any = self.of_type("broken", (bool, str, list), None)
        if isinstance(value, str):
            return (value,)
        return tuple(map(str, value)) if isinstance(value, list) else value

    def dynamic(self) -> dict[Protocol, PortRange]:
        value = self.of_type("dynamic_range", (str, dict), None) or {}
        given = {"tcp": value, "udp": value} if isinstance(value, str) else value
        if not set(given) <= {"tcp", "udp"}:
            raise _wrong(self.name, "dynamic_range must be a range, or ranges by tcp and udp", value)
        return {t.cast("Protocol", name): self.range("dynamic_range", text) for name, text in given.items()}

    def users(self) -> tuple[User, ...]:
        allowed = frozenset({"domain", "is_administrator", "filtered_token", "remote_wmi", "lacks"})
        items = self.mappings("users", frozenset({"name", "password"}), allowed)
        return tuple(User(**{**item, "lacks": frozenset(map(_missing_right, item.get("lacks", ())))}) for item in items)

    def evidence(self) -> Evidence:
        try:
            return read_evidence(self.of_type("evidence", dict, {}))
        except ValueError as error:
            raise ValueError(f"host {self.name!r}: {error}") from error

    def registry(self) -> tuple[tuple[str, str, ValueType, RegistryData], ...]:
        items = self.mappings("registry", frozenset({"path", "name", "type", "data"}), frozenset())
        return tuple((item["path"], item["name"], *typed_data(item["type"], item["data"])) for item in items)


def typed_data(kind: str, data: t.Any) -> tuple[ValueType, RegistryData]:
    """Return the type by its name (SZ, DWORD, MULTI_SZ ...) and the data in the model's form."""
    if kind not in ValueType.__members__:
        raise ValueError(f"unknown registry type {kind!r}; known are: {', '.join(ValueType.__members__)}")
    type_ = ValueType[kind]
    if type_ is ValueType.MULTI_SZ:
        return type_, tuple(str(item) for item in data)
    if type_ is ValueType.BINARY:
        return type_, bytes.fromhex(data)
    return type_, int(data) if type_ in (ValueType.DWORD, ValueType.QWORD) else str(data)


_SPEC_KEYS: t.Final = {field.name for field in dataclasses.fields(HostSpec)}


def read_host(entry: t.Mapping[str, t.Any]) -> HostSpec:
    """Read one host entry; ValueError is one sentence that names the host and the key."""
    reader = _Reader(entry)
    if not 1 <= len(reader.name) <= LONGEST_NAME:
        raise ValueError(f"a host needs a name of 1 to {LONGEST_NAME} characters, not {reader.name!r}")
    unknown = set(entry) - _SPEC_KEYS - FLEET_KEYS
    if unknown:
        raise _wrong(reader.name, f"keys must be among {', '.join(sorted(_SPEC_KEYS))}", sorted(unknown))
    release = RELEASES[reader.one_of("release", RELEASES, "")]
    roles = reader.texts("roles") or DEFAULT_ROLES
    if not set(roles) <= set(ROLES):
        raise _wrong(reader.name, f"roles must be among {', '.join(ROLES)}", list(roles))
    if rule := misplaced(expand(roles), release):
        raise _wrong(reader.name, rule, release.key)
    return _with_role_defaults(_read_keys(reader, release, roles), entry)


def _read_keys(reader: _Reader, release: Release, roles: tuple[str, ...]) -> HostSpec:
    return HostSpec(
        name=reader.name,
        release=release_with(release, expand(roles)),
        roles=roles,
        language=reader.one_of("language", ("en", "de"), "en"),
        winrm_stack=reader.one_of("winrm_stack", release.winrm_stacks, release.winrm_stacks[0]),
        update=reader.of_type("update", bool, True),
        netsh_hotfix=reader.of_type("netsh_hotfix", bool, False),
        max_user_port=reader.port("max_user_port", None),
        dynamic_range=reader.dynamic(),
        seed=reader.of_type("seed", int, zlib.crc32(reader.name.encode())),
        broken=reader.broken(),
        reserved_ports=reader.texts("reserved_ports"),
        dns_pool_size=reader.of_type("dns_pool_size", int, None),
        dns_pool_exclusions=reader.texts("dns_pool_exclusions"),
        exclusions=reader.blocks("exclusions"),
        runtime_blocks=reader.blocks("runtime_blocks"),
        foreigners=reader.foreigners(),
        tcp_clients=reader.of_type("tcp_clients", int, 0),
        ldap_port=reader.port("ldap_port", EDGE_LDAP_PORT),
        ssl_port=reader.port("ssl_port", EDGE_SSL_PORT),
        start_modes=_start_modes(reader),
        registry=reader.registry(),
        denied_keys=reader.texts("denied_keys") or (),
        services_file=reader.some_of("services_file", services_file.ODDITIES),
        users=reader.users(),
        assumptions=assumptions_from(reader.of_type("assumptions", dict, {})),
        evidence=reader.evidence(),
        domain=reader.of_type("domain", str, ""),
        uptime=float(reader.of_type("uptime", (int, float), 30 * DAY)),
        clock_offset=float(reader.of_type("clock_offset", (int, float), 0.0)),
        time_scale=float(reader.of_type("time_scale", (int, float), 1.0)),
    )


def _missing_right(text: str) -> str:
    if not any(text == right or text.startswith(f"{right} ") for right in RIGHTS):
        raise ValueError(f"lacks: {text!r} is no right of an account ({', '.join(RIGHTS)})")
    return text.casefold()


def _with_role_defaults(spec: HostSpec, entry: t.Mapping[str, t.Any]) -> HostSpec:
    """Return the host with the settings of its roles' setup programs, unless the entry has the key (even as null)."""
    found: dict[str, t.Any] = {}
    for role in (ROLES[name] for name in spec.parts):
        if spec.release.nt5:
            found |= {"max_user_port": role.max_user_port} if role.max_user_port else {}
            found |= {"reserved_ports": role.reserved_ports} if role.reserved_ports else {}
        elif role.dynamic_range:
            found["dynamic_range"] = {"tcp": role.dynamic_range, "udp": role.dynamic_range}
        if role.domain_controller:
            found["domain"] = USUAL_DOMAIN
    return dataclasses.replace(spec, **{key: value for key, value in found.items() if key not in entry})


def _start_modes(reader: _Reader) -> dict[str, StartMode]:
    modes: dict[str, StartMode] = reader.of_type("start_modes", dict, {})
    for mode in modes.values():
        if mode not in START_MODES:
            raise _wrong(reader.name, f"start_modes must be among {', '.join(START_MODES)}", mode)
    return modes


def build_machine(spec: HostSpec, *, now: float) -> Machine:
    """Make the disk that a host entry describes; ``now`` is true time in seconds since the Unix epoch."""
    machine = Machine(
        name=netbios_name(spec.name),
        release=spec.release,
        language=spec.language,
        winrm_stack=spec.winrm_stack,
        assumptions=spec.assumptions,
        dns_update=spec.update,
        netsh_hotfix=spec.netsh_hotfix,
        domain=spec.domain,
        domain_role=_domain_role(spec),
        hotfixes=_hotfixes(spec),
        clock_offset=spec.clock_offset,
        time_scale=spec.time_scale,
        installed_at=now - spec.uptime - 400 * DAY,
        runtime_blocks=spec.runtime_blocks,
        foreigners=spec.foreigners,
        tcp_clients=spec.tcp_clients,
    )
    _fill_registry(machine.registry, spec)
    services_file.install(machine.files, spec.release.windows_directory, spec.services_file)
    families: tuple[Family, ...] = (4, 6)
    for protocol, port_range in spec.dynamic_range.items():
        for family in families:
            machine.dynamic_ranges[family, protocol] = port_range
    for protocol, (first, last) in spec.exclusions:
        machine.exclusions.add(protocol, Block(first, last), is_used=lambda _port: False)
    return machine


def _domain_role(spec: HostSpec) -> int:
    """Return Win32_ComputerSystem's DomainRole."""
    if any(ROLES[name].domain_controller for name in spec.parts):
        return DOMAIN_CONTROLLER
    return MEMBER_SERVER if spec.domain else STANDALONE_SERVER


def netbios_name(name: str) -> str:
    """Return a host's computer name: the first 15 characters, upper case."""
    return name[:NETBIOS_LENGTH].upper()


def _hotfixes(spec: HostSpec) -> tuple[str, ...]:
    rows = ["KB936059"] if spec.winrm_stack == "1.1" and spec.release.nt5 else []
    if spec.winrm_stack == "2.0" and not spec.release.pool_built_in:
        rows.append("KB968930")
    if spec.update and not spec.release.pool_built_in:
        rows += ["KB951746", "KB953230"]
    if spec.netsh_hotfix and spec.release.netsh_exclusions == "with_hotfix":
        rows.append("KB2665809")
    return tuple(rows)


def _fill_registry(registry: Registry, spec: HostSpec) -> None:
    registry.set(GROUP_ORDER_KEY, "List", ValueType.MULTI_SZ, LOAD_ORDER_GROUPS)
    for row in rows_for(spec.release, spec.parts):
        install(registry, row, release=spec.release, language=spec.language)
    registry.set(TCPIP_PARAMETERS, "DataBasePath", ValueType.EXPAND_SZ, services_file.DATA_BASE_PATH)
    _fill_identity(registry, spec)
    if "dns" in spec.parts:
        _fill_dns(registry, spec)
    if _domain_role(spec) == DOMAIN_CONTROLLER:
        path = f"{SERVICES}\\{NTDS_PARAMETERS}"
        database = f"{spec.release.windows_directory}\\NTDS\\ntds.dit"
        registry.set(path, "DSA Database file", ValueType.SZ, database)
    if "exchange_edge" in spec.parts:
        path = f"{SERVICES}\\ADAM_MSExchange\\Parameters"
        registry.set(path, "Port LDAP", ValueType.DWORD, spec.ldap_port)
        registry.set(path, "Port SSL", ValueType.DWORD, spec.ssl_port)
    if spec.release.nt5 and spec.assumptions.winrm_manual_on_2003:
        registry.set(f"{SERVICES}\\WinRM", "Start", ValueType.DWORD, int(Start.DEMAND))
    if spec.max_user_port is not None:
        registry.set(TCPIP_PARAMETERS, "MaxUserPort", ValueType.DWORD, spec.max_user_port)
    if spec.reserved_ports is not None:
        registry.set(TCPIP_PARAMETERS, "ReservedPorts", ValueType.MULTI_SZ, spec.reserved_ports)
    for service, mode in spec.start_modes.items():
        write_start_mode(registry, service, mode)
    for path, name, type_, data in spec.registry:
        registry.set(path, name, type_, data)
    registry.denied = {path.strip("\\").casefold() for path in spec.denied_keys}


def _fill_identity(registry: Registry, spec: HostSpec) -> None:
    path = "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
    registry.set(path, "ProductName", ValueType.SZ, spec.release.caption.strip())
    registry.set(path, "SystemRoot", ValueType.SZ, spec.release.windows_directory)
    registry.set(path, "CurrentBuildNumber", ValueType.SZ, str(spec.release.build))
    registry.set("SOFTWARE\\Microsoft\\Windows\\CurrentVersion", "ProgramFilesDir", ValueType.SZ, "C:\\Program Files")
    options = "SYSTEM\\CurrentControlSet\\Control\\ProductOptions"
    kind = "LanmanNT" if _domain_role(spec) == DOMAIN_CONTROLLER else "ServerNT"
    registry.set(options, "ProductType", ValueType.SZ, kind)
    suites = ["Terminal Server"] + SMALL_BUSINESS_SUITES * bool(spec.release.suite_mask & SMALL_BUSINESS)
    registry.set(options, "ProductSuite", ValueType.MULTI_SZ, tuple(suites))
    name = "SYSTEM\\CurrentControlSet\\Control\\ComputerName\\ComputerName"
    registry.set(name, "ComputerName", ValueType.SZ, netbios_name(spec.name))


def _fill_dns(registry: Registry, spec: HostSpec) -> None:
    registry.set(DNS_PARAMETERS, "PreviousLocalHostname", ValueType.SZ, spec.name.lower())
    if spec.dns_pool_size is not None:
        registry.set(DNS_PARAMETERS, "SocketPoolSize", ValueType.DWORD, spec.dns_pool_size)
    if spec.dns_pool_exclusions is not None:
        registry.set(DNS_PARAMETERS, "SocketPoolExcludedPortRanges", ValueType.MULTI_SZ, spec.dns_pool_exclusions)


def write_start_mode(registry: Registry, service: str, mode: StartMode) -> None:
    """Write a start mode into the registry; ValueError when there is no such service."""
    path = f"{SERVICES}\\{service}"
    if registry.find(path) is None:
        raise ValueError(f"there is no service {service!r}")
    start, delayed = START_MODES[mode]
    registry.set(path, "Start", ValueType.DWORD, int(start))
    if delayed:
        registry.set(path, "DelayedAutostart", ValueType.DWORD, 1)
    else:
        registry.delete_value(path, "DelayedAutostart")
