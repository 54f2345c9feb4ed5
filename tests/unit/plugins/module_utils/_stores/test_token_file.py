# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Token files: what each format writes, what it reads, and the permissions of the file."""

from __future__ import annotations

import grp
import json
import os
import pwd
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Mapping

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import Delivery, StoredSecret
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.file_formats import FORMATS
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.token_file import FileStore, file_store
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import (
    DELIVERY,
    FINGERPRINT,
    OPTIONS,
    OTHER_SECRET,
    RECORD,
    SECRET,
    STORE_OPTIONS,
    delivery_of,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import FakeOwners, files_in, mode_of

# What each format writes for DELIVERY.
CONTENTS = {
    "token": f"{SECRET}\n",
    "json": f"""{{
  "token": "{SECRET}",
  "username": "$oauthtoken",
  "registry": "quay.example.com:8443",
  "api_url": "https://quay.example.com:8443/api/v1",
  "name": "nightly",
  "fingerprint": "{FINGERPRINT}",
  "created_at": "2026-01-31T12:00:00Z",
  "expires_at": "2026-04-30T12:00:00Z",
  "uuid": "6e3a1d0c",
  "superseded": "a1,b2"
}}
""",
    "yaml": f"""---
token: "{SECRET}"
username: "$oauthtoken"
registry: "quay.example.com:8443"
api_url: "https://quay.example.com:8443/api/v1"
name: "nightly"
fingerprint: "{FINGERPRINT}"
created_at: "2026-01-31T12:00:00Z"
expires_at: "2026-04-30T12:00:00Z"
uuid: "6e3a1d0c"
superseded: "a1,b2"
""",
    "env": f"""# name: nightly
# fingerprint: {FINGERPRINT}
# created_at: 2026-01-31T12:00:00Z
# expires_at: 2026-04-30T12:00:00Z
# uuid: 6e3a1d0c
# superseded: a1,b2
QUAY_TOKEN={SECRET}
QUAY_USERNAME='$oauthtoken'
QUAY_REGISTRY=quay.example.com:8443
QUAY_API_URL=https://quay.example.com:8443/api/v1
""",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token"


def store_of(file: Path, form: str = "token", **options: Any) -> FileStore:
    return file_store({**STORE_OPTIONS, "path": str(file), "format": form, **options}, OPTIONS["quay_host"])


def write(store: FileStore, delivery: Delivery) -> None:
    with store.prepare():
        store.write(delivery)


@pytest.mark.parametrize("form", FORMATS)
def test_write(file: Path, form: str) -> None:
    store = store_of(file, form)
    write(store, DELIVERY)
    assert file.read_text() == CONTENTS[form]
    assert mode_of(file) == 0o600
    assert store.place == str(file)


@pytest.mark.parametrize("form", FORMATS)
def test_read_what_was_written(file: Path, form: str) -> None:
    store = store_of(file, form)
    assert store.read() == StoredSecret()
    write(store, DELIVERY)
    held = store.read()
    assert (held.secret, held.username, held.permissions_match) == (SECRET, "$oauthtoken", True)
    assert held.record is not None
    assert (held.record.fingerprint, held.record.uuid) == (FINGERPRINT, "6e3a1d0c")
    assert (held.record.created_at, held.record.expires_at) == (RECORD.created_at, RECORD.expires_at)
    assert held.record.superseded == ("a1", "b2")
    assert held.recorded


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("secret", ["it's", "'quoted'", '"quoted"', "a b", "$x`y`", "back\\slash", "#", "a=b", "ü"])
def test_unusual_secret(file: Path, form: str, secret: str) -> None:
    """The store holds secrets of other servers, too."""
    store = store_of(file, form)
    write(store, delivery_of(secret, secret))
    assert (store.read().secret, store.read().username) == (secret, secret)
    assert store.matches(delivery_of(secret, secret))


@pytest.mark.parametrize("form", FORMATS)
def test_only_the_bare_token_has_its_record_beside_it(file: Path, form: str) -> None:
    write(store_of(file, form), DELIVERY)
    assert sorted(files_in(file.parent)) == (["token", "token.record.json"] if form == "token" else ["token"])


def test_record_beside_the_bare_token(file: Path) -> None:
    write(store_of(file), DELIVERY)
    record = file.with_name("token.record.json")
    assert json.loads(record.read_text()) == {
        "token": {
            "fingerprint": FINGERPRINT,
            "created_at": "2026-01-31T12:00:00Z",
            "expires_at": "2026-04-30T12:00:00Z",
            "uuid": "6e3a1d0c",
            "superseded": "a1,b2",
            "username": "$oauthtoken",
        }
    }
    assert SECRET not in record.read_text()
    assert mode_of(record) == 0o600


@pytest.mark.parametrize("form", FORMATS)
def test_facts_of_the_same_secret_are_kept(file: Path, form: str) -> None:
    """A run that knows less of the same secret does not lose what an earlier run recorded."""
    store = store_of(file, form)
    write(store, DELIVERY)
    write(store, delivery_of(SECRET, "$oauthtoken"))
    record = store.read().record
    assert record is not None
    assert (record.created_at, record.uuid, record.superseded) == (RECORD.created_at, "6e3a1d0c", ("a1", "b2"))


@pytest.mark.parametrize("form", FORMATS)
def test_facts_of_another_secret_are_not_kept(file: Path, form: str) -> None:
    store = store_of(file, form)
    write(store, DELIVERY)
    write(store, delivery_of(OTHER_SECRET))
    held = store.read()
    assert (held.secret, held.username) == (OTHER_SECRET, "acme+ci")
    assert held.record is not None
    assert (held.record.created_at, held.record.uuid, held.record.superseded) == (None, None, ())
    assert SECRET not in file.read_text()


@pytest.mark.parametrize("form", FORMATS)
def test_matches(file: Path, form: str) -> None:
    store = store_of(file, form)
    assert not store.matches(DELIVERY)
    write(store, DELIVERY)
    assert store.matches(DELIVERY)
    assert not store.matches(delivery_of(OTHER_SECRET))
    file.write_text(file.read_text() + "\n")
    assert not store.matches(DELIVERY)


@pytest.mark.parametrize("form", FORMATS)
def test_permissions(file: Path, form: str) -> None:
    """A file with another mode does not match. The next delivery sets the mode."""
    write(store_of(file, form), DELIVERY)
    store = store_of(file, form, mode="0640")
    assert not store.matches(DELIVERY)
    held = store.read()
    assert (held.secret, held.permissions_match) == (SECRET, False)
    write(store, DELIVERY)
    assert mode_of(file) == 0o640
    assert store.matches(DELIVERY)
    assert store.read().permissions_match


@pytest.mark.parametrize("form", FORMATS)
def test_remove(file: Path, form: str) -> None:
    store = store_of(file, form)
    write(store, DELIVERY)
    store.remove()
    assert sorted(files_in(file.parent)) == []
    store.remove()


def test_check_changes_nothing(file: Path) -> None:
    store_of(file).check()
    assert sorted(files_in(file.parent)) == []
    with pytest.raises(LocalFileError, match=r"^path: the directory .*/none does not exist\. Create it first$"):
        store_of(file.parent / "none" / "token").check()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"{SECRET}\n", SECRET),
        (f"  {SECRET}\r\n\n", SECRET),
        (SECRET, SECRET),
        ("", None),
        (" \n", None),
    ],
)
def test_read_a_bare_token(file: Path, text: str, secret: str | None) -> None:
    file.write_bytes(text.encode())
    file.chmod(0o600)
    assert store_of(file).read() == StoredSecret(secret)


def test_record_beside_another_token(file: Path) -> None:
    """The record of a former token is read, and does not belong to the present one."""
    store = store_of(file)
    write(store, DELIVERY)
    file.write_text(OTHER_SECRET)
    held = store.read()
    assert (held.secret, held.username, held.recorded) == (OTHER_SECRET, None, False)


@pytest.mark.parametrize(
    ("form", "text", "secret", "username"),
    [
        ("json", '{"token": "abc", "username": "acme+ci"}', "abc", "acme+ci"),
        ("json", '{"token": 5, "username": ""}', "5", None),
        ("json", '{"token": ""}', None, None),
        ("json", '{"token": null}', None, None),
        ("json", "{}", None, None),
        ("json", "", None, None),
        ("yaml", "token: abc\nusername: acme+ci\n", "abc", "acme+ci"),
        ("yaml", "---\ntoken:   'abc'  \n\n", "abc", None),
        ("yaml", 'token: "\\u00fc"\nusername: null\n', "ü", None),
        ("yaml", "token:\n", None, None),
        ("yaml", "---\n", None, None),
        ("yaml", "", None, None),
        ("env", "QUAY_TOKEN=abc\nQUAY_USERNAME=acme+ci\n", "abc", "acme+ci"),
        ("env", "export QUAY_TOKEN='abc'\n", "abc", None),
        ("env", "QUAY_TOKEN=\n", None, None),
        ("env", "", None, None),
    ],
)
def test_read_a_file_of_a_person(file: Path, form: str, text: str, secret: str | None, username: str | None) -> None:
    file.write_text(text)
    file.chmod(0o600)
    store_of(file, form).check()
    assert store_of(file, form).read() == StoredSecret(secret, None, username)


@pytest.mark.parametrize(
    ("form", "text", "secret"),
    [
        ("token", "somebody's note\n", None),
        ("token", "FOO=bar\nDB_PASSWORD=1\n", None),
        ("token", "two words", None),
        ("token", "quay.example.com\n", None),
        ("token", "short\n", None),
        ("token", "ghp_0123456789ABCDEFGHIJ0123456789ABCDEF", None),
        ("json", '{"token": "abc", "more": [1]}', None),
        ("json", '{"token": {"value": "abc"}}', None),
        ("json", '{"invoice": 1}', None),
        ("json", '["token"]', None),
        ("json", '{"token": "abc"', None),
        ("yaml", "token: abc\nmore: [1]\n", None),
        ("yaml", "# a comment\ntoken: abc\n", None),
        ("yaml", "deeper:\n  token: abc\n", None),
        ("env", "FOO=bar\nDB_PASSWORD=1\n", None),
        ("env", '  QUAY_TOKEN="abc"  \nPATH=/bin\n', "abc"),
        ("env", "OTHER_TOKEN=abc\n", None),
        ("env", "QUAY_TOKEN\n", None),
        ("env", "# a comment\n", None),
    ],
)
def test_file_of_others(file: Path, form: str, text: str, secret: str | None) -> None:
    """It is refused unless it is to be replaced or cleared. Of an environment file, our variables are read anyway."""
    file.write_text(text)
    file.chmod(0o600)
    store = store_of(file, form)
    assert store.read() == StoredSecret(secret, foreign=True)
    with pytest.raises(LocalFileError, match=f"^path: {file} holds something else than this credential, which would "):
        store.check()
    store.check(removing=True)
    store_of(file, form, force=True).check()
    assert file.read_text() == text


def test_long_text_of_others_is_no_secret(file: Path) -> None:
    """A key that is called token does not make a text of another form a secret of Quay."""
    file.write_text('{"token": "ghp_0123456789ABCDEFGHIJ0123456789ABCDEF", "user": "carol"}')
    file.chmod(0o600)
    assert store_of(file, "json").read() == StoredSecret(foreign=True)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("earlier", FORMATS)
def test_our_own_file_in_another_format(file: Path, form: str, earlier: str) -> None:
    """It is no content of others, so that the format can be changed."""
    write(store_of(file, earlier), DELIVERY)
    store = store_of(file, form)
    store.check()
    write(store, DELIVERY)
    assert file.read_text() == CONTENTS[form]


def test_unusual_secret_of_ours(file: Path) -> None:
    """The record shows that it is ours. Without the record, it could be anybody's text."""
    write(store_of(file), delivery_of("a b"))
    store_of(file).check()
    file.with_name("token.record.json").unlink()
    with pytest.raises(LocalFileError, match="holds something else than this credential"):
        store_of(file).check()


def test_remedy_for_an_option_without_force(file: Path) -> None:
    file.write_text("somebody's note\n")
    with pytest.raises(LocalFileError) as caught:
        FileStore(str(file), option="token_path").check()
    assert str(caught.value) == (
        f"token_path: {file} holds something else than this credential, which would be lost. Use another path, or "
        "remove the file"
    )


def test_merge(file: Path) -> None:
    """Other lines are kept as they are, in their order; ours come last and are replaced there."""
    others = "# settings\r\nFOO=bar\r\n\nexport PATH=/bin\x0c\nTEXT='two\nlines'\nQUAY_TOKENS=no"
    file.write_bytes(f"QUAY_TOKEN=old\n{others}".encode())
    store = store_of(file, "env", merge=True)
    store.check()
    assert store.read().secret == "old"
    write(store, DELIVERY)
    assert file.read_bytes().decode() == f"{others}\n{CONTENTS['env']}"
    assert store.matches(DELIVERY)
    write(store, delivery_of(OTHER_SECRET))
    assert file.read_bytes().decode().startswith(f"{others}\n# fingerprint: ")
    assert SECRET not in file.read_text()
    store.remove()
    assert file.read_bytes().decode() == f"{others}\n"


@pytest.mark.parametrize("text", ['{"invoice": 1}\n', "server:\n  port: 8080\n", "Dear reader,\n"])
def test_merge_into_what_has_no_variables(file: Path, text: str) -> None:
    """Our lines would damage it."""
    file.write_text(text)
    store = store_of(file, "env", merge=True)
    with pytest.raises(LocalFileError) as caught:
        store.check()
    assert str(caught.value) == (
        f"path: {file} holds something else than this credential, which would be lost. Use another path, or set force: "
        "true to replace the file (with backup: true it is copied first)"
    )


@pytest.mark.parametrize("earlier", ["token", "json", "yaml"])
def test_merge_into_our_own_file_of_another_format(file: Path, earlier: str) -> None:
    write(store_of(file, earlier), DELIVERY)
    store = store_of(file, "env", merge=True)
    store.check()
    write(store, DELIVERY)
    assert file.read_text() == CONTENTS["env"]


@pytest.mark.parametrize(("options", "left"), [({"merge": True, "force": True}, "FOO=bar\n"), ({"force": True}, None)])
def test_remove_by_force(file: Path, options: Mapping[str, Any], left: str | None) -> None:
    """What merge keeps is kept."""
    file.write_text(f"FOO=bar\n{CONTENTS['env']}")
    store_of(file, "env", **options).remove()
    assert (file.read_text() if file.exists() else None) == left


def test_merge_keeps_export(file: Path) -> None:
    """Consumers that need exported variables go on to get them."""
    file.write_text("export QUAY_TOKEN=old\nFOO=bar\n")
    store = store_of(file, "env", merge=True)
    write(store, DELIVERY)
    shown = subprocess.run(
        ["sh", "-c", f'. "{file}"; env'], stdout=subprocess.PIPE, check=True, env={"PATH": os.defpath}
    ).stdout.decode()
    assert f"QUAY_TOKEN={SECRET}\n" in shown
    assert "FOO=bar" not in shown
    assert store.matches(DELIVERY)


def test_merge_of_two_credentials(file: Path) -> None:
    """Each has its own variables and its own record."""
    one, two = (store_of(file, "env", merge=True, prefix=prefix) for prefix in ("ONE_", "TWO_"))
    write(one, DELIVERY)
    write(two, delivery_of(OTHER_SECRET))
    assert (one.read().secret, two.read().secret) == (SECRET, OTHER_SECRET)
    assert (one.read().recorded, two.read().recorded) == (True, True)
    assert (one.part, two.part) == ("ONE_TOKEN", "TWO_TOKEN")
    one.remove()
    assert (one.read().secret, two.read().secret) == (None, OTHER_SECRET)


OTHERS = "A=1\n"


@pytest.mark.parametrize("present", [0o644, 0o640, 0o600])
@pytest.mark.parametrize("mode", [None, "", "0400"])
def test_mode_of_a_file_that_is_merged(file: Path, present: int, mode: str | None) -> None:
    """It is not ours alone, so that it keeps its mode unless one is declared. A warning says who can read it."""
    file.write_text(OTHERS)
    file.chmod(present)
    store = store_of(file, "env", merge=True, mode=mode)
    expected = [f"{file} can be read by every user of the target. Change its mode if that is not intended."]
    assert store.warnings() == (expected if present == 0o644 and not mode else [])
    write(store, DELIVERY)
    assert mode_of(file) == (0o400 if mode else present)
    assert store.matches(DELIVERY)
    assert store.read().permissions_match


def test_merge_into_a_file_that_everybody_can_write(file: Path) -> None:
    file.write_text(OTHERS)
    file.chmod(0o666)
    with pytest.raises(LocalFileError, match="can be overwritten by everybody. Change its mode"):
        store_of(file, "env", merge=True).check()
    store_of(file, "env", merge=True, mode="0600").check()


@pytest.mark.parametrize("options", [{}, {"merge": True}, {"mode": "0640"}])
def test_mode_of_what_is_left(file: Path, options: dict[str, Any]) -> None:
    """Without our variables, the file is that of others."""
    write(store_of(file, "env", merge=True), DELIVERY)
    file.write_text(OTHERS + file.read_text())
    file.chmod(0o644)
    store = store_of(file, "env", **options)
    store.check(removing=True)
    store.remove()
    assert (file.read_text(), mode_of(file)) == (OTHERS, 0o644)


def test_what_is_left_cannot_be_written(file: Path) -> None:
    """The check says so before the secret is revoked."""
    write(store_of(file, "env"), DELIVERY)
    file.write_text(OTHERS + file.read_text())
    file.chmod(0o666)
    with pytest.raises(LocalFileError, match="can be overwritten by everybody"):
        store_of(file, "env").check(removing=True)


def test_merge_into_a_new_file(file: Path) -> None:
    write(store_of(file, "env", merge=True), DELIVERY)
    assert (file.read_text(), mode_of(file)) == (CONTENTS["env"], 0o600)


@pytest.mark.parametrize("prefix", ["", "CI_", "_x9_"])
def test_prefix_of_the_variables(file: Path, prefix: str) -> None:
    store = store_of(file, "env", prefix=prefix)
    write(store, DELIVERY)
    names = [line.split("=")[0] for line in file.read_text().splitlines() if "=" in line]
    assert names == [f"{prefix}{name}" for name in ("TOKEN", "USERNAME", "REGISTRY", "API_URL")]
    assert (store.read().secret, store.read().username) == (SECRET, "$oauthtoken")


@pytest.mark.parametrize("prefix", ["9", "A-", "A B", "A=", "ü"])
def test_invalid_prefix(file: Path, prefix: str) -> None:
    with pytest.raises(BadInput) as caught:
        store_of(file, "env", prefix=prefix)
    assert str(caught.value) == f"prefix: '{prefix}' is not the beginning of a variable's name. Write it as QUAY_"


@pytest.mark.parametrize("option", [{"prefix": "CI_"}, {"prefix": ""}, {"merge": True}])
@pytest.mark.parametrize("form", ["token", "json", "yaml"])
def test_option_of_another_format(file: Path, form: str, option: Mapping[str, Any]) -> None:
    (name,) = option
    with pytest.raises(BadInput) as caught:
        store_of(file, form, **option)
    assert str(caught.value) == f"{name} has no effect without format: env, the format with variables. Leave it out"


@pytest.mark.parametrize("username", ["$oauthtoken", "acme+ci", "it's", "a b", "`id`", "$(id)", "\\", '"', "#", ""])
def test_variables_in_a_shell(file: Path, username: str) -> None:
    """A shell reads each value as it was written, and runs none of it."""
    write(store_of(file, "env"), Delivery(SECRET, username, "a name with blanks"))
    script = f'. "{file}"; printf %s "$QUAY_TOKEN|$QUAY_USERNAME|$QUAY_REGISTRY"'
    shown = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, check=True).stdout.decode()
    assert shown == f"{SECRET}|{username}|quay.example.com:8443"


def test_name_cannot_add_a_variable(file: Path) -> None:
    write(store_of(file, "env"), Delivery(SECRET, "acme+ci", "nightly\nQUAY_TOKEN=evil"))
    assert file.read_text().startswith("# name: nightly QUAY_TOKEN=evil\n")
    assert store_of(file, "env").read().secret == SECRET


@pytest.mark.parametrize(
    ("registry", "written"), [(None, "quay.example.com:8443"), ("reg.example.com", "reg.example.com")]
)
def test_registry(file: Path, registry: str | None, written: str) -> None:
    write(store_of(file, "json", registry=registry), DELIVERY)
    assert json.loads(file.read_text())["registry"] == written


@pytest.mark.parametrize(
    ("mode", "bits"),
    [(None, 0o600), ("", 0o600), ("0600", 0o600), ("0640", 0o640), (0o640, 0o640), ("u=rw,g=r,o=", 0o640)],
)
def test_mode(file: Path, mode: Any, bits: int) -> None:
    """It is that of the file and of its record."""
    write(store_of(file, mode=mode), DELIVERY)
    assert [mode_of(path) for path in (file, file.with_name("token.record.json"))] == [bits] * 2


@pytest.mark.parametrize("mode", [0, "0200", "rw", 0o642, "0606", 640])
def test_invalid_mode(file: Path, mode: Any) -> None:
    with pytest.raises(BadInput, match="^mode"):
        store_of(file, mode=mode)
    assert files_in(file.parent) == {}


@pytest.mark.parametrize(
    ("owner", "ids"),
    [
        ({"owner": "ann", "group": "dev"}, (1001, 2001)),
        ({"owner": "ann"}, (1001, -1)),
        ({"group": "dev"}, (-1, 2001)),
        ({"owner": "4711", "group": "4712"}, (4711, 4712)),
    ],
)
def test_owner(file: Path, monkeypatch: pytest.MonkeyPatch, owner: Mapping[str, str], ids: tuple[int, int]) -> None:
    """It is that of the file and of its record."""
    monkeypatch.setattr(pwd, "getpwnam", lambda name: {"ann": SimpleNamespace(pw_uid=1001)}[name])
    monkeypatch.setattr(grp, "getgrnam", lambda name: {"dev": SimpleNamespace(gr_gid=2001)}[name])
    files = FakeOwners(monkeypatch)
    write(store_of(file, **owner), DELIVERY)
    assert files.changed == [ids, ids]


def test_store_of_a_user(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a declared owner, the file keeps the one that it has, and its record gets the same."""
    files = FakeOwners(monkeypatch)
    write(store_of(file), DELIVERY)
    assert files.changed == []
    files.owners[os.stat(str(file)).st_ino] = (1001, 2001)
    write(store_of(file), DELIVERY)
    found = [os.stat(str(path)) for path in (file, file.with_name("token.record.json"))]
    assert [(status.st_uid, status.st_gid) for status in found] == [(1001, 2001)] * 2


def test_store_of_a_plain_path(file: Path) -> None:
    """The file of the option token_path: the bare token, private, with messages that name the option."""
    store = FileStore(str(file), option="token_path")
    write(store, DELIVERY)
    assert (file.read_text(), mode_of(file)) == (f"{SECRET}\n", 0o600)
    with pytest.raises(LocalFileError, match="^token_path must be the absolute path of a file, not 'token'$"):
        FileStore("token", option="token_path").check()


def test_record_without_facts(file: Path) -> None:
    store = store_of(file, "json")
    write(store, delivery_of(SECRET, ""))
    assert json.loads(file.read_text())["created_at"] is None
    assert store.read() == StoredSecret(SECRET, Record(FINGERPRINT))
