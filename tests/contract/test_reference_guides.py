# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides to look things up in: the messages, features, modules and libraries that they name exist in the code."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kinds import KINDS
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import ROLE_KINDS

from . import collection, guides, messages
from .test_security_policy import TESTS

_TABLE = re.compile(r"^\.\. list-table::\n(?:   :.*\n)*\n((?:   .*\n|\n)+)", re.MULTILINE)
_ROW = re.compile(r"^   \* - (.*(?:\n       .+)*)", re.MULTILINE)
_LITERAL = re.compile(r"``([^`]+)``")


def tables_of(guide: str) -> Iterator[tuple[str, list[str]]]:
    """For each table of a guide, the head of its first column and the cells below."""
    for table in _TABLE.findall(guides.text_of(guide)):
        head, *cells = (" ".join(cell.split()) for cell in _ROW.findall(table))
        yield head, cells


def first_column(guide: str, head: str) -> list[str]:
    """The first cells of all tables of a guide with this head."""
    return [cell for found, cells in tables_of(guide) if found == head for cell in cells]


# --- errors and warnings

MESSAGES = [
    (guide, _LITERAL.findall(cell)[0] if "``" in cell else cell)
    for guide in ("guide_troubleshooting", "guide_bootstrap")
    for cell in first_column(guide, "Message")
]


# What the guide says in general, in italics.
_BEGINNING = " ".join(guides.text_of("guide_troubleshooting").partition("\n.. run")[0].split())
MESSAGES += [("guide_troubleshooting", words) for words in re.findall(r"\*((?:Nothing|The) [^*]+)\*", _BEGINNING)]


def test_guides_explain_messages() -> None:
    assert len(MESSAGES) > 80
    assert ("guide_troubleshooting", "The present token was not replaced") in MESSAGES


def test_documentation_is_no_message() -> None:
    assert not messages.is_printed("Compare the permissions of a login with those that declared credentials need")
    assert not messages.is_printed("Accepting a token issues it, by the flow of Quay")


@pytest.mark.parametrize(("guide", "message"), MESSAGES)
def test_message_is_one_of_the_code(guide: str, message: str) -> None:
    assert messages.is_printed(message), f"{guide}: no text of the code has these words"


# --- what works with which Quay


def test_every_kind_of_credential_is_listed() -> None:
    listed = [_LITERAL.findall(cell)[0] for cell in first_column("guide_versions", "Kind")]
    assert sorted(listed) == sorted(KINDS)


def test_features_are_those_that_modules_ask_for() -> None:
    named = set(re.findall(r"\b(?:FEATURE_)?(?!FEATURE_)([A-Z]+(?:_[A-Z]+)+)\b", guides.text_of("guide_versions")))
    code = "".join(path.read_text() for path in collection.PLUGINS.rglob("*.py"))
    assert named
    assert {name for name in named if f'"{name}"' not in code and f"FEATURE_{name}" not in code} <= {"ROBOTS_DISALLOW"}


@pytest.mark.parametrize("module", collection.MODULES)
def test_module_that_needs_a_feature_is_listed(module: str) -> None:
    """A feature that the documentation of a module names is in its row."""
    rows = guides.text_of("guide_versions").split("   * - ``quay_")
    row = next((f"quay_{row}" for row in rows if f"quay_{row}".startswith(f"{module}``")), "")
    for feature in re.findall(r"FEATURE_\w+", collection.source_text(module, "DOCUMENTATION")):
        assert feature in row, f"{module} needs {feature}"


def test_listed_modules_exist() -> None:
    listed = [_LITERAL.findall(cell)[0] for cell in first_column("guide_versions", "Module")]
    assert listed == sorted(listed)
    assert set(listed) <= set(collection.MODULES)


# --- execution environments


def test_every_kind_of_store_is_listed_with_its_libraries() -> None:
    cells = first_column("guide_execution_environments", "Kind of store")
    assert {name for cell in cells for name in _LITERAL.findall(cell)} == set(ROLE_KINDS)
    text = guides.text_of("guide_execution_environments")
    loaded = {
        name
        for path in (collection.PLUGINS / "module_utils" / "_stores").glob("*.py")
        for name in re.findall(r'load_library\("(\w+)"', path.read_text())
    }
    # Those that ansible-core or another library requires.
    assert {name for name in loaded - {"yaml", "urllib3"} if f"``{name}``" not in text} == set()


# --- where each secret is


@pytest.mark.parametrize("guide", guides.NAMES)
def test_what_a_guide_says_is_tested(guide: str) -> None:
    assert guides.guards_of(guide) <= TESTS
