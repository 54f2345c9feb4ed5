# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Galaxy and Automation Hub require of a release: versions, metadata, changelog and README."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import collection

README = (collection.ROOT / "README.md").read_text()
ROLES = sorted(path.name for path in (collection.ROOT / "roles").iterdir())
# The folders of plugins that users name in their playbooks. Action plugins have the names of modules.
PLUGIN_TYPES = ("filter", "inventory", "lookup")

# Sections of the README that Automation Hub requires of certified collections, in their order.
SECTIONS = [
    "Description",
    "Requirements",
    "Installation",
    "Use cases",
    "Testing",
    "Contributing",
    "Support",
    "Release notes and roadmap",
    "Related information",
    "License information",
]
# At least one of them must be among the tags of a certified collection.
REQUIRED_TAGS = {"application", "cloud", "database", "infrastructure", "linux", "monitoring", "networking", "security"}
REQUIRED_TAGS |= {"storage", "tools", "windows"}

# A part of the content: its type as the changelog has it, and its name.
Content = tuple[str, str]


def load(name: str) -> Any:
    return yaml.safe_load((collection.ROOT / name).read_text())


GALAXY = load("galaxy.yml")


def documented_versions() -> dict[Content, str]:
    """The documented version_added of all modules, plugins and roles."""
    found = {("module", name): version_of(collection.PLUGINS / "modules" / f"{name}.py") for name in collection.MODULES}
    for kind in PLUGIN_TYPES:
        found |= {(kind, path.stem): version_of(path) for path in (collection.PLUGINS / kind).glob("*.py")}
    for role in ROLES:
        specs = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]
        found["role", role] = specs["main"].get("version_added", "")
    return found


def version_of(path: Path) -> str:
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "DOCUMENTATION":
            return str(yaml.safe_load(ast.literal_eval(statement.value)).get("version_added", ""))
    raise AssertionError(f"{path.name} has no DOCUMENTATION")


def released_versions(changelog: dict[str, Any]) -> dict[Content, str]:
    """The version in which the changelog lists each module, plugin and role as new."""
    found: dict[Content, str] = {}
    for version, release in changelog["releases"].items():
        lists = {"module": release.get("modules", ()), **release.get("plugins", {}), **release.get("objects", {})}
        found |= {(kind, item["name"]): version for kind, items in lists.items() for item in items}
    return found


VERSIONS = documented_versions()


@pytest.mark.parametrize("content", VERSIONS, ids=" ".join)
def test_new_content_has_the_version_of_its_release(content: Content) -> None:
    """What no release has yet gets the version of the next one, which is in galaxy.yml."""
    released = released_versions(load("changelogs/changelog.yaml"))
    assert VERSIONS[content] == released.get(content, GALAXY["version"]), "version_added"


def test_changelog_names_no_content_that_does_not_exist() -> None:
    assert released_versions(load("changelogs/changelog.yaml")).keys() <= VERSIONS.keys()


@pytest.mark.slow
def test_next_release_lists_all_its_content_and_fragments(tmp_path: Path) -> None:
    """Run what `make changelog` runs, in a copy."""
    tree = tmp_path / "ansible_collections" / "tokensmith" / "quay"
    tree.mkdir(parents=True)
    shutil.copy(collection.ROOT / "galaxy.yml", tree)
    for name in ("meta", "changelogs", "plugins", "roles"):
        shutil.copytree(collection.ROOT / name, tree / name)
    pending = [load_fragment(path) for path in (tree / "changelogs" / "fragments").glob("*.yml")]
    run_changelog(tree)
    changelog = yaml.safe_load((tree / "changelogs" / "changelog.yaml").read_text())
    assert released_versions(changelog) == VERSIONS
    changes = changelog["releases"][GALAXY["version"]]["changes"]
    assert changes["release_summary"]
    for fragment in pending:
        for section in fragment.keys() - {"release_summary"}:
            assert set(fragment[section]) <= set(changes[section])
    assert f"v{GALAXY['version']}\n" in (tree / "CHANGELOG.rst").read_text()
    assert not list((tree / "changelogs" / "fragments").glob("*.yml"))


def load_fragment(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def run_changelog(tree: Path) -> None:
    programs = Path(sys.executable).parent
    home = {"HOME": str(tree), "ANSIBLE_HOME": str(tree / ".ansible")}
    environ = {**os.environ, **home, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    command = [str(programs / "antsibull-changelog"), "release", "--reload-plugins", "--update-existing"]
    done = subprocess.run(command, cwd=tree, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", sorted((collection.ROOT / "changelogs" / "fragments").glob("*.yml")), ids=lambda path: path.stem
)
def test_fragments_have_known_sections(path: Path) -> None:
    sections = {name for name, _title in load("changelogs/config.yaml")["sections"]} | {"release_summary", "trivial"}
    assert load_fragment(path).keys() <= sections


def test_version_is_stable() -> None:
    """Automation Hub takes no version below 1.0.0."""
    assert re.fullmatch(r"[1-9]\d*\.\d+\.\d+", GALAXY["version"])


def test_security_policy_names_the_supported_version() -> None:
    minor = GALAXY["version"].rpartition(".")[0]
    assert f"| {minor}.x | yes |" in (collection.ROOT / "SECURITY.md").read_text()


def test_metadata_of_galaxy_is_complete() -> None:
    assert GALAXY["description"]
    assert set(GALAXY["tags"]) & REQUIRED_TAGS
    assert len(GALAXY["tags"]) <= 20
    assert GALAXY["license"] == ["GPL-3.0-or-later"]
    assert not GALAXY["dependencies"], "a certified collection depends on certified ones only"
    for name in ("repository", "documentation", "homepage", "issues"):
        assert GALAXY[name].startswith("https://"), name


def test_required_version_of_ansible_is_the_tested_one() -> None:
    required = collection.runtime()["requires_ansible"]
    (lowest,) = re.findall(
        r"^ansible-core ~= (.+)$", (collection.ROOT / "tests/requirements/lowest.txt").read_text(), re.MULTILINE
    )
    # An upper bound would refuse versions of ansible-core that are to come.
    assert required == f">={lowest}"
    for role in ROLES:
        needed = load(f"roles/{role}/meta/main.yml")["galaxy_info"]["min_ansible_version"]
        assert f"{needed}.0" == lowest
    assert f"ansible-core {lowest.removesuffix('.0')}" in README


def test_modules_that_sign_in_to_quay_are_in_the_action_group() -> None:
    group = collection.runtime()["action_groups"]["quay"]
    signing_in = {name for name in collection.MODULES if "quay_token" in collection.spec_of(name).options}
    assert set(group) == signing_in
    # Only modules for hosts that must not get the login have the address without a login.
    with_address = {name for name in collection.MODULES if "quay_host" in collection.spec_of(name).options}
    assert with_address - signing_in == set(collection.CONSUMER_MODULES)


def test_redirects_lead_to_modules() -> None:
    routing = collection.runtime()["plugin_routing"]
    for old, route in routing["modules"].items():
        assert old not in collection.MODULES
        assert route["redirect"].removeprefix(f"{collection.NAME}.") in collection.MODULES


def test_python_requirements_have_lower_bounds_only() -> None:
    """Other collections of an execution environment may need other versions."""
    assert load("meta/execution-environment.yml")["dependencies"] == {"python": "requirements.txt"}
    lines = (collection.ROOT / "requirements.txt").read_text().splitlines()
    needed = [line for line in lines if line and not line.startswith("#")]
    assert needed
    for line in needed:
        assert re.fullmatch(r"[\w-]+ >= [\d.]+", line), line
        assert not line.startswith("ansible")


def test_no_rule_of_ansible_lint_is_skipped() -> None:
    names = (".ansible-lint", ".ansible-lint.yml", ".ansible-lint-ignore", ".config/ansible-lint.yml")
    assert not [name for name in names if (collection.ROOT / name).exists()]
    found = [(path.name, rule) for path in collection.tracked() for rule in skipped_rules(path)]
    # The playbook checks a variable once, before the role, for whatever strategy.
    assert found == [("rotate.yml", "run-once[task]")]


def skipped_rules(path: Path) -> Iterator[str]:
    if path.suffix in (".yml", ".yaml"):
        text = path.read_text()
        yield from re.findall(r"# noqa:? *(.+)$", text, re.MULTILINE)
        assert "skip_ansible_lint" not in text, path


def sections() -> list[str]:
    return re.findall(r"^## (.+)$", README, re.MULTILINE)


def test_readme_has_the_required_sections() -> None:
    assert [name for name in sections() if name in SECTIONS] == SECTIONS


@pytest.mark.parametrize("name", ["README.md", *(f"roles/{role}/README.md" for role in ROLES)])
def test_links_of_a_readme_are_complete(name: str) -> None:
    """Galaxy shows a README without the files around it."""
    text = (collection.ROOT / name).read_text()
    headings = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^]]+\]: (\S+)", text, re.MULTILINE):
        if target.startswith("#"):
            assert target[1:] in headings, target
        else:
            assert target.startswith("https://"), target
            check_repository_link(target)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def check_repository_link(target: str) -> None:
    """Check that a link into the repository leads to an existing file or folder."""
    link = re.fullmatch(rf"{GALAXY['repository']}/(blob|tree)/main/([^#]+)(#.*)?", target)
    if link:
        path = collection.ROOT / link[2]
        assert path.is_file() if link[1] == "blob" else path.is_dir(), target


def test_readme_names_all_content() -> None:
    names = {name for _kind, name in VERSIONS}
    assert {name for name in names if not re.search(rf"`(?:lookup |role )?{name}`", README)} == set()


def test_readme_installs_no_ansible() -> None:
    """An execution environment has it, and Red Hat supports no installation by pip."""
    assert not re.search(r"pip install .*\bansible(-core)?\b", README)
