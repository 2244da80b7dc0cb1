# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange on a cluster: who stops it past the cluster service causes a failover.

The cluster service takes a stop that it did not order for a failure of its resource, and restarts it or moves it to
another node [D BackOffice Resource Kit; help of Exchange 2007]. The sign is the cluster service running beside services
of Exchange.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import StopServices
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.planned_run import PlannedRun
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.risks import Danger
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Fact, ServiceFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    CLUSTER_SERVICE,
    is_of_exchange,
)


def dangers(run: PlannedRun) -> list[Danger]:
    """The run stops services of Exchange on a server that is a node of a cluster; raises FactsNeeded."""
    stopped = [name for step in run.steps_of(StopServices) for name in step.names if is_of_exchange(name)]
    cluster = run.context.facts[ServiceFact(CLUSTER_SERVICE)] if stopped else None
    if cluster is None or not cluster.runs:
        return []
    names = ", ".join(dict.fromkeys(stopped))
    return [
        Danger(
            "cluster",
            f"service {names}",
            f"this server is a node of a cluster ({CLUSTER_SERVICE} runs), which takes a stop of Exchange that it did "
            "not order for a failure, and restarts it or moves it to another node",
            "Stop it through the cluster: cluster.exe or the Cluster Administrator (Exchange 2003), "
            "Stop-ClusteredMailboxServer (Exchange 2007), StartDagServerMaintenance.ps1 (Exchange 2010 and later)",
        )
    ]


def beside(asked: Fact[t.Any]) -> tuple[Fact[t.Any], ...]:
    """The cluster service, in the query for a service of Exchange."""
    return (ServiceFact(CLUSTER_SERVICE),) if isinstance(asked, ServiceFact) and is_of_exchange(asked.name) else ()
