# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Robot tokens: how they are found, minted and proved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Mapping, Optional, Sequence, Tuple

from ansible_collections.tokensmith.quay.plugins.module_utils._credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._custody import Custody, custody_of
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    BadInput,
    Forbidden,
    QuayError,
    RefusedCredential,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import (
    AGE_FROM_CREATION,
    AGE_FROM_LOG,
    AGE_FROM_MINT,
    AGE_FROM_RECORD,
    MISSING,
    Facts,
    Policy,
    Record,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._logs import Logs, LogsSilent
from ansible_collections.tokensmith.quay.plugins.module_utils._registry import prove, user_of_login
from ansible_collections.tokensmith.quay.plugins.module_utils._robots import (
    Robot,
    RobotName,
    Robots,
    Trust,
    is_unknown_robot,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._rotation import (
    Finding,
    Minted,
    cleared,
    policy_of,
    renew,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._store import Held

# How often to look again when other writers keep replacing the robot's token.
_PATIENCE = 3


def ensure_robot_token(call: Call) -> Outcome:
    """The module quay_robot_token."""
    name = RobotName.parse(call.params["name"])
    trusts = _wanted_trusts(call.params["federation"])
    policy = policy_of(call.params)
    with custody_of(call.params, check_mode=call.check_mode) as custody:
        if call.params["state"] == "absent":
            return _absent(call, name, custody)
        issuer = RobotIssuer(call, name, policy, call.params["description"], call.params["metadata"])
        outcome = renew(call, issuer, policy, custody, retires=False)
    return outcome if trusts is None else _with_federation(call, name, trusts, outcome)


class RobotIssuer:
    """One robot's token. Quay can tell it again, and replaces it in place: the old one is dead at once."""

    changes_quay = True
    retells = True

    def __init__(
        self,
        call: Call,
        name: RobotName,
        policy: Policy,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._call = call
        self._name = name
        self._policy = policy
        self._description = description
        self._metadata = metadata
        self._robots = Robots(call.client)
        self._known: set[str] = set()

    def find(self, held: Sequence[Held], *, blind: bool) -> Finding:
        # What the token was before: as Quay tells it or, where looking is spared, as the holders have it.
        self._known = {item.secret for item in held if item.secret}
        if blind:
            return Finding(Facts(exists=True), Credential(str(self._name), str(self._name)))
        robot = self._robots.get(self._name)
        if robot is None:
            missing = Credential(str(self._name), self._full_name(), details=self._details(self._description))
            return Finding(Facts(exists=False), missing)
        if robot.token is None:
            raise Forbidden(
                403, "GET", self._name.path, "", hint=f"This login may see the robot {self._name} but not its token"
            )
        self._known = {robot.token}
        self._warn_of_fixed_fields(robot)
        question = AgeQuestion(robot, self._name.short, self._policy.max_age, records_of(held))
        created, source = ages_of(self._call, self._name.organization, [question])[0]
        facts = Facts(exists=True, created_at=created)
        return Finding(facts, self._credential(robot, created, source))

    def admit(self) -> None:
        self._call.server.refuse_if_read_only("POST", f"{self._name.path}/regenerate")

    def mint(self, finding: Finding) -> Minted:
        robot, existed = self._replace() if finding.facts.exists else (self._create(), False)
        robot, doubt = self._proved(robot)
        now = self._call.client.now()
        return Minted(self._credential(robot, now, AGE_FROM_MINT), existed, doubt)

    def retire(self, uuid: str) -> None:
        """A robot's old token needs no retiring."""

    def _full_name(self) -> str:
        """The robot's name with its namespace, which for one's own namespace is the user's."""
        if self._name.organization is not None or not self._call.check_mode:
            return str(self._name)
        return f"{user_of_login(self._call.client)}+{self._name.short}"

    def _replace(self) -> tuple[Robot, bool]:
        try:
            return self._robots.regenerate(self._name), True
        except QuayError as error:
            if isinstance(error, ApiError) and is_unknown_robot(error):
                return self._create(), False
            return self._look_after(error), True

    def _create(self) -> Robot:
        try:
            return self._robots.create(self._name, self._description, self._metadata)
        except QuayError as error:
            return self._look_after(error, creating=True)

    def _look_after(self, error: QuayError, *, creating: bool = False) -> Robot:
        """After a lost answer, the robot's present token tells whether the deed was done. Nothing is repeated."""
        robot = self._robots.get(self._name) if error.unclear else None
        if robot is None or robot.token is None or robot.token in self._known:
            raise error
        if not self._known and not creating:
            raise RefusedCredential(
                f"{error}. Whether the token was replaced cannot be told, because the old one was not looked at. "
                "Nothing is lost: Quay can tell the present token; run the task again"
            )
        return robot

    def _proved(self, robot: Robot) -> tuple[Robot, QuayError | None]:
        """The robot with a token that Quay accepts: this run's, or that of another writer who was faster.

        Two writers at once are both told 200, and only one token lives. It is a good one: it is what Quay holds.
        """
        for _attempt in range(_PATIENCE):
            try:
                if robot.token and prove(self._call.client, robot.name, robot.token, robot.namespace).live:
                    return robot, None
            except QuayError as error:
                # The old token is dead: consumers are better off with this one than with none.
                return robot, error
            found = self._robots.get(self._name)
            if found is None or found.token == robot.token:
                break
            robot = found
        raise RefusedCredential(
            f"Quay does not accept the new token of {self._name} at /v2/auth. The robot's present token can be read "
            "again: run the task once more, and look whether something else regenerates this robot"
        )

    def _warn_of_fixed_fields(self, robot: Robot) -> None:
        if self._description is not None and robot.description != self._description:
            self._call.warn(
                f"The description of {self._name} differs from the wanted one. Quay can set it at creation only; "
                "delete and create the robot to change it."
            )
        if self._metadata is not None and robot.metadata is not None and dict(robot.metadata) != dict(self._metadata):
            self._call.warn(
                f"The metadata of {self._name} differ from the wanted ones. Quay can set them at creation only; "
                "delete and create the robot to change them."
            )

    def _credential(self, robot: Robot, created: datetime | None, source: str | None) -> Credential:
        return Credential(
            name=str(self._name),
            username=robot.name,
            secret=robot.token,
            created_at=created,
            last_accessed=robot.last_accessed,
            age_source=source,
            details=self._details(robot.description),
        )

    @staticmethod
    def _details(description: str | None) -> dict[str, Any]:
        return {"description": description or ""}


def records_of(held: Sequence[Held]) -> list[Record]:
    """What the holders wrote down."""
    return [item.record for item in held if item.record is not None]


@dataclass(frozen=True)
class AgeQuestion:
    """How old is this robot's token? Asked only as far as ``max_age`` makes it matter."""

    robot: Robot
    short: str
    max_age: timedelta | None
    records: Sequence[Record]


Age = Tuple[Optional[datetime], Optional[str]]


def ages_of(call: Call, organization: str | None, questions: Sequence[AgeQuestion]) -> list[Age]:
    """When the present tokens of one namespace's robots were made, and who says so; one answer for each question.

    The holder's record counts where it fits Quay's present token. A robot younger than the limit needs no asking. The
    logs are asked once for all others. The rule where nobody knows: a token counts as old as its robot.
    """
    now = call.client.now()
    known = [_known_age(question, now) for question in questions]
    unknown = [question for question, age in zip(questions, known) if age is None]
    changes: dict[str, datetime] = {}
    if unknown:
        longest = max(question.max_age for question in unknown if question.max_age is not None)
        changes = _token_changes(call, organization, [question.short for question in unknown], now - longest)
    return [age or _dated(question.robot, changes.get(question.short)) for question, age in zip(questions, known)]


def _known_age(question: AgeQuestion, now: datetime) -> Age | None:
    """The age as far as it can be told without the logs; None where they must be asked."""
    robot = question.robot
    noted = next((r.created_at for r in question.records if r.created_at and r.fits(robot.token)), None)
    if noted is not None:
        return noted, AGE_FROM_RECORD
    if question.max_age is None:
        return None, None
    if robot.created_at is not None and now - robot.created_at < question.max_age:
        return robot.created_at, AGE_FROM_CREATION
    return None


def _token_changes(call: Call, organization: str | None, robots: list[str], since: datetime) -> dict[str, datetime]:
    """When the robots' tokens last changed, out of the logs; silent logs answer nothing, with a warning."""
    try:
        return Logs(call.client, organization).token_changes(robots, since)
    except LogsSilent as silence:
        call.warn(
            f"The usage logs cannot tell the age of robot tokens ({silence}). A token without a record of its delivery "
            "counts as old as its robot."
        )
        return {}


def _dated(robot: Robot, changed: datetime | None) -> Age:
    """The token's date: the log's, unless the robot was created later under the same name; else the robot's own."""
    if changed is None or (robot.created_at is not None and robot.created_at > changed):
        return robot.created_at, AGE_FROM_CREATION
    return changed, AGE_FROM_LOG


def _absent(call: Call, name: RobotName, custody: Custody) -> Outcome:
    robots = Robots(call.client)
    robot = robots.get(name)
    if robot is not None:
        call.server.refuse_if_read_only("DELETE", name.path)
        if not call.check_mode:
            _delete(robots, name)
    gone = Credential(str(name), robot.name if robot else str(name), details={"description": ""})
    return cleared(call, custody, gone, existed=robot is not None)


def _delete(robots: Robots, name: RobotName) -> None:
    """Delete it once; after a lost answer, see whether it is gone."""
    try:
        robots.delete(name)
    except QuayError as error:
        if not error.unclear or robots.get(name) is not None:
            raise


def _wanted_trusts(entries: list[dict[str, str]] | None) -> list[Trust] | None:
    if entries is None:
        return None
    trusts = [Trust(entry["issuer"], entry["subject"]) for entry in entries]
    if len(set(trusts)) != len(trusts):
        raise BadInput("federation names the same issuer and subject twice")
    for trust in trusts:
        if not trust.issuer.startswith(("https://", "http://")):
            raise BadInput(f"federation: the issuer '{trust.issuer}' must be an http or https URL")
    return trusts


def _with_federation(call: Call, name: RobotName, trusts: list[Trust], outcome: Outcome) -> Outcome:
    created = outcome.values["reason"] == MISSING
    present = [] if created else Robots(call.client).federation(name)
    differs = set(present) != set(trusts)
    if differs:
        call.server.refuse_if_read_only("POST", f"{name.path}/federation")
    if differs and not call.check_mode:
        Robots(call.client).set_federation(name, trusts)
    return Outcome(
        changed=outcome.changed or differs,
        values={**outcome.values, "federation": _shown(trusts)},
        before={**outcome.before, "federation": _shown(present)},
        after={**outcome.after, "federation": _shown(trusts)},
    )


def _shown(trusts: list[Trust]) -> list[dict[str, str]]:
    return sorted(
        ({"issuer": t.issuer, "subject": t.subject} for t in trusts), key=lambda t: (t["issuer"], t["subject"])
    )
