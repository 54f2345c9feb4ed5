# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration keys of Quay that the stand-in supports. All of them can be changed while it runs."""

from __future__ import annotations

from typing import Any

FAMILIES = ("3.18", "3.17")

# The keys that /config returns to every caller.
_VISIBLE = (
    "SERVER_HOSTNAME",
    "PREFERRED_URL_SCHEME",
    "AUTHENTICATION_TYPE",
    "REGISTRY_TITLE",
    "REGISTRY_TITLE_SHORT",
    "AVATAR_KIND",
    "LOCAL_OAUTH_HANDLER",
    "SETUP_COMPLETE",
    "FEATURE_REPO_MIRROR",
    "FEATURE_QUOTA_MANAGEMENT",
    "FEATURE_ASSIGN_OAUTH_TOKEN",
    "ROBOTS_DISALLOW",
)

_DEFAULTS: dict[str, Any] = {
    "PREFERRED_URL_SCHEME": "http",
    "AUTHENTICATION_TYPE": "Database",
    "LOCAL_OAUTH_HANDLER": "/oauth/localapp",
    "REGISTRY_TITLE": "Project Quay",
    "REGISTRY_TITLE_SHORT": "Project Quay",
    "REGISTRY_STATE": "normal",
    "AVATAR_KIND": "local",
    "SETUP_COMPLETE": True,
    "SUPER_USERS": [],
    "ROBOTS_DISALLOW": False,
    "ROBOTS_WHITELIST": [],
    "LIBRARY_NAMESPACE": "library",
    "BROWSER_API_CALLS_XHR_ONLY": True,
    "FRESH_LOGIN_TIMEOUT": "10m",
    "ACTION_LOG_AUDIT_LOGINS": True,
    "ACTION_LOG_MAX_PAGE": None,
    "DISABLED_FOR_AUDIT_LOGS": [],
    "LOGS_MODEL": "database",
    "LOGS_MODEL_CONFIG": {},
    "APP_SPECIFIC_TOKEN_EXPIRATION": None,
    "BOOTSTRAP_TOKEN_EXPIRATION": 3600,
    "BOOTSTRAP_TOKEN_OWNER": None,
    "BOOTSTRAP_TOKEN_PATH": "/var/lib/quay/quay-machine-token.json",
    "BOOTSTRAP_TOKEN_SCOPE": ("org:admin repo:admin repo:create repo:read repo:write super:user user:admin user:read"),
    "EXPIRED_APP_SPECIFIC_TOKEN_GC": "1d",
    "OAUTH_APPLICATION_MAXIMUM_TOKEN_COUNT": None,
    "OAUTH_TOKEN_LAST_ACCESSED_UPDATE_THRESHOLD_S": 60,
    "LAST_ACCESSED_UPDATE_THRESHOLD_S": 120,
    # The groups of the directory and their members, if AUTHENTICATION_TYPE is a directory.
    "STANDIN_GROUPS": {},
    "LDAP_BASE_DN": ["dc=example", "dc=com"],
    # The file with the CA certificates that are trusted for OIDC issuers; if none, those of certifi.
    "STANDIN_ISSUER_CA": None,
    "CREATE_PRIVATE_REPO_ON_PUSH": True,
    "REGISTRY_JWT_AUTH_MAX_FRESH_S": 3660,
    # The addresses that count as those of the server itself.
    "STANDIN_LOCAL_ADDRESSES": ["127.0.0.1", "::1"],
    # Seconds for which the name of a deleted namespace stays blocked, until the garbage collector has run.
    "STANDIN_NAMESPACE_GC_S": 60,
    "FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL": True,
    "FEATURE_ANONYMOUS_ACCESS": True,
    "FEATURE_APP_SPECIFIC_TOKENS": True,
    "FEATURE_ASSIGN_OAUTH_TOKEN": True,
    "FEATURE_BUILD_SUPPORT": False,
    "FEATURE_CHANGE_TAG_EXPIRATION": True,
    "FEATURE_DIRECT_LOGIN": True,
    "FEATURE_EXTENDED_REPOSITORY_NAMES": True,
    "FEATURE_MAILING": False,
    "FEATURE_NONSUPERUSER_TEAM_SYNCING_SETUP": False,
    "FEATURE_ORG_MIRROR": False,
    "FEATURE_PERMANENT_SESSIONS": True,
    "FEATURE_PROGRAMMATIC_BOOTSTRAP": False,
    "FEATURE_PROXY_CACHE": False,
    "FEATURE_QUOTA_MANAGEMENT": False,
    "FEATURE_RATE_LIMITS": False,
    "FEATURE_READER_BUILD_LOGS": False,
    "FEATURE_REFERRERS_API": True,
    "FEATURE_REPO_MIRROR": False,
    "FEATURE_REQUIRE_TEAM_INVITE": True,
    "FEATURE_SPARSE_INDEX": False,
    "FEATURE_SUPERUSERS_FULL_ACCESS": True,
    "FEATURE_SUPER_USERS": True,
    "FEATURE_TEAM_SYNCING": False,
    "FEATURE_USER_INITIALIZE": True,
    "FEATURE_USER_LAST_ACCESSED": True,
    "FEATURE_USER_LOG_ACCESS": False,
}

Config = dict[str, Any]


def default_config(server_hostname: str, scheme: str) -> Config:
    config = {key: list(value) if isinstance(value, list) else value for key, value in _DEFAULTS.items()}
    return {**config, "SERVER_HOSTNAME": server_hostname, "PREFERRED_URL_SCHEME": scheme}


def feature(config: Config, name: str) -> bool:
    return bool(config.get(f"FEATURE_{name}"))


def visible(config: Config) -> Config:
    return {key: config[key] for key in _VISIBLE if key in config}


def features(config: Config) -> dict[str, Any]:
    return {key.removeprefix("FEATURE_"): value for key, value in config.items() if key.startswith("FEATURE_")}


def app_url(config: Config) -> str:
    """The configured URL of Quay, whatever host name a request used."""
    return f"{config['PREFERRED_URL_SCHEME']}://{config['SERVER_HOSTNAME']}"


def seconds(duration: str | None) -> float | None:
    """Parse a duration such as 10m or 1d."""
    if not duration:
        return None
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return float(duration[:-1]) * units[duration[-1]]
