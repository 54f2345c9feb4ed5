# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, section 8: the description of the API, and its errors."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.client import Client, Target
from conformance.resources import Resources
from standin import Standin
from standin.endpoints.discovery import described_routes, facts_of

PATH = "/api/v1/discovery"

# Endpoints of the API that Quay does not describe.
_UNDESCRIBED = {
    "GET /api/v1/organization/<orgname>/mirror",
    "POST /api/v1/user/initialize",
    # Described only with a feature that is off by default.
    "POST /api/v1/bootstrap/renew",
}

OPERATIONS = {
    "listOrgLogs": ("GET", "/api/v1/organization/{orgname}/logs"),
    "createOrgRobot": ("PUT", "/api/v1/organization/{orgname}/robots/{robot_shortname}"),
    "regenerateOrgRobotToken": ("POST", "/api/v1/organization/{orgname}/robots/{robot_shortname}/regenerate"),
    "createRepo": ("POST", "/api/v1/repository"),
    "changeRepoVisibility": ("POST", "/api/v1/repository/{repository}/changevisibility"),
    "updateOrganizationTeamMember": ("PUT", "/api/v1/organization/{orgname}/team/{teamname}/members/{membername}"),
    "createInstallUser": ("POST", "/api/v1/superuser/users/"),
    "createAppToken": ("POST", "/api/v1/user/apptoken"),
    "discovery": ("GET", "/api/v1/discovery"),
}


@pytest.fixture(params=["false", "true"], ids=["public", "internal"])
def internal(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def operations_of(client: Client, internal: str = "false") -> dict[str, tuple[str, str]]:
    paths = client.get(PATH, params={"internal": internal}).json()["paths"]
    found = {}
    for path, item in paths.items():
        for method, operation in item.items():
            if isinstance(operation, dict):
                found[operation["operationId"]] = (method.upper(), path)
    return found


def test_p2_8_discovery_is_public(target: Target, anonymous: Client, internal: str) -> None:
    body = anonymous.get(PATH, params={"internal": internal}).json()
    assert (body["swagger"], body["basePath"], body["info"]["version"]) == ("2.0", "/", "v1")
    assert (f"{body['schemes'][0]}://{body['host']}", len(body["schemes"])) == (target.url, 1)


def test_p2_8_discovery_is_the_same_for_a_superuser(resources: Resources, anonymous: Client, internal: str) -> None:
    bodies = [client.get(PATH, params={"internal": internal}).json() for client in (resources.superuser, anonymous)]
    assert bodies[0]["paths"] == bodies[1]["paths"]


def test_p2_8_discovery_without_anonymous_access(standin: Standin, anonymous: Client) -> None:
    standin.config["FEATURE_ANONYMOUS_ACCESS"] = False
    assert anonymous.get(PATH).status_code == 200


def test_p2_8_operations_and_their_paths(anonymous: Client) -> None:
    found = operations_of(anonymous)
    assert {name: found.get(name) for name in OPERATIONS} == OPERATIONS


def test_p2_8_operations_of_a_family(target: Target, anonymous: Client) -> None:
    tokens = {"createOrganizationApplicationToken", "listOrganizationApplicationTokens"}
    assert (operations_of(anonymous).keys() & tokens == tokens) == (target.family == "3.18")


def test_p2_8_internal_operations(anonymous: Client) -> None:
    public, everything = operations_of(anonymous), operations_of(anonymous, "true")
    assert public.items() < everything.items()
    hidden = {"signinUser", "listUserAuthorizations", "listAssignedAuthorizations", "takeOwnership"}
    hidden |= {"resetOrganizationApplicationClientSecret", "listAllOrganizations", "listAllAggregateLogs"}
    assert hidden <= everything.keys()
    assert not hidden & public.keys()


def test_p2_8_what_is_not_described(anonymous: Client) -> None:
    paths = anonymous.get(PATH, params={"internal": "true"}).json()["paths"]
    for path in ("/api/v1/user/initialize", "/oauth/authorizeapp", "/csrf_token", "/config", "/v2/auth"):
        assert path not in paths


def test_p2_8_format_of_an_operation(anonymous: Client) -> None:
    item = anonymous.get(PATH).json()["paths"]["/api/v1/organization/{orgname}/logs"]
    assert (item["x-name"], item["x-path"], item["x-tag"]) == (
        "endpoints.api.logs.OrgLogs",
        "/api/v1/organization/{orgname}/logs",
        "logs",
    )
    (of_path,) = item["parameters"]
    assert of_path.pop("description")
    assert of_path == {"in": "path", "name": "orgname", "required": True, "type": "string"}
    operation = item["get"]
    assert operation["operationId"] == "listOrgLogs"
    assert operation["description"]
    assert operation["tags"] == ["logs"]
    assert operation["security"] == [{"oauth2_implicit": ["org:admin"]}]
    assert sorted(one["name"] for one in operation["parameters"]) == ["endtime", "next_page", "performer", "starttime"]
    assert {(one["in"], one["type"], one["required"]) for one in operation["parameters"]} == {
        ("query", "string", False)
    }


@pytest.mark.parametrize(
    ("name", "status"), [("createRepo", "201"), ("createInstallUser", "201"), ("listRepos", "200")]
)
def test_p2_8_response_codes_are_a_template(anonymous: Client, name: str, status: str) -> None:
    body = anonymous.get(PATH).json()
    method, path = operations_of(anonymous)[name]
    assert body["paths"][path][method.lower()]["responses"].keys() == {status, "400", "401", "403", "404"}


def body_of(document: dict[str, Any], path: str, method: str) -> str:
    (body,) = [one for one in document["paths"][path][method]["parameters"] if one["in"] == "body"]
    assert (body["name"], body["required"]) == ("body", True)
    return str(body["schema"]["$ref"])


def test_p2_8_body_of_an_app_token_has_the_description_of_another(anonymous: Client) -> None:
    """Quay has several definitions with the same name and describes only one of them."""
    document = anonymous.get(PATH).json()
    assert body_of(document, "/api/v1/user/apptoken", "post") == "#/definitions/NewToken"
    assert body_of(document, "/api/v1/repository/{repository}/tokens/", "post") == "#/definitions/NewToken"
    assert document["definitions"]["NewToken"]["required"] == ["friendlyName"]


def test_p2_8_body_of_an_organization_has_the_description_of_another(anonymous: Client) -> None:
    document = anonymous.get(PATH, params={"internal": "true"}).json()
    for path in ("/api/v1/organization/{orgname}", "/api/v1/superuser/organizations/{name}"):
        assert body_of(document, path, "put") == "#/definitions/UpdateOrg"
    assert document["definitions"]["UpdateOrg"]["properties"].keys() == {"name"}


@pytest.mark.standin
def test_standin_describes_what_it_serves() -> None:
    """Each endpoint needs the data of a real Quay in discovery.json."""
    lacking = {f"{route.method} {route.path}" for route in described_routes() if facts_of(route) is None}
    assert {name for name in lacking if name not in _UNDESCRIBED and "/error/" not in name} == set()
