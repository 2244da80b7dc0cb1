# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options by which several modules are told ports."""

from __future__ import annotations


class ModuleDocFragment:
    """Ports that the server itself knows."""

    DOCUMENTATION = r"""
options:
  ad_lds_instances:
    description:
      - AD LDS (ADAM) instances whose ports are meant too, beside the ports given by number.
      - Names without the prefix C(ADAM_), such as V(MSExchange) for the instance of the Exchange Edge Transport role.
      - The ports are read from the DWORDs C(Port LDAP) and C(Port SSL) in the key C(Parameters) of the instance's
        service.
      - If C(MSExchange) has neither of them, 50389 and 50636 are meant. Any other instance without them is an error.
    type: list
    elements: str
"""
