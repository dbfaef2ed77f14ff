"""deploy/make-secrets."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from tests.integration.deploy import composefile
from tests.integration.deploy.composefile import ROOT


def make(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script with nothing but a PATH in its environment."""
    command = [ROOT / "deploy/make-secrets", folder]
    given = {"PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(command, env=given, capture_output=True, text=True, check=False)


def secrets(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text().strip() for path in folder.iterdir()}


def test_it_makes_every_secret_that_compose_names(tmp_path: Path) -> None:
    make(tmp_path / "s")
    assert secrets(tmp_path / "s").keys() == composefile.document()["secrets"].keys()


def test_only_the_owner_gets_into_the_folder_and_containers_can_read_the_files(tmp_path: Path) -> None:
    make(tmp_path / "s")
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "s").iterdir()} == {0o444}


def test_passwords_are_random_and_the_urls_hold_them(tmp_path: Path) -> None:
    made = [secrets(folder) for folder in (tmp_path / "a", tmp_path / "b") if make(folder).returncode == 0]
    for name in ("postgres_password", "redis_password", "flower_login"):
        assert made[0][name] != made[1][name]
    first = made[0]
    assert len(first["redis_password"]) == 48
    assert first["database_url"] == f"postgresql://stockjobs:{first['postgres_password']}@postgres:5432/stockjobs"
    assert first["redis_url"] == f"redis://stockjobs:{first['redis_password']}@redis:6379/0"
    assert hashlib.sha256(first["redis_password"].encode()).hexdigest() in first["redis_users"]
    assert first["redis_password"] not in first["redis_users"]


def test_what_is_there_is_kept_and_what_was_removed_is_made_again(tmp_path: Path) -> None:
    make(tmp_path)
    before = secrets(tmp_path)
    (tmp_path / "flower_login").unlink()
    made = make(tmp_path)
    after = secrets(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"flower_login"}
    assert made.stdout.split() == ["made", str(tmp_path / "flower_login")]


def test_urls_name_the_hosts_that_are_given(tmp_path: Path) -> None:
    make(tmp_path, DATABASE_HOST="10.0.0.5:5432", REDIS_HOST="10.0.0.6:6379")
    assert "@10.0.0.5:5432/" in secrets(tmp_path)["database_url"]
    assert "@10.0.0.6:6379/" in secrets(tmp_path)["redis_url"]


def test_a_password_that_does_not_fit_into_a_url_is_refused(tmp_path: Path) -> None:
    (tmp_path / "redis_password").write_text("a/b@c")
    made = make(tmp_path)
    assert made.returncode == 2
    assert "redis_password may hold letters, digits" in made.stderr
    assert "a/b@c" not in made.stderr + made.stdout
    assert not (tmp_path / "redis_url").exists()


def test_git_ignores_what_it_makes(tmp_path: Path) -> None:
    names = composefile.document()["secrets"]
    paths = [f"deploy/secrets/{name}" for name in names]
    ignored = subprocess.run(["git", "check-ignore", *paths], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == paths
