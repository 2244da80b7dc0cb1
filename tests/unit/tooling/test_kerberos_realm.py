# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine without Kerberos: its tests are left out, and say what brings it."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

from tests.fleet import kerberos_realm


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)


@pytest.mark.usefixtures("nothing")
def test_everything_that_lacks_is_named_with_its_package() -> None:
    sentence = kerberos_realm.lacking()
    assert "(Debian: apt-get install krb5-admin-server krb5-kdc krb5-user)" in sentence
    assert "the Python packages gssapi, krb5, pykerberos are missing" in sentence


def test_nothing_lacks_if_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_options: f"/usr/bin/{name}")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert kerberos_realm.lacking() == ""
