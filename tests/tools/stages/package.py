# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users get: the artifact that Galaxy distributes."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path

from .. import environments, places, servers, shell, tree

FOLDERS = ("LICENSES/", "docs/", "meta/", "playbooks/", "plugins/", "roles/")
FILES = ("CHANGELOG.rst", "COPYING", "README.md", "changelogs/changelog.yaml", "requirements.txt")
MADE_BY_GALAXY = ("FILES.json", "MANIFEST.json")

MODULE = "tokensmith.quay.quay_robot_token"
# What Quay issues to robots.
ROBOT_TOKEN = re.compile("[A-Z0-9]{64}")

FOLDER = places.BUILD / "package"
INSTALLED = FOLDER / "installed"
# The installed collection is the only one in sight.
SEARCHED = {"ANSIBLE_COLLECTIONS_PATH": INSTALLED}


def package() -> None:
    """Build the artifact, look into it, install it into an empty place and use it from there."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    environments.main().run("ansible-galaxy", "collection", "build", "--output-path", FOLDER, cwd=places.ROOT)
    (artifact,) = FOLDER.glob("*.tar.gz")
    check_contents(artifact)
    install(artifact)
    read_documentation()
    call_module()


def check_contents(artifact: Path) -> None:
    """Compare the files of ``artifact`` with those that users need."""
    sources = {str(name) for name in tree.files(places.TREE)}
    wanted = {name for name in sources if name.startswith(FOLDERS)}.union(FILES, MADE_BY_GALAXY)
    with tarfile.open(artifact) as archive:
        found = {member.name for member in archive if not member.isdir()}
    if found != wanted:
        lacking, needless = sorted(wanted - found), sorted(found - wanted)
        raise shell.CommandFailed(f"The artifact lacks {lacking} and holds needlessly {needless}")
    print(f"\nThe artifact holds the {len(found)} files that it should.")


def install(artifact: Path) -> None:
    """Install ``artifact`` where no other collection is."""
    command = ("ansible-galaxy", "collection", "install", "--offline", "--collections-path", INSTALLED, artifact)
    environments.main().run(*command, cwd=FOLDER, variables=SEARCHED)


def read_documentation() -> None:
    """Ask the installed module for its documentation."""
    command = ("ansible-doc", "--json", "--type", "module", MODULE)
    answer = environments.main().read(*command, cwd=FOLDER, variables=SEARCHED)
    if MODULE not in json.loads(answer):
        raise shell.CommandFailed(f"The installed {MODULE} has no documentation")


def call_module() -> None:
    """Call the installed module as people do from a shell."""
    secret = FOLDER / "robot-token"
    with servers.standin(servers.FAMILIES[0]) as server:
        token = servers.initialize(server)
        servers.post(server, "/api/v1/organization/", {"name": "acme"}, token)
        command = ("ansible", "localhost", "-m", MODULE, "-a", f"name=acme+ci token_path={secret}")
        login = {"QUAY_HOST": server.url, "QUAY_TOKEN": token}
        environments.main().run(*command, cwd=FOLDER, variables={**SEARCHED, **login})
    if not ROBOT_TOKEN.fullmatch(secret.read_text().strip()):
        raise shell.CommandFailed(f"The installed {MODULE} wrote no robot token")
