#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_token_info
short_description: Report which Quay credentials exist, how old they are and which are due
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Reports for each credential what exists, its age, expiry, last use and scopes, and whether it is due and why. It
    uses the same rules as the token modules. It never returns a secret.
  - The module sends as few requests as possible. It reads one robot list for all robots of a namespace, one token list
    for all tokens of an application, and one for all app tokens of the user. It reads the usage logs only if an age
    limit requires it, and only once for all robots of a namespace.
  - Without O(credentials), the module lists the credentials of an organization (O(organization)) or of the signed-in
    user.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._attributes.info
  - tokensmith.quay._connection
options:
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
        suboptions:
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
          prefix:
            description:
              - Prefix for the names of the variables in the format V(env). If not specified, V(QUAY_) is used. Other
                formats refuse it.
            type: str
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
          namespaces:
            description:
              - For a V(kubernetes_secret) store, the namespaces of the Secret. Each of them gets the same Secret, and
                must exist.
              - Required for V(kubernetes_secret).
            type: list
            elements: str
          secret_name:
            description:
              - Name of the Secret. If there is none, it is created, and deleted again with the last credential in it.
              - Required for V(kubernetes_secret).
            type: str
          secret_type:
            description:
              - Type of the Secret. V(kubernetes.io/dockerconfigjson) is a pull secret, with one entry for the registry.
                Its other entries are kept.
              - V(Opaque) and V(kubernetes.io/basic-auth) have a key for each field of the credential. Other keys are
                kept.
              - If not specified, V(kubernetes.io/dockerconfigjson) is used. The type of an existing Secret cannot be
                changed.
            type: str
            choices: [kubernetes.io/dockerconfigjson, Opaque, kubernetes.io/basic-auth]
          keys:
            description:
              - For the other two types of V(kubernetes_secret), the key of each field in the Secret.
                The fields are C(token), C(username),
                C(name), C(registry), C(host) (the URL of Quay) and C(api_url). A list writes a field to several keys.
              - If not specified, V(Opaque) has the keys C(token), C(username), C(registry) and C(api_url), and
                V(kubernetes.io/basic-auth) has C(password) and C(username).
              - For a V(hashi_vault) store, names of the keys that are written, for each of C(token), C(username) and
                C(registry). All other keys of the secret are kept.
              - A field that is left out is not written, except for C(token), whose key is then V(token). If not
                specified, the keys V(token), V(username) and V(registry) are written.
            type: dict
          extra_values:
            description:
              - For the other two types, further keys of the Secret with fixed texts, for example C(validateCerts). They
                must not be secret.
            type: dict
          labels:
            description:
              - Labels of the Secret. Other labels are kept.
            type: dict
          annotations:
            description:
              - Annotations of the Secret. Other annotations are kept. The record of the credential is an annotation,
                too.
            type: dict
          kubeconfig:
            description:
              - Path of the kubeconfig file with the login to the cluster. Needs the Python library C(kubernetes) on the
                target of the task.
              - If neither this nor O(credentials[].deliver[].context) nor O(credentials[].deliver[].kubernetes_host) is
                specified, the environment variables E(K8S_AUTH_HOST) with E(K8S_AUTH_API_KEY), E(K8S_AUTH_KUBECONFIG)
                and E(KUBECONFIG), C(~/.kube/config), and the service account of the pod are tried in this order.
            type: path
          context:
            description:
              - Context in the kubeconfig file. If not specified, E(K8S_AUTH_CONTEXT) or the current context is used.
            type: str
          kubernetes_host:
            description:
              - URL of the API server, for a login without a kubeconfig file. Needs
                O(credentials[].deliver[].kubernetes_token).
            type: str
          kubernetes_token:
            description:
              - Bearer token for O(credentials[].deliver[].kubernetes_host), for example of a service account.
            type: str
          kubernetes_ca_path:
            description:
              - File with the CA certificates that sign the certificate of O(credentials[].deliver[].kubernetes_host).
                If not specified, those of the system are used.
            type: path
          kubernetes_validate_certs:
            description:
              - Whether to check the certificate of O(credentials[].deliver[].kubernetes_host). If not specified, it is
                checked.
            type: bool
          credential:
            description:
              - For V(awx_credential), the name of the credential in AWX. Either this or C(credential_id) is
                required.
            type: str
          credential_id:
            description:
              - For V(awx_credential), the number of the credential, as in its URL. Use it if names are not
                unique.
            type: int
          credential_type:
            description:
              - For V(awx_credential), the name of the credential's type, for example V(Container Registry).
                It tells credentials of the same name apart. A credential of another type is refused.
            type: str
          awx_organization:
            description:
              - For V(awx_credential), the name of the organization that the credential belongs to. It tells
                credentials of the same name apart.
            type: str
          inputs:
            description:
              - For V(awx_credential), what each input of the credential holds. A key is the name of an input
                of the credential's type. A value is V(token), V(username), V(registry), V(quay_host),
                V(api_url), V(name), V(fingerprint), V(created_at), V(expires_at) or V(uuid). Exactly one
                input, which must be a secret one, holds V(token). All other inputs of the credential are
                kept.
              - >-
                If not specified, the credential must have the type for registries that AWX provides, and
                V({host: registry, username: username, password: token}) is used.
            type: dict
          create:
            description:
              - For V(awx_credential), create a missing credential. Needs C(credential), C(credential_type)
                and C(awx_organization). If not specified, a missing credential is an error.
            type: bool
          awx_host:
            description:
              - For V(awx_credential), URL of AWX or automation controller.
              - If not specified, E(CONTROLLER_HOST) or E(TOWER_HOST) is used.
            type: str
          awx_token:
            description:
              - For V(awx_credential), an OAuth token for AWX with the scope write. Its user needs the role
                Admin on the credential.
              - If not specified, E(CONTROLLER_OAUTH_TOKEN) or E(TOWER_OAUTH_TOKEN) is used.
            type: str
          awx_username:
            description:
              - For V(awx_credential), the user name to log in to AWX with, instead of a token.
              - If not specified, E(CONTROLLER_USERNAME) or E(TOWER_USERNAME) is used.
            type: str
          awx_password:
            description:
              - For V(awx_credential), the password of C(awx_username).
              - If not specified, E(CONTROLLER_PASSWORD) or E(TOWER_PASSWORD) is used.
            type: str
          awx_validate_certs:
            description:
              - For V(awx_credential), whether to validate the TLS certificate of AWX.
              - If not specified, E(CONTROLLER_VERIFY_SSL) or E(TOWER_VERIFY_SSL) is used, and otherwise
                V(true).
            type: bool
          awx_ca_path:
            description:
              - For V(awx_credential), file with the CA certificates to trust. If not specified, the
                certificates of the Python library requests are used, or those in E(REQUESTS_CA_BUNDLE).
            type: path
          awx_api_path:
            description:
              - For V(awx_credential), the path of the API. Use V(/api/controller/) behind the gateway of
                Ansible Automation Platform 2.5 and newer.
              - If not specified, E(CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX) is used, and otherwise
                V(/api/).
            type: str
          variables:
            description:
              - >-
                For V(vault_vars), the name of the variable for each field: V(token), V(username), V(registry)
                or V(api_url). V(token) is required, for example V({token: quay_token}). Fields that are left
                out are not written. Required for V(vault_vars).
            type: dict
          ansible_vault_id:
            description:
              - For V(vault_vars), the vault ID that encrypts the file, as a label, or as C(label@source) as
                in C(ansible-playbook --vault-id). If not specified, the file keeps its vault ID.
            type: str
          ansible_vault_password_file:
            description:
              - For V(vault_vars), path of a file with the vault password, or of a client script that prints
                it. If not specified, Ansible's own settings are used, for example
                E(ANSIBLE_VAULT_PASSWORD_FILE), E(ANSIBLE_VAULT_IDENTITY_LIST) or C(ansible.cfg), as far as
                they are set where the module runs.
            type: path
          url:
            description:
              - For a V(hashi_vault) store, address of HashiCorp Vault or OpenBao, for example
                V(https://vault.example.com:8200).
              - If not specified, the environment variable E(VAULT_ADDR) or E(BAO_ADDR) of the host that runs the module
                is used.
            type: str
          mount:
            description:
              - For a V(hashi_vault) store, path at which the KV engine is mounted. If not specified, V(secret) is used.
            type: str
          kv_version:
            description:
              - For a V(hashi_vault) store, version of the KV engine. If not specified, the server is asked for it.
              - V(2) writes with check-and-set, so that two writers do not overwrite each other, and keeps the record in
                the custom metadata. V(1) has neither.
            type: str
            choices: ["1", "2"]
          vault_namespace:
            description:
              - For a V(hashi_vault) store, namespace of the mount and of the login. If not specified,
                E(VAULT_NAMESPACE) or E(BAO_NAMESPACE) is used.
            type: str
          auth_method:
            description:
              - For a V(hashi_vault) store, how to log in. V(token) uses a token, V(token_file) a file that holds one.
                The others log in with the options of the method of that name.
              - If not specified, the token of the option C(vault_token), of E(VAULT_TOKEN) or of E(BAO_TOKEN) is used.
                Without one, it is read from the token file.
            type: str
            choices: [token, token_file, approle, kubernetes, jwt, userpass]
          auth_mount:
            description:
              - For a V(hashi_vault) store, path at which the auth method is mounted. If not specified, it is the name
                of the method.
            type: str
          vault_token:
            description:
              - For V(token), token of Vault or OpenBao. If not specified, E(VAULT_TOKEN) or E(BAO_TOKEN) is used.
            type: str
          vault_token_file:
            description:
              - For V(token_file), path of a file that holds a token. If not specified, V(~/.vault-token) is used, to
                which C(vault login) writes.
            type: path
          role_id:
            description:
              - For V(approle), ID of the role. Required for it.
            type: str
          secret_id:
            description:
              - For V(approle), secret ID of the role. Leave it out if the role does not need one.
            type: str
          vault_role:
            description:
              - For V(kubernetes) and V(jwt), name of the role. Required for V(kubernetes).
            type: str
          vault_jwt:
            description:
              - For V(jwt), JSON Web Token to log in with, for example the ID token of a CI job. Required for it.
            type: str
          service_account_token_file:
            description:
              - For V(kubernetes), path of the token of the service account. If not specified,
                V(/var/run/secrets/kubernetes.io/serviceaccount/token) is used.
            type: path
          vault_username:
            description:
              - For V(userpass), user name. Required for it.
            type: str
          vault_password:
            description:
              - For V(userpass), password. Required for it.
            type: str
          vault_ca_path:
            description:
              - For a V(hashi_vault) store, path of a file or directory with the CA certificates that are trusted. If
                not specified, E(VAULT_CACERT), E(BAO_CACERT), E(VAULT_CAPATH) or E(BAO_CAPATH) is used, else the CAs of
                the system.
            type: path
          vault_validate_certs:
            description:
              - For a V(hashi_vault) store, whether the TLS certificate of the server is verified. If not specified, it
                is, unless E(VAULT_SKIP_VERIFY) or E(BAO_SKIP_VERIFY) is V(true).
            type: bool
          vault_timeout:
            description:
              - For a V(hashi_vault) store, how long to wait for a response, for example V(10s). The unit is V(s), V(m),
                V(h), V(d) or V(w).
              - If not specified, E(VAULT_CLIENT_TIMEOUT) or E(BAO_CLIENT_TIMEOUT) is used, else V(30s).
            type: str
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
  force:
    description:
      - Names of entries in O(credentials) that are due in this run, regardless of their policy. For these entries,
        O(credentials[].retire_after) is treated as V(0).
    type: list
    elements: str
    default: []
  organization:
    description:
      - List the robots and application tokens of this organization. Mutually exclusive with O(credentials).
    type: str
  kinds:
    description:
      - Kinds of credentials to list without O(credentials). Omitting a kind saves its requests. App tokens belong to a
        user, so V(app) has no effect with O(organization).
    type: list
    elements: str
    choices: [api, app, robot]
    default: [api, app, robot]
  max_age:
    description:
      - Maximum age of a credential without O(credentials), for example V(90d). A credential that has reached this age
        is due.
      - The unit is V(s), V(m), V(h), V(d) or V(w). V(0d) is refused.
    type: str
  renew_before:
    description:
      - Minimum remaining lifetime of a credential without O(credentials), for example V(14d). A credential is due when
        its remaining lifetime is this duration or shorter.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
    type: str
seealso:
  - module: tokensmith.quay.quay_store_info
"""

EXAMPLES = r"""
- name: Find robot tokens of an organization that are older than 90 days
  tokensmith.quay.quay_token_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    kinds: [robot]
    max_age: 90d
  register: robots

- name: Show the tokens that are due
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.message }}"
  loop: "{{ robots.credentials | selectattr('due') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Check declared credentials against their policies
  tokensmith.quay.quay_token_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    credentials:
      - name: acme+ci
        kind: robot
        max_age: 90d
      - name: nightly
        kind: api
        organization: acme
        application: automation
        scopes: ["repo:read"]
        renew_before: 14d
        held:
          - token: "{{ lookup('ansible.builtin.env', 'NIGHTLY_TOKEN') }}"
"""

RETURN = r"""
credentials:
  description: Status of each credential. If O(credentials) is specified, the list has the same order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the credential. Empty for an OAuth token that was created without a name.
      returned: success
      type: str
    kind:
      description: V(api), V(app), V(client_secret), V(robot), V(robot_lease), V(referrers) or V(federated).
      returned: success
      type: str
    exists:
      description: Whether Quay has a robot of that name or an app token with that title, or a store holds a token.
      returned: success
      type: bool
    due:
      description:
        - Whether the credential is due to be replaced or delivered again. True if RV(credentials[].reason) is any value
          except V(not_due) and V(absent). False if RV(credentials[].error) is set.
      returned: success
      type: bool
    reason:
      description:
        - Why the credential is due. One of V(missing), V(invalid), V(expired), V(forced), V(scopes_changed),
          V(expiring), V(too_old), V(undelivered), V(absent) or V(not_due). Null if RV(credentials[].error) is set.
        - V(absent) means that O(credentials[].state=absent) and that there is something to remove.
      returned: success
      type: str
    message:
      description:
        - Human-readable explanation of RV(credentials[].reason) and RV(credentials[].action). The same as
          RV(credentials[].error) if that is set.
      returned: success
      type: str
    action:
      description:
        - What a rotation would do. V(mint) issues a new secret. V(deliver) delivers the present secret again. V(retire)
          revokes secrets that earlier runs left behind. V(remove) removes a credential with
          O(credentials[].state=absent). V(nothing) does nothing.
      returned: success
      type: str
    holds:
      description:
        - State of each store in O(credentials[].deliver) and O(credentials[].held), in this order.
        - V(current) means that the store holds the present secret, V(other) that it holds another secret or something
          else than a credential, and V(absent) that it holds none. A V(hashi_vault) store is also V(other) if the user
          name or the registry is not that of the secret.
        - V(wrong_permissions) means that the store holds the present secret, but the owner, group or permissions of the
          file differ from the requested ones. Of a Secret, it means that labels, annotations or other keys differ, or
          that not all of its namespaces hold the present secret.
        - V(unrecorded) means that the store holds the present secret of paired robots, but the record next to it is
          missing.
        - V(unknown) means that the credential could not be checked. See RV(credentials[].error).
      returned: success
      type: list
      elements: str
    error:
      description: Why the credential could not be checked. Null if there was no error.
      returned: success
      type: str
    is_login:
      description:
        - Whether a store holds the token with which this task signs in. Renew this credential last, because its
          predecessor may be revoked.
      returned: success
      type: bool
    username:
      description:
        - User name to use together with the secret, or the client ID of a V(client_secret). Null for a V(referrers)
          token. Empty if RV(credentials[].error) is set.
      returned: success
      type: str
    uuid:
      description:
        - UUID by which Quay lists and revokes an OAuth token or an app token. Null for other kinds, and if no valid
          token is held.
      returned: success
      type: str
    created_at:
      description:
        - Time at which the secret was created (ISO 8601, UTC), if it was needed and could be determined. Otherwise
          null.
      returned: success
      type: str
    expires_at:
      description:
        - Time at which the secret expires (ISO 8601, UTC). Null if unknown, and for robot tokens and client secrets,
          which do not expire.
      returned: success
      type: str
    last_accessed:
      description: Time at which the secret was last used (ISO 8601, UTC). Null if Quay does not report it.
      returned: success
      type: str
    age_source:
      description:
        - Source of RV(credentials[].created_at). V(record) for the record of the store, V(quay) for Quay, V(log) for
          the usage logs, V(creation) for the creation date of the robot. Null if RV(credentials[].created_at) was not
          determined.
      returned: success
      type: str
    fingerprint:
      description:
        - First 12 hexadecimal digits of the SHA-256 hash of the secret, safe to log. Null if the secret is not known.
      returned: success
      type: str
    superseded:
      description:
        - UUIDs of replaced tokens that are still valid. For paired robots, the former secrets that are still valid,
          each as the name of a robot and a fingerprint.
      returned: success
      type: list
      elements: str
    description:
      description: Description of the robot.
      returned: for robots
      type: str
    organization:
      description: Organization that owns the application.
      returned: for API tokens and client secrets
      type: str
    client_id:
      description:
        - Client ID of the application. Null in the list of the signed-in user's own tokens, where Quay does not return
          it.
      returned: for API tokens and client secrets
      type: str
    scopes:
      description: Scopes of the token.
      returned: for API tokens
      type: list
      elements: str
    duplicates:
      description: UUIDs of other valid tokens with the same title, which a rotation keeps.
      returned: for app tokens
      type: list
      elements: str
    owner:
      description: Who the lease is for. Empty if this was not asked, because Quay does not list it.
      returned: for leases of robots
      type: str
    access:
      description: Actions that the token allows, by repository.
      returned: for referrers tokens
      type: dict
  sample:
    - name: acme+ci
      kind: robot
      exists: true
      due: true
      reason: too_old
      message: age 93 days, limit 90 days
      action: mint
      holds: [current]
      error: null
      is_login: false
      username: acme+ci
      uuid: null
      created_at: "2026-01-31T12:00:00Z"
      expires_at: null
      last_accessed: "2026-05-04T08:30:00Z"
      age_source: log
      fingerprint: 9f86d081884c
      superseded: []
      description: Pulls for the build farm
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.token_info import (
    TOKEN_INFO_OPTIONS,
    get_token_info,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module


def main() -> None:
    run_module(get_token_info, TOKEN_INFO_OPTIONS, mutually_exclusive=[("credentials", "organization")])


if __name__ == "__main__":
    main()
