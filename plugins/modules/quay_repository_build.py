#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_repository_build
short_description: Build an image inside Quay
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Lets Quay build an image from an archive and push it to a repository, waits for the build, and cancels one.
  - A build of the same archive, Dockerfile, context, tags and robot that is waiting or running is joined. Otherwise
    each run starts a new build, also when the same one was built before.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - Check mode cannot know how a build would end, and does not ask whether O(pull_robot) exists.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - While the same build is waiting or running. Once it is over, the next run starts another one.
options:
  repository:
    description:
      - The repository to push to, as V(namespace/repository). It must exist and be of the mode V(normal).
    type: str
    required: true
  archive_url:
    description:
      - URL of a V(.tar.gz) or zip archive, or of a Dockerfile, that Quay fetches. Everybody who may push to the
        repository can see it.
      - Required for a new build.
    type: str
  subdirectory:
    description:
      - Folder of the archive in which the C(Dockerfile) is, and in which it is built. The whole archive by default.
    type: str
  dockerfile_path:
    description:
      - Path of the Dockerfile in the archive, instead of O(subdirectory).
    type: str
  context:
    description:
      - Folder of the archive in which it is built, where that is not the folder of the Dockerfile.
    type: str
  tags:
    description:
      - Tags to push the image to.
    type: list
    elements: str
    default: [latest]
  pull_robot:
    description:
      - Robot, in full, with whose rights the base image is pulled. The login must administer the robot's namespace.
    type: str
  uuid:
    description:
      - A build that an earlier task started. With O(state=present) it is waited for, instead of any new one; with
        O(state=absent) it is cancelled.
    type: str
  wait:
    description:
      - Whether to wait until the build is over. The task then fails unless it is complete, and tells the last lines of
        its log.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait, for example V(30m). A build that is not over then goes on, and the task fails.
    type: str
    default: 30m
  wait_interval:
    description:
      - How long to pause before looking again.
    type: str
    default: 10s
  state:
    description:
      - V(absent) cancels the build O(uuid). One that is over, or unknown, is left alone.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_repository
"""

EXAMPLES = r"""
- name: Build an image and wait for it
  tokensmith.quay.quay_repository_build:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    archive_url: https://files.example.com/app-1.0.tar.gz
    subdirectory: /container
    tags: ["1.0", latest]
    pull_robot: acme+puller
    wait_timeout: 1h

- name: Start a build, and do something else meanwhile
  tokensmith.quay.quay_repository_build:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    archive_url: https://files.example.com/app-1.1.tar.gz
    wait: false
  register: build

- name: Wait for it
  tokensmith.quay.quay_repository_build:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    uuid: "{{ build.uuid }}"

- name: Cancel it
  tokensmith.quay.quay_repository_build:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    uuid: "{{ build.uuid }}"
    state: absent
"""

RETURN = r"""
repository:
  description: The repository's full name.
  returned: success
  type: str
  sample: acme/app
uuid:
  description: Id of the build; null for one that check mode would start.
  returned: success
  type: str
  sample: 2f1b0f0a-6a0e-4a56-8a3e-0d1c4b7e9f55
phase:
  description:
    - Where the build is. One of V(waiting), V(build-scheduled), V(unpacking), V(pulling), V(building), V(pushing),
      V(internalerror) (it will be tried again), V(complete), V(error), V(expired) or V(cancelled).
    - Null where it cannot be known, in check mode or for an unknown build.
  returned: success
  type: str
  sample: complete
archive_url:
  description: What is built. Null for an unknown build, like the four that follow.
  returned: success
  type: str
  sample: https://files.example.com/app-1.0.tar.gz
dockerfile_path:
  description: Path of the Dockerfile in the archive.
  returned: success
  type: str
  sample: /container/Dockerfile
context:
  description: Folder of the archive in which it is built.
  returned: success
  type: str
  sample: /container
tags:
  description: Tags to which the image is pushed.
  returned: success
  type: list
  elements: str
  sample: ["1.0", latest]
pull_robot:
  description: Robot with whose rights the base image is pulled; null without one.
  returned: success
  type: str
  sample: acme+puller
started_at:
  description: When the build was asked for (ISO 8601, UTC); null for one that check mode would start.
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
progress:
  description: What was seen of the build while waiting, in order; null where check mode would have waited.
  returned: success
  type: list
  elements: dict
  contains:
    phase:
      description: The phase that was seen.
      returned: success
      type: str
    step:
      description: The Dockerfile's instruction that was being built, as a number; null where Quay does not say.
      returned: success
      type: int
    steps:
      description: How many instructions there are; null where Quay does not say.
      returned: success
      type: int
    seen_at:
      description: When it was seen (ISO 8601, UTC).
      returned: success
      type: str
  sample:
    - phase: waiting
      step: null
      steps: null
      seen_at: "2026-01-31T12:00:00Z"
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.repository_build import ensure_repository_build


def main() -> None:
    run_module(
        ensure_repository_build,
        {
            "repository": {"type": "str", "required": True},
            "archive_url": {"type": "str"},
            "subdirectory": {"type": "str"},
            "dockerfile_path": {"type": "str"},
            "context": {"type": "str"},
            "tags": {"type": "list", "elements": "str", "default": ["latest"]},
            "pull_robot": {"type": "str"},
            "uuid": {"type": "str"},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "str", "default": "30m"},
            "wait_interval": {"type": "str", "default": "10s"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_one_of=[("archive_url", "uuid")],
        required_if=[("state", "absent", ("uuid",))],
        mutually_exclusive=[("archive_url", "uuid"), ("subdirectory", "dockerfile_path")],
    )


if __name__ == "__main__":
    main()
