# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry: the parts of the distribution specification for login, push and referrers."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, request

from .. import tokens
from ..config import app_url
from ..errors import AbortError, HtmlError, RegistryError, challenge, unknown_robot
from ..keys import InvalidRegistryToken
from ..paging import decode_cursor, encode_cursor
from ..quay import quay
from ..routing import Routes
from ..state import Manifest, Repository
from ..usage_log import log

routes = Routes()

_BEARER = re.compile(r"\ABearer (([a-zA-Z0-9+\-_/]+\.)+[a-zA-Z0-9+\-_/]+)\Z")
_DIGEST = re.compile(r"^[A-Za-z0-9_+.-]+:[A-Fa-f0-9]+$")
_INDEX = "application/vnd.oci.image.index.v1+json"

# Repositories in a page, and the maximum of `n`.
_CATALOG_PAGE = 100

_REPOSITORY = "/v2/<repository:repository>"


@routes.plain("GET", "/v2/")
def get_root() -> Response:
    response = Response("true", 200 if _authenticate(None) else 401, content_type="text/html; charset=utf-8")
    response.headers.extend(challenge())
    return response


@routes.plain("GET", "/v2/_catalog")
def list_repositories() -> tuple[dict[str, Any], int, dict[str, str]]:
    """List the repositories on which the subject of the registry token has a role. Scopes and rights are not used."""
    claims = _authenticate(None)
    subject = claims["context"].get("user") if claims else None
    if subject is None and not quay().feature("ANONYMOUS_ACCESS"):
        raise AbortError(401, "Anonymous access is not allowed")
    _refuse_deleted_robot()
    limit = max(min(request.args.get("n", _CATALOG_PAGE, type=int) or 0, _CATALOG_PAGE), 1)
    start = decode_cursor().get("start", 0)
    found = sorted(_visible_repositories(subject), key=lambda repository: repository.id)
    found = [repository for repository in found if repository.id >= start][: limit + 1]
    headers = {}
    if len(found) > limit:
        query = urlencode({"n": limit, "next_page": encode_cursor({"start": found[limit].id})})
        headers["Link"] = f'</v2/_catalog?{query}>; rel="next"'
    return {"repositories": [f"{item.namespace}/{item.name}" for item in found[:limit]]}, 200, headers


def _visible_repositories(subject: str | None) -> list[Repository]:
    state = quay().state
    user = state.users.get(subject or "")
    if subject is None or (user is not None and not user.enabled):
        return []
    teams = state.teams_of(subject)
    return [
        repository
        for repository in state.repositories.values()
        if subject in repository.user_roles
        or any(
            organization.name == repository.namespace and (team.role == "admin" or team.name in repository.team_roles)
            for organization, team in teams
        )
    ]


@routes.plain("GET", f"{_REPOSITORY}/referrers/<reference>", feature="REFERRERS_API", aborts=True)
def list_referrers(repository: str, reference: str) -> Response:
    if not _DIGEST.match(reference):
        raise HtmlError(404)
    found = _readable(repository)
    if reference not in found.manifests:
        raise RegistryError("MANIFEST_INVALID", "manifest invalid", detail="")
    artifact_type = request.args.get("artifactType")
    referrers = [_descriptor(manifest) for manifest in found.manifests.values() if _refers(manifest, reference)]
    if artifact_type is not None:
        referrers = [descriptor for descriptor in referrers if descriptor.get("artifactType") == artifact_type]
    index: dict[str, Any] = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": referrers}
    # Quay copies the annotations of all listed manifests to the index.
    merged = {key: value for referrer in referrers for key, value in referrer.get("annotations", {}).items()}
    if merged:
        index["annotations"] = merged
    headers = {"OCI-Filters-Applied": "artifactType"} if artifact_type is not None else {}
    return Response(json.dumps(index), headers=headers, content_type=_INDEX)


def _refers(manifest: Manifest, digest: str) -> bool:
    subject = _parse(manifest.content).get("subject")
    return isinstance(subject, dict) and subject.get("digest") == digest


def _descriptor(manifest: Manifest) -> dict[str, Any]:
    content = _parse(manifest.content)
    descriptor = {"mediaType": manifest.media_type, "digest": manifest.digest, "size": len(manifest.content)}
    return descriptor | {key: content[key] for key in ("artifactType", "annotations") if content.get(key)}


@routes.plain("GET", f"{_REPOSITORY}/manifests/<reference>")
def get_manifest(repository: str, reference: str) -> Response:
    found = _readable(repository)
    manifest = found.manifests.get(found.tags.get(reference, reference))
    if manifest is None:
        raise RegistryError("MANIFEST_UNKNOWN", "manifest unknown", 404)
    _log("pull_repo", found, reference, manifest)
    headers = {"Docker-Content-Digest": manifest.digest}
    return Response(manifest.content, headers=headers, content_type=manifest.media_type)


@routes.plain("PUT", f"{_REPOSITORY}/manifests/<reference>")
def put_manifest(repository: str, reference: str) -> Response:
    found = _writable(repository)
    content = request.get_data()
    manifest = Manifest(f"sha256:{hashlib.sha256(content).hexdigest()}", request.mimetype, content)
    if not _parse(content):
        raise RegistryError("MANIFEST_INVALID", "manifest invalid", detail={"message": "failed to parse manifest"})
    if _DIGEST.match(reference):
        if reference != manifest.digest:
            raise RegistryError("MANIFEST_INVALID", "manifest invalid", detail={"message": "manifest digest mismatch"})
    else:
        found.tags[reference] = manifest.digest
    found.manifests[manifest.digest] = manifest
    if not _DIGEST.match(reference):
        _log("push_repo", found, reference, manifest)
    headers = {
        "Docker-Content-Digest": manifest.digest,
        "Location": f"/v2/{repository}/manifests/{manifest.digest}",
    }
    return Response("OK", 201, headers)


@routes.plain("GET", f"{_REPOSITORY}/tags/list")
def list_tags(repository: str) -> dict[str, Any]:
    return {"name": repository, "tags": sorted(_readable(repository).tags)}


@routes.plain("GET", f"{_REPOSITORY}/blobs/<digest>")
def get_blob(repository: str, digest: str) -> Response:
    blob = _readable(repository).blobs.get(digest)
    if blob is None:
        raise RegistryError("BLOB_UNKNOWN", "blob unknown to registry", 404)
    _refuse_deleted_robot()
    return Response(blob, headers={"Docker-Content-Digest": digest}, content_type="application/octet-stream")


@routes.plain("POST", f"{_REPOSITORY}/blobs/uploads/")
def start_upload(repository: str) -> Response:
    found = _writable(repository)
    uuid = tokens.new_uuid()
    quay().state.uploads[uuid] = bytearray()
    if "digest" in request.args:
        return _finish_upload(found, uuid)
    return _upload_response(repository, uuid, 202)


@routes.plain("PATCH", f"{_REPOSITORY}/blobs/uploads/<uuid>")
def continue_upload(repository: str, uuid: str) -> Response:
    _writable(repository)
    _upload(uuid).extend(request.get_data())
    return _upload_response(repository, uuid, 202)


@routes.plain("PUT", f"{_REPOSITORY}/blobs/uploads/<uuid>")
def finish_upload(repository: str, uuid: str) -> Response:
    return _finish_upload(_writable(repository), uuid)


def _finish_upload(repository: Repository, uuid: str) -> Response:
    content = bytes(_upload(uuid)) + request.get_data()
    digest = request.args.get("digest", "")
    if digest != f"sha256:{hashlib.sha256(content).hexdigest()}":
        raise RegistryError("BLOB_UPLOAD_INVALID", "blob upload invalid", detail={})
    repository.blobs[digest] = content
    del quay().state.uploads[uuid]
    address = f"{app_url(quay().config)}/v2/{repository.namespace}/{repository.name}/blobs/{digest}"
    return Response(status=201, headers={"Docker-Content-Digest": digest, "Location": address})


def _refuse_deleted_robot() -> None:
    """Fail where Quay looks for the subject of the registry token, which it does not do to check the access."""
    subject = g.get("subject") or ""
    if "+" in subject and subject not in quay().state.robots:
        raise unknown_robot()


def _log(kind: str, repository: Repository, reference: str, manifest: Manifest) -> None:
    # Quay looks for the performer after the work is done: a push has its effect.
    _refuse_deleted_robot()
    performer = g.get("subject")
    metadata = {
        "repo": repository.name,
        "namespace": repository.namespace,
        "user-agent": request.headers.get("User-Agent", ""),
        "manifest_digest" if _DIGEST.match(reference) else "tag": reference,
        "mediaType": manifest.media_type,
    }
    if performer:
        metadata["username"] = performer
    log(kind, repository.namespace, metadata, repository=repository.name, performer=performer)


def _upload(uuid: str) -> bytearray:
    upload = quay().state.uploads.get(uuid)
    if upload is None:
        raise RegistryError("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", 404)
    return upload


def _upload_response(repository: str, uuid: str, status: int) -> Response:
    headers = {
        "Docker-Upload-UUID": uuid,
        "Location": f"{app_url(quay().config)}/v2/{repository}/blobs/uploads/{uuid}",
        "Range": f"0-{max(len(_upload(uuid)) - 1, 0)}",
    }
    return Response(status=status, headers=headers)


def _authenticate(scope: str | None) -> dict[str, Any] | None:
    """Return the claims of the registry token, or none without a token. The subject is not checked again."""
    header = request.headers.get("Authorization", "").strip()
    if not header:
        return None
    config = quay().config
    try:
        match = _BEARER.match(header)
        if match is None:
            raise InvalidRegistryToken("Invalid bearer token format")
        fresh_s = int(config["REGISTRY_JWT_AUTH_MAX_FRESH_S"])
        claims = quay().keys.verify(match[1], config["SERVER_HOSTNAME"], fresh_s)
    except InvalidRegistryToken as error:
        raise AbortError(401, str(error), challenge(scope)) from error
    g.subject = claims["context"].get("user")
    return claims


def _readable(repository: str) -> Repository:
    scope = f"repository:{repository}:pull"
    found = _find(repository)
    allowed = {"pull", "push", "*"} & _granted(repository, scope)
    is_public = found is not None and found.is_public and quay().feature("ANONYMOUS_ACCESS")
    return _present(found, bool(allowed) or is_public, scope)


def _writable(repository: str) -> Repository:
    scope = f"repository:{repository}:pull,push"
    allowed = {"push", "*"} & _granted(repository, scope)
    found = _present(_find(repository), bool(allowed), scope)
    if quay().config["REGISTRY_STATE"] == "readonly":
        raise RegistryError("DENIED", "System is currently read-only.", 405)
    return found


def _granted(repository: str, scope: str) -> set[str]:
    claims = _authenticate(scope) or {}
    grants = [grant for grant in claims.get("access") or [] if grant["name"] == repository]
    return {action for grant in grants for action in grant["actions"]}


def _find(repository: str) -> Repository | None:
    namespace, _slash, name = repository.partition("/")
    return quay().state.repositories.get((namespace, name))


def _present(found: Repository | None, allowed: bool, scope: str) -> Repository:
    if not allowed:
        raise RegistryError("UNAUTHORIZED", "access to the requested resource is not authorized", 401, scope=scope)
    if found is None:
        raise RegistryError("NAME_UNKNOWN", "repository not found", 404)
    return found


def _parse(content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
