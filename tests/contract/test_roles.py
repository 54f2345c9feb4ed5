# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the role match those of its modules and of its validation, and the role passes them on."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declaration_options import (
    CREDENTIAL,
    ENTRIES,
    SECRETS,
)

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
    """Type, elements and choices of an option."""
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
    accepted = dict(collection.spec_of(MODULES[kind]).options)
    for name, option in of_credential().items():
        if name in accepted:
            if name == "rotate":
                # The role has rotation_compromised for a secret that leaked.
                accepted[name] = {**accepted[name], "choices": ["when_due", "always", "never"]}
            assert meaning(option) == meaning(accepted[name]), name
            # The default of renew_before depends on the kind.
            if name != "renew_before":
                assert option.get("default") == accepted[name].get("default"), name


@pytest.mark.parametrize("kind", MODULES)
def test_validation_knows_the_options_of_each_kind(kind: str) -> None:
    accepted = collection.spec_of(MODULES[kind]).options
    effective = {name for name, option in CREDENTIAL.items() if kind in option.kinds}
    passed = set(task_of(kind)) - _LOGIN
    # The status finds the client ID by the application's name. A login of its own is for registry tokens only.
    own_login = {"quay_username", "quay_password"} if kind == "referrers" else set()
    assert effective - {"name", "kind", "application"} - own_login == passed - {"name"}
    assert passed <= accepted.keys()


def test_validation_accepts_the_documented_options() -> None:
    assert CREDENTIAL.keys() == of_credential().keys()
    for entry, (options, required) in ENTRIES.items():
        documented = of_credential()[entry]["options"]
        assert options.keys() == documented.keys()
        assert set(required) == {name for name, option in documented.items() if option.get("required")}


def test_validation_accepts_the_documented_values() -> None:
    every = {
        **CREDENTIAL,
        **{f"{entry}.{name}": o for entry, (options, _required) in ENTRIES.items() for name, o in options.items()},
    }
    for name, option in collection.walk(of_credential(), "options"):
        choices = option.get("choices", ())
        for value in choices:
            given = [value] if option["type"] == "list" else value
            assert every[name].read(given, name) == given
        if choices:
            with pytest.raises(BadInput, match=f"{name} must be "):
                every[name].read("nonsense", name)


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
    connection = {name.removeprefix(CONNECTION) for name in options() if name not in OWN_OPTIONS} | _LOGIN
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
OWN_OPTIONS: dict[str, Any] = {
    "rotation_credentials": None,
    "rotation_force": [],
    "rotation_compromised": [],
    "rotation_report_undeclared": [],
    "rotation_allow_ephemeral_stores": False,
}


def test_core_validates_no_variable() -> None:
    """It would return the argument spec with each error, refuse empty texts, and, in 2.18, vault values."""
    for name, option in options().items():
        assert option["type"] == "raw", name
        assert not option.keys() & {"required", "no_log", "choices"}, name


def test_connection_is_that_of_the_modules() -> None:
    accepted = collection.spec_of("quay_robot_token").options
    for name, option in options().items():
        if name in OWN_OPTIONS:
            continue
        short = name.removeprefix(CONNECTION)
        for variable in accepted[short].get("fallback", (None, []))[1]:
            assert f"E({variable})" in option["description"], name
    connection = dict.fromkeys(options().keys() - OWN_OPTIONS.keys())
    assert load("defaults/main.yml") == {**connection, **OWN_OPTIONS}
    documented = {name: options()[name].get("default") for name in OWN_OPTIONS}
    assert documented == OWN_OPTIONS


def test_secrets_are_kept_out_of_logs() -> None:
    """The modules hide the login. Validation hides the logins of credentials."""
    for name in _LOGIN - {"quay_username"}:
        assert collection.spec_of("quay_declaration_info").options[name]["no_log"] is True
    assert collection.spec_of("quay_declaration_info").options["credentials"]["no_log"] is True
    secret = {name for name in of_credential() if re.search("token$|password|secret", name)}
    assert secret == set(SECRETS)


def test_descriptions_are_sentences() -> None:
    main = load("meta/argument_specs.yml")["argument_specs"]["main"]
    texts = {"role": main["description"]}
    texts |= {name: option["description"] for name, option in collection.walk(main["options"], "options")}
    for name, description in texts.items():
        for sentence in [description] if isinstance(description, str) else description:
            assert sentence.strip().endswith((".", ".)")), f"{name}: {sentence}"
