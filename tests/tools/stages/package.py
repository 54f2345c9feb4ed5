# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artifact that Galaxy distributes to users."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path

from .. import environments, places, servers, shell, tree
from .importer import import_artifact

FOLDERS = ("LICENSES/", "docs/", "meta/", "playbooks/", "plugins/", "roles/")
FILES = ("CHANGELOG.rst", "COPYING", "README.md", "changelogs/changelog.yaml", "requirements.txt")
GENERATED = ("FILES.json", "MANIFEST.json")

MODULE = "tokensmith.quay.quay_robot_token"
# The form of a robot's token.
ROBOT_TOKEN = re.compile("[A-Z0-9]{64}")

FOLDER = places.BUILD / "package"
INSTALLED = FOLDER / "installed"
# Ansible finds no other collection than the installed one.
SEARCH_PATH = {"ANSIBLE_COLLECTIONS_PATH": INSTALLED}


def package() -> None:
    """Build the artifact, check it as Automation Hub does, install it, and run a module from there."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    environments.main().run("ansible-galaxy", "collection", "build", "--output-path", FOLDER, cwd=places.ROOT)
    (artifact,) = FOLDER.glob("*.tar.gz")
    check_contents(artifact)
    import_artifact(artifact, FOLDER)
    install(artifact)
    read_documentation()
    call_module()


def check_contents(artifact: Path) -> None:
    """Compare the files of ``artifact`` with those that users need."""
    sources = {str(name) for name in tree.files(places.TREE)}
    wanted = {name for name in sources if name.startswith(FOLDERS)}.union(FILES, GENERATED)
    with tarfile.open(artifact) as archive:
        found = {member.name for member in archive if not member.isdir()}
    if found != wanted:
        missing, unwanted = sorted(wanted - found), sorted(found - wanted)
        raise shell.CommandFailed(f"The artifact has missing files {missing} and unwanted files {unwanted}")
    shell.say(f"\nThe artifact holds the expected {len(found)} files.")


def install(artifact: Path) -> None:
    """Install ``artifact`` into an empty folder."""
    command = ("ansible-galaxy", "collection", "install", "--offline", "--collections-path", INSTALLED, artifact)
    environments.main().run(*command, cwd=FOLDER, variables=SEARCH_PATH)


def read_documentation() -> None:
    """Check that ansible-doc finds the documentation of an installed module."""
    command = ("ansible-doc", "--json", "--type", "module", MODULE)
    output = environments.main().read(*command, cwd=FOLDER, variables=SEARCH_PATH)
    if MODULE not in json.loads(output):
        raise shell.CommandFailed(f"The installed {MODULE} has no documentation")


def call_module() -> None:
    """Run an installed module by an ad-hoc command."""
    token_path = FOLDER / "robot-token"
    with servers.standin(servers.FAMILIES[0]) as server:
        token = servers.initialize(server)
        servers.post(server, "/api/v1/organization/", {"name": "acme"}, token)
        command = ("ansible", "localhost", "-m", MODULE, "-a", f"name=acme+ci token_path={token_path}")
        login = {"QUAY_HOST": server.url, "QUAY_TOKEN": token}
        environments.main().run(*command, cwd=FOLDER, variables={**SEARCH_PATH, **login})
    if not ROBOT_TOKEN.fullmatch(token_path.read_text().strip()):
        raise shell.CommandFailed(f"The installed {MODULE} wrote no robot token")
