# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of README.md and docs/ that repeat what the code knows.

A table stands between two comment lines, ``<!-- table: NAME -->`` and ``<!-- end of table -->``; everything around them
is written by hand.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.verdicts import MEANINGS
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import KINDS as FINDING_KINDS
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import SEVERITIES
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import rights
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.ephemeral_range import RANGES_OF_SETUPS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    KNOWN_SERVICES,
    WHO_DRAWS,
    KnownService,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    CONTESTED,
    RELEASES,
    Capabilities,
    Release,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.server_kinds import KINDS as SERVER_KINDS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.server_kinds import ServerKind
from ansible_collections.portkeeper.windows.plugins.module_utils._page.checks import CHECKS
from ansible_collections.portkeeper.windows.plugins.module_utils._page.metrics import METRICS
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Probe
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.table import PROBES
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.unprobed import OPEN, UNPROBED
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import errors as windows_errors
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import faults
from tests.bench.budgets import EXCHANGE_FIRST_RESTARTED, ROLES_CONVERGED, ROLES_FIRST
from tests.bench.limits import REQUESTS
from tests.fleet.subset_requests import RELEASES as SUBSET_RELEASES
from tests.fleet.subset_requests import REQUESTS as SUBSET_REQUESTS
from tests.simulator.windows.assumptions import assumption_rows
from tests.simulator.windows.releases import RELEASES as SIMULATED
from tests.simulator.wire.assumptions import WIRE_ASSUMPTIONS
from tests.simulator.wire.injection import KINDS
from tests.tooling import matrix, verified
from tests.tooling.documentation_text import Place
from tests.tooling.risk_examples import candidate_rows, doubt_rows, example_rows

_PLACE: t.Final = re.compile(r"<!-- table: (?P<name>[a-z0-9-]+) -->\n(?P<text>.*?)<!-- end of table -->", re.DOTALL)


def table(head: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# --- what Windows can do ----------------------------------------------------------------------------------------------

_NETSH: t.Final = {"no": "no", "probe": "by hotfix [K]: asked", "yes": "yes"}
_POOL_RANGE: t.Final = {"max_user_port": "the highest port", "count_from_start": "a count from the start (contested)"}


def _releases() -> str:
    """Releases in a row as long as they can do the same, as far as a reader of the table sees it."""
    groups: list[tuple[list[Release], tuple[str, ...]]] = []
    for release in RELEASES:
        cells = _cells(release.capabilities)
        if groups and groups[-1][1] == cells:
            groups[-1][0].append(release)
        else:
            groups.append(([release], cells))
    head = ("Release", "`ReservedPorts`", "`excludedportrange`", "DNS pool", "pool leaves ports alone")
    more = ("delayed start", "`MaxUserPort` means to DNS", "IPsec block mode")
    return table((*head, *more), ((_names(group), *cells) for group, cells in groups))


def _cells(found: Capabilities) -> tuple[str, ...]:
    return (
        _yes(found.reserved_ports_value),
        _NETSH[found.excluded_port_ranges],
        "yes" if found.always_has_pool else "with the update MS08-037",
        _yes(found.dns_pool_exclusions),
        _yes(found.delayed_start),
        _POOL_RANGE[found.dns_pool_range],
        _yes(found.ipsec_block_mode),
    )


def _names(group: t.Sequence[Release]) -> str:
    named = dict.fromkeys(release.name.removeprefix("Windows Server ") for release in group)
    return ", ".join(named)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _setup_ranges() -> str:
    rows = ((row.product, str(row.ports), str(row.ports.count), row.source) for row in RANGES_OF_SETUPS)
    return table(("Product", "Dynamic range", "Ports", "Source"), rows)


def _contested() -> str:
    return "".join(f"- `{name}`: {sentence}.\n" for name, sentence in CONTESTED.items())


def _ports() -> str:
    head = ("`services:`", "Product", "Ports", "Service", "Held by", "What breaks", "Source of the ports")
    return table(head, (_port_row(row) for row in KNOWN_SERVICES))


def _port_row(row: KnownService) -> tuple[str, ...]:
    named = "; ".join(
        f"{', '.join(f'`{name}`' for name in names)}{'' if releases == 'all' else f' ({releases})'}"
        for releases, names in row.services.items()
    )
    held = ", ".join(f"`{image}`" for image in row.images) or "not known"
    source = row.source if row.source.startswith("[") else f"{row.source[:1].upper()}{row.source[1:]}"
    return (f"`{row.key}`", row.name, row.ports_text, named or "not known", held, row.what_breaks, source)


def _port_notes() -> str:
    return "".join(f"- `{row.key}`: {row.note}\n" for row in KNOWN_SERVICES if row.note)


def _server_kinds() -> str:
    head = ("A server is", "Seen by", "Role, with DNS beside", "Roles by your choice", "Source")
    return table(head, (_server_kind_row(row) for row in SERVER_KINDS))


def _server_kind_row(row: ServerKind) -> tuple[str, ...]:
    services = [f"`{name}`" for name in row.services] + ([f"another `{row.prefix}<instance>`"] if row.prefix else [])
    role = f"`{row.role}`, for the instance in `{row.picked_by}`" if row.picked_by else f"`{row.role}`"
    choices = "; ".join(f"`{choice.role}` {choice.note}" for choice in row.choices)
    seen = " or ".join(services) or f"`{row.caption}` in the name of a Windows that reads `ReservedPorts`"
    return (row.name, seen, role if row.role else "none", choices or "none", row.source)


def _takers() -> str:
    return table(
        ("Protocol", "May be taken by"), ((protocol.upper(), taker) for protocol, taker in sorted(WHO_DRAWS.items()))
    )


def _rights() -> str:
    head = ("Right", "On", "Who has it by default", "Asked in check mode", "Source")
    rows = ((f"{right.name}", right.place, right.holders, _yes(_is_asked(right)), right.source) for right in rights.ALL)
    return table(head, rows)


def _is_asked(right: rights.Right) -> bool:
    return bool(right.mask) and right is not rights.KEY_READ


def _rights_of_modules() -> str:
    head = ("Right", *(f"`{module}`" for module in rights.RIGHTS))
    return table(head, ((right.name, *(_use(right, own) for own in rights.RIGHTS.values())) for right in rights.ALL))


def _use(right: rights.Right, own: rights.ModuleRights) -> str:
    use = "look" if right in own.reads else "change" if right in own.changes else ""
    return f"({use})" if use and right in own.sometimes else use


def _risk_examples() -> str:
    head = ("Windows Server", "Setting", "Services", "k", "N", "Risk of a boot", "After the fix")
    return table(head, example_rows())


def _risk_candidates() -> str:
    return table(("Candidate", "What to do", "In force after", "To know"), candidate_rows())


def _risk_doubts() -> str:
    return table(("Doubt", "What is taken to be so"), doubt_rows())


def _verdicts() -> str:
    return table(("The first words", "What they mean"), [(f"`{name}`", told) for name, told in MEANINGS.items()])


def _findings() -> str:
    head = ("Kind", "Severity", "What it says", "Only with this evidence", "Source")
    rows = sorted(FINDING_KINDS.items(), key=lambda row: SEVERITIES.index(row[1].severity))
    return table(head, ((f"`{name}`", kind.severity, kind.says, kind.seen_by, kind.source) for name, kind in rows))


# --- what the figures and the simulator are ---------------------------------------------------------------------------


def _limits() -> str:
    roles: dict[tuple[str, int], list[str]] = {}
    for (role, release), limit in ROLES_CONVERGED.items():
        roles.setdefault((role, limit), []).append(release)
    rows = [(task, str(limit)) for task, limit in REQUESTS.items()]
    rows += [(f"role {role}, converged, {', '.join(on)}", str(limit)) for (role, limit), on in roles.items()]
    rows += [(f"role {role}, first run, {release}", str(limit)) for (role, release), limit in ROLES_FIRST.items()]
    rows += [
        (f"role exchange_rpc_ports, first run with restarts, {release}", str(limit))
        for release, limit in EXCHANGE_FIRST_RESTARTED.items()
    ]
    return table(("Task", "Requests at most"), rows)


def _subset_requests() -> str:
    rows = ((f"`{name}`" if " " not in name else name, *map(str, most)) for name, most in SUBSET_REQUESTS.items())
    return table(("`gather_subset`", *(f"Requests on {key}" for key in SUBSET_RELEASES)), rows)


def _assumptions() -> str:
    head = ("Switch", "Default", "Tag", "What the simulator does", "Source", "Seen on")
    found = verified.documents()
    rows = (
        (f"`{r['name']}`", r["value"], r["tag"], r["effect"], r["source"], _seen(r["name"], found))
        for r in assumption_rows()
    )
    return table(head, rows)


def _seen(name: str, found: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    return "can't be asked" if name in UNPROBED else verified.seen_on(name, found)


def _wire_assumptions() -> str:
    head = ("Assumption", "Switch", "Tag", "What the simulator does", "Source", "Seen on")
    found = verified.documents()
    switches = {r.name: f"`{r.switch}`" if r.switch else "none" for r in WIRE_ASSUMPTIONS}
    rows = ((r.name, switches[r.name], r.tag, r.effect, r.source, _seen(r.name, found)) for r in WIRE_ASSUMPTIONS)
    return table(head, rows)


def _probes() -> str:
    head = ("Probe", "Grade", "Question", "Expected", "Tag", "Settles")
    return table(head, (_probe_row(probe) for probe in PROBES))


def _probe_row(probe: Probe) -> tuple[str, ...]:
    expected = "by the release" if callable(probe.expect) else str(probe.expect).strip()
    settled = ", ".join(f"`{name}`" for name in (probe.settles, probe.contested) if name)
    return (f"`{probe.id}`", probe.grade, probe.asks, f"`{expected}`", probe.tag, settled)


def _unprobed() -> str:
    return table(("Assumption", "Why there is no probe"), ((f"`{name}`", why) for name, why in UNPROBED.items()))


def _open_questions() -> str:
    return table(("What is not known", "Why there is no probe"), OPEN.items())


def _simulated_releases() -> str:
    return table(("`release`", "is"), ((f"`{key}`", release.caption.strip()) for key, release in SIMULATED.items()))


def _fault_kinds() -> str:
    return ", ".join(f"`{kind}`" for kind in KINDS) + ".\n"


def _tested_with() -> str:
    head = ("`make matrix-...`", "Python", "ansible-core", *matrix.LIBRARIES, "has run")
    return table(head, ((f"`{row.name}`", row.python, *_versions(row), _run(row)) for row in matrix.ROWS))


def _versions(row: matrix.Row) -> list[str]:
    return [row.version(package) for package in ("ansible-core", *matrix.LIBRARIES)]


def _run(row: matrix.Row) -> str:
    return "yes" if row.seen else f"not yet: no Python {row.python} at hand"


def _codes(rows: t.Iterable[tuple[int, str, str]]) -> str:
    told = ((f"`{windows_errors.code_text(code)}`", meaning, advice) for code, meaning, advice in sorted(rows))
    return table(("Number", "What it means", "What to do"), told)


def _win32_errors() -> str:
    return _codes((code, told.text, told.advice) for code, told in windows_errors.WIN32_ERRORS.items())


def _service_codes() -> str:
    return _codes((code, told.text, told.advice) for code, told in windows_errors.SERVICE_CODES.items())


def _wsman_faults() -> str:
    return _codes((code, told.meaning, told.advice) for code, told in faults.BY_CODE.items())


def _metrics() -> str:
    rows = ((f"`{row.name}`", ", ".join(f"`{label}`" for label in row.labels) or "none", row.says) for row in METRICS)
    return table(("Metric", "Labels", "What it says"), rows)


def _checks() -> str:
    rows = (
        (f"`{name}`", says, " or ".join(f"`{level}`" for level in levels)) for name, (says, levels) in CHECKS.items()
    )
    return table(("Case", "It passes if", "Else its type is"), rows)


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """One table: how it is made, and the page that it stands in."""

    make: t.Callable[[], str]
    page: str


TABLES: t.Final[t.Mapping[str, Table]] = {
    "releases": Table(_releases, "mechanisms.md"),
    "contested": Table(_contested, "mechanisms.md"),
    "setup-ranges": Table(_setup_ranges, "mechanisms.md"),
    "ports": Table(_ports, "ports.md"),
    "port-notes": Table(_port_notes, "ports.md"),
    "takers": Table(_takers, "ports.md"),
    "server-kinds": Table(_server_kinds, "ports.md"),
    "rights": Table(_rights, "rights.md"),
    "rights-of-modules": Table(_rights_of_modules, "rights.md"),
    "risk-examples": Table(_risk_examples, "risk.md"),
    "risk-candidates": Table(_risk_candidates, "risk.md"),
    "risk-doubts": Table(_risk_doubts, "risk.md"),
    "findings": Table(_findings, "troubleshooting.md"),
    "verdicts": Table(_verdicts, "troubleshooting.md"),
    "win32-errors": Table(_win32_errors, "errors.md"),
    "service-codes": Table(_service_codes, "errors.md"),
    "wsman-faults": Table(_wsman_faults, "errors.md"),
    "limits": Table(_limits, "how-it-works.md"),
    "subset-requests": Table(_subset_requests, "how-it-works.md"),
    "assumptions": Table(_assumptions, "verified.md"),
    "wire-assumptions": Table(_wire_assumptions, "verified.md"),
    "probes": Table(_probes, "verify.md"),
    "unprobed": Table(_unprobed, "verify.md"),
    "open-questions": Table(_open_questions, "verify.md"),
    "metrics": Table(_metrics, "monitoring.md"),
    "checks": Table(_checks, "monitoring.md"),
    "simulated-releases": Table(_simulated_releases, "simulator.md"),
    "fault-kinds": Table(_fault_kinds, "simulator.md"),
    "tested-with": Table(_tested_with, "verified.md"),
}


def places(text: str) -> list[Place]:
    """The tables of a page; KeyError names a table that there is not."""
    return [
        Place(match["name"], *match.span("text"), f"\n{TABLES[match['name']].make()}\n")
        for match in _PLACE.finditer(text)
    ]
