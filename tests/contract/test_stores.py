# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of the options of stores on other systems. CONTRIBUTING.md has the rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import KINDS

from . import collection


@dataclass(frozen=True)
class Names:
    """How the options of one kind are named."""

    prefix: str  # of the options that say how to reach the system and log in to it
    written: frozenset[str]  # the options that say what is written there
    # Names that everybody knows from the tools of the system.
    established: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NAMES = {
    "kubernetes_secret": Names(
        "kubernetes_",
        _words("namespaces secret_name secret_type keys extra_values labels annotations force registry"),
        _words("kubeconfig"),
    ),
    # The organization has the prefix, too: without it, it would be one of Quay.
    "awx_credential": Names("awx_", _words("credential credential_id credential_type inputs create force registry")),
    "vault_vars": Names(
        "ansible_vault_",
        _words("path variables owner group mode force unsafe_writes registry"),
        _words("ansible_vault_password_file"),
    ),
    "hashi_vault": Names("vault_", _words("mount path kv_version keys force registry")),
}


def problems_of(options: Mapping[str, Any], names: Names) -> Iterator[str]:
    """What breaks the rule in an argument spec."""
    yield from (f"{name}: no such option" for name in sorted((names.written | names.established) - options.keys()))
    for name, option in options.items():
        if name in names.written:
            if name.startswith(names.prefix):
                yield f"{name}: it says what is written, so it has no prefix"
        elif name not in names.established:
            if not name.startswith(names.prefix):
                yield f"{name}: begin it with {names.prefix}, or add it to what is written"
            if name.endswith("_file") or (option["type"] == "path" and not name.endswith("_path")):
                yield f"{name}: end the name of a path with _path"


def test_each_kind_on_another_system_has_names() -> None:
    assert NAMES.keys() == {name for name, kind in KINDS.items() if kind.on_rotator}


@pytest.mark.parametrize("kind", NAMES)
def test_names_of_options(kind: str) -> None:
    assert list(problems_of(KINDS[kind].options, NAMES[kind])) == []


@pytest.mark.parametrize(
    ("name", "of_type", "problem"),
    [
        ("url", "str", "begin it with x_, or add it to what is written"),
        ("x_keys", "dict", "it says what is written, so it has no prefix"),
        ("x_token_file", "str", "end the name of a path with _path"),
        ("x_key", "path", "end the name of a path with _path"),
    ],
)
def test_names_that_break_the_rule(name: str, of_type: str, problem: str) -> None:
    names = Names("x_", _words("path x_keys") & {"path", name}, _words("xconfig"))
    options = {"path": {"type": "path"}, "xconfig": {"type": "path"}, "x_host": {"type": "str"}}
    assert list(problems_of(options, Names("x_", _words("path"), _words("xconfig")))) == []
    assert list(problems_of({**options, name: {"type": of_type}}, names)) == [f"{name}: {problem}"]


def test_names_without_an_option() -> None:
    assert list(problems_of({}, Names("x_", _words("path")))) == ["path: no such option"]


def test_contributors_find_the_prefixes() -> None:
    text = (collection.ROOT / "CONTRIBUTING.md").read_text()
    section = text[text.index("## To add a store") : text.index("## To write a guide")]
    assert [names.prefix for names in NAMES.values() if f"`{names.prefix}`" not in section] == []
