# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test harness: runs modules against a stand-in with accounts, and checks state, files, requests and secrets."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from standin import Standin
from standin.request_handler import Environ, RequestHandler, Response
from standin.state import OAuthToken, Robot, State
from standin.tokens import fingerprint

from .accounts import Accounts, Arguments
from .known_secrets import KnownSecrets
from .module_runner import ModuleRunner, Result

# Fields that a verification or sign-in updates in Quay. They do not count as changes. Quay deletes the notifications of
# assigned tokens when these tokens are listed.
_VOLATILE_FIELDS = ("last_accessed", "invalid_logins", "last_invalid_login", "last_id", "notifications")
_SIGN_IN = "login_success"

# Options with secrets.
_SECRET_OPTIONS = ("quay_token", "quay_password", "current_token", "password", "oidc_token", "oidc_client_secret")

_ISO = "%Y-%m-%dT%H:%M:%SZ"

# Return values that may be null in check mode, because it cannot know them.
UNKNOWN_IN_CHECK_MODE = {
    "token",
    "uuid",
    "client_id",
    "created_at",
    "expires_at",
    "last_accessed",
    "age_source",
    "fingerprint",
    "ended",
    "superuser",
    "verified_with",
}
# The response of a call that check mode does not send.
UNKNOWN_IN_CHECK_MODE |= {"json", "status"}
UNKNOWN_IN_CHECK_MODE |= {"phase", "progress", "started_at"}


Environment = Mapping[str, str] | None


@dataclass(frozen=True)
class FourRuns:
    """The results of four runs: check mode, real, check mode, real."""

    predicted: Result
    first: Result
    predicted_again: Result
    second: Result
    # The requests of each run, as METHOD and path.
    requests: list[list[str]]


@dataclass
class Harness:
    """A stand-in with accounts, a module runner and a folder for the files of one test."""

    quay: Standin = field(repr=False)
    accounts: Accounts = field(repr=False)
    known_secrets: KnownSecrets = field(repr=False)
    module_runner: ModuleRunner = field(repr=False)
    folder: Path
    login: Arguments = field(default_factory=dict, repr=False)
    no_log: bool = False  # of the tasks
    # Obstacles in the process of the module, as `functional.obstacles` takes them.
    obstacles: dict[str, Any] = field(default_factory=dict)
    hooks: list[tuple[re.Pattern[str], Callable[[], object]]] = field(default_factory=list, repr=False)

    # --- running

    def run(self, module: str, arguments: Arguments, *, check: bool = False, environ: Environment = None) -> Result:
        """Run a module with the login of the harness. Afterwards the journal has the requests of this run.

        An argument of none removes a default option.
        """
        self.quay.journal.clear()
        options = {"quay_host": self.quay.url, "retries": 0, "ca_path": self.quay.ca_path, **self.login, **arguments}
        options = {name: value for name, value in options.items() if value is not None}
        if self.no_log:
            options["_ansible_no_log"] = True
        given = [options, *(entry for entry in options.get("credentials") or () if isinstance(entry, dict))]
        secrets = [some.get(key) for some in given for key in _SECRET_OPTIONS if some.get(key)]
        self.known_secrets.add(str(secret) for secret in secrets)
        more = {"setup": ["functional.obstacles", self.obstacles]} if self.obstacles else {}
        result = self.module_runner.run(module, options, check=check, environ=environ or {}, **more)
        self.assert_no_leak(result)
        return result

    def check(self, module: str, arguments: Arguments) -> Result:
        """Run a module in check mode. Asserts that nothing changes in Quay and on disk."""
        state, files = self.state(), self.files()
        result = self.run(module, arguments, check=True)
        assert not self.quay.journal.writes, self.requests
        assert not self.quay.journal.mints, self.requests
        assert self.state() == state
        assert self.files() == files
        return result

    def four_runs(
        self, module: str, arguments: Arguments, *, idempotent: bool = True, unknown: Collection[str] = ()
    ) -> FourRuns:
        """Run a module four times, and check predictions and idempotence.

        ``unknown``: further values that may be null in check mode.
        """
        requests = []
        predicted = self.check(module, arguments)
        requests.append(self.requests)
        first = self.run(module, arguments)
        requests.append(self.requests)
        assert_predicted(predicted, first, unknown)
        predicted_again = self.check(module, arguments)
        requests.append(self.requests)
        state = self.state()
        second = self.run(module, arguments)
        requests.append(self.requests)
        assert_predicted(predicted_again, second)
        if idempotent:
            assert not predicted_again.changed
            assert not second.changed
            assert second.diff is None
            assert not self.quay.journal.writes, self.requests
            assert self.state() == state
        return FourRuns(predicted, first, predicted_again, second, requests)

    # --- reading

    @property
    def requests(self) -> list[str]:
        """The requests of the last run, in order."""
        return [f"{entry.method} {entry.path}" for entry in self.quay.journal]

    @property
    def sign_in(self) -> list[str]:
        """The first requests of a login by password."""
        return ["GET /csrf_token", "POST /api/v1/signin"] if "quay_password" in self.login else []

    @property
    def writes(self) -> list[str]:
        return [f"{entry.method} {entry.path}" for entry in self.quay.journal.writes]

    @property
    def token_path(self) -> Path:
        """The file in which a module stores its secret."""
        return self.folder / "token"

    def deliver_diff(self, state: str) -> dict[str, Any]:
        """The part of a diff about the file of `token_path`."""
        return {"deliver": {str(self.token_path): state}}

    def token_record(self) -> dict[str, Any]:
        """The record of the secret in `token_path`."""
        written: dict[str, Any] = json.loads(Path(f"{self.token_path}.record.json").read_text())
        return dict(written["token"])

    def store_secret(self, secret: str) -> None:
        """Write a secret to `token_path` as an earlier run would have, but without a record."""
        self.token_path.write_text(secret + "\n")
        self.token_path.chmod(0o600)

    def stored_fingerprint(self) -> str:
        """Return the fingerprint of the secret in `token_path`. Asserts its format and mode."""
        text = self.token_path.read_text()
        assert text == text.strip() + "\n"
        assert stat.S_IMODE(self.token_path.stat().st_mode) == 0o600
        return fingerprint(text.strip())

    def advance(self, **duration: float) -> None:
        """Advance the clock, to whole seconds as in most times of Quay."""
        moment = self.quay.clock.now() + timedelta(**duration)
        self.quay.clock.set(moment.replace(microsecond=0))

    def now(self) -> str:
        return self.iso(self.quay.clock.now())

    def is_now(self, moment: str | None) -> bool:
        """Whether a time in a result is the current one, by the clock of the stand-in."""
        reported = datetime.strptime(str(moment), _ISO).replace(tzinfo=UTC)
        return abs(reported - self.quay.clock.now()) < timedelta(minutes=1)

    @staticmethod
    def iso(moment: datetime) -> str:
        return moment.strftime(_ISO)

    def robot(self, name: str = "acme+ci") -> Robot:
        return self.quay.state.robots[name]

    def robot_fingerprint(self, name: str = "acme+ci") -> str:
        """The fingerprint of the current token of a robot."""
        return fingerprint(self.robot(name).token)

    def valid_tokens(self, client_id: str) -> dict[str, OAuthToken]:
        """The valid tokens of an application, by uuid."""
        now = self.quay.clock.now()
        listed = self.quay.state.tokens_of_application(client_id)
        return {token.uuid: token for token in listed if token.expires_at > now}

    def is_oauth_token(self, uuid: str | None, shown: str | None) -> bool:
        """Whether the token with this uuid has this fingerprint."""
        found = [token for token in self.quay.state.oauth_tokens.values() if token.uuid == uuid]
        return len(found) == 1 and found[0].digest[: len(str(shown))] == shown

    def state(self) -> dict[str, Any]:
        """The state of Quay without the volatile fields."""
        return freeze(self.quay.state)

    def files(self) -> dict[str, tuple[Any, ...]]:
        """All files of the harness, with mode, inode, modification time and digest."""
        found = {}
        for path in [self.folder, *sorted(self.folder.rglob("*"))]:
            status = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path)] = (status.st_mode, status.st_ino, status.st_mtime_ns, content)
        return found

    def assert_no_leak(self, result: Result) -> None:
        """Assert that no secret is in a result outside `token` or in a record, and that no draft is left."""
        assert self.known_secrets.in_text(result.output_without_token) == []
        leftovers = [path.name for path in self.folder.rglob(".*") if path.is_file()]
        assert leftovers == []
        for record in self.folder.rglob("*.record.json"):
            assert self.known_secrets.in_text(record.read_text()) == []

    # --- concurrent changes by others

    def before_request(self, pattern: str, action: Callable[[], object]) -> None:
        """Call an action once, before the next request that matches, as another client of Quay might."""
        self.hooks.append((re.compile(pattern), action))

    def install_hooks(self, patch: pytest.MonkeyPatch) -> None:
        handle = RequestHandler.handle

        def hooked(handler: RequestHandler, environ: Environ, body: bytes) -> Response:
            request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            hook = next((hook for hook in self.hooks if hook[0].search(request)), None)
            if hook:
                self.hooks.remove(hook)
                hook[1]()
            return handle(handler, environ, body)

        patch.setattr(RequestHandler, "handle", hooked)


def freeze(state: State) -> dict[str, Any]:
    frozen = dataclasses.asdict(state)
    frozen["logs"] = [entry for entry in frozen["logs"] if entry["kind"] != _SIGN_IN]
    return {name: _without_volatile(records) for name, records in frozen.items() if name not in _VOLATILE_FIELDS}


def _without_volatile(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_volatile(part) for key, part in value.items() if key not in _VOLATILE_FIELDS}
    if isinstance(value, list):
        return [_without_volatile(part) for part in value]
    return value


def assert_predicted(predicted: Result, real: Result, unknown: Collection[str] = ()) -> None:
    """Assert that check mode predicted the real result, except for unknown values."""
    assert predicted.failed == real.failed, (predicted.message, real.message)
    if predicted.failed:
        assert predicted.message == real.message
        return
    assert predicted.changed == real.changed
    assert predicted.diff == real.diff
    assert predicted.content.keys() == real.content.keys()
    if predicted.arguments.get("credentials") is not None and "results" in predicted.content:
        for one, other in zip(predicted["results"], real["results"], strict=True):
            assert one.keys() == other.keys()
            _assert_predicted_values({**one, "window_seconds": None}, {**other, "window_seconds": None})
        return
    _assert_predicted_values(predicted.content, real.values, unknown)


def _assert_predicted_values(
    predicted: Mapping[str, Any], real: Mapping[str, Any], unknown: Collection[str] = ()
) -> None:
    for key, value in predicted.items():
        if value is None and (key in UNKNOWN_IN_CHECK_MODE or key in unknown):
            continue
        assert value == real[key], f"{key}: predicted {value}, got {real[key]}"


def assert_refused(harness: Harness, module: str, arguments: dict[str, Any], *words: str) -> str:
    """Assert that a run is refused with these words, in check mode and really, and that nothing changes."""
    messages = []
    state, files = harness.state(), harness.files()
    for check in (True, False):
        result = harness.run(module, arguments, check=check)
        assert result.failed
        for part in words:
            assert part in result.message, result.message
        assert harness.quay.journal.mints == []
        assert (harness.state(), harness.files()) == (state, files)
        messages.append(result.message)
    return messages[-1]


def assert_kept(harness: Harness, module: str, arguments: dict[str, Any], *words: str) -> None:
    """Assert that a removal is refused with these words, in check mode and really, and that nothing is removed.

    A real removal locks the folder of the file before it looks at it.
    """
    state, content = harness.state(), harness.token_path.read_text()
    for check in (True, False):
        result = harness.run(module, arguments, check=check)
        assert result.failed
        for part in words:
            assert part in result.message, result.message
        assert harness.state() == state
        assert harness.token_path.read_text() == content
