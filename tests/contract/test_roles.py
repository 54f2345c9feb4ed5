# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the role match those of its modules, and the role passes them on."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from . import collection

ROLE = collection.ROOT / "roles" / "rotation"

# The prefix of the role's variables, and the module that renews each kind.
CONNECTION = "rotation_"
MODULES = {"api": "quay_api_token", "referrers": "quay_referrers_token", "robot": "quay_robot_token"}

# Options of the modules that the role does not offer.
_NOT_OFFERED = {"current_token", "token_path", "state", "uuid", "for_user", "revoke_superseded"}
_LOGIN = {"quay_token", "quay_username", "quay_password"}


def load(name: str) -> Any:
    return yaml.safe_load((ROLE / name).read_text())


def options() -> dict[str, Any]:
    found: dict[str, Any] = load("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return found


def of_credential() -> dict[str, Any]:
    found: dict[str, Any] = options()["rotation_credentials"]["options"]
    return found


def meaning(option: dict[str, Any]) -> dict[str, Any]:
    """Type, elements and choices of an option. The role repeats no default."""
    return {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "choices": list(option.get("choices") or ()),
    }


def task_of(kind: str) -> dict[str, Any]:
    """The one task that renews a credential of this kind."""
    (task,) = load(f"tasks/renew/{kind}.yml")
    arguments: dict[str, Any] = task[f"{collection.NAME}.{MODULES[kind]}"]
    return arguments


def test_every_kind_has_its_task() -> None:
    assert of_credential()["kind"]["choices"] == sorted(MODULES, key=of_credential()["kind"]["choices"].index)
    assert {path.stem for path in (ROLE / "tasks" / "renew").iterdir()} == MODULES.keys()


@pytest.mark.parametrize("kind", MODULES)
def test_options_are_those_of_the_module(kind: str) -> None:
    accepted = collection.spec_of(MODULES[kind]).options
    for name, option in of_credential().items():
        if name in accepted:
            assert meaning(option) == meaning(accepted[name]), name


def test_stores_are_those_of_the_modules() -> None:
    declared = of_credential()["deliver"]["options"]
    for module in MODULES.values():
        accepted = collection.spec_of(module).options["deliver"]["options"]
        assert declared.keys() == accepted.keys()
        for name, option in declared.items():
            assert meaning(option) == meaning(accepted[name]), name


@pytest.mark.parametrize("kind", MODULES)
def test_task_passes_on_every_option_of_its_module(kind: str) -> None:
    accepted = collection.spec_of(MODULES[kind]).options.keys()
    connection = {name.removeprefix(CONNECTION) for name in options() if name != "rotation_credentials"} | _LOGIN
    expected = accepted - connection - {"quay_host"} - _NOT_OFFERED
    passed = task_of(kind).keys()
    # The role passes the client ID instead of `application`.
    assert expected - {"application"} <= passed <= accepted


@pytest.mark.parametrize("kind", MODULES)
def test_every_option_of_a_kind_is_declared(kind: str) -> None:
    for name in task_of(kind).keys() - _LOGIN:
        assert name in of_credential(), name


def test_judgement_takes_every_option_that_matters_to_it() -> None:
    judged = load("vars/main.yml")["__rotation_request_keys"]
    suboptions = collection.spec_of("quay_token_info").options["credentials"]["options"]
    # The role reads no store by itself.
    assert set(judged) == suboptions.keys() - {"held"}
    assert set(judged) <= of_credential().keys()


# The variables of the role in addition to those of the connection.
OWN_OPTIONS = {"rotation_credentials", "rotation_force"}


def test_connection_is_that_of_the_modules() -> None:
    accepted = collection.spec_of("quay_robot_token").options
    for name, option in options().items():
        if name in OWN_OPTIONS:
            continue
        short = name.removeprefix(CONNECTION)
        assert option.get("type") == accepted[short]["type"], name
        assert bool(option.get("no_log")) == bool(accepted[short].get("no_log")), name
        for variable in accepted[short].get("fallback", (None, []))[1]:
            assert f"E({variable})" in option["description"], name
    connection = dict.fromkeys(options().keys() - OWN_OPTIONS)
    assert load("defaults/main.yml") == {**connection, "rotation_force": []}


def test_secrets_are_kept_out_of_logs() -> None:
    for name, option in collection.walk(options(), "options"):
        if re.search("token$|password|secret", name.rpartition(".")[2]):
            assert option.get("no_log") is True, name


def test_descriptions_are_sentences() -> None:
    main = load("meta/argument_specs.yml")["argument_specs"]["main"]
    texts = {"role": main["description"]}
    texts |= {name: option["description"] for name, option in collection.walk(main["options"], "options")}
    for name, description in texts.items():
        for sentence in [description] if isinstance(description, str) else description:
            assert sentence.strip().endswith((".", ".)")), f"{name}: {sentence}"
