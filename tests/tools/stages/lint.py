# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Static checks: style, types, documentation, changelog and licences."""

from __future__ import annotations

from .. import environments, places, shell, tree

# The collection's own packages. bench and every other package of tests are imported by their short names.
PACKAGES = ("ansible_collections.tokensmith.quay.plugins", "ansible_collections.tokensmith.quay.tests.unit")

YAML = (".yml", ".yaml")


def lint() -> None:
    """Check style, types, documentation, changelog and licences."""
    ruff()
    mypy()
    main = environments.main()
    main.run("ansible-lint", "--profile", "production", "--offline", "--strict")
    main.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--check-extra-docs-refs", ".")
    main.run("antsibull-changelog", "lint")
    main.run("reuse", "lint", "--lines")


def lint_changed() -> None:
    """Run those checks that take seconds, and ansible-lint on changed YAML files."""
    ruff()
    mypy()
    changed = sorted(str(name) for name in tree.changed() if name.suffix in YAML)
    if changed:
        environments.main().run("ansible-lint", "--profile", "production", "--offline", "--strict", *changed)
    else:
        shell.say("\nNo YAML file was changed: ansible-lint is not needed.")


def ruff() -> None:
    """Check the style of all Python files."""
    main = environments.main()
    main.run("ruff", "check", ".")
    main.run("ruff", "format", "--check", ".")


def mypy() -> None:
    """Check the types of all Python files; only changed ones cost time."""
    folders = sorted(path.parent for path in (places.TREE / "tests").glob("*/__init__.py"))
    packages = [*PACKAGES, "bench", *(folder.name for folder in folders)]
    options = [word for package in packages for word in ("--package", package)]
    config = places.TREE / "pyproject.toml"
    environments.main().run("mypy", "--config-file", config, *options, cwd=places.COLLECTIONS)


def format_sources() -> None:
    """Format the Python files in place."""
    main = environments.main()
    main.run("ruff", "check", "--fix", ".", cwd=places.ROOT)
    main.run("ruff", "format", ".", cwd=places.ROOT)
