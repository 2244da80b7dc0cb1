# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath expressions of the option ``query``; the package jmespath is looked for only when one is given."""

from __future__ import annotations

import importlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.expression import Scope, scope_of

OPTION: t.Final = "query"
_SLIPS: t.Final = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""Errors of Python's own that jmespath lets through: a text that is compared with a number, brackets without an end."""


class Query:
    """One expression over the whole result.

    Raises:
        OptionError: jmespath is missing on the controller, or the expression is wrong.
    """

    def __init__(self, expression: str) -> None:
        self._jmespath = _package()
        self._expression = expression
        try:
            self._compiled = self._jmespath.compile(expression)
            # Functions are looked up only when the expression is used; that nothing fits their types is no matter yet.
            self._compiled.search({})
        except self._jmespath.exceptions.JMESPathTypeError:
            pass
        except (self._jmespath.exceptions.JMESPathError, *_SLIPS) as error:
            raise self._wrong(error) from error

    @property
    def scope(self) -> Scope:
        """The parts of the result that the expression uses."""
        return scope_of(self._compiled.parsed)

    def answer(self, result: t.Mapping[str, t.Any]) -> t.Any:
        """The answer; ``None`` if there is none."""
        try:
            return self._compiled.search(result)
        except (self._jmespath.exceptions.JMESPathError, *_SLIPS) as error:
            raise self._wrong(error) from error

    def _wrong(self, error: Exception) -> OptionError:
        # Behind the first line, jmespath draws the expression with a mark below it.
        reason = _of_number(error) or (str(error).splitlines() or ["it is empty"])[0].rstrip(" :")
        return OptionError(OPTION, f"{self._expression!r} is no JMESPath expression that can be used here: {reason}")


def _of_number(error: Exception) -> str:
    """The usual mistake, a number without backticks, in plain words; empty for another one."""
    if str(getattr(error, "token_type", "")).lower() != "number":
        return ""
    number = getattr(error, "token_value", "")
    return f"a number stands in backticks, `{number}`; in a shell, the whole expression then stands in single quotes"


def _package() -> t.Any:
    try:
        return importlib.import_module("jmespath")
    except ImportError as error:
        raise OptionError(
            OPTION,
            "it needs the Python package jmespath on the controller, which is missing; install it into the environment "
            "that runs ansible, for example with 'pip install jmespath', or leave query out",
        ) from error
