# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory tokensmith.quay.credentials: credentials as hosts, so that plays can divide them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: credentials
short_description: Credentials of a Quay registry as hosts of an inventory
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Makes one host of each declared credential, with groups such as C(due), C(kind_robot) and C(organization_acme). So
    patterns, C(--limit), C(serial) and sliced jobs of AWX divide the rotation of many credentials among runs and
    machines.
  - "B(The hosts are no machines.) The role P(tokensmith.quay.rotation#role) rotates the credentials of all hosts of a
    batch by one task on its rotator. It delivers to stores of the rotator only, such as C(hashi_vault) or
    C(kubernetes_secret), or a C(file) with C(hosts) of the rotator. Rotate credentials in files of other machines in a
    play over these machines."
  - Can also list robot accounts and API tokens that exist in Quay and are not declared. They are in the group
    C(undeclared), and the role leaves them alone.
  - All declarations are validated, as the role does it, although a run may rotate only some of them. Two credentials of
    the same name, with the same store or with the same robot account are refused, because two runs would compete for
    them.
  - The inventory contains no secrets. Declarations with secrets are refused.
  - The file name of the inventory source must end in C(quay_credentials.yml) or C(quay_credentials.yaml).
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Name of this plugin.
    type: str
    required: true
    choices: [tokensmith.quay.credentials]
  credentials:
    description:
      - The credentials, as C(rotation_credentials) of the role P(tokensmith.quay.rotation#role) declares them. Mutually
        exclusive with O(credentials_file).
      - Templates and encrypted values are refused.
      - To rotate a credential of the kind C(referrers) with a login of its own, set C(quay_credential_login) in
        encrypted variables of its host, with the keys C(quay_username) and C(quay_password). For one of the kind
        C(federated), it has the key C(oidc_client_secret) or C(oidc_token).
    type: raw
  credentials_file:
    description:
      - Path of a YAML file with the credentials, relative to the inventory source. It is a list of credentials, or a
        mapping with the key C(rotation_credentials). It can be encrypted by C(ansible-vault) as a whole.
    type: str
  status:
    description:
      - Whether to ask Quay which credentials are due. If V(true), they are in the group C(due) and in a group for the
        reason, such as C(reason_too_old), and the host variable C(quay_status) has the details.
      - The stores are not read, so that a credential whose store lost its secret may not be in C(due). Run the role
        over C(declared) to repair stores.
      - A credential whose status cannot be read is in C(due) too, so that the run reports why.
    type: bool
    default: true
  discover:
    description: Organizations whose robot accounts and API tokens are listed, whether they are declared or not.
    type: list
    elements: dict
    default: []
    suboptions:
      organization:
        description: Name of the organization. The login must administer it.
        type: str
        required: true
      kinds:
        description: What to list. Quay 3.17 and older do not list API tokens.
        type: list
        elements: str
        choices: [robot, api]
        default: [robot, api]
  include:
    description:
      - Patterns such as V(acme+*) of the names of credentials. Only these become hosts. If not specified, all do. Quay
        is not asked for the status of the others.
    type: list
    elements: str
    default: []
  exclude:
    description: Patterns of the names of credentials that do not become hosts.
    type: list
    elements: str
    default: []
  rotator:
    description:
      - The host that C(rotation_rotator) of the role names. Stores in its files are no stores of other machines.
    type: str
    default: localhost
  quay_host:
    description:
      - URL of the Quay server, with scheme and optional port, but without a path. Required. Templates are not evaluated
        in this and all other options.
    type: str
    env:
      - name: QUAY_HOST
  quay_token:
    description:
      - OAuth access token. Specify either this option, or O(quay_username) and O(quay_password). A login is required if
        O(status) is V(true) or O(discover) is specified.
      - "The environment variable keeps it out of the file. If it must be in the file, encrypt it by C(ansible-vault)."
    type: str
    env:
      - name: QUAY_TOKEN
  quay_username:
    description: Name of the user to sign in as, together with O(quay_password).
    type: str
    env:
      - name: QUAY_USERNAME
  quay_password:
    description: Password of O(quay_username).
    type: str
    env:
      - name: QUAY_PASSWORD
  validate_certs:
    description: Whether to verify the TLS certificate of the server. If not specified, it is verified.
    type: raw
    env:
      - name: QUAY_VERIFY_SSL
  ca_path:
    description: Path of a file on the controller that contains the CA certificates to trust, in PEM format.
    type: str
    env:
      - name: QUAY_CA_PATH
  timeout:
    description:
      - Number of seconds to wait for a connection, and then for a response, before a request fails. If not specified,
        V(10).
    type: raw
    env:
      - name: QUAY_TIMEOUT
  retries:
    description:
      - Maximum number of times to repeat a request after a connection error or the status 429, 502, 503 or 504. If not
        specified, V(3).
    type: raw
requirements:
  - requests (Python library on the controller)
notes:
  - The cache keeps what Quay returned, without secrets. It is not used if the declarations or the options changed
    since.
  - Ansible continues without the hosts of an inventory source that fails. Set
    E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) to V(true), so that a nightly run fails if Quay cannot be reached. AWX
    does so when it updates an inventory.
  - Use C(gather_facts=false) in plays over these hosts.
seealso:
  - module: tokensmith.quay.quay_token_info
"""

EXAMPLES = r"""
# quay_credentials.yml: the credentials of a file, and which of them are due. QUAY_HOST and QUAY_TOKEN are set in the
# environment. Rotate those of one organization:
#
#   ansible-playbook tokensmith.quay.rotate -i quay_credentials.yml -e 'rotation_hosts=due:&organization_acme'
plugin: tokensmith.quay.credentials
credentials_file: credentials.yml

---
# The same with what Quay lists, kept for ten minutes, and with groups of one's own.
#
#   ansible-inventory -i quay_credentials.yml --graph undeclared
plugin: tokensmith.quay.credentials
quay_host: https://quay.example.com
credentials_file: credentials.yml
discover:
  - organization: acme
    kinds: [robot]
exclude: ["acme+test-*"]
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /var/cache/quay
cache_timeout: 600
groups:
  paired: quay_credential.strategy | default('') == 'paired'
keyed_groups:
  - key: quay_credential.deliver | default([]) | map(attribute='kind') | unique | list
    prefix: store

---
# Without a login: the declarations alone, to divide them into slices.
plugin: tokensmith.quay.credentials
quay_host: https://quay.example.com
status: false
credentials:
  - name: acme+ci
    kind: robot
    max_age: 90d
    deliver:
      - kind: hashi_vault
        vault_url: https://vault.example.com
        path: ci/quay
"""

import os
from typing import Any, Mapping, Sequence

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.credential_hosts import (
    ALL,
    DUE,
    MARKER,
    NAMES,
    CredentialHost,
    digest_of,
    entries_of_file,
    hosts_of_inventory,
    is_selected,
    read_for_inventory,
    undeclared,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.credential_status import QuayInventory
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declaration_options import (
    choices_of,
    parse_json_list,
    suggestion,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kinds import (
    LISTED_OF_ORGANIZATION,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.registry_token import connection_params
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.validation import Declared
from ansible_collections.tokensmith.quay.plugins.module_utils._http.address import normalise_host
from ansible_collections.tokensmith.quay.plugins.module_utils._http.session import REQUESTS_IMPORT_ERROR
from ansible_collections.tokensmith.quay.plugins.module_utils._module.failures import failure_message
from ansible_collections.tokensmith.quay.plugins.module_utils._module.options import CONNECTION_OPTIONS

_FILES = ("quay_credentials.yml", "quay_credentials.yaml")
_VAULT = b"$ANSIBLE_VAULT"
# Hosts that are no machines: their tasks run on the controller, as those of localhost do.
_CONNECTION = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The inventory of this file."""

    NAME = "tokensmith.quay.credentials"
    # All texts are free of templates, except for those of the options and of _CONNECTION.
    trusted_by_default = True

    def verify_file(self, path: str) -> bool:
        """Whether the file is an inventory source of this plugin, by its name."""
        base: Any = super()  # this method of Ansible has no types
        return bool(base.verify_file(path)) and path.endswith(_FILES)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the hosts and groups. Nothing is added if anything fails."""
        super().parse(inventory, loader, path, cache)
        reading: Any = self  # this method of Ansible has no types
        given = reading._read_config_data(path)
        try:
            hosts, names = self._hosts(given, path, cache)
        except AnsibleError:
            raise
        except Exception as error:
            message = failure_message(error)
        else:
            self._add(hosts, names)
            return
        # Outside of the except block: Ansible shows the exceptions that led to this one.
        raise AnsibleParserError(f"{path}: {message}")

    def _hosts(self, given: Mapping[str, Any], path: str, cache: bool) -> tuple[list[CredentialHost], list[str]]:
        """The hosts, and the names of all declared credentials, those that the patterns leave out too."""
        self._refuse_unknown(given)
        params = connection_params({name: self._text_of(name) for name in CONNECTION_OPTIONS})
        params["quay_host"] = normalise_host(params["quay_host"])
        rotator = self._option("rotator") or "localhost"
        entries = self._entries(path)
        declared = read_for_inventory(entries, params["quay_host"], rotator)
        chosen = [item for item in declared if self._is_selected(str(item.name))]
        statuses, listed = self._answer(params, chosen, path, cache)
        others = [item for item in undeclared(listed, declared) if self._is_selected(str(item["name"]))]
        by_name = {str(item.name): entries[item.position - 1] for item in declared}
        names = [str(item.name) for item in declared]
        return hosts_of_inventory(chosen, by_name, statuses, others, rotator), names

    def _refuse_unknown(self, given: Mapping[str, Any]) -> None:
        """Raise BadInput for an option that does not exist. Ansible itself ignores it."""
        known = list(self._options)
        problems = [f"{name} is not an option.{suggestion(str(name), known)}" for name in given if name not in known]
        if problems:
            raise BadInput(" ".join(problems))

    def _text_of(self, name: str) -> Any:
        """A connection option. Ansible decrypts an encrypted one when it is converted to a text."""
        value = self._option(name) if name in self._options else None
        return value if value is None or isinstance(value, (bool, int, float)) else str(value)

    def _entries(self, path: str) -> Any:
        """The declarations as they are given."""
        given, file = self._option("credentials"), self._option("credentials_file")
        if given is not None and file:
            raise BadInput("credentials and credentials_file are mutually exclusive")
        if file:
            found = os.path.join(os.path.dirname(os.path.abspath(path)), os.path.expanduser(str(file)))
            return entries_of_file(self._content_of(found), found)
        if given is None and not self._option("discover"):
            raise BadInput("Declare credentials by credentials_file or credentials, or name organizations in discover")
        return [] if given is None else parse_json_list(given)

    def _content_of(self, path: str) -> Any:
        """The content of a file with declarations. An error does not repeat a line of it, which may hold a secret."""
        loader: Any = self.loader
        if not os.path.isfile(path):
            raise BadInput(f"credentials_file: there is no file {path}")
        try:
            return loader.load_from_file(path, cache="none")
        except AnsibleError as error:
            problem = _problem_of_file(path, error)
        raise BadInput(f"credentials_file: {path} {problem}")

    def _is_selected(self, name: str) -> bool:
        return is_selected(name, self._option("include") or (), self._option("exclude") or ())

    def _answer(
        self, params: dict[str, Any], declared: Sequence[Declared], path: str, cache: bool
    ) -> tuple[Mapping[str, Any] | None, Sequence[Mapping[str, Any]]]:
        """The statuses and the listings: those of the cache, if it answers the same question, else those of Quay."""
        discover = [_discovered(item) for item in self._option("discover") or ()]
        asks_status = bool(self._option("status"))
        if not discover and not (asks_status and declared):
            return ({} if asks_status else None), []
        options = [item.public for item in declared] if asks_status else []
        question = digest_of([params["quay_host"], params["quay_username"], asks_status, options, discover])
        uses_cache, key = bool(self._option("cache")), self.get_cache_key(path)
        known = self._cached(key) if uses_cache and cache else None
        if known is None or known.get("question") != question:
            known = {"question": question, **self._ask(params, declared if asks_status else None, discover)}
            if uses_cache:
                self._cache[key] = known
        return known["statuses"], known["listed"]

    def _cached(self, key: str) -> Mapping[str, Any] | None:
        try:
            found = self._cache[key]
        except KeyError:
            return None
        return found if isinstance(found, dict) else None

    def _ask(
        self, params: dict[str, Any], declared: Sequence[Declared] | None, discover: Sequence[tuple[str, list[str]]]
    ) -> dict[str, Any]:
        if REQUESTS_IMPORT_ERROR is not None:
            raise BadInput("the Python library requests is missing on the controller")
        quay = QuayInventory(params, self._warn)
        statuses = None if declared is None else quay.statuses(declared)
        listed = [item for organization, kinds in discover for item in quay.listed(organization, kinds)]
        return {"statuses": statuses, "listed": listed}

    def _warn(self, sentence: str) -> None:
        self.display.warning(f"{self.NAME}: {sentence}")

    def _add(self, hosts: Sequence[CredentialHost], names: Sequence[str]) -> None:
        inventory: Any = self.inventory
        inventory.add_group(ALL)
        for name, value in {**_CONNECTION, MARKER: True, NAMES: list(names)}.items():
            inventory.set_variable(ALL, name, value)
        if self._option("status"):
            # A pattern of a group that does not exist causes a warning, which nothing due is not worth.
            inventory.add_group(DUE)
        for host in hosts:
            inventory.add_host(host.name, ALL)
            for name, value in host.variables.items():
                inventory.set_variable(host.name, name, value)
            for group in host.groups:
                inventory.add_child(inventory.add_group(group), host.name)
            self._construct(host)

    def _construct(self, host: CredentialHost) -> None:
        """Add what the options compose, groups and keyed_groups make of the variables."""
        strict, variables = self._option("strict"), dict(host.variables)
        plugin: Any = self  # these methods of Ansible have no types
        plugin._set_composite_vars(self._option("compose"), variables, host.name, strict=strict)
        plugin._add_host_to_composed_groups(self._option("groups"), variables, host.name, strict=strict)
        plugin._add_host_to_keyed_groups(self._option("keyed_groups"), variables, host.name, strict=strict)

    def _option(self, name: str) -> Any:
        plugin: Any = self  # this method of Ansible has no types
        return plugin.get_option(name)


def _discovered(entry: Any) -> tuple[str, list[str]]:
    """An entry of discover: the organization and the kinds. Raises BadInput."""
    organization = entry.get("organization") if isinstance(entry, dict) else None
    if not isinstance(organization, str) or not organization.strip():
        raise BadInput("discover must be a list of mappings with organization, such as [{organization: acme}]")
    unknown = sorted(str(name) for name in entry.keys() - {"organization", "kinds"})
    if unknown:
        raise BadInput(f"discover: {', '.join(unknown)} is not an option. There are: organization, kinds")
    kinds = choices_of(*LISTED_OF_ORGANIZATION)(entry.get("kinds") or list(LISTED_OF_ORGANIZATION), "discover: kinds")
    return organization.strip(), kinds


def _problem_of_file(path: str, error: AnsibleError) -> str:
    with open(path, "rb") as file:
        is_encrypted = file.read(len(_VAULT)) == _VAULT
    if is_encrypted:
        return "is encrypted, and no vault password decrypts it. Use --vault-id or --vault-password-file"
    cause = error.__cause__ or getattr(error, "orig_exc", None)
    mark = getattr(cause, "problem_mark", None)
    return f"is no valid YAML{f', near line {mark.line + 1}' if mark else ''}"
