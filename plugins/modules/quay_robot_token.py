#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_robot_token
short_description: Create a Quay robot account and rotate its token
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates a robot account, rotates its token when it is older than O(max_age), and returns or stores the token.
  - Quay can return the token of a robot at any time, so the module is idempotent without a store. If nothing is due, it
    returns the present token.
  - Regenerating the token of a robot invalidates the old token immediately. The module verifies the new token at
    C(/v2/auth) before it returns or stores it. This verification adds no login entry to the usage log of the
    organization.
  - Quay does not store the creation date of a robot's token. The module uses the first of the following sources that
    applies. First, the record of the store, if it belongs to the present token. Second, the creation date of the robot,
    if the robot is younger than O(max_age). Third, the usage logs (creation or last regeneration, whichever is later).
  - If none of these sources is available, the token is considered as old as the robot, so a robot older than O(max_age)
    is rotated. RV(age_source) reports the source.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._token
  - tokensmith.quay._credentials.robot_token
  - tokensmith.quay._token.max_age
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(rotate=always), every run replaces the token.
      - With O(max_age), if the usage logs of Quay cannot be read, the module is idempotent only with O(token_path) or
        O(deliver). The age then comes from the record of the store.
options:
  name:
    description:
      - Name of the robot. Specify V(organization+robot). For a robot in the personal namespace of the login, specify
        V(user+robot), with the name of that user.
      - A name without a namespace also means the personal namespace of the login. The module then warns, because this
        is easily written by mistake.
      - Required if O(credentials) is not specified.
    type: str
  description:
    description:
      - Description of the robot. Quay can set it only when it creates the robot. The module warns about a later
        difference and does not report a change.
    type: str
  metadata:
    description:
      - Free-form key-value data of the robot. Quay can set it only when it creates the robot. The module warns about a
        later difference and does not report a change.
    type: dict
  rotate:
    description:
      - When to replace the secret.
      - V(when_due) replaces it only if there is a reason. RV(reason) reports the reason.
      - V(always) replaces it in every run, so the task is not idempotent.
      - V(never) creates a missing secret but keeps an existing one. RV(reason) still reports why it would be due.
      - V(compromised) is for a secret that leaked. Replacing the token of a robot does not end access that was gained
        with it within the last hour, because Quay accepts a registry token (the answer of C(/v2/auth)) as the
        robot's password and issues another one for it. The module therefore gives the permissions to a robot of another
        name, delivers its secret, and then deletes the robot whose secret leaked. It repeats this in every run.
      - Quay cannot revoke registry tokens that the robot requested for repositories before. For up to an hour after the
        deletion, they still list tags, and push and delete them where the robot could write. The module warns of this,
        with the time at which it ends.
      - V(compromised) works with both strategies. It requires O(deliver), with stores that hold the user name (all but
        the format V(token)), and O(copy_rights=true). It is refused before anything is changed if the robot cannot be
        deleted, because it has federation, is the user of a mirror, or is a member of another organization's team. With
        O(strategy=in_place), the first run after about an hour moves the credential back to the robot O(name).
    type: str
    choices: [when_due, always, never, compromised]
    default: when_due
  strategy:
    description:
      - How to rotate the token.
      - V(in_place) replaces the token of the robot O(name). The old token is invalid immediately, so consumers fail
        until they read the new one. Registry tokens that were issued to the robot stay valid.
      - V(paired) uses robots that take turns, so rotation does not interrupt consumers. The next robot is created, gets
        the permissions of the active one, and its token is verified against these permissions and delivered. The former
        robot exists until the next run, or for O(retire_after). It is then deleted, so that registry tokens that
        were issued to it are not accepted as its password any more.
      - V(paired) requires O(deliver), and cannot be used with O(federation). Consumers must read the user name from the
        store together with the secret, because it changes with each rotation. A file with the token alone has no place
        for it, so O(token_path) and the format V(token) are refused.
      - Changing this option moves the credential from one strategy to the other without interrupting consumers.
      - If not specified, a credential keeps the strategy by which its secret was issued, as recorded in its stores. A
        new one is replaced in place.
    type: str
    choices: [in_place, paired]
  pair:
    description:
      - Names of two or more robots for O(strategy=paired), in the namespace of O(name), with or without that namespace,
        as in V(acme+blue) or V(blue).
      - If not specified, the names are O(name) with C(_a) and C(_b) appended, and C(_c), C(_d) and so on if neither of
        the two is free.
      - A name is free again about an hour after its robot was deleted, because Quay would accept the registry tokens of
        the deleted robot again. The module reads the time from the usage logs. If these cannot be read, it takes the
        name after that of the active robot.
      - With names that you specify, a rotation is refused while none of them is free. If a robot of the next name
        exists already, its token is replaced instead, and a warning says that its registry tokens stay valid.
      - Use these robots for this credential only. The module makes their permissions equal, and deletes them.
      - To rename the robots, run the task once with O(strategy=in_place) and the old names, and then with the new
        names.
    type: list
    elements: str
  copy_rights:
    description:
      - Whether the next robot gets the permissions of the active robot (repository permissions, teams and default
        permissions), and loses all others. The diff shows them.
      - This requires a login that can read them, which is a password, or a token with the scopes C(user:admin),
        C(org:admin) and C(repo:admin).
      - With V(false), you must manage the permissions of both robots yourself. The former robot is then not deleted.
        Its token is replaced by one that is not stored, and a warning says that its registry tokens stay valid.
    type: bool
    default: true
  retire_after:
    description:
      - How long the former secret stays valid with O(strategy=paired), for example V(2d). The first run after this time
        deletes its robot. It must be shorter than O(max_age).
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - If not specified, the next run deletes the former robot. With V(0), it is deleted as soon as the new secret is
        delivered.
      - A former robot that has federation, is the user of a mirror, or is a member of another organization's team is
        not deleted. Its token is replaced by one that is not stored, and a warning says that its registry tokens stay
        valid.
    type: str
  federation:
    description:
      - OIDC identities that may exchange an OIDC token for a token of this robot, for example by
        M(tokensmith.quay.quay_federated_token). Order and duplicates do not matter.
      - The list replaces the list in Quay, unless O(federation_exclusive=false). An empty list removes all identities.
      - If not specified, the federation in Quay is neither read nor changed.
      - It is applied in each run, whether or not the token of the robot is due.
      - "B(To remove an identity does not end its access.) It gets no new tokens. One that it has can be renewed without
        end, until the robot is deleted. A warning says so."
    type: list
    elements: dict
    suboptions:
      issuer:
        description:
          - URL of the OIDC issuer, exactly as C(iss) in its tokens, a slash at the end included. Quay 3.17 and older
            require that the issuer's discovery document has the same slash, too.
          - Quay stores an issuer with http, but accepts no token of it. The module warns of one.
        type: str
        required: true
      subject:
        description:
          - Subject (C(sub)) in the tokens of the issuer. Quay compares it exactly, without wildcards, and with the case
            of letters.
        type: str
        required: true
  federation_exclusive:
    description:
      - Whether identities that are not in O(federation) are removed. With V(false), those in O(federation) are added to
        the ones in Quay.
    type: bool
    default: true
  permissions:
    description:
      - Roles of the robot on repositories of its namespace. A robot that was created without this option can neither
        pull nor push.
      - Each repository must exist. Roles on other repositories are kept.
      - With O(strategy=paired), the roles belong to the active robot. See O(copy_rights) for the other one.
    type: list
    elements: dict
    suboptions:
      repository:
        description: The repository, as V(namespace/repository).
        type: str
        required: true
      role:
        description: V(read) allows pulling, V(write) allows pushing, and V(admin) allows everything.
        type: str
        choices: [read, write, admin]
        required: true
  state:
    description:
      - V(present) creates the robot if it is missing, and rotates its token when due.
      - V(absent) deletes the robot. It also deletes the file O(token_path), or removes the credential from the stores
        of O(deliver). Quay refuses to delete a robot that is used by a mirror.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_federated_token
  - module: tokensmith.quay.quay_token_info
"""

EXAMPLES = r"""
- name: Keep the token of a robot in a file and rotate it after 90 days
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+ci
    description: Pulls for the build farm
    permissions:
      - repository: acme/app
        role: read
    max_age: 90d
    token_path: /etc/ci/quay-token

- name: Replace the token now and use it in the next tasks
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+ci
    rotate: always
  register: robot
  no_log: true

- name: Allow a pipeline to exchange its OIDC tokens for tokens of the robot
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+deploy
    federation:
      - issuer: https://token.ci.example.com
        subject: project/acme/deploy
  no_log: true

- name: Rotate without an outage by using two robots that take turns
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+pull
    strategy: paired
    max_age: 90d
    retire_after: 2d
    deliver:
      - kind: container_auth
        path: /etc/containers/auth.json

- name: Replace a robot whose secret leaked
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+ci
    rotate: compromised
    deliver:
      - kind: container_auth
        path: /etc/containers/auth.json

- name: Keep the tokens of many robots in files, with one login
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    credentials:
      - name: acme+ci
        max_age: 90d
        token_path: /etc/ci/quay-token
      - name: acme+pull
        permissions:
          - repository: acme/app
            role: read
        max_age: 30d
        deliver:
          - kind: container_auth
            path: /etc/containers/auth.json

- name: Delete a robot
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+retired
    state: absent
"""

RETURN = r"""
results:
  description:
    - With O(credentials), the result for each entry, in their order. It has the return values of this module for one
      credential, and C(changed).
    - For an entry that failed, it has C(name), C(changed), C(failed), which is V(true), and C(msg). The task then fails
      after all others were done, and returns this list nevertheless.
  returned: with O(credentials), also if the task fails because of some of them
  type: list
  elements: dict
  sample: []
token:
  description:
    - The token of the robot. Null in check mode, with O(token_path) or O(deliver), with O(state=absent), and if
      O(current_token) is already the present token.
  returned: success, without O(credentials)
  type: str
  sample: null
username:
  description: User name to use together with the token, for example in C(podman login).
  returned: success, without O(credentials)
  type: str
  sample: acme+ci
registry:
  description: Host name, and port if any, for C(podman login). It is taken from O(quay_host).
  returned: success, without O(credentials)
  type: str
  sample: quay.example.com
api_url:
  description: URL of the API of the server.
  returned: success, without O(credentials)
  type: str
  sample: https://quay.example.com/api/v1
name:
  description: Name of the robot, as specified in the task.
  returned: success, without O(credentials)
  type: str
  sample: acme+ci
uuid:
  description: Always null, because Quay identifies robots by name.
  returned: success, without O(credentials)
  type: str
  sample: null
description:
  description: Description of the robot in Quay. Empty if the robot has none.
  returned: success, without O(credentials)
  type: str
  sample: Pulls for the build farm
federation:
  description: Identities that may exchange an OIDC token for a token of this robot.
  returned: when O(federation) is given
  type: list
  elements: dict
  sample:
    - issuer: https://token.ci.example.com
      subject: project/acme/deploy
federation_added:
  description:
    - The identities that were added to the federation, or would be added in check mode, each as its subject and issuer.
  returned: when O(federation) is given
  type: list
  elements: str
  sample:
    - project/acme/deploy of https://token.ci.example.com
federation_removed:
  description:
    - The identities that were removed from the federation, or would be removed in check mode. What was issued to them
      stays valid.
  returned: when O(federation) is given
  type: list
  elements: str
  sample: []
granted:
  description: The roles that were granted, or would be granted in check mode, each with its repository.
  returned: when O(permissions) is given
  type: list
  elements: str
  sample:
    - write on acme/app
created_at:
  description:
    - Time at which the token was created (ISO 8601, UTC), if it was needed and could be determined. Otherwise null. See
      RV(age_source).
  returned: success, without O(credentials)
  type: str
  sample: "2026-01-31T12:00:00Z"
age_source:
  description:
    - Source of RV(created_at). V(mint) for a token issued in this run, V(record) for the record of the store, V(log)
      for the usage logs, V(creation) for the creation date of the robot. The token cannot be older than the robot.
    - Null if the age of the token was not needed.
  returned: success, without O(credentials)
  type: str
  sample: log
expires_at:
  description: Always null, because robot tokens do not expire.
  returned: success, without O(credentials)
  type: str
  sample: null
last_accessed:
  description: Time at which the robot was last used (ISO 8601, UTC). Null if Quay does not report it.
  returned: success, without O(credentials)
  type: str
  sample: "2026-03-01T08:30:00Z"
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the token, safe to log. Null with O(state=absent), and in check
      mode for a token that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: 9f86d081884c
reason:
  description:
    - Why the token was replaced or delivered. One of V(missing), V(forced), V(too_old), V(undelivered), V(absent)
      or V(not_due).
    - V(absent) means that O(state=absent) removed something, or would remove it in check mode.
    - V(undelivered) means that O(current_token) or a store differs from the present token. The present token is then
      returned or delivered, and no new one is issued.
  returned: success, without O(credentials)
  type: str
  sample: not_due
minted:
  description: Whether Quay issued a new token, or would issue one in check mode.
  returned: success, without O(credentials)
  type: bool
  sample: false
window_seconds:
  description:
    - Number of seconds from just before the new token was requested until its last delivery. With O(strategy=in_place),
      the stores held an invalid token for at most this time. Null if no token was issued, and in check mode.
  returned: success, without O(credentials)
  type: float
  sample: null
delivered:
  description:
    - Paths of the stores of O(deliver), or of O(token_path), that were written, or would be written in check mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: [/etc/containers/auth.json]
retired:
  description:
    - With O(strategy=paired) or O(rotate=compromised), the former secrets that were revoked, or would be revoked in
      check mode. Each is given as the name of a robot and a fingerprint. Otherwise empty.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
ended:
  description:
    - Whether Quay refuses every login with the secrets in RV(retired), and with registry tokens that were issued to
      their robots. V(true) only if the robots were deleted, and Quay was seen to refuse a registry token that had been
      issued to each of them before.
    - Access to repositories that was granted before the deletion lasts up to an hour longer. With it, tags can be
      listed, and pushed and deleted where the robot could write.
    - V(false) if a robot was kept, or its token was replaced in place. Access that was gained with the former secret
      within the last hour may then still exist.
    - Null if nothing was retired or replaced, and in check mode.
  returned: success, without O(credentials)
  type: bool
  sample: null
deleted:
  description:
    - With O(state=absent), the names of the robots that were deleted, or would be deleted in check mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
removed:
  description:
    - With O(state=absent), the paths of the stores from which the credential was removed, or would be removed in check
      mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
superseded:
  description:
    - With O(strategy=paired), the former secrets that are still valid. Each is given as the name of a robot and a
      fingerprint. Otherwise empty, because the old token of a robot is invalid as soon as it is replaced.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_token import (
    ROBOT_TOKEN_OPTIONS,
    ensure_robot_tokens,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import HOLDER_CHOICES


def main() -> None:
    run_module(
        ensure_robot_tokens,
        ROBOT_TOKEN_OPTIONS,
        or_many=True,
        mutually_exclusive=HOLDER_CHOICES,
        replaced={
            "append": "Use federation_exclusive: false to add the identities in federation to those in Quay",
            "federations": "Use federation, which replaces the list in Quay. With federation_exclusive: false, it is "
            "added to that list",
        },
    )


if __name__ == "__main__":
    main()
