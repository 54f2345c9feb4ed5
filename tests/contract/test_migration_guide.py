# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The migration guide maps every option of the other collection's modules, to options and operations that exist."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any
from unittest import mock

import pytest

from . import collection

GUIDE = (collection.ROOT / "docs" / "docsite" / "rst" / "guide_migration.rst").read_text()
_SECTION = re.compile(r"^(\w+)(?: \(here (\w+)\))?\n-+\n(.*?)(?=^[^\n]+\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^   \* - (.+)\n     - (.+)\n     -(.*(?:\n       .+)*)", re.MULTILINE)
_LITERAL = re.compile(r"``([^`]+)``")

# The options of the modules of infra.quay_configuration 2.8 that have a counterpart, apart from those of the login.
LOGIN = {"quay_host", "quay_token", "quay_username", "quay_password", "validate_certs", "timeout"}
OPTIONS = {
    "quay_repository": {
        *("name", "visibility", "description", "perms", "perms[].name", "perms[].type", "perms[].role", "append"),
        *("star", "state", "repo_state", "auto_prune_method", "auto_prune_value"),
    },
    "quay_repository_mirror": {
        *("name", "is_enabled", "external_reference", "external_registry_username", "external_registry_password"),
        *("sync_interval", "sync_start_date", "skopeo_timeout", "robot_username", "image_tags", "unsigned_images"),
        *("verify_tls", "http_proxy", "https_proxy", "no_proxy", "force_sync"),
    },
    "quay_application": {
        *("organization", "name", "new_name", "description", "application_uri", "redirect_uri", "avatar_email"),
        "state",
    },
    "quay_organization": {
        *("name", "new_name", "email", "time_machine_expiration", "state", "auto_prune_method", "auto_prune_value"),
    },
    "quay_first_user": {"username", "email", "password", "create_token"},
    "quay_user": {"username", "email", "password", "enabled", "superuser", "state"},
    "quay_team": {"name", "organization", "role", "description", "members", "append", "state"},
    "quay_team_ldap": {"name", "organization", "sync", "group_dn", "keep_users"},
    "quay_team_oidc": {"name", "organization", "sync", "group_name"},
    "quay_robot": {"name", "description", "federations", "append", "state"},
    "quay_api_token": {"client_id", "rights", "for_user"},
}
# Its other modules.
OTHERS = """
    quay_capabilities_info quay_config_info quay_default_perm quay_docker_token
    quay_layer_info quay_manifest_label quay_manifest_label_info quay_message quay_notification
    quay_organization_immutability quay_organization_mirror quay_organization_prune quay_proxy_cache
    quay_pull_stat_info quay_quota quay_repository_immutability quay_repository_prune quay_tag quay_tag_info
    quay_vulnerability_info
"""
# Operations of Quay that the stand-in does not have: from the description of a real server, and from Quay's source for
# those of a feature.
OPERATIONS = """
    getRegistryCapabilities getRepoManifest addManifestLabel deleteManifestLabel listManifestLabels
    getGlobalMessages createGlobalMessage deleteGlobalMessage listRepoNotifications createRepoNotification
    deleteRepoNotification changeTag deleteFullTag restoreTag listRepoTags

    createOrganizationAutoPrunePolicy createOrgImmutabilityPolicy createOrgMirrorConfig createProxyCacheConfig
    createOrganizationQuota createOrganizationQuotaLimit createRepositoryAutoPrunePolicy
    createRepositoryImmutabilityPolicy createUserAutoPrunePolicy cancelOrgMirrorSync changeOrganizationQuota
    changeOrganizationQuotaLimit deleteOrganizationAutoPrunePolicy deleteOrganizationQuota
    deleteOrganizationQuotaLimit deleteOrgImmutabilityPolicy deleteOrgMirrorConfig deleteProxyCacheConfig
    deleteRepositoryAutoPrunePolicy deleteRepositoryImmutabilityPolicy getManifestPullStatistics
    getOrgMirrorConfig getProxyCacheConfig getRepoManifestSecurity getTagPullStatistics
    listOrganizationAutoPrunePolicies listOrganizationQuota listOrgImmutabilityPolicies
    listRepositoryAutoPrunePolicies listRepositoryImmutabilityPolicies syncOrgMirrorNow
    updateOrganizationAutoPrunePolicy updateOrgImmutabilityPolicy updateOrgMirrorConfig
    updateRepositoryAutoPrunePolicy updateRepositoryImmutabilityPolicy
"""
_DESCRIPTION = collection.ROOT / "tests" / "standin" / "endpoints" / "discovery.json"
KNOWN_OPERATIONS = {*OPERATIONS.split()} | {
    facts["id"] for facts in json.loads(_DESCRIPTION.read_text())["operations"].values()
}


def rows_of(text: str) -> dict[str, tuple[set[str], str]]:
    """Return the rows of a table below the header: by option there, the options here and the remark."""
    rows = _ROW.findall(text)
    return {_LITERAL.findall(there)[0]: (set(_LITERAL.findall(here)), remark) for there, here, remark in rows[1:]}


TABLES = {name: rows_of(text) for name, _here, text in _SECTION.findall(GUIDE) if name.startswith("quay_")}
COUNTERPARTS = {name: here or name for name, here, _text in _SECTION.findall(GUIDE) if name.startswith("quay_")}
every_table = pytest.mark.parametrize("module", OPTIONS)


def options_of(module: str) -> dict[str, dict[str, Any]]:
    """Return the options of a module here by name, with suboptions as permissions[].kind."""
    walked = collection.walk(collection.spec_of(module).options, "options")
    return {name.replace(".", "[]."): option for name, option in walked}


def replaced_options(module: str) -> dict[str, str]:
    """Return the options of the other collection for which a module here fails with advice."""
    imported = importlib.import_module(f"ansible_collections.{collection.NAME}.plugins.modules.{module}")
    if not hasattr(imported, "run_module"):
        return {}
    with mock.patch.object(imported, "run_module") as run:
        imported.main()
    return dict(run.call_args.kwargs.get("replaced") or {})


def test_every_module_is_mapped() -> None:
    assert TABLES.keys() == OPTIONS.keys()
    redirects = collection.runtime()["plugin_routing"]["modules"]
    differing = {name: f"{collection.NAME}.{here}" for name, here in COUNTERPARTS.items() if name != here}
    assert {name: route["redirect"] for name, route in redirects.items()} == differing


@every_table
def test_every_option_is_mapped(module: str) -> None:
    assert TABLES[module].keys() == OPTIONS[module]


@every_table
def test_options_here_exist(module: str) -> None:
    known = options_of(COUNTERPARTS[module])
    for there, (here, remark) in TABLES[module].items():
        assert here <= known.keys(), there
        assert here or remark, f"{there}: say what to use"


@every_table
def test_option_without_advice_is_accepted(module: str) -> None:
    """An option is accepted by its name or as an alias, or the module fails with advice."""
    known = options_of(COUNTERPARTS[module])
    aliases = {alias for option in known.values() for alias in option.get("aliases", ())}
    advised = replaced_options(COUNTERPARTS[module])
    for there, (here, _remark) in TABLES[module].items():
        short = there.rpartition(".")[2]
        accepted = short in aliases or there.replace("perms[]", "permissions[]") in known
        assert accepted != (there in advised), there
        assert accepted or not here or here <= set(re.findall(r"\w+", advised[there])), there


@pytest.mark.parametrize("module", collection.MODULES)
def test_advice_names_what_exists(module: str) -> None:
    options = collection.spec_of(module).options
    mapped = {there for name, here in COUNTERPARTS.items() if here == module for there in TABLES[name]}
    for option, sentence in replaced_options(module).items():
        assert option not in options
        # The guide does not list aliases.
        assert option in mapped | {"is_superuser"}
        assert set(re.findall(r"operation=(\w+)", sentence)) <= KNOWN_OPERATIONS
        assert sentence[0].isupper()
        assert not sentence.endswith(".")


def test_login_is_mapped() -> None:
    rows = rows_of(GUIDE[GUIDE.index("Login\n-----") : GUIDE.index("quay_repository\n---")])
    assert rows.keys() == LOGIN
    assert all(here == {there} for there, (here, _remark) in rows.items())


def test_modules_without_a_counterpart_are_listed() -> None:
    text = GUIDE[GUIDE.index("Modules without a counterpart\n---") :]
    assert set(re.findall(r"^   \* - ``(\w+)``", text, re.MULTILINE)) == {*OTHERS.split()}


def test_operations_exist() -> None:
    named = set(re.findall(r"\b(?:operation: |``)((?:get|list|create|update|change|delete|add)[A-Z]\w+)", GUIDE))
    assert named
    assert named <= KNOWN_OPERATIONS


def test_playbooks_exist() -> None:
    playbooks = {path.stem for path in (collection.ROOT / "playbooks").glob("*.yml")}
    assert set(re.findall(rf"playbook ``{collection.NAME}\.(\w+)``", GUIDE)) <= playbooks
