# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The offline kit as a task makes it: its options, the files of its look, the files that it writes."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options, risks
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._kit import look as looks
from ansible_collections.portkeeper.windows.plugins.module_utils._kit import scripts
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.commands import PARTS
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.kit import README, Kit, look_kit, whole_kit
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.look import Look
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.releases import (
    RELEASES,
    KitRelease,
    kit_release,
)
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_files import write
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import Arguments, validated_options

ARGUMENT_SPEC: t.Final[Arguments] = {
    "directory": {"type": "path", "required": True},
    "release": {"type": "str", "required": True, "choices": list(RELEASES)},
    "service_pack": {"type": "int", "default": 0},
    "resources": {"type": "list", "elements": "dict", "required": True},
    "restart_dns": {"type": "bool", "default": False},
    "look": {"type": "path"},
    **risks.ARGUMENT,
}
_RESOURCES: t.Final = (
    "reserved_ports",
    "dns_socket_pool",
    "dynamic_ports",
    "static_rpc_port",
    "service_start_mode",
)
"""Those of converge whose steps a script can take."""


def made(options: Arguments, server: str, *, check_mode: bool) -> dict[str, t.Any]:
    """Make the kit of one server, and give what the task returns; raises PlanError and OptionError."""
    directory, kit = pathlib.Path(options["directory"]), kit_release(options["release"])
    request = _request(options)
    _refuse_used(directory)
    look = _look(pathlib.Path(options["look"] or directory / "look"), kit)
    if look is None:
        _refuse_lost_look(directory)
        made_kit = look_kit(kit, server)
    else:
        made_kit = whole_kit(request, kit, look, server=server, service_pack=options["service_pack"])
    written = write({directory / name: content for name, content in made_kit.files.items()}, check_mode=check_mode)
    removed = _removed(directory, made_kit, check_mode=check_mode)
    return {
        "changed": bool(written or removed),
        "files": written,
        "removed": removed,
        "complete": made_kit.complete,
        "changes": list(made_kit.changes),
        "reboot_required": made_kit.reboot_required,
        **({"warnings": list(made_kit.warnings)} if made_kit.warnings else {}),
        "msg": _sentence(made_kit, directory),
    }


def _request(options: Arguments) -> Request:
    for index, item in enumerate(options["resources"]):
        unfit = [name for name in item if name in converge_options.RESOURCES and name not in _RESOURCES]
        if unfit:
            known = ", ".join(_RESOURCES)
            raise OptionError(f"resources[{index}]", f"no kit does {', '.join(unfit)}; it does {known}")
    given = {name: options[name] for name in ("resources", "restart_dns", risks.OPTION)}
    checked = validated_options("resources", converge_options.ARGUMENT_SPEC, given)
    # The journal is written over the network alone: a script can't merge it with what other runs have noted there.
    return converge_options.request(checked, journal=False, validate=validated_options)


def _refuse_used(directory: pathlib.Path) -> None:
    if (directory / scripts.HAS_BACKUP).exists():
        raise PlanError(
            "directory",
            f"the kit in {directory} has been used: it holds the backup, and the undo that goes with it",
            "Keep it, and give another directory for a new kit",
        )


def _refuse_lost_look(directory: pathlib.Path) -> None:
    if (directory / scripts.APPLY).exists():
        raise PlanError(
            "look",
            f"{directory} has a whole kit, and the look that it was made from is gone",
            "Bring the folder look back, or give another directory for a new kit",
        )


def _look(folder: pathlib.Path, kit: KitRelease) -> Look | None:
    """The files of a look; ``None`` if there is none yet."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    return Look({name: content for name in looks.names(kit) if (content := _content(folder / name)) is not None}, kit)


def _content(path: pathlib.Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            content = file.read(looks.MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnsibleActionFail(f"{path} can't be read: {error.strerror}") from None
    if len(content) > looks.MOST_BYTES:
        raise AnsibleActionFail(f"{path} can't be a file of a look: it has more than {looks.MOST_BYTES} bytes")
    return content


def _removed(directory: pathlib.Path, kit: Kit, *, check_mode: bool) -> list[str]:
    """Delete the scripts of an earlier kit in this folder that don't belong to this one, and name them."""
    ours = [*(directory / name for name in scripts.NAMES), *sorted(directory.glob(f"{PARTS}/*"))]
    stale = [path for path in ours if path.is_file() and path.relative_to(directory).as_posix() not in kit.files]
    for path in stale if not check_mode else ():
        path.unlink()
    return [str(path) for path in stale]


def _sentence(kit: Kit, directory: pathlib.Path) -> str:
    if not kit.complete:
        return f"Start {directory / scripts.LOOK} on the server, and bring its folder look back to {directory}."
    if not kit.changes:
        return "All that is asked for is configured already, as the look shows."
    count = f"{len(kit.changes)} change{'s' if len(kit.changes) > 1 else ''}"
    return f"The kit in {directory} makes {count}; {directory / README} says how."
