# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options checked by Ansible's own rules, with a sentence that helps who has mistyped a name."""

from __future__ import annotations

import collections
import collections.abc as c
import difflib
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError

Arguments = t.Mapping[str, t.Any]

_VALUES: t.Final = type(collections.OrderedDict[str, str]().values())
# We ask this, the validator and requests. The first answer takes a walk through all classes that are mappings or
# sequences, and is kept: given before Ansible forks, it is known to every worker.
for _kind, _abstract in ((bool, c.Mapping), (list, c.Mapping), (_VALUES, c.Mapping), (dict, c.Sequence)):
    issubclass(_kind, _abstract)


def validated_options(place: str, spec: Arguments, options: Arguments) -> Arguments:
    """The options with their types and defaults.

    :param place: the module as the task calls it, or the option that these options stand in.
    :param spec: an argument specification of Ansible.
    :raises OptionError: an option is unknown, missing or wrong; all that is wrong in one text.
    """
    validation = ArgumentSpecValidator(dict(spec)).validate(_Own(plain_value(options)))
    # Ansible's own sentence about unknown options names no module, and not what was meant.
    others = [str(error.msg) for error in validation.errors.errors if not isinstance(error, UnsupportedError)]
    unknown = [_unknown(spec, path) for path in sorted(map(_path, validation.unsupported_parameters))]
    if unknown or others:
        raise OptionError(place, "; ".join([*unknown, *others]))
    return dict(validation.validated_parameters)


class _Own(dict[str, t.Any]):
    """Options that were copied for the validator: it works on them, where it would copy them again."""

    def __deepcopy__(self, _copies: dict[int, t.Any]) -> _Own:
        return self


def plain_value(value: t.Any) -> t.Any:
    """The value in Python's own types. Ansible's carry where they come from, and it copies them ten times as slowly."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, c.Mapping):
        return {plain_value(key): plain_value(item) for key, item in value.items()}
    return value


def _path(name: str | tuple[str, ...]) -> tuple[str, ...]:
    """The names of the options that an unknown one stands in, and its own."""
    return name if isinstance(name, tuple) else (name,)


def _unknown(spec: Arguments, path: tuple[str, ...]) -> str:
    """A sentence about an unknown option, with the nearest one and all that there are at its place."""
    known = spec
    for name in path[:-1]:
        known = known.get(name, {}).get("options", {})
    nearest = difflib.get_close_matches(path[-1], known, n=1)
    meant = f"; did you mean {nearest[0]!r}?" if nearest else "."
    inside = f" in {'.'.join(path[:-1])}" if path[:-1] else ""
    return f"there is no option {path[-1]!r}{inside}{meant} The options are {', '.join(sorted(known))}"
