# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_referrers_info: what refers to a manifest, such as signatures, bills of materials and attestations."""

from __future__ import annotations

from dataclasses import asdict

from .._core.errors import RefusedCredential
from .._module.context import ModuleContext, Result
from .._quay.manifests import Manifests, Referrer, check_digest, check_tag, fallback_tag
from .._quay.registry_auth import request_registry_token
from .._quay.repositories import RepositoryName

_API = "api"
_TAG = "tag"


def list_referrers(context: ModuleContext) -> Result:
    """Run quay_referrers_info: list the referrers of the manifest that a digest or a tag names."""
    params = context.params
    repository = str(RepositoryName.parse(params["repository"]))
    tag = check_tag(params["tag"]) if params["tag"] is not None else None
    digest = check_digest(params["digest"]) if params["digest"] is not None else None
    manifests = Manifests(context.client, repository, _pull_token(context, repository))
    if digest is None:
        digest = manifests.digest_of(str(tag))
    referrers, source = _referrers(context, manifests, digest)
    artifact_type = params["artifact_type"]
    values = {
        "repository": repository,
        "digest": digest,
        "referrers": [asdict(referrer) for referrer in referrers if artifact_type in (None, referrer.artifact_type)],
        "source": source,
    }
    return Result(False, values)


def _pull_token(context: ModuleContext, repository: str) -> str:
    """Return a registry token for pulling (GET /v2/auth). A request for pull alone never creates a repository.

    Raises RefusedCredential if Quay grants no pull.
    """
    auth = context.client.auth.for_registry()
    grant = request_registry_token(context.client, auth, context.server.hostname(), [repository], ["pull"])
    if grant.missing([repository], ["pull"]):
        raise RefusedCredential(
            f"Quay does not allow {grant.subject} to pull from {repository}: the repository does not exist, or the "
            "account has no role in it. Check repository, or give the account the role read"
        )
    return grant.token


def _referrers(context: ModuleContext, manifests: Manifests, digest: str) -> tuple[list[Referrer], str]:
    """Return the referrers, and whether they come from the referrers API or from the fallback tag."""
    listed = None
    if context.server.feature("REFERRERS_API") is not False:
        listed = manifests.referrers(digest, context.params["artifact_type"])
    if listed is not None:
        return listed, _API
    context.warn(
        "This Quay does not offer the referrers API (FEATURE_REFERRERS_API is off). Falling back to the tag "
        f"{fallback_tag(digest)}, which is complete only if every client that attaches something updates it"
    )
    return manifests.tagged_referrers(digest), _TAG
