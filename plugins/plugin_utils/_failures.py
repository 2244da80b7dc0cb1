# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of actions: every error becomes a result that the action returns, and every text in a result is harmless.

Results quote the server. ansible-core before 2.19 runs a text as a template on the controller, unless the text carries
a mark. It marks what an action returns. It does not mark the message of an AnsibleActionFail or
AnsibleConnectionFailure, nor the traceback that it adds to them; and the mark is lost on some ways, such as the
variables of add_host. A server that is believed there can run commands on the controller.

Terminals, logs and tables show results, so control characters and those that turn the direction of text are replaced.
"""

from __future__ import annotations

import re
import traceback
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.printable import (
    printable,
    with_each_text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import WindowsError, explained
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import (
    AuthenticationFailed,
    HostUnreachable,
    WsmanError,
)

Result = dict[str, t.Any]

_OPENING: t.Final = re.compile(r"\{(?=[{%#])|^#(?=jinja2:)")


def result_of(work: t.Callable[[], Result], *, host: str, action: str) -> Result:
    """The result of this work, or of its failure, with harmless texts.

    :param host: as the inventory calls it; a PlanError does not know it.
    :param action: the action as the task calls it, for errors of our own.
    """
    return t.cast("Result", harmless(_result_of(work, host, action)))


def _result_of(work: t.Callable[[], Result], host: str, action: str) -> Result:
    try:
        return work()
    except (HostUnreachable, AuthenticationFailed, AnsibleConnectionFailure) as error:
        return {"unreachable": True, "msg": _sentence(error, host)}
    except (WsmanError, WindowsError, OptionError, PlanError, AnsibleError) as error:
        return {"failed": True, "msg": _sentence(explained(error), host)}
    except Exception as error:  # noqa: BLE001 - raised, its text would be a template for ansible-core before 2.19
        return _defect(error, host, action)


def _sentence(error: Exception, host: str) -> str:
    if isinstance(error, AnsibleError):
        # As text, it would quote the playbook too.
        return str(error.message)
    return f"{host}: {error}" if isinstance(error, PlanError) else str(error)


def _defect(error: Exception, host: str, action: str) -> Result:
    """An error that this collection does not know: the sentence for the user, the traceback for the report."""
    kind = type(error).__name__
    sentence = (
        f"{host}: {action} stopped at an error of its own ({kind}: {error}). This is a defect of portkeeper.windows. "
        "Run the task again with -vvv and report what it prints."
    )
    return {"failed": True, "msg": sentence, "exception": "".join(traceback.format_exception(error))}


def harmless(value: t.Any) -> t.Any:
    """The value with texts that are no templates and command no terminal; mappings and lists with all that they hold.

    A blank stands in every ``{{``, ``{%`` and ``{#``, and in ``#jinja2:``, which changes them.
    """
    return with_each_text(value, _Harmless().__getitem__)


class _Harmless(dict[str, str]):
    """Texts by what they were. Equal texts become one object, which Ansible sends to its parent process once."""

    def __missing__(self, text: str) -> str:
        shown = printable(text)
        # Hardly a text has a character that an opening begins with.
        self[text] = changed = _OPENING.sub(r"\g<0> ", shown) if "{" in shown or shown.startswith("#") else shown
        return changed
