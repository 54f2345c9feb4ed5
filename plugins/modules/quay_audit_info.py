#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_audit_info
short_description: Audit all credentials that a Quay registry lists
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Lists the credentials of organizations, of the login's user, or of a complete server, and reports which rules of a
    policy each of them breaks. The credentials are robot accounts, OAuth access tokens, the client secrets of OAuth
    applications, app tokens, and the identities of robot federation.
  - The module only reads. It returns no secret, and Quay does not send it the tokens of robot accounts.
  - The number of requests depends on the number of organizations, applications and pages, not on the number of robot
    accounts, unless O(details) requests more.
  - What the login may not read is reported in RV(problems), and the rest is audited. The module fails only if the login
    or the server fails.
  - An organization requires the login of its administrator. A token needs the scope C(org:admin). See O(details) for
    what needs further scopes.
  - Quay 3.17 and older does not list the OAuth access tokens of applications. RV(limits) then says so.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.info
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
options:
  organizations:
    description:
      - Names of the organizations to audit.
    type: list
    elements: str
    default: []
  all_organizations:
    description:
      - Whether to audit all organizations of the server, and the app tokens of all users.
      - This requires the login of a superuser, and C(FEATURE_SUPERUSERS_FULL_ACCESS) in the configuration of Quay. A
        token needs the scope C(super:user) only.
    type: bool
    default: false
  user_robots:
    description:
      - Whether to audit the robot accounts in the namespaces of all users, too. This sends one request for each user.
      - Requires O(all_organizations).
    type: bool
    default: false
  own_account:
    description:
      - Whether to audit the robot accounts, app tokens and OAuth access tokens of the login's user. A token needs the
        scope C(user:admin).
    type: bool
    default: false
  rules:
    description:
      - The rules to check. If not specified, all rules are checked, each as far as O(details) allows. RV(unchecked)
        lists the rules that were not checked.
      - V(too_old) is a credential that is older than O(max_age).
      - V(never_used) is one that was never used, and is older than O(never_used_after). V(unused) is one whose last use
        is longer ago than O(unused_for).
      - V(no_expiry) is an OAuth access token that was issued for Quay's maximum of ten years, or an app token that does
        not expire. Robot accounts never expire, so the rule does not concern them. V(long_lifetime) is a token that is
        valid for longer than O(max_lifetime). V(expiring) is a credential that expires within O(expires_within), or
        that has expired.
      - V(dangerous_scopes) is an OAuth access token with one of the scopes in O(dangerous_scopes).
      - V(admin_robot) is a robot account in a team with the role admin. With V(roles) in O(details), it is also one
        with the role admin on a repository.
      - V(owner_disabled) is a credential whose user is disabled. This requires the login of a superuser.
      - V(undeclared) is one that no declaration in O(credentials) covers.
      - V(hard_to_replace) is a robot account that a mirror uses, or that is a member of a team of another organization.
        Needs V(mirrors) in O(details).
      - V(no_federation) is a robot account without an identity that may exchange its OIDC token for a token of the
        robot account, so that a stored secret is needed. Robot accounts of mirrors are exempt. Needs V(federation) in
        O(details).
    type: list
    elements: str
    choices:
      - admin_robot
      - dangerous_scopes
      - expiring
      - hard_to_replace
      - long_lifetime
      - never_used
      - no_expiry
      - no_federation
      - owner_disabled
      - too_old
      - undeclared
      - unused
  required_rules:
    description:
      - Rules that must be checked completely. What they need is read, even if it is not in O(details). The module fails
        if the rest of what they need is missing, such as O(credentials) for V(undeclared).
    type: list
    elements: str
    choices:
      - admin_robot
      - dangerous_scopes
      - expiring
      - hard_to_replace
      - long_lifetime
      - never_used
      - no_expiry
      - no_federation
      - owner_disabled
      - too_old
      - undeclared
      - unused
    default: []
  details:
    description:
      - What to read in addition, although it needs more requests.
      - V(federation) reads the federation of robot accounts, with one request for each robot account.
      - V(logs) reads from the usage logs when the tokens of robot accounts and client secrets were last replaced, as
        far back as O(max_age), or 90 days. It sends one request for each 28 days, and one for each 20 entries of the
        days on which something was replaced.
      - V(mirrors) reads which robot accounts are used by mirrors, with one request for each 100 repositories of the
        organization and one for each mirrored repository. A token needs the scope C(repo:admin), too.
      - V(roles) reads the roles of robot accounts and their teams on repositories, with one request for each repository
        on which a robot account has a role, and one for each team that has robot accounts. A token needs the scope
        C(repo:admin), too.
    type: list
    elements: str
    choices: [federation, logs, mirrors, roles]
    default: []
  credentials:
    description:
      - The declared credentials, as O(tokensmith.quay.rotation#role:main:rotation_credentials) of the role
        P(tokensmith.quay.rotation#role), for the rule V(undeclared). A list, or JSON text.
      - An empty list means that nothing is declared. If not specified, the rule is not checked.
    type: raw
  records:
    description:
      - Directories or files on the target that earlier rotations delivered to. A record of the delivery there says when
        the token of a robot account was issued, which Quay does not show. Files that cannot be read are passed over.
      - Files in other formats than those of M(tokensmith.quay.quay_token_file) and
        M(tokensmith.quay.quay_container_auth) have no records. Sub-directories are not read.
    type: list
    elements: path
    default: []
  max_age:
    description:
      - The age from which on a credential breaks the rule V(too_old), for example V(90d). V(0) turns the rule off.
      - Quay does not show the age of a robot account's token. The age of the robot account counts, unless O(records) or
        the usage logs (V(logs) in O(details)) show a later time. The age of a client secret is known only from the
        usage logs.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
    type: str
    default: 90d
  unused_for:
    description:
      - The time since the last use from which on a credential breaks the rule V(unused). V(0) turns the rule off.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
    type: str
    default: 90d
  never_used_after:
    description:
      - The age from which on a credential that was never used breaks the rule V(never_used). V(0) turns the rule off.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
    type: str
    default: 30d
  max_lifetime:
    description:
      - The lifetime from which on a token breaks the rule V(long_lifetime). V(0) turns the rule off.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
    type: str
    default: 365d
  expires_within:
    description:
      - The remaining lifetime from which on a credential breaks the rule V(expiring). V(0) turns the rule off.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
    type: str
    default: 14d
  dangerous_scopes:
    description:
      - The scopes with which a token breaks the rule V(dangerous_scopes). An empty list turns the rule off.
    type: list
    elements: str
    default: ["org:admin", "repo:admin", "super:user", "user:admin"]
  parallel:
    description:
      - How many requests to send at the same time.
    type: int
    default: 4
seealso:
  - module: tokensmith.quay.quay_token_info
  - name: Role audit
    description: Writes the result of this module as a page, JSON, CSV and Markdown.
    link: https://github.com/tokensmith/quay/blob/main/roles/audit/README.md
notes:
  - The order of RV(credentials) is that of the organizations, kinds and names.
"""

EXAMPLES = r"""
- name: Audit two organizations
  tokensmith.quay.quay_audit_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organizations: [acme, tools]
  register: audit

- name: Show what has not been used for half a year
  ansible.builtin.debug:
    msg: "{{ audit.credentials | selectattr('findings') | map(attribute='name') }}"

- name: Find robot accounts that no declaration covers
  tokensmith.quay.quay_audit_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organizations: [acme]
    rules: [undeclared]
    required_rules: [undeclared]
    credentials: "{{ rotation_credentials }}"

- name: Audit the complete server, with all that can be known
  tokensmith.quay.quay_audit_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    all_organizations: true
    user_robots: true
    details: [federation, logs, mirrors, roles]
"""

RETURN = r"""
schema_version:
  description: Version of the structure of this result. It increases when a key is removed or changes its meaning.
  returned: success
  type: int
  sample: 1
audited_at:
  description: Time of the audit, by the clock of Quay.
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
server:
  description: URL of the server.
  returned: success
  type: str
  sample: https://quay.example.com
organizations:
  description: Names of the organizations that were audited.
  returned: success
  type: list
  elements: str
  sample: [acme]
rules:
  description: Names of the rules, in the order of reports. Those in RV(unchecked) are among them.
  returned: success
  type: list
  elements: str
  sample: [dangerous_scopes, too_old, unused]
policy:
  description: The limits of the rules, by option.
  returned: success
  type: dict
  sample: {max_age: 90d, unused_for: 90d}
unchecked:
  description: The rules that were not checked.
  returned: success
  type: list
  elements: dict
  sample:
    - {rule: no_federation, message: Set details to include federation}
  contains:
    rule:
      description: Name of the rule.
      returned: success
      type: str
    message:
      description: What to set so that it is checked.
      returned: success
      type: str
problems:
  description: What the login may not read, so that the audit is incomplete. Empty if it is complete.
  returned: success
  type: list
  elements: dict
  sample: []
  contains:
    subject:
      description: What was to be read, for example V(robots of acme).
      returned: success
      type: str
    message:
      description: Why it could not be read.
      returned: success
      type: str
limits:
  description: What this server does not show to any login.
  returned: success
  type: list
  elements: str
  sample: []
summary:
  description: The number of credentials and findings.
  returned: success
  type: dict
  sample: {credentials: 12, with_findings: 3, findings: 4, by_rule: {too_old: 4}, by_kind: {robot: 12}}
  contains:
    credentials:
      description: Number of credentials.
      returned: success
      type: int
    with_findings:
      description: Number of those that break a rule.
      returned: success
      type: int
    findings:
      description: Number of rules that are broken, counted for each credential.
      returned: success
      type: int
    by_rule:
      description: Number of credentials that break each rule.
      returned: success
      type: dict
    by_kind:
      description: Number of credentials of each kind.
      returned: success
      type: dict
credentials:
  description: The credentials, without their secrets.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: robot
      name: acme+ci
      organization: acme
      owner: acme
      created_at: "2025-10-01T08:00:00Z"
      age_source: creation
      age_days: 122
      findings:
        - {rule: too_old, message: "up to 122 days old, limit 90 days"}
  contains:
    kind:
      description:
        - V(robot) is a robot account, V(api) an OAuth access token, V(client_secret) an OAuth application, V(app) an
          app token of a user, and V(federation) an identity that may exchange its OIDC token for a token of a robot
          account.
      returned: success
      type: str
    name:
      description:
        - Full name of a robot account, name of an OAuth access token (empty for one that was made in the web UI), name
          of an application, title of an app token, or subject of an identity.
      returned: success
      type: str
    organization:
      description: The organization. Null if the credential belongs to a user.
      returned: success
      type: str
    owner:
      description:
        - The user as whom an OAuth access token or an app token acts, the namespace of a robot account or an
          application, or the robot account of an identity. Null if Quay does not show it.
      returned: success
      type: str
    owner_enabled:
      description: Whether the user in RV(credentials[].owner) is enabled. Null if unknown, or if the owner is no user.
      returned: success
      type: bool
    uuid:
      description: UUID of the token. Null for the other kinds.
      returned: success
      type: str
    client_id:
      description: Client ID of the application. Null if the credential has none, or if Quay does not show it.
      returned: success
      type: str
    application:
      description: Name of the application. Null if the credential has none.
      returned: success
      type: str
    description:
      description: Description of the robot account or application, or issuer of an identity.
      returned: success
      type: str
    created_at:
      description: When the secret was issued. Null if unknown.
      returned: success
      type: str
    age_source:
      description:
        - Where RV(credentials[].created_at) is known from. With V(quay), Quay shows it. With V(log), it is that of an
          entry of the usage logs. With V(record), it is that of a record in O(records), and the token may be newer.
          With V(creation), it is when the robot account was created, and its token may be newer. Null if the time is
          unknown.
      returned: success
      type: str
    age_days:
      description: The age in complete days. Null if unknown.
      returned: success
      type: int
    expires_at:
      description:
        - When the credential expires. Null if it does not, or if it is unknown. For a robot account, it is the expiry
          of a lease by M(tokensmith.quay.quay_robot_lease).
      returned: success
      type: str
    last_accessed:
      description: When the credential was last used. Null if it was never used, or if unknown.
      returned: success
      type: str
    use_known:
      description: Whether Quay shows the last use of this credential.
      returned: success
      type: bool
    scopes:
      description: The scopes of an OAuth access token.
      returned: success
      type: list
      elements: str
    teams:
      description: The teams of a robot account. Null for other kinds.
      returned: success
      type: list
      elements: dict
      contains:
        name:
          description: Name of the team.
          returned: success
          type: str
        role:
          description: Role of the team in the organization. Null for a team of another organization.
          returned: success
          type: str
    repositories:
      description: The repositories on which a robot account has a role. Null for other kinds.
      returned: success
      type: list
      elements: dict
      contains:
        repository:
          description: The repository, with its namespace.
          returned: success
          type: str
        role:
          description: The role V(read), V(write) or V(admin). Null without V(roles) in O(details).
          returned: success
          type: str
        team:
          description: The team that has the role. Null if the robot account itself has it.
          returned: success
          type: str
    federation:
      description: The identities of a robot account's federation, or this identity. Null if it was not read.
      returned: success
      type: list
      elements: dict
      contains:
        issuer:
          description: URL of the OIDC issuer.
          returned: success
          type: str
        subject:
          description: Subject of its tokens.
          returned: success
          type: str
    mirrors:
      description: The repositories whose mirrors use the robot account. Null if it was not read.
      returned: success
      type: list
      elements: str
    declared:
      description: Whether a declaration covers the credential. Null without O(credentials).
      returned: success
      type: bool
    findings:
      description: The rules that the credential breaks.
      returned: success
      type: list
      elements: dict
      contains:
        rule:
          description: Name of the rule.
          returned: success
          type: str
        message:
          description: Why the credential breaks it.
          returned: success
          type: str
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.audit_info import (
    AUDIT_OPTIONS,
    get_audit_info,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module


def main() -> None:
    run_module(get_audit_info, AUDIT_OPTIONS)


if __name__ == "__main__":
    main()
