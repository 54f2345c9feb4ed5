# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a test works with: the stand-in and its inhabitants, a way to run modules, and eyes on everything they touch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from standin import Standin
from standin.request_handler import Environ, RequestHandler, Response
from standin.state import OAuthToken, Robot, State
from standin.tokens import fingerprint

from .inhabitants import Arguments, Inhabitants
from .modules import Modules, Result
from .watch import Secrets

# A proof or a sign-in leaves these traces in Quay; they are no change of anything that somebody owns.
_TRACES = ("last_accessed", "invalid_logins", "last_invalid_login", "last_id")
_SIGN_IN = "login_success"

# Options in which a test hands over a secret.
_SECRETS = ("quay_token", "quay_password", "current_token", "password")

_ISO = "%Y-%m-%dT%H:%M:%SZ"

# What check mode cannot know, and may leave null where the real run tells it.
UNKNOWABLE = {"token", "uuid", "client_id", "created_at", "expires_at", "last_accessed", "age_source", "fingerprint"}
# The answer of a call that check mode does not send.
UNKNOWABLE |= {"json", "status"}
UNKNOWABLE |= {"phase", "progress", "started_at"}


Environment = Mapping[str, str] | None


@dataclass(frozen=True)
class FourRuns:
    """Check, real, check again, real again."""

    predicted: Result
    first: Result
    predicted_again: Result
    second: Result
    # The requests of each run, as METHOD and path.
    requests: list[list[str]]


@dataclass
class World:
    quay: Standin = field(repr=False)
    people: Inhabitants = field(repr=False)
    secrets: Secrets = field(repr=False)
    modules: Modules = field(repr=False)
    folder: Path
    login: Arguments = field(default_factory=dict, repr=False)
    hooks: list[tuple[re.Pattern[str], Callable[[], object]]] = field(default_factory=list, repr=False)

    # --- running

    def run(self, module: str, arguments: Arguments, *, check: bool = False, environ: Environment = None) -> Result:
        """Run a module with this world's login; the journal then holds what this run asked.

        An argument of none takes back what the world would give.
        """
        self.quay.journal.clear()
        given = {"quay_host": self.quay.url, "retries": 0, "ca_path": self.quay.ca_path, **self.login, **arguments}
        given = {name: value for name, value in given.items() if value is not None}
        held = [given.get(key) for key in _SECRETS if given.get(key)]
        self.secrets.add(str(secret) for secret in held)
        result = self.modules.run(module, given, check=check, environ=environ or {})
        self.assert_no_leak(result)
        return result

    def check(self, module: str, arguments: Arguments) -> Result:
        """Run a module in check mode; nothing may have changed, neither in Quay nor on the disk."""
        state, files = self.state(), self.files()
        result = self.run(module, arguments, check=True)
        assert not self.quay.journal.writes, self.requests
        assert not self.quay.journal.mints, self.requests
        assert self.state() == state
        assert self.files() == files
        return result

    def four_runs(self, module: str, arguments: Arguments, *, idempotent: bool = True) -> FourRuns:
        """The four runs of every module and state, and what must hold of all of them."""
        requests = []
        predicted = self.check(module, arguments)
        requests.append(self.requests)
        first = self.run(module, arguments)
        requests.append(self.requests)
        assert_predicted(predicted, first)
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

    # --- looking

    @property
    def requests(self) -> list[str]:
        """What the last run asked, in order."""
        return [f"{entry.method} {entry.path}" for entry in self.quay.journal]

    @property
    def sign_in(self) -> list[str]:
        """What a login by password asks before anything else."""
        return ["GET /csrf_token", "POST /api/v1/signin"] if "quay_password" in self.login else []

    @property
    def writes(self) -> list[str]:
        return [f"{entry.method} {entry.path}" for entry in self.quay.journal.writes]

    @property
    def token_path(self) -> Path:
        """Where tests let a module keep its secret."""
        return self.folder / "token"

    def in_file(self, word: str) -> dict[str, Any]:
        """How a diff tells what stands in the file."""
        return {"deliver": {str(self.token_path): word}}

    def record_of_token(self) -> dict[str, Any]:
        """What is written down beside it."""
        written: dict[str, Any] = json.loads(Path(f"{self.token_path}.record.json").read_text())
        return dict(written["token"])

    def keep(self, secret: str) -> None:
        """Put a secret into its file, as an earlier run would have, but without a record."""
        self.token_path.write_text(secret + "\n")
        self.token_path.chmod(0o600)

    def kept(self) -> str:
        """The fingerprint of the secret in its file, which holds nothing else and is nobody else's to read."""
        text = self.token_path.read_text()
        assert text == text.strip() + "\n"
        assert stat.S_IMODE(self.token_path.stat().st_mode) == 0o600
        return fingerprint(text.strip())

    def advance(self, **span: float) -> None:
        """Let time pass, to the whole second: that is how Quay tells most times."""
        moment = self.quay.clock.now() + timedelta(**span)
        self.quay.clock.set(moment.replace(microsecond=0))

    def now(self) -> str:
        return self.iso(self.quay.clock.now())

    def is_now(self, moment: str | None) -> bool:
        """Whether a time that a result tells is the present one, by Quay's clock."""
        told = datetime.strptime(str(moment), _ISO).replace(tzinfo=UTC)
        return abs(told - self.quay.clock.now()) < timedelta(minutes=1)

    @staticmethod
    def iso(moment: datetime) -> str:
        return moment.strftime(_ISO)

    def robot(self, name: str = "acme+ci") -> Robot:
        return self.quay.state.robots[name]

    def robot_token(self, name: str = "acme+ci") -> str:
        """The fingerprint of a robot's present token."""
        return fingerprint(self.robot(name).token)

    def tokens_of(self, client_id: str) -> dict[str, OAuthToken]:
        """An application's living tokens by uuid."""
        now = self.quay.clock.now()
        listed = self.quay.state.tokens_of_application(client_id)
        return {token.uuid: token for token in listed if token.expires_at > now}

    def is_oauth_token(self, uuid: str | None, shown: str | None) -> bool:
        """Whether a fingerprint is that of the token with this uuid."""
        found = [token for token in self.quay.state.oauth_tokens.values() if token.uuid == uuid]
        return len(found) == 1 and found[0].digest[: len(str(shown))] == shown

    def state(self) -> dict[str, Any]:
        """Everything that Quay keeps, but for the traces of use."""
        return freeze(self.quay.state)

    def files(self) -> dict[str, tuple[Any, ...]]:
        """Everything below this world's folder, with what would tell that it was touched."""
        found = {}
        for path in [self.folder, *sorted(self.folder.rglob("*"))]:
            status = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path)] = (status.st_mode, status.st_ino, status.st_mtime_ns, content)
        return found

    def assert_no_leak(self, result: Result) -> None:
        """No secret of anybody stands in a result, but for the one in `token`; nor does a draft lie about."""
        assert self.secrets.in_text(result.without_token) == []
        leftovers = [path.name for path in self.folder.rglob(".*") if path.is_file()]
        assert leftovers == []
        for record in self.folder.rglob("*.record.json"):
            assert self.secrets.in_text(record.read_text()) == []

    # --- doing what others do meanwhile

    def before(self, pattern: str, action: Callable[[], object]) -> None:
        """Do something once, just before a request that fits, as another user of the same Quay might."""
        self.hooks.append((re.compile(pattern), action))

    def listen(self, patch: pytest.MonkeyPatch) -> None:
        answer = RequestHandler.handle

        def hooked(exchange: RequestHandler, environ: Environ, body: bytes) -> Response:
            request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            hook = next((hook for hook in self.hooks if hook[0].search(request)), None)
            if hook:
                self.hooks.remove(hook)
                hook[1]()
            return answer(exchange, environ, body)

        patch.setattr(RequestHandler, "handle", hooked)


def freeze(state: State) -> dict[str, Any]:
    frozen = dataclasses.asdict(state)
    frozen["logs"] = [entry for entry in frozen["logs"] if entry["kind"] != _SIGN_IN]
    return {name: _without_traces(records) for name, records in frozen.items() if name not in _TRACES}


def _without_traces(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_traces(part) for key, part in value.items() if key not in _TRACES}
    if isinstance(value, list):
        return [_without_traces(part) for part in value]
    return value


def assert_predicted(predicted: Result, real: Result) -> None:
    """Check mode foretold what came, as far as it can be known beforehand."""
    assert predicted.failed == real.failed, (predicted.message, real.message)
    if predicted.failed:
        assert predicted.message == real.message
        return
    assert predicted.changed == real.changed
    assert predicted.diff == real.diff
    assert predicted.content.keys() == real.content.keys()
    for key, value in predicted.content.items():
        if value is None and key in UNKNOWABLE:
            continue
        assert value == real[key], f"{key}: predicted {value}, came {real[key]}"
