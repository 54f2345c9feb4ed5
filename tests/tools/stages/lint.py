# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Style, types, documentation, changelog and licences."""

from __future__ import annotations

from .. import environments, places

PYTHON_SOURCES = ("plugins", "tests")


def lint() -> None:
    """Read the sources with everything that reads sources."""
    main = environments.main()
    main.run("ruff", "check", ".")
    main.run("ruff", "format", "--check", ".")
    # From the folder above ansible_collections, so that every module has the name under which it is imported.
    sources = [(places.TREE / name).relative_to(places.COLLECTIONS) for name in PYTHON_SOURCES]
    main.run("mypy", "--config-file", places.TREE / "pyproject.toml", *sources, cwd=places.COLLECTIONS)
    main.run("ansible-lint", "--profile", "production", "--offline", "--strict")
    main.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", ".")
    main.run("antsibull-changelog", "lint")
    main.run("reuse", "lint", "--lines")


def format_sources() -> None:
    """Put the sources into their one format, in place."""
    main = environments.main()
    main.run("ruff", "check", "--fix", ".", cwd=places.ROOT)
    main.run("ruff", "format", ".", cwd=places.ROOT)
