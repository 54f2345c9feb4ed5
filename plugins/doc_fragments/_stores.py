# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time.
# Do not use it from other collections or from playbooks' own modules.

"""The options of modules that read stores. They take what the option deliver takes, so that one list serves both."""

from __future__ import annotations

from typing import Any

import yaml

from ansible_collections.tokensmith.quay.plugins.doc_fragments._token import ModuleDocFragment as _Shared

# Suboptions that mean the same for both of the modules below, and something else in deliver.
_READING = r"""
path:
  description:
    - Absolute path of the file on the target.
    - For V(hashi_vault), path of the secret below the mount, for example V(ci/quay).
    - Required for V(file), V(container_auth), V(hashi_vault) and V(vault_vars).
  type: path
format:
  description:
    - Format of a V(file) store. If not specified, the file is read in the format that it has.
  type: str
  choices: [token, json, yaml, env]
"""

# The option of quay_store_info, and its suboptions that mean something else there than in deliver.
_READ = r"""
stores:
  description:
    - The stores to read. RV(stores) has the same order.
  type: list
  elements: dict
  required: true
"""
_READ_OWN = r"""
kind:
  description:
    - Kind of the store. V(file) is written by M(tokensmith.quay.quay_token_file), V(container_auth) by
      M(tokensmith.quay.quay_container_auth). A V(container_auth) store refuses the options C(format), C(prefix),
      C(merge), C(force) and C(backup).
    - V(kubernetes_secret) is a Secret in one or more namespaces of a Kubernetes cluster. If they differ, the
      newest secret is returned.
    - V(awx_credential) is a credential in AWX or automation controller. AWX never returns a secret, so C(token)
      is null, and C(fingerprint) is the one that was recorded at the delivery.
    - V(vault_vars) is some variables in a file that C(ansible-vault) encrypts.
    - V(hashi_vault) is some keys of a secret in HashiCorp Vault or OpenBao. It needs the Python library hvac.
  type: str
  choices: [file, container_auth, kubernetes_secret, awx_credential, vault_vars, hashi_vault]
  required: true
merge:
  description:
    - Accepted, so that the same list can be used to deliver. With it, a file with
      other lines counts as one of ours. Without it, the variables are read all the same.
  type: bool
owner:
  description:
    - Accepted, so that the same list can be used to deliver. The owner of the file is
      not checked.
  type: str
group:
  description:
    - Accepted, so that the same list can be used to deliver. The group of the file is
      not checked.
  type: str
mode:
  description:
    - Accepted, so that the same list can be used to deliver. The permissions of the file
      are not checked.
  type: raw
force:
  description:
    - Accepted, so that the same list can be used to deliver. Nothing is replaced.
  type: bool
backup:
  description:
    - Accepted, so that the same list can be used to deliver. Nothing is copied.
  type: bool
unsafe_writes:
  description:
    - Accepted, so that the same list can be used to deliver. Nothing is written.
  type: bool
registry:
  description:
    - Registry whose entry to read from a V(container_auth) or V(kubernetes_secret) store. Defaults to the host of
      O(quay_host).
  type: str
"""

# The option of quay_token_info, and the suboptions of its stores that mean something else there than in deliver.
_DECLARED = r"""
credentials:
  description:
    - The credentials to check, each with its policy. RV(credentials) has the same order.
    - If a credential cannot be checked, the error is reported in RV(credentials[].error). The other credentials are
      still checked.
    - Mutually exclusive with O(organization).
  type: list
  elements: dict
  suboptions:
    name:
      description:
        - Name of the credential, as in the module for its kind. For example V(acme+ci) for a robot. For
          an V(app) token, it is the title. For a V(robot_lease), it is what the names of the robots begin with.
      type: str
      required: true
    kind:
      description:
        - Kind of the credential. V(api) is managed by M(tokensmith.quay.quay_api_token), V(app) by
          M(tokensmith.quay.quay_app_token), V(client_secret) by M(tokensmith.quay.quay_client_secret), V(robot) by
          M(tokensmith.quay.quay_robot_token), V(robot_lease) by M(tokensmith.quay.quay_robot_lease), V(referrers) by
          M(tokensmith.quay.quay_referrers_token), and V(federated) by M(tokensmith.quay.quay_federated_token).
      type: str
      choices: [api, app, client_secret, robot, robot_lease, referrers, federated]
      required: true
    organization:
      description:
        - Organization that owns the application of an V(api) token or a V(client_secret).
      type: str
    application:
      description:
        - Name of the application of an V(api) token or a V(client_secret).
      type: str
    client_id:
      description:
        - Client ID of the application of an V(api) token or a V(client_secret). Specify it instead of
          O(credentials[].application).
      type: str
    scopes:
      description:
        - Scopes that an V(api) token must have. V(all) stands for every scope. If not specified, the scopes are not
          compared.
      type: list
      elements: str
      choices:
        - org:admin
        - repo:admin
        - repo:create
        - repo:read
        - repo:write
        - super:user
        - user:admin
        - user:read
        - all
    lifetime:
      description:
        - Lifetime of a new V(api) token, or of a new V(robot_lease), which needs it.
        - The unit is V(s), V(m), V(h), V(d) or V(w).
      type: str
    repositories:
      description:
        - Repositories for which a V(referrers) token must be valid.
      type: list
      elements: str
      default: []
    actions:
      description:
        - Actions that a V(referrers) token must allow.
      type: list
      elements: str
      choices: [pull, push]
      default: [pull]
    owns_title:
      description:
        - Whether the title is used for this V(app) token only, as in M(tokensmith.quay.quay_app_token).
      type: bool
      default: false
    robot:
      description:
        - Full name of the robot of a V(federated) token, if O(credentials[].name) is another name.
      type: str
    max_age:
      description:
        - The credential is due when it has reached this age, for example V(90d). The unit is V(s),
          V(m), V(h), V(d) or V(w).
        - If not specified, its age does not make it due.
      type: str
    renew_before:
      description:
        - The credential is due when its remaining lifetime is this duration or shorter, for example V(14d).
        - The unit is V(s), V(m), V(h), V(d) or V(w).
        - If not specified, a third of O(credentials[].lifetime), at most V(14d), is used for an V(api) token, and
          V(5m) for a V(referrers) or V(federated) token. For an V(app) token, it is a third of the lifetime that the
          server sets. For a V(robot_lease), it is a third of O(credentials[].lifetime).
      type: str
    rotate:
      description:
        - V(when_due) makes the credential due only if there is a reason.
        - V(always) makes it due in any case.
        - V(never) keeps an existing secret. RV(credentials[].reason) still reports why it would be due, but
          RV(credentials[].action) is V(mint) only if the credential is missing.
      type: str
      choices: [when_due, always, never]
      default: when_due
    retire_after:
      description:
        - How long a replaced V(api) or V(app) token, or the former secret of paired robots, stays valid. After this
          time, RV(credentials[].action) is V(retire).
        - The unit is V(s), V(m), V(h), V(d) or V(w).
      type: str
    strategy:
      description:
        - Strategy for rotating a V(robot) credential, as in M(tokensmith.quay.quay_robot_token).
      type: str
      choices: [in_place, paired]
    pair:
      description:
        - Names of the two robots for O(credentials[].strategy=paired), with or without the namespace of
          O(credentials[].name). If not specified, the names are O(credentials[].name) with C(_a) and C(_b) appended.
      type: list
      elements: str
    owns_application:
      description:
        - Whether the application is used for this V(api) token only, as in M(tokensmith.quay.quay_api_token).
      type: bool
      default: false
    state:
      description:
        - V(present) checks whether the credential is due.
        - V(absent) checks whether there is anything to remove. RV(credentials[].action) is then V(remove).
      type: str
      choices: [present, absent]
      default: present
    deliver:
      description:
        - Stores on the target that must hold the credential, as in the option C(stores) of
          M(tokensmith.quay.quay_store_info).
        - The module reads the stores itself, so no secret is passed as an option. It also checks that each store can
          be written as specified. If not, the error is reported in RV(credentials[].error).
      type: list
      elements: dict
      default: []
    held:
      description:
        - Contents of other stores, which the module cannot read itself. One entry per store.
      type: list
      elements: dict
      default: []
      suboptions:
        token:
          description:
            - The secret that the store holds.
          type: str
        created_at:
          description:
            - Time at which the secret was created, as recorded when it was delivered.
          type: str
        expires_at:
          description:
            - Time at which the secret expires, as recorded when it was delivered.
          type: str
        uuid:
          description:
            - UUID of the secret in Quay, as recorded when it was delivered.
          type: str
"""
_DECLARED_OWN = r"""
kind:
  description:
    - Kind of the store. V(file) is written by M(tokensmith.quay.quay_token_file), V(container_auth) by
      M(tokensmith.quay.quay_container_auth). A V(container_auth) store refuses the options C(format),
      C(prefix), C(merge), C(force) and C(backup).
    - V(kubernetes_secret) is a Secret in one or more namespaces of a Kubernetes cluster.
    - V(awx_credential) is a credential in AWX or automation controller. AWX never returns its secret, so it
      is compared by the fingerprint that was recorded at its delivery.
    - V(vault_vars) is some variables in a file that C(ansible-vault) encrypts.
    - V(hashi_vault) is some keys of a secret in HashiCorp Vault or OpenBao. It needs the Python library hvac.
  type: str
  choices: [file, container_auth, kubernetes_secret, awx_credential, vault_vars, hashi_vault]
  required: true
merge:
  description:
    - For a V(file) store in the format V(env), accept other lines in the file. If not specified, they are
      reported as an error.
  type: bool
owner:
  description:
    - User that must own the file and its record, as a name or a numeric ID. If not specified, the owner is
      not checked.
    - If the owner differs, RV(credentials[].holds) contains V(wrong_permissions).
  type: str
group:
  description:
    - Group that must own the file and its record, as a name or a numeric ID. If not specified, the group is
      not checked.
    - If the group differs, RV(credentials[].holds) contains V(wrong_permissions).
  type: str
mode:
  description:
    - Permissions that the file and its record must have, as in M(tokensmith.quay.quay_token_file).
    - If not specified, the permissions are not checked.
    - If the permissions differ, RV(credentials[].holds) contains V(wrong_permissions).
  type: raw
force:
  description:
    - For a V(file) or V(hashi_vault) store, whether anything else than such a credential may be replaced.
      RV(credentials[].holds) then contains V(other). If not specified, it is reported as an error.
    - For a V(kubernetes_secret) store, whether content and fields of others may be replaced.
  type: bool
backup:
  description:
    - Accepted as in M(tokensmith.quay.quay_token_file). Nothing is copied.
  type: bool
unsafe_writes:
  description:
    - Whether a file that cannot be replaced may be written in place. If not specified, it is reported as an
      error.
  type: bool
registry:
  description:
    - Registry whose entry to read from a V(container_auth) or V(kubernetes_secret) store. Defaults to the
      host of O(quay_host).
  type: str
"""


def _stores(own: str, place: str) -> dict[str, Any]:
    """The options of a store, as the option ``place`` documents them. ``own``: those that mean something else there."""
    shared = yaml.safe_load(_Shared.DOCUMENTATION)["options"]["deliver"]["suboptions"]
    adapted: dict[str, Any] = yaml.safe_load(
        yaml.safe_dump(shared, width=10**6).replace("O(deliver[].", f"O({place}[].")
    )
    return {**adapted, **yaml.safe_load(_READING), **yaml.safe_load(own)}


def _read() -> str:
    options = yaml.safe_load(_READ)
    options["stores"]["suboptions"] = _stores(_READ_OWN, "stores")
    return yaml.safe_dump({"options": options}, sort_keys=False, width=10**6)


def _declared() -> str:
    options = yaml.safe_load(_DECLARED)
    deliver = options["credentials"]["suboptions"]["deliver"]
    deliver["suboptions"] = _stores(_DECLARED_OWN, "credentials[].deliver")
    return yaml.safe_dump({"options": options}, sort_keys=False, width=10**6)


class ModuleDocFragment:
    """Lists of stores to read."""

    # Annotated, because ansible-test's yamllint reads what else is assigned here without running it.
    READ: str = _read()
    DECLARED: str = _declared()
