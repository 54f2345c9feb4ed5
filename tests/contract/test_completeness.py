# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module is in the action group and has its tests."""

from __future__ import annotations

import pytest

from . import collection


def test_action_group_has_every_module_and_nothing_else() -> None:
    group = collection.runtime()["action_groups"]["quay"]
    assert sorted(group) == [name for name in collection.MODULES if name not in collection.CONSUMER_MODULES]
    assert len(set(group)) == len(group)


def test_every_module_file_is_a_module_of_quay() -> None:
    files = {path.name for path in (collection.PLUGINS / "modules").glob("*.py")}
    assert files == {path.name for path in collection.MODULE_FILES}


@pytest.mark.parametrize("module", collection.MODULES)
def test_module_has_an_integration_target(module: str) -> None:
    tasks = collection.ROOT / "tests" / "integration" / "targets" / module / "tasks"
    assert tasks.is_dir(), f"tests/integration/targets/{module} has no tasks"
    texts = [path.read_text() for path in tasks.rglob("*.yml")]
    assert any(f"{collection.NAME}.{module}:" in text for text in texts), f"no task there runs {module}"


@pytest.mark.parametrize("module", collection.MODULES)
def test_module_has_a_test_on_the_standin(module: str) -> None:
    folders = [collection.ROOT / "tests" / name for name in ("functional", "unit")]
    tests = [path for folder in folders for path in folder.rglob("test_*.py")]
    assert any(f'"{module}"' in path.read_text() for path in tests), f'no test names "{module}"'
