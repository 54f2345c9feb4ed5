# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories. Every unknown path below them can be a longer repository name."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest

from .. import names, rights
from ..errors import bad_request, internal_error, not_found
from ..factories import create_repository
from ..paging import page
from ..quay import caller, quay
from ..routing import Routes, flag, json_body, require
from ..serialization import rfc2822
from ..state import Repository
from ..usage_log import log

routes = Routes()

_PAGE_SIZE = 100

_NEW = {
    "type": "object",
    "required": ["repository", "visibility", "description"],
    "properties": {
        "repository": {"type": "string"},
        "visibility": {"type": "string", "enum": ["public", "private"]},
        "namespace": {"type": "string"},
        "description": {"type": "string"},
        "repo_kind": {"type": ["string", "null"], "enum": ["image", None]},
    },
}
_UPDATE = {"type": "object", "required": ["description"], "properties": {"description": {"type": "string"}}}
_VISIBILITY = {
    "type": "object",
    "required": ["visibility"],
    "properties": {"visibility": {"type": "string", "enum": ["public", "private"]}},
}
_STATE = {
    "type": "object",
    "required": ["state"],
    "properties": {"state": {"type": "string", "enum": ["NORMAL", "READ_ONLY", "MIRROR"]}},
}


def split(full_name: str) -> tuple[str, str]:
    namespace, _slash, name = full_name.partition("/")
    return namespace, name


def find_repository(full_name: str) -> Repository | None:
    return quay().state.repositories.get(split(full_name))


@routes.add("POST", "/repository")
def create() -> tuple[dict[str, Any], int]:
    body = json_body(_NEW)
    owner = caller().user
    namespace = body.get("namespace") or (owner.username if owner else "")
    require(owner is not None and rights.can_create_repository(namespace))
    name = body["repository"]
    if (namespace, name) in quay().state.repositories:
        raise bad_request("Repository already exists")
    if not names.is_repository_name(name):
        raise bad_request("Invalid repository name")
    if not quay().state.namespace_exists(namespace):
        internal_error()
    create_repository(namespace, name, body["visibility"], body["description"])
    log("create_repo", namespace, {"repo": name, "namespace": namespace}, repository=name)
    return {"namespace": namespace, "name": name, "kind": body.get("repo_kind") or "image"}, 201


@routes.add("GET", "/repository")
def list_visible() -> dict[str, Any]:
    namespace, public, starred = request.args.get("namespace"), flag("public", False), flag("starred", False)
    if not (namespace or public or starred):
        raise bad_request("namespace, starred or public are required for this API call")
    if starred:
        # The stand-in has no starred repositories.
        if caller().name is None:
            raise BadRequest
        return {"repositories": []}
    found = [
        repository
        for repository in quay().state.repositories.values()
        if namespace in (None, repository.namespace) and _is_listed(repository, public)
    ]
    return page("repositories", sorted(found, key=lambda repository: repository.id), _list_view, _PAGE_SIZE)


def _is_listed(repository: Repository, public: bool) -> bool:
    """Whether a repository is listed, by the rights of the account. Scopes of the token are ignored."""
    name = caller().name
    if public and repository.is_public:
        return True
    if name is None:
        return False
    return rights.has_full_access() or bool(rights.repository_role_of(name, repository.namespace, repository.name))


@routes.add("GET", "/repository/<repository:repository>")
def get(repository: str) -> dict[str, Any]:
    found = find_repository(repository)
    require(bool(found and found.is_public) or rights.can_read_repository(*split(repository)))
    if found is None:
        raise not_found()
    return _view(found)


@routes.add("PUT", "/repository/<repository:repository>")
def update(repository: str) -> dict[str, Any]:
    require(rights.can_write_repository(*split(repository)))
    body = json_body(_UPDATE)
    found = find_repository(repository)
    if found is None:
        raise not_found()
    found.description = body["description"]
    _log("set_repo_description", found, description=found.description)
    return {"success": True}


@routes.add("DELETE", "/repository/<repository:repository>")
def delete(repository: str) -> tuple[str, int]:
    """Delete a repository. Quay reports success also if it does not exist."""
    namespace, name = split(repository)
    require(rights.can_administer_repository(namespace, name))
    quay().state.repositories.pop((namespace, name), None)
    log("delete_repo", namespace, {"repo": name, "namespace": namespace})
    return "", 204


@routes.add("POST", "/repository/<repository:repository>/changevisibility")
def change_visibility(repository: str) -> dict[str, Any] | None:
    require(rights.can_administer_repository(*split(repository)))
    body = json_body(_VISIBILITY)
    found = find_repository(repository)
    if found is None:
        return None
    found.visibility = body["visibility"]
    _log("change_repo_visibility", found, visibility=found.visibility)
    return {"success": True}


@routes.add("PUT", "/repository/<repository:repository>/changestate", feature="REPO_MIRROR")
def change_state(repository: str) -> dict[str, Any]:
    require(rights.can_administer_repository(*split(repository)))
    body = json_body(_STATE)
    found = find_repository(repository)
    if found is None:
        raise not_found()
    found.state = body["state"]
    _log("change_repo_state", found, state_changed=found.state)
    return {"success": True}


@routes.add("GET", "/repository/<repository:repository>/tokens/")
@routes.add("POST", "/repository/<repository:repository>/tokens/")
@routes.add("GET", "/repository/<repository:repository>/tokens/<code>")
@routes.add("PUT", "/repository/<repository:repository>/tokens/<code>")
@routes.add("DELETE", "/repository/<repository:repository>/tokens/<code>")
def refuse_access_token(repository: str, code: str | None = None) -> tuple[dict[str, str], int]:
    """Refuse the former access tokens."""
    require(rights.can_administer_repository(*split(repository)))
    return {"message": "Handling of access tokens is no longer supported"}, 410


def _log(kind: str, repository: Repository, **metadata: Any) -> None:
    namespace, name = repository.namespace, repository.name
    log(kind, namespace, {"repo": name, "namespace": namespace, **metadata}, repository=name)


def _list_view(repository: Repository) -> dict[str, Any]:
    view: dict[str, Any] = {
        "namespace": repository.namespace,
        "name": repository.name,
        "description": repository.description,
        "is_public": repository.is_public,
        "kind": repository.kind,
        "state": repository.state,
    }
    if flag("last_modified", False):
        view["last_modified"] = None
    if flag("popularity", False):
        view["popularity"] = 0.0
    if caller().name:
        view["is_starred"] = False
    return view


def _view(repository: Repository) -> dict[str, Any]:
    namespace, name = repository.namespace, repository.name
    view: dict[str, Any] = {
        "namespace": namespace,
        "name": name,
        "kind": repository.kind,
        "description": repository.description,
        "is_public": repository.is_public,
        "is_organization": namespace in quay().state.organizations,
        "is_starred": False,
        "status_token": "" if repository.is_public else repository.badge_token,
        "trust_enabled": False,
        "tag_expiration_s": 1209600,
        "is_free_account": True,
        "state": repository.state,
    }
    if flag("includeTags", True):
        view["tags"] = {tag: _tag_view(repository, tag) for tag in repository.tags}
    view["can_write"] = repository.state == "NORMAL" and rights.can_write_repository(namespace, name)
    view["can_admin"] = rights.can_administer_repository(namespace, name)
    if flag("includeStats", False):
        view["stats"] = []
    return view


def _tag_view(repository: Repository, tag: str) -> dict[str, Any]:
    manifest = repository.manifests[repository.tags[tag]]
    return {
        "name": tag,
        "size": len(manifest.content),
        "last_modified": rfc2822(repository.created),
        "manifest_digest": manifest.digest,
    }
