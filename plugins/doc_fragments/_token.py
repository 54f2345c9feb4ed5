# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time.
# Do not use it from other collections or from playbooks' own modules.

from __future__ import annotations


class ModuleDocFragment:
    """Options that all token modules share."""

    DOCUMENTATION = r"""
options:
  current_token:
    description:
      - The secret that you hold now, for example from a vault. The module checks it and replaces it only when it is
        due. White space around it is ignored.
      - The module never returns this value.
      - Mutually exclusive with O(token_path) and O(deliver).
    type: str
  token_path:
    description:
      - Absolute path of a file on the target that contains only the secret. The module reads the current secret from
        this file and writes a new secret to it. It does not return the secret.
      - The file is written atomically. An existing file keeps its permissions, and a new one has V(0600).
      - The fingerprint, dates and UUID of the secret are stored in a record next to it. The record is a file of the
        same name with C(.record.json) appended. It never contains the secret.
      - The directory must exist. Symbolic links are refused. A file that holds anything else than a secret is refused.
      - Mutually exclusive with O(current_token) and O(deliver).
    type: path
  deliver:
    description:
      - Stores from which consumers read the secret. The module checks what they hold, writes a new secret
        to all of them, and reads each one back. Each store is written atomically. The module does not return the
        secret.
      - Before it requests anything, the module checks that every store can be written, in check mode too.
      - A store that does not hold the present secret receives it again without a new secret being issued. This is
        possible if Quay can return the secret, or if another store still holds it.
      - Mutually exclusive with O(current_token) and O(token_path).
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - Kind of the store.
          - V(file) is a file that contains only this credential, in the format of M(tokensmith.quay.quay_token_file).
          - V(container_auth) is one entry of a container engine's auth file, in the format of
            M(tokensmith.quay.quay_container_auth). It refuses the options C(format), C(prefix), C(merge), C(force) and
            C(backup).
          - V(kubernetes_secret) is a Secret in one or more namespaces of a Kubernetes cluster.
          - V(awx_credential) is a credential in AWX or automation controller, reached by its API from the machine that
            runs the module. AWX never returns a secret. The module therefore keeps its record, with the fingerprint,
            at the end of the credential's description, and your own description before it. A secret that Quay returns
            only once needs another store in addition, from which it can be read back.
          - V(vault_vars) is some variables in a file that C(ansible-vault) encrypts, on the machine that runs the
            module. Comments, order and all other variables are kept. It needs ansible-core on that machine.
          - V(hashi_vault) is some keys of a secret in HashiCorp Vault or OpenBao. It needs the Python library hvac.
        type: str
        choices: [file, container_auth, kubernetes_secret, awx_credential, vault_vars, hashi_vault]
        required: true
      path:
        description:
          - Absolute path of the file on the target. Its directory must exist. The file must not be a symbolic link. A
            symbolic link in the path is followed only if root or the user that runs the module owns it.
          - For V(hashi_vault), path of the secret below the mount, for example V(ci/quay). Ansible replaces C($NAME) in
            it by the environment variable of that name, as in every path.
          - Required for V(file), V(container_auth), V(hashi_vault) and V(vault_vars).
        type: path
      format:
        description:
          - Format of a V(file) store. V(token) writes only the secret. See M(tokensmith.quay.quay_token_file) for the
            other formats. If not specified, an existing file with a credential keeps its format, and a new one has
            V(token).
        type: str
        choices: [token, json, yaml, env]
      prefix:
        description:
          - Prefix for the names of the variables in the format V(env). If not specified, V(QUAY_) is used. Other
            formats refuse it.
        type: str
      merge:
        description:
          - For a V(file) store in the format V(env), keep the other lines of the file. Give each credential in one file
            its own prefix. If not specified, a file with other lines is refused.
        type: bool
      owner:
        description:
          - User that owns the file and its record, as a name or a numeric ID.
          - If not specified, an existing file keeps its owner, and a new one is owned by the user that runs the module.
        type: str
      group:
        description:
          - Group that owns the file and its record, as a name or a numeric ID.
          - If not specified, an existing file keeps its group, and a new one has the group of the user that runs the
            module.
        type: str
      mode:
        description:
          - Permissions of the file and its record, as in M(ansible.builtin.copy). A string is octal or symbolic, for
            example V("0640") or V("u=rw,g=r"). A number is the permission bits themselves, as YAML makes them of an
            unquoted V(0640).
          - If not specified, an existing file keeps its permissions, and a new one has V(0600).
          - Permissions that let every user write, or that do not let the owner read, are refused.
        type: raw
      force:
        description:
          - For a V(file) store, replace a file that holds anything else than such a credential. If not specified, it is
            refused.
          - For a V(kubernetes_secret) store, replace an entry or keys that something else wrote, take fields over that
            another field manager applies, and delete and create a Secret that is immutable or has another type if it
            holds nothing else. If not specified, all of this is refused.
          - For a V(awx_credential) or V(vault_vars) store, replace a token that was set by hand. If not specified, it
            is refused.
          - For a V(hashi_vault) store, replace such content of the keys that it writes. If not specified, it is
            refused.
        type: bool
      backup:
        description:
          - For a V(file) store with O(deliver[].force), first copy the content that is replaced, to a private file next
            to it whose name ends in C(~). A secret that the module wrote is never copied.
        type: bool
      unsafe_writes:
        description:
          - Write the file in place if it cannot be replaced, for example because it is a mount point or its directory
            is read-only. If not specified, such a file is refused. See M(tokensmith.quay.quay_token_file).
        type: bool
      registry:
        description:
          - Host name, and port if any, that consumers use in C(podman login). Specify it without a scheme. Upper case
            is written in lower case.
          - Defaults to the host of O(quay_host), without a default port.
        type: str
      namespaces:
        description:
          - For a V(kubernetes_secret) store, the namespaces of the Secret. Each of them gets the same Secret, and must
            exist.
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
          - Type of the Secret. V(kubernetes.io/dockerconfigjson) is a pull secret, with one entry for the registry. Its
            other entries are kept.
          - V(Opaque) and V(kubernetes.io/basic-auth) have a key for each field of the credential. Other keys are kept.
          - If not specified, V(kubernetes.io/dockerconfigjson) is used. The type of an existing Secret cannot be
            changed.
        type: str
        choices: [kubernetes.io/dockerconfigjson, Opaque, kubernetes.io/basic-auth]
      keys:
        description:
          - For the other two types of V(kubernetes_secret), the key of each field in the Secret.
            The fields are C(token), C(username), C(name),
            C(registry), C(host) (the URL of Quay) and C(api_url). A list writes a field to several keys.
          - If not specified, V(Opaque) has the keys C(token), C(username), C(registry) and C(api_url), and
            V(kubernetes.io/basic-auth) has C(password) and C(username).
          - For a V(hashi_vault) store, names of the keys that are written, for each of C(token), C(username) and
            C(registry). All other keys of the secret are kept.
          - A field that is left out is not written, except for C(token), whose key is then V(token). If not specified,
            the keys V(token), V(username) and V(registry) are written.
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
          - Annotations of the Secret. Other annotations are kept. The record of the credential is an annotation, too.
        type: dict
      kubeconfig:
        description:
          - Path of the kubeconfig file with the login to the cluster. Needs the Python library C(kubernetes) on the
            target of the task.
          - If neither this nor O(deliver[].kubernetes_context) nor O(deliver[].kubernetes_host) is specified, the
            environment variables E(K8S_AUTH_HOST) with E(K8S_AUTH_API_KEY), E(K8S_AUTH_KUBECONFIG) and E(KUBECONFIG),
            C(~/.kube/config), and the service account of the pod are tried in this order.
        type: path
      kubernetes_context:
        description:
          - Context in the kubeconfig file. If not specified, E(K8S_AUTH_CONTEXT) or the current context is used.
        type: str
      kubernetes_host:
        description:
          - URL of the API server, for a login without a kubeconfig file. Needs O(deliver[].kubernetes_token).
        type: str
      kubernetes_token:
        description:
          - Bearer token for O(deliver[].kubernetes_host), for example of a service account.
        type: str
      kubernetes_ca_path:
        description:
          - File with the CA certificates that sign the certificate of O(deliver[].kubernetes_host). If not specified,
            those of the system are used.
        type: path
      kubernetes_validate_certs:
        description:
          - Whether to check the certificate of O(deliver[].kubernetes_host). If not specified, it is checked.
        type: bool
      credential:
        description:
          - For V(awx_credential), the name of the credential in AWX. Either this or C(credential_id) is required.
        type: str
      credential_id:
        description:
          - For V(awx_credential), the number of the credential, as in its URL. Use it if names are not unique.
        type: int
      credential_type:
        description:
          - For V(awx_credential), the name of the credential's type, for example V(Container Registry). It
            distinguishes credentials of the same name. A credential of another type is refused.
        type: str
      awx_organization:
        description:
          - For V(awx_credential), the name of the organization that the credential belongs to. It distinguishes
            credentials of the same name.
        type: str
      inputs:
        description:
          - For V(awx_credential), what each input of the credential holds. A key is the name of an input of the
            credential's type. A value is V(token), V(username), V(registry), V(quay_host), V(api_url), V(name),
            V(fingerprint), V(created_at), V(expires_at) or V(uuid). Exactly one input, which must be a secret
            one, holds V(token). All other inputs of the credential are kept.
          - >-
            If not specified, the credential must have the type for registries that AWX provides, and V({host:
            registry, username: username, password: token}) is used.
        type: dict
      create:
        description:
          - For V(awx_credential), create a missing credential. Needs C(credential), C(credential_type) and
            C(awx_organization). If not specified, a missing credential is an error.
        type: bool
      awx_host:
        description:
          - For V(awx_credential), URL of AWX or automation controller.
          - If not specified, E(CONTROLLER_HOST) or E(TOWER_HOST) is used.
        type: str
      awx_token:
        description:
          - For V(awx_credential), an OAuth token for AWX with the scope write. Its user needs the role Admin on
            the credential.
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
          - If not specified, E(CONTROLLER_VERIFY_SSL) or E(TOWER_VERIFY_SSL) is used, and otherwise V(true).
        type: bool
      awx_ca_path:
        description:
          - For V(awx_credential), file with the CA certificates to trust. If not specified, the certificates of
            the Python library requests are used, or those in E(REQUESTS_CA_BUNDLE).
        type: path
      awx_api_path:
        description:
          - For V(awx_credential), the path of the API. Use V(/api/controller/) behind the gateway of Ansible
            Automation Platform 2.5 and newer.
          - If not specified, E(CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX) is used, and otherwise V(/api/).
        type: str
      variables:
        description:
          - >-
            For V(vault_vars), the name of the variable for each field: V(token), V(username), V(registry) or
            V(api_url). V(token) is required, for example V({token: quay_token}). Fields that are left out are not
            written. Required for V(vault_vars).
        type: dict
      ansible_vault_id:
        description:
          - For V(vault_vars), the vault ID that encrypts the file, as a label, or as C(label@source) as in
            C(ansible-playbook --vault-id). If not specified, the file keeps its vault ID.
        type: str
      ansible_vault_password_file:
        description:
          - For V(vault_vars), path of a file with the vault password, or of a client script that prints it. If
            not specified, Ansible's own settings are used, for example E(ANSIBLE_VAULT_PASSWORD_FILE),
            E(ANSIBLE_VAULT_IDENTITY_LIST) or C(ansible.cfg), as far as they are set where the module runs.
        type: path
      mount:
        description:
          - For a V(hashi_vault) store, path at which the KV engine is mounted. If not specified, V(secret) is used.
        type: str
      kv_version:
        description:
          - For a V(hashi_vault) store, version of the KV engine. If not specified, the server is asked for it.
          - V(2) writes with check-and-set, so that two writers do not overwrite each other, and keeps the record in the
            custom metadata. V(1) has neither.
        type: str
        choices: ["1", "2"]
      vault_url:
        description:
          - For a V(hashi_vault) store, address of HashiCorp Vault or OpenBao, for example
            V(https://vault.example.com:8200).
          - If not specified, the environment variable E(VAULT_ADDR) or E(BAO_ADDR) of the host that runs the module is
            used.
        type: str
      vault_namespace:
        description:
          - For a V(hashi_vault) store, namespace of the mount and of the login. If not specified, E(VAULT_NAMESPACE) or
            E(BAO_NAMESPACE) is used.
        type: str
      vault_auth_method:
        description:
          - For a V(hashi_vault) store, how to log in. V(token) uses a token, V(token_file) a file that holds one. The
            others log in with the options of the method of that name.
          - If not specified, the token of the option C(vault_token), of E(VAULT_TOKEN) or of E(BAO_TOKEN) is used.
            Without one, it is read from the token file.
        type: str
        choices: [token, token_file, approle, kubernetes, jwt, userpass]
      vault_auth_mount:
        description:
          - For a V(hashi_vault) store, path at which the auth method is mounted. If not specified, it is the name of
            the method.
        type: str
      vault_token:
        description:
          - For V(token), token of Vault or OpenBao. If not specified, E(VAULT_TOKEN) or E(BAO_TOKEN) is used.
        type: str
      vault_token_path:
        description:
          - For V(token_file), path of a file that holds a token. If not specified, V(~/.vault-token) is used, to which
            C(vault login) writes.
        type: path
      vault_role_id:
        description:
          - For V(approle), ID of the role. Required for it.
        type: str
      vault_secret_id:
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
      vault_service_account_token_path:
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
          - For a V(hashi_vault) store, path of a file or directory with the CA certificates that are trusted. If not
            specified, E(VAULT_CACERT), E(BAO_CACERT), E(VAULT_CAPATH) or E(BAO_CAPATH) is used, else the CAs of the
            system.
        type: path
      vault_validate_certs:
        description:
          - For a V(hashi_vault) store, whether the TLS certificate of the server is verified. If not specified, it is,
            unless E(VAULT_SKIP_VERIFY) or E(BAO_SKIP_VERIFY) is V(true).
        type: bool
      vault_timeout:
        description:
          - For a V(hashi_vault) store, how long to wait for a response, for example V(10s). The unit is V(s), V(m),
            V(h), V(d) or V(w).
          - If not specified, E(VAULT_CLIENT_TIMEOUT) or E(BAO_CLIENT_TIMEOUT) is used, else V(30s).
        type: str
  rotate:
    description:
      - When to replace the secret.
      - V(when_due) replaces it only if there is a reason. RV(reason) reports the reason.
      - V(always) replaces it in every run, so the task is not idempotent.
      - V(never) creates a missing secret but keeps an existing one. RV(reason) still reports why it would be due.
    type: str
    choices: [when_due, always, never]
    default: when_due
"""

    MAX_AGE = r"""
options:
  max_age:
    description:
      - Replace the secret when it has reached this age, for example V(90d), V(12h) or V(30m).
      - The unit is V(s), V(m), V(h), V(d) or V(w). V(0d) is refused.
      - If not specified, the age of the secret is not a reason to replace it.
    type: str
"""
