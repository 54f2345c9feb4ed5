# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The referrers of a manifest: signatures, bills of materials, attestations."""

from __future__ import annotations

from dataclasses import asdict

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._manifests import (
    Manifests,
    Referrer,
    check_digest,
    check_tag,
    fallback_tag,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._registry import request_grant
from ansible_collections.tokensmith.quay.plugins.module_utils._repositories import RepositoryName
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome

_API = "api"
_TAG = "tag"


def list_referrers(call: Call) -> Outcome:
    """The module quay_referrers_info."""
    params = call.params
    repository = str(RepositoryName.parse(params["repository"]))
    tag = check_tag(params["tag"]) if params["tag"] is not None else None
    digest = check_digest(params["digest"]) if params["digest"] is not None else None
    manifests = Manifests(call.client, repository, _registry_token(call, repository))
    if digest is None:
        digest = manifests.digest_of(str(tag))
    referrers, source = _referrers(call, manifests, digest)
    wanted = params["artifact_type"]
    values = {
        "repository": repository,
        "digest": digest,
        "referrers": [asdict(item) for item in referrers if wanted in (None, item.artifact_type)],
        "source": source,
    }
    return Outcome(False, values)


def _registry_token(call: Call, repository: str) -> str:
    """A token that allows to pull. Asking for no more than that never creates a repository."""
    login = call.client.login.at_registry()
    grant = request_grant(call.client, login, call.server.hostname(), [repository], ["pull"])
    if grant.missing([repository], ["pull"]):
        raise RefusedCredential(
            f"Quay does not let {grant.subject} pull from {repository}: the repository does not exist, or there is no "
            "such right on it"
        )
    return grant.token


def _referrers(call: Call, manifests: Manifests, digest: str) -> tuple[list[Referrer], str]:
    listed = None
    if call.server.feature("REFERRERS_API") is not False:
        listed = manifests.referrers(digest, call.params["artifact_type"])
    if listed is not None:
        return listed, _API
    call.warn(
        "This Quay does not offer the referrers API (FEATURE_REFERRERS_API is off). Told is what the tag "
        f"{fallback_tag(digest)} lists, which is complete only if everybody who attaches something keeps it"
    )
    return manifests.tagged_referrers(digest), _TAG
