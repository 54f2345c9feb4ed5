# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, sections 8 to 10: public information about a server, persistent connections, races."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

from conformance.client import (
    Client,
    Target,
    assert_error,
    assert_html,
    assert_registry_error,
    registry_token,
    unique,
)
from conformance.resources import Resources
from standin import Standin


def test_p2_8_config_is_public(target: Target, anonymous: Client) -> None:
    body = anonymous.get("/config").json()
    assert {"config", "features", "registry_state", "external_login", "oauth", "version_number"} <= body.keys()
    config, features = body["config"], body["features"]
    assert config["SERVER_HOSTNAME"] == target.host
    assert f"{config['PREFERRED_URL_SCHEME']}://{config['SERVER_HOSTNAME']}" == target.url
    assert (config["AUTHENTICATION_TYPE"], config["LOCAL_OAUTH_HANDLER"]) == ("Database", "/oauth/localapp")
    names = {"ASSIGN_OAUTH_TOKEN", "APP_SPECIFIC_TOKENS", "REFERRERS_API", "USER_INITIALIZE", "SUPER_USERS"}
    names |= {"SUPERUSERS_FULL_ACCESS", "BUILD_SUPPORT", "TEAM_SYNCING", "DIRECT_LOGIN", "ANONYMOUS_ACCESS"}
    names |= {"AGGREGATED_LOG_COUNT_RETRIEVAL", "RATE_LIMITS", "MAILING"}
    assert names <= features.keys()
    assert body["registry_state"] == "normal"
    hidden = {"FRESH_LOGIN_TIMEOUT", "BROWSER_API_CALLS_XHR_ONLY", "OAUTH_APPLICATION_MAXIMUM_TOKEN_COUNT"}
    assert not hidden & config.keys()


def test_p2_8_probe_for_application_tokens(target: Target, anonymous: Client) -> None:
    response = anonymous.get("/api/v1/organization/zz/applications/zz/tokens")
    assert response.status_code == (401 if target.family == "3.18" else 308)


def test_p2_8_v2_names_realm_and_service_by_configuration(target: Target, anonymous: Client) -> None:
    response = anonymous.get("/v2/")
    assert response.status_code == 401
    expected = f'Bearer realm="{target.url}/v2/auth",service="{target.host}"'
    assert response.headers["WWW-Authenticate"] == expected
    assert response.headers["Docker-Distribution-API-Version"] == "registry/2.0"


def test_p2_8_another_name_than_server_hostname(standin: Standin, anonymous: Client) -> None:
    standin.config["SERVER_HOSTNAME"] = "quay.example"
    assert 'service="quay.example"' in anonymous.get("/v2/").headers["WWW-Authenticate"]
    assert anonymous.get("/config").json()["config"]["SERVER_HOSTNAME"] == "quay.example"
    # Redirects use the host of the request instead.
    assert anonymous.get("/api/v1/user").headers["Location"] == f"{standin.url}/api/v1/user/"


def test_p2_8_probes_for_features(anonymous: Client) -> None:
    referrers = anonymous.get(f"/v2/zz/zz/referrers/sha256:{'0' * 64}")
    assert_registry_error(referrers, 401, "UNAUTHORIZED")
    assert anonymous.get("/api/v1/user/apptoken").status_code == 401
    assert anonymous.get("/api/v1/user/assignedauthorization").status_code == 401
    assert anonymous.post("/api/v1/user/initialize").status_code == 400


def test_p2_8_probes_for_features_off(standin: Standin, anonymous: Client) -> None:
    for feature in ("REFERRERS_API", "APP_SPECIFIC_TOKENS", "ASSIGN_OAUTH_TOKEN", "USER_INITIALIZE"):
        standin.config[f"FEATURE_{feature}"] = False
    assert_error(anonymous.get(f"/v2/zz/zz/referrers/sha256:{'0' * 64}"), 404, "Not Found")
    assert_html(anonymous.get("/api/v1/user/apptoken"), 308)
    assert_html(anonymous.get("/api/v1/user/assignedauthorization"), 308)
    assert_error(anonymous.post("/api/v1/user/initialize"), 404, "Not Found")


def test_p2_8_anonymous_access_off(standin: Standin, anonymous: Client) -> None:
    standin.config["FEATURE_ANONYMOUS_ACCESS"] = False
    response = anonymous.get("/api/v1/repository", params={"public": "true"})
    assert_error(response, 401, "Anonymous access is not allowed")
    assert response.headers["Content-Type"].startswith("text/html")
    assert anonymous.get("/config").status_code == 200
    assert anonymous.get("/api/v1/organization/zz/applications/zz/tokens").status_code in (401, 308)


def test_p2_8_health(anonymous: Client) -> None:
    body = anonymous.get("/health/instance").json()
    assert body.keys() == {"data", "status_code"}
    assert {"auth", "database", "web_gunicorn", "registry_gunicorn"} <= body["data"]["services"].keys()


def test_p2_9_persistent_connections_are_closed_after_1000_requests(standin: Standin) -> None:
    connection = HTTPConnection("127.0.0.1", standin.port)
    responses = []
    for _time in range(1000):
        connection.request("GET", "/csrf_token")
        with connection.getresponse() as response:
            response.read()
            responses.append(response.getheader("Connection"))
    connection.close()
    assert set(responses[:-1]) == {None}
    assert responses[-1] == "close"


def test_p2_10_one_token_of_two_parallel_regenerations_is_valid(resources: Resources) -> None:
    shortname, _rest = resources.robot()
    path = f"{resources.base}/robots/{shortname}"
    with ThreadPoolExecutor(2) as pool:
        responses = list(pool.map(lambda _: resources.superuser.post(f"{path}/regenerate"), range(2)))
    assert [response.status_code for response in responses] == [200, 200]
    tokens = [response.json()["token"] for response in responses]
    assert tokens[0] != tokens[1]
    assert tokens.count(resources.superuser.get(path).json()["token"]) == 1


def test_p2_10_one_session_serves_parallel_requests(resources: Resources) -> None:
    with ThreadPoolExecutor(4) as pool:
        paths = [f"{resources.base}/robots/{unique('r')}" for _time in range(8)]
        responses = list(pool.map(lambda path: resources.superuser.put(path).status_code, paths))
    assert responses == [201] * 8


def test_p2_10_old_and_new_token_never_both_work(resources: Resources) -> None:
    shortname, old = resources.robot()
    robot = f"{resources.org}+{shortname}"
    assert registry_token(resources.target, (robot, old))
    new = resources.superuser.post(f"{resources.base}/robots/{shortname}/regenerate").json()["token"]
    assert registry_token(resources.target, (robot, new))
    with Client(resources.target, basic=(robot, old)) as client:
        response = client.get("/v2/auth", params={"service": resources.target.host})
    assert_registry_error(response, 401, "UNAUTHORIZED")
