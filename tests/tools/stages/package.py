# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users get: the artifact that Galaxy distributes."""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path

from .. import environments, places, servers, shell, tree

FOLDERS = ("LICENSES/", "docs/", "meta/", "playbooks/", "plugins/", "roles/")
FILES = ("CHANGELOG.rst", "COPYING", "README.md", "changelogs/changelog.yaml", "requirements.txt")
MADE_BY_GALAXY = ("FILES.json", "MANIFEST.json")

# What Quay issues to robots.
ROBOT_TOKEN = re.compile("[A-Z0-9]{64}")

FOLDER = places.BUILD / "package"


def package() -> None:
    """Build the artifact, look into it, install it into an empty place and use it from there."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    main = environments.main()
    main.run("ansible-galaxy", "collection", "build", "--output-path", FOLDER, cwd=places.ROOT)
    (artifact,) = FOLDER.glob("*.tar.gz")
    check_contents(artifact)
    installed = FOLDER / "installed"
    main.run("ansible-galaxy", "collection", "install", "--offline", "-p", installed, artifact, cwd=FOLDER)
    use(installed)


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


def use(installed: Path) -> None:
    """Read the documentation of an installed module, and call it as people do from a shell."""
    variables = {"ANSIBLE_COLLECTIONS_PATH": str(installed)}
    module = "tokensmith.quay.quay_robot_token"
    environments.main().read("ansible-doc", "--type", "module", module, cwd=FOLDER, variables=variables)
    secret = FOLDER / "robot-token"
    with servers.standin(servers.FAMILIES[0]) as server:
        variables.update(QUAY_HOST=server.url, QUAY_TOKEN=servers.initialize(server))
        servers.post(server, "/api/v1/organization/", {"name": "acme"}, variables["QUAY_TOKEN"])
        call = ("ansible", "localhost", "-m", module, "-a", f"name=acme+ci token_path={secret}")
        environments.main().run(*call, cwd=FOLDER, variables=variables)
    if not ROBOT_TOKEN.fullmatch(secret.read_text().strip()):
        raise shell.CommandFailed("The installed module wrote no robot token")
