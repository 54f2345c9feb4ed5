# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The import of the artifact by Galaxy and Automation Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .. import environments, shell

# Automation Hub requires more than Galaxy: a stable version and certain tags. The stage lint runs ansible-lint.
SETTINGS = {
    "GALAXY_IMPORTER_CHECK_CHANGELOG": "true",
    "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true",
    "GALAXY_IMPORTER_REQUIRE_V1_OR_GREATER": "true",
    "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false",
    "GALAXY_IMPORTER_RUN_FLAKE8": "false",
}
# The importer reports what it does not like, but takes, by lines with these words.
COMPLAINTS = ("WARNING", "ERROR", "CRITICAL")
RESULT = "importer_result.json"


def import_artifact(artifact: Path, folder: Path) -> None:
    """Import ``artifact`` as Automation Hub does. Fail on warnings too. The importer writes to ``folder``."""
    command = ("python", "-m", "galaxy_importer.main", artifact)
    output = environments.importer().read(*command, cwd=folder, variables=SETTINGS)
    complaints = [line for line in output.splitlines() if line.startswith(COMPLAINTS)]
    if complaints:
        raise shell.CommandFailed("galaxy-importer complains:\n" + "\n".join(complaints))
    contents = json.loads((folder / RESULT).read_text())["contents"]
    shell.say(f"\ngalaxy-importer takes the artifact: {summary(contents)}.")


def summary(contents: list[dict[str, Any]]) -> str:
    """Return how many parts of each type the importer found."""
    types = [content["content_type"] for content in contents]
    return ", ".join(f"{types.count(name)} of {name}" for name in sorted(set(types)))
