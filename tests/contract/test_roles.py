# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the role match those of its modules and of its validation, and the rotation passes them on."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import pytest
import yaml

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials import rotation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kinds import (
    CREDENTIAL,
    ENTRIES,
    KINDS,
    SECRETS,
    effective_options,
)

from . import collection

ROLE = collection.ROOT / "roles" / "rotation"

# The prefix of the role's variables, and the module that renews each kind.
CONNECTION = "rotation_"
MODULES = {
    "api": "quay_api_token",
    "app": "quay_app_token",
    "client_secret": "quay_client_secret",
    "referrers": "quay_referrers_token",
    "robot": "quay_robot_token",
    "robot_lease": "quay_robot_lease",
    "federated": "quay_federated_token",
}

# Options of the modules that the role does not offer.
_NOT_OFFERED = {"current_token", "token_path", "state", "uuid", "for_user", "revoke_superseded", "title", "name_prefix"}
_LOGIN = {"quay_token", "quay_token_path", "quay_username", "quay_password"}


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


def passed_on(declared: dict[str, Any]) -> dict[str, Any]:
    """The options with which the rotation calls the module of a declared credential's kind."""
    nothing = {**dict.fromkeys(("quay_host", "store_logins", "missing_hosts")), "phase": "rotate"}
    context = mock.Mock(params={**nothing, "force": [], "compromised": [], "minted_before": [], "forced_before": False})
    return rotation._with_defaults(context, declared)


def options_of_one(module: str) -> dict[str, Any]:
    """The options with which a module describes one credential."""
    return dict(collection.spec_of(module).options["credentials"]["options"])


def test_every_kind_has_its_module() -> None:
    assert of_credential()["kind"]["choices"] == sorted(MODULES, key=of_credential()["kind"]["choices"].index)
    assert list(KINDS) == of_credential()["kind"]["choices"]
    for kind, module in MODULES.items():
        assert KINDS[kind].module().options == options_of_one(module)


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
    accepted = options_of_one(MODULES[kind]).keys()
    effective = effective_options(kind)
    # A login of its own is for registry tokens only. Any credential has a name.
    own_login = {"quay_username", "quay_password"} if kind == "referrers" else set()
    assert effective - {"kind", "state"} - own_login == (accepted - _NOT_OFFERED) | {"name"}


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
        # A play narrows a store to some of its hosts, clears one that is no longer used, and includes tasks.
        assert declared.keys() == {*accepted, "hosts", "state", "tasks_file", "hide_output"}
        for name, option in accepted.items():
            choices = [choice for choice in declared[name].get("choices", ()) if choice != "tasks"]
            assert meaning({**declared[name], **({"choices": choices} if choices else {})}) == meaning(option), name


@pytest.mark.parametrize("kind", MODULES)
def test_rotation_passes_on_every_declared_option(kind: str) -> None:
    declared: dict[str, Any] = {name: f"the {name}" for name in effective_options(kind)}
    declared.update(kind=kind, deliver=[{"kind": "file", "path": "/etc/ci/quay"}])
    passed = passed_on(declared)
    assert {name: passed[name] for name in declared} == declared


@pytest.mark.parametrize("kind", MODULES)
def test_rotation_has_the_defaults_of_the_module(kind: str) -> None:
    accepted = options_of_one(MODULES[kind])
    passed = passed_on({"name": "nightly", "kind": kind})
    for name in accepted.keys() - {"name", "deliver", "repositories"}:
        assert passed[name] == accepted[name].get("default"), name
    assert (passed["deliver"], passed["name"]) == ([], "nightly")


@pytest.mark.parametrize("kind", MODULES)
def test_rotation_passes_on_every_option_that_matters_to_the_status(kind: str) -> None:
    suboptions = collection.spec_of("quay_token_info").options["credentials"]["options"]
    of_kind = {name for name in suboptions if name not in CREDENTIAL or name in effective_options(kind)}
    passed = passed_on({"name": "nightly", "kind": kind})
    assert of_kind <= passed.keys()
    # A registry token without repositories is refused.
    for name in of_kind - {"name", "kind", "repositories"}:
        assert passed[name] == suboptions[name].get("default"), name


# The variables of the role in addition to those of the connection.
OWN_OPTIONS: dict[str, Any] = {
    "rotation_credentials": None,
    "rotation_force": [],
    "rotation_compromised": [],
    "rotation_report_undeclared": [],
    "rotation_report_path": [],
    "rotation_allow_ephemeral_stores": False,
    "rotation_rotator": "localhost",
    "rotation_rotator_become": False,
    "rotation_missing_hosts": "wait",
    "rotation_ignore_hosts": [],
    "rotation_expected_hosts": None,
    "rotation_parallel": 4,
    "rotation_batch": 100,
    "rotation_store_logins": {},
    "rotation_hosts_are_credentials": False,
    "rotation_login_scopes": [],
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


def test_variables_are_documented_in_the_readme() -> None:
    text = (ROLE / "README.md").read_text()
    for name in options():
        assert f"`{name}`" in text, name
    for name in of_credential()["deliver"]["options"].keys() - {"kind"}:
        assert f"`{name}`" in text, name


def test_choices_are_those_of_the_module() -> None:
    """The role passes these variables on as they are."""
    choices = collection.spec_of("quay_rotation").options["missing_hosts"]["choices"]
    description = " ".join(options()["rotation_missing_hosts"]["description"])
    assert set(re.findall(r"V\((wait|proceed)\)", description)) == set(choices)
    assert load("defaults/main.yml")["rotation_missing_hosts"] == choices[0]


def test_secrets_are_kept_out_of_logs() -> None:
    """The modules hide the login. Inspection hides the logins of credentials."""
    for name in _LOGIN - {"quay_username", "quay_token_path"}:
        assert collection.spec_of("quay_rotation").options[name]["no_log"] is True
    for name in ("logins", "store_logins"):
        assert collection.spec_of("quay_rotation").options[name]["no_log"] is True
    assert collection.spec_of("quay_host_inspection").options["credentials"]["no_log"] is True


def test_no_login_reaches_the_hosts() -> None:
    """module_defaults of the action group carry it to every module of the group, and only to those."""
    for module in collection.CONSUMER_MODULES:
        assert not collection.spec_of(module).options.keys() & _LOGIN
    tasks = [task for name in ("inspect", "deliver") for task in load(f"tasks/{name}.yml")]
    assert not any("module_defaults" in task for task in tasks)
    for task in load("tasks/rotate.yml") + load("tasks/confirm.yml"):
        assert task["delegate_to"] == "{{ __rotation_rotator }}"


def test_secret_options_of_credentials_are_known() -> None:
    secret = {name for name in of_credential() if re.search("token$|password|secret", name)}
    assert secret == set(SECRETS)


def test_descriptions_are_sentences() -> None:
    main = load("meta/argument_specs.yml")["argument_specs"]["main"]
    texts = {"role": main["description"]}
    texts |= {name: option["description"] for name, option in collection.walk(main["options"], "options")}
    for name, description in texts.items():
        for sentence in [description] if isinstance(description, str) else description:
            assert sentence.strip().endswith((".", ".)")), f"{name}: {sentence}"
