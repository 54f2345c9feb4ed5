# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the collection awx.awx: its modules as far as the playbook awx_setup uses them, on objects in a file.

As in awx.awx 24.6.1, a credential with inputs is always changed, an object that check mode would create has no id, and
what an object refers to must exist.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# The options of each module that the playbook uses, and the kinds of objects that it refers to by option.
_OPTIONS: dict[str, list[str]] = {
    "credential_type": ["name", "description", "kind", "inputs", "injectors"],
    "credential": ["name", "organization", "credential_type", "inputs"],
    "execution_environment": ["name", "organization", "image", "credential"],
    "inventory": ["name", "organization", "description"],
    "host": ["name", "inventory", "variables"],
    "project": [
        *("name", "organization", "scm_type", "scm_url", "scm_branch", "credential", "scm_update_on_launch"),
    ],
    "job_template": [
        *("name", "description", "organization", "project", "playbook", "job_type", "inventory", "credentials"),
        *("execution_environment", "diff_mode", "extra_vars", "survey_enabled", "survey_spec"),
    ],
    "schedule": ["name", "description", "unified_job_template", "organization", "rrule"],
}
_REFERENCES = {
    "credential_type": "credential_type",
    "inventory": "inventory",
    "project": "project",
    "credentials": "credential",
    "credential": "credential",
    "execution_environment": "execution_environment",
    "unified_job_template": "job_template",
}

_MODULE = """
import json
from ansible.module_utils.basic import AnsibleModule

KIND, STATE, OPTIONS, REFERENCES = {kind!r}, {state!r}, {options!r}, {references!r}

def main():
    spec = {{name: {{"type": "raw", "no_log": KIND == "credential" and name == "inputs"}} for name in OPTIONS}}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    given = {{name: value for name, value in module.params.items() if value is not None}}
    with open(STATE) as file:
        state = json.load(file)
    for option, kind in REFERENCES.items():
        named = given.get(option, [])
        for name in named if isinstance(named, list) else [named]:
            known = state.get(kind, {{}})
            if name not in known and str(name) not in [str(item["id"]) for item in known.values()]:
                module.fail_json(msg="Request to %s returned 0 items, expected 1: %s" % (kind, name))
    objects = state.setdefault(KIND, {{}})
    former = objects.get(given["name"])
    fields = {{**(former or {{}}), **given}}
    changed = fields != former or "inputs" in given and KIND == "credential"
    result = {{"changed": changed}}
    if former or not module.check_mode:
        fields["id"] = former["id"] if former else sum(map(len, state.values())) + 101
        result["id"] = fields["id"]
    if changed and not module.check_mode:
        objects[given["name"]] = fields
        with open(STATE, "w") as file:
            json.dump(state, file)
    module.exit_json(**result)

if __name__ == "__main__":
    main()
"""

_LOOKUP = """
import json
from ansible.plugins.lookup import LookupBase

class LookupModule(LookupBase):
    def run(self, terms, variables=None, query_params=None, **options):
        with open({state!r}) as file:
            state = json.load(file)
        kind = {{"organizations": "organization", "credentials": "credential"}}[terms[0]]
        objects = state.get(kind, {{}}).values()
        return [{{"id": item["id"]}} for item in objects if item["name"] == query_params["name"]]
"""


class AwxModules:
    """The collection in a folder, and what its modules keep."""

    def __init__(self, folder: Path) -> None:
        self.collections = folder / "collections"
        self._state = folder / "awx.json"
        self._state.write_text(json.dumps({"organization": {"Default": {"id": 1, "name": "Default"}}}))
        plugins = self.collections / "ansible_collections" / "awx" / "awx" / "plugins"
        for part in ("modules", "lookup"):
            (plugins / part).mkdir(parents=True)
        (plugins / "lookup" / "controller_api.py").write_text(_LOOKUP.format(state=str(self._state)))
        for kind, options in _OPTIONS.items():
            references = {option: _REFERENCES[option] for option in options if option in _REFERENCES}
            text = _MODULE.format(kind=kind, state=str(self._state), options=options, references=references)
            (plugins / "modules" / f"{kind}.py").write_text(text)

    @property
    def state(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The objects by kind and name."""
        found: dict[str, dict[str, dict[str, Any]]] = json.loads(self._state.read_text())
        return found
