# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The delivery of one secret to one store: what changes, in check mode too, and what the result shows."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, LocalFileError, QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import Result
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.file_formats import FORMATS
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.token_file import (
    FileStore,
    ensure_token_file,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import (
    FINGERPRINT,
    OTHER_SECRET,
    SECRET,
    local_context,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import files_in, is_locked, mode_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token"


def deliver(file: Path, *, check_mode: bool = False, **options: Any) -> Result:
    return ensure_token_file(local_context(check_mode=check_mode, path=str(file), **options))


def tokens(result: Result) -> tuple[str, str]:
    """How the diff describes the token before and after."""
    return result.before["token"], result.after["token"]


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_not_declared_is_kept(file: Path, form: str) -> None:
    """The format and the mode of an existing file. A new file is a private one with the secret alone."""
    deliver(file, token=OTHER_SECRET, format=form, mode="0640")
    options: dict[str, Any] = {"format": None, "mode": None}
    predicted = deliver(file, check_mode=True, **options)
    result = deliver(file, **options)
    assert result == predicted
    assert (result.changed, tokens(result), result.values["format"]) == (True, ("other", "delivered"), form)
    assert FileStore(str(file), form).read().secret == SECRET
    assert {mode_of(path) for path in file.parent.glob("token*")} == {0o640}
    assert not deliver(file, format=form, mode="0640").changed
    assert deliver(file, **options, state="absent").values["format"] == form
    assert files_in(file.parent) == {}
    assert deliver(file, **options).values["format"] == "token"
    assert (file.read_text(), mode_of(file)) == (f"{SECRET}\n", 0o600)


def test_registry_of_a_file_whose_format_is_kept(file: Path) -> None:
    """Its address is needed only then."""
    deliver(file, format="json", token=OTHER_SECRET)
    deliver(file, format=None, registry="mirror.example.com")
    assert '"registry": "mirror.example.com"' in file.read_text()
    with pytest.raises(BadInput, match="^quay_host is missing"):
        deliver(file, format=None, token=OTHER_SECRET, quay_host=None)
    file.unlink()
    assert deliver(file, format=None, token=OTHER_SECRET, quay_host=None).changed


# Content of ours that a person added to. The secret is one of Quay's.
MIXED = {
    "json": f'{{"token": "{SECRET}", "note": "mine"}}\n',
    "yaml": f"# mine\ntoken: '{SECRET}'  # since May\nport: 8080\n",
    "env": f"# mine\nexport QUAY_TOKEN={SECRET}\n",
}


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("form", MIXED)
def test_content_of_others_beside_the_secret(file: Path, form: str, declared: bool) -> None:
    """The secret is read. A delivery, which would lose the rest, is refused, also if it is the same secret."""
    file.write_text(MIXED[form])
    file.chmod(0o600)
    option: dict[str, Any] = {"format": form if declared else None}
    stored = FileStore(str(file), option["format"]).read()
    assert (stored.secret, stored.foreign, stored.removable) == (SECRET, True, form == "env")
    for token in (SECRET, OTHER_SECRET):
        with pytest.raises(LocalFileError, match="holds something else than this credential, which would be lost"):
            deliver(file, token=token, **option)
    assert file.read_text() == MIXED[form]
    forced = deliver(file, force=True, **option)
    assert (forced.changed, tokens(forced), forced.values["format"]) == (True, ("other", "delivered"), form)
    assert "mine" not in file.read_text()


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_removal_keeps_content_of_others_beside_the_secret(file: Path, form: str, check_mode: bool) -> None:
    file.write_text(MIXED[form])
    warnings: list[str] = []
    context = local_context(warnings, check_mode=check_mode, path=str(file), format=form, state="absent")
    result = ensure_token_file(context)
    assert (result.changed, tokens(result)) == (False, ("absent", "absent"))
    assert warnings == [f"{file} holds something else than this credential. It was not changed."]
    assert file.read_text() == MIXED[form]
    assert deliver(file, format=form, state="absent", force=True, check_mode=check_mode).changed
    assert file.exists() is check_mode


# What the file holds; then the options, and of the result: changed, the diff, and the fingerprint.
CASES: dict[str, tuple[str | None, dict[str, Any], bool, tuple[str, str], str | None]] = {
    "new file": (None, {}, True, ("absent", "delivered"), FINGERPRINT),
    "same secret": (SECRET, {}, False, ("same", "same"), FINGERPRINT),
    "another secret": (OTHER_SECRET, {}, True, ("other", "delivered"), FINGERPRINT),
    "other permissions": (SECRET, {"mode": "0640"}, True, ("same", "delivered"), FINGERPRINT),
    "other format": (SECRET, {"format": "json"}, True, ("absent", "delivered"), FINGERPRINT),
    "removed": (SECRET, {"state": "absent"}, True, ("present", "absent"), None),
    "removed whatever it holds": (OTHER_SECRET, {"state": "absent", "token": None}, True, ("present", "absent"), None),
    "already absent": (None, {"state": "absent"}, False, ("absent", "absent"), None),
}


@pytest.mark.parametrize("case", CASES)
def test_delivery(file: Path, case: str) -> None:
    """Check mode predicts the result and changes nothing. A second run finds nothing to do."""
    held, options, changed, diff, digest = CASES[case]
    if held is not None:
        deliver(file, token=held)
    before = files_in(file.parent)
    predicted = deliver(file, check_mode=True, **options)
    assert files_in(file.parent) == before
    result = deliver(file, **options)
    assert result == predicted
    assert (result.changed, tokens(result), result.values["fingerprint"]) == (changed, diff, digest)
    assert result.values["place"] == result.before["place"] == result.after["place"] == str(file)
    assert (files_in(file.parent) != before) is changed
    again = deliver(file, **options)
    assert (again.changed, again.before) == (False, again.after)
    for secret in (SECRET, OTHER_SECRET):
        assert secret not in repr(result)


FOREIGN = "FOO=bar\nDB_PASSWORD=1\n"


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("form", FORMATS)
def test_content_of_others_is_refused(file: Path, form: str, check_mode: bool) -> None:
    file.write_text(FOREIGN)
    before = files_in(file.parent)
    with pytest.raises(LocalFileError) as caught:
        deliver(file, check_mode=check_mode, format=form)
    remedy = "Set merge: true to keep its other variables" if form == "env" else "Use another path"
    assert str(caught.value) == (
        f"path: {file} holds something else than this credential, which would be lost. {remedy}, or set force: true to "
        "replace the file (with backup: true it is copied first)"
    )
    assert files_in(file.parent) == before


@pytest.mark.parametrize(
    ("options", "kept"),
    [({"format": "env", "merge": True}, True), ({"force": True}, False), ({"format": "env", "force": True}, False)],
)
def test_content_of_others_is_merged_or_replaced(file: Path, options: dict[str, Any], kept: bool) -> None:
    file.write_text(FOREIGN)
    predicted = deliver(file, check_mode=True, **options)
    result = deliver(file, **options)
    assert result == predicted
    assert (result.changed, tokens(result)) == (True, ("absent" if kept else "other", "delivered"))
    assert file.read_text().startswith(FOREIGN) is kept
    again = deliver(file, **options)
    assert (again.changed, tokens(again)) == (False, ("same", "same"))


def test_backup_of_what_is_replaced(file: Path) -> None:
    """Of other people's content, once; never of a secret of ours."""
    file.write_text(FOREIGN)
    for token in (SECRET, OTHER_SECRET, SECRET):
        deliver(file, token=token, force=True, backup=True)
    (copy,) = file.parent.glob("token.*~")
    assert re.fullmatch(r"token\.[0-9]+\.[0-9-]{10}@[0-9:]{8}~", copy.name)
    assert (copy.read_text(), mode_of(copy)) == (FOREIGN, 0o600)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("form", FORMATS)
def test_content_of_others_stays_when_the_credential_is_removed(file: Path, form: str, check_mode: bool) -> None:
    file.write_text(FOREIGN)
    warnings: list[str] = []
    context = local_context(warnings, check_mode=check_mode, path=str(file), format=form, state="absent")
    result = ensure_token_file(context)
    assert (result.changed, tokens(result)) == (False, ("absent", "absent"))
    assert warnings == [f"{file} holds something else than this credential. It was not changed."]
    assert file.read_text() == FOREIGN


def test_content_of_others_is_removed_by_force(file: Path) -> None:
    file.write_text(FOREIGN)
    assert deliver(file, state="absent", force=True).changed
    assert files_in(file.parent) == {}
    assert not deliver(file, state="absent", force=True).changed


def test_variables_of_others_stay_when_ours_are_removed(file: Path) -> None:
    """Merging is not needed for that."""
    file.write_text(FOREIGN)
    deliver(file, format="env", merge=True)
    result = deliver(file, format="env", state="absent")
    assert (result.changed, tokens(result)) == (True, ("present", "absent"))
    assert file.read_text() == FOREIGN
    assert not deliver(file, format="env", state="absent").changed


def test_values(file: Path) -> None:
    assert deliver(file, format="env").values == {"place": str(file), "format": "env", "fingerprint": FINGERPRINT}


@pytest.mark.parametrize("form", ["json", "yaml", "env", "token"])
def test_white_space_in_the_username(file: Path, form: str) -> None:
    with pytest.raises(BadInput, match="^username holds white space, so it is not a user name of Quay$"):
        deliver(file, format=form, username="acme ci")
    assert not file.exists()
    deliver(file, format=form, username=" acme+ci ")
    assert FileStore(str(file), form).read().username == "acme+ci"


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("known", [{}, {"token": None, "fingerprint": FINGERPRINT}])
def test_username_is_examined_before_the_file(file: Path, known: dict[str, Any], check_mode: bool) -> None:
    with pytest.raises(BadInput, match="^username holds white space"):
        deliver(file.parent / "none" / "token", check_mode=check_mode, username="acme ci", **known)


def test_record_of_the_delivery(file: Path) -> None:
    deliver(
        file,
        uuid="6e3a1d0c",
        created_at="2026-01-31T12:00:00Z",
        expires_at="Thu, 30 Apr 2026 12:00:00 -0000",
    )
    record = FileStore(str(file)).read().record
    assert record is not None
    assert (record.fingerprint, record.uuid, record.username) == (FINGERPRINT, "6e3a1d0c", "acme+ci")
    assert (str(record.created_at), str(record.expires_at)) == (
        "2026-01-31 12:00:00+00:00",
        "2026-04-30 12:00:00+00:00",
    )


@pytest.mark.parametrize("option", ["created_at", "expires_at"])
def test_invalid_time(file: Path, option: str) -> None:
    options: dict[str, Any] = {option: "soon"}
    with pytest.raises(BadInput, match=f"^{option} must be a time such as 2026-01-31T12:00:00Z, not 'soon'$"):
        deliver(file, **options)
    assert files_in(file.parent) == {}


@pytest.mark.parametrize("token", [None, ""])
def test_token_that_is_not_minted_yet(file: Path, token: str | None) -> None:
    """In check mode, the task that mints the token has returned none. The delivery is predicted without it."""
    predicted = deliver(file, check_mode=True, token=token)
    assert (predicted.changed, tokens(predicted)) == (True, ("absent", "delivered"))
    assert predicted.values["fingerprint"] is None
    with pytest.raises(BadInput, match="^token is missing: there is nothing to deliver$"):
        deliver(file, token=token)
    assert files_in(file.parent) == {}


OTHER_FINGERPRINT = str(fingerprint(OTHER_SECRET))
KNOWN: dict[str, Any] = {"token": None, "fingerprint": FINGERPRINT, "created_at": "2026-01-31T12:00:00Z"}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("real", [False, True])
def test_held_secret_is_compared_by_its_fingerprint(file: Path, form: str, real: bool) -> None:
    """A token module returns no secret in check mode, and none that the caller holds already."""
    deliver(file, format=form, created_at=KNOWN["created_at"])
    before = files_in(file.parent)
    result = deliver(file, check_mode=not real, format=form, **KNOWN)
    assert (result.changed, tokens(result)) == (False, ("same", "same"))
    assert result.values["fingerprint"] == FINGERPRINT
    assert files_in(file.parent) == before


@pytest.mark.parametrize("option", [{"mode": "0640"}, {"format": "json", "username": "acme+cd"}])
def test_held_secret_with_other_options(file: Path, option: dict[str, Any]) -> None:
    """It is what the real run would be given, so the options are compared and applied."""
    deliver(file, **{"format": "token", **option, "username": "acme+ci", "mode": "0600"})
    predicted = deliver(file, check_mode=True, **{**KNOWN, **option})
    result = deliver(file, **{**KNOWN, **option})
    assert result == predicted
    assert (result.changed, tokens(result)) == (True, ("same", "delivered"))
    assert FileStore(str(file), option.get("format", "token")).read().secret == SECRET
    assert not deliver(file, **option, created_at=KNOWN["created_at"]).changed


@pytest.mark.parametrize("held", [None, OTHER_SECRET])
def test_fingerprint_of_a_secret_that_is_not_held(file: Path, held: str | None) -> None:
    """Check mode predicts the delivery by the real run, which has the secret. Without it, the real run fails."""
    if held is not None:
        deliver(file, token=held)
    before = files_in(file.parent)
    predicted = deliver(file, check_mode=True, **KNOWN)
    with pytest.raises(BadInput) as caught:
        deliver(file, **KNOWN)
    assert str(caught.value) == (
        f"token is missing: there is nothing to deliver. {file} does not hold the secret with this fingerprint"
    )
    assert files_in(file.parent) == before
    result = deliver(file, **{**KNOWN, "token": SECRET})
    assert result == predicted
    assert (result.changed, tokens(result)) == (True, ("other" if held else "absent", "delivered"))


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("token", "given", "message"),
    [
        (SECRET, OTHER_FINGERPRINT, "fingerprint does not belong to token: they are of different secrets"),
        (SECRET, "9f86d08188", "fingerprint must be 12 hexadecimal digits"),
        (None, f"sha256:{FINGERPRINT}", "fingerprint must be 12 hexadecimal digits"),
    ],
)
def test_fingerprint_that_is_refused(file: Path, token: str | None, given: str, message: str, check_mode: bool) -> None:
    deliver(file, token=OTHER_SECRET)
    before = files_in(file.parent)
    with pytest.raises(BadInput, match=f"^{message}"):
        deliver(file, check_mode=check_mode, token=token, fingerprint=given)
    assert files_in(file.parent) == before


def test_fingerprint_is_read_leniently(file: Path) -> None:
    """In upper case, as other tools show it; empty, as AWX hands over what is not set."""
    assert deliver(file, fingerprint=f" {FINGERPRINT.upper()}\n").changed
    assert not deliver(file, fingerprint="").changed
    assert deliver(file, state="absent", fingerprint=OTHER_FINGERPRINT).changed


@pytest.mark.parametrize("token", ["s3 cret", "s3\tcret", "s3\ncret", " s3 cret\n"])
@pytest.mark.parametrize("check_mode", [False, True])
def test_token_with_white_space_inside(file: Path, token: str, check_mode: bool) -> None:
    with pytest.raises(BadInput) as caught:
        deliver(file, check_mode=check_mode, token=token)
    assert str(caught.value) == "token holds white space, so it is not a single secret"
    assert files_in(file.parent) == {}


@pytest.mark.parametrize("token", [f" {SECRET}", f"{SECRET}\t", f"{SECRET}\n", f"\n{SECRET}\r\n"])
@pytest.mark.parametrize("check_mode", [False, True])
def test_token_with_white_space_around_it(file: Path, token: str, check_mode: bool) -> None:
    """As files and shells hand it over. It is not delivered."""
    result = deliver(file, check_mode=check_mode, token=token)
    assert (result.changed, result.values["fingerprint"]) == (True, FINGERPRINT)
    if not check_mode:
        assert file.read_text() == f"{SECRET}\n"
    assert not deliver(file, token=SECRET, check_mode=check_mode).changed or check_mode


def test_place_that_cannot_be_written(file: Path) -> None:
    for check_mode in (False, True):
        with pytest.raises(LocalFileError, match=r"does not exist\. Create it first$"):
            deliver(file.parent / "none" / "token", check_mode=check_mode)


@pytest.mark.parametrize("check_mode", [False, True])
def test_file_is_locked_while_it_is_compared_and_written(
    file: Path, monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    """Check mode writes nothing, so it waits for no other run."""
    seen: list[bool] = []
    matches = FileStore.matches

    def record(store: FileStore, delivery: Any) -> bool:
        seen.append(is_locked(file))
        return matches(store, delivery)

    monkeypatch.setattr(FileStore, "matches", record)
    deliver(file, check_mode=check_mode)
    assert seen == [not check_mode]
    assert not is_locked(file)


def test_failed_write_leaves_the_old_secret(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(file, token=OTHER_SECRET)
    before = files_in(file.parent)

    rename = os.rename

    def fail(source: str, target: str, **options: Any) -> None:
        if target == "token":
            raise OSError(28, "No space left on device")
        rename(source, target, **options)

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(QuayError, match="cannot be written: No space left on device$"):
        deliver(file)
    assert files_in(file.parent) == before
    assert str(fingerprint(OTHER_SECRET)) in before["token.record.json"][0].decode()
