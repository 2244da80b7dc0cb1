# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The known services that are installed on a server, and how they start."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources.service_start_mode import (
    current_mode,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.installed_services import (
    installed_known_services,
    known_service_questions,
    require_start_modes,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.server import ServiceRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView, SubsetAnswer
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Service, ServiceFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    DNS_SERVICE,
    WINRM_SERVICE,
)


def services(view: PortInfoView) -> SubsetAnswer:
    """One row for each service that matters here: DNS, WinRM and those of the catalogue."""
    context = view.context
    standing = [ServiceFact(DNS_SERVICE), ServiceFact(WINRM_SERVICE)]
    context.facts.require(*standing, *known_service_questions(context))
    products: dict[str, list[str]] = {}
    found: dict[str, Service] = {}
    for service in filter(None, (context.facts[question] for question in standing)):
        found[service.name] = service
    for item in installed_known_services(context):
        found[item.service.name] = item.service
        products.setdefault(item.service.name, []).append(item.product.key)
    require_start_modes(found.values(), context)
    return SubsetAnswer(tuple(_row(service, products.get(service.name, []), context) for service in found.values()))


def _row(service: Service, products: list[str], context: Context) -> ServiceRow:
    return ServiceRow(
        service=service.name,
        display_name=service.display_name,
        image=service.image,
        products=tuple(products),
        state=service.state,
        start_mode=current_mode(service, context),
        process_id=service.process_id,
        exit_code=service.exit_code,
    )
