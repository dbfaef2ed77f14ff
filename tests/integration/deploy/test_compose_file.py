"""The rules that docker-compose.yml keeps."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from stockjobs.transport.app import TransportConfig
from tests.integration.deploy import composefile
from tests.integration.deploy.composefile import ROOT, Service

DOCUMENT = composefile.document()
SERVICES = composefile.services()
each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
OURS = [service for service in SERVICES.values() if service.raw.get("build")]


@each_service
def test_a_service_has_a_health_check_or_ends_by_itself(service: Service) -> None:
    assert (service.healthcheck is None) == service.is_one_shot


@each_service
def test_an_image_has_a_version(service: Service) -> None:
    _, separator, tag = service.raw["image"].partition(":")
    assert separator
    assert re.match(r"\d", tag)


@each_service
def test_no_secret_is_in_the_environment_or_on_a_command_line(service: Service) -> None:
    for name, value in service.environment.items():
        is_secret = re.search(r"PASSWORD|SECRET|TOKEN|DATABASE_URL|REDIS_URL|LOGIN|AUTH(?!_HOST)", name)
        assert not is_secret or name.endswith("_FILE"), name
        assert not re.search(r"://[^/]*@", value)
    assert not re.search(r"requirepass|basic[-_]auth|://[^/]*@", " ".join(service.command))


@each_service
def test_a_secret_that_is_named_is_mounted(service: Service) -> None:
    named = {value for name, value in service.environment.items() if name.endswith("_FILE")}
    assert named <= {f"/run/secrets/{secret}" for secret in service.raw["secrets"]}
    assert set(service.raw["secrets"]) <= DOCUMENT["secrets"].keys()


@each_service
def test_a_container_may_do_as_little_as_possible(service: Service) -> None:
    raw = service.raw
    assert raw["cap_drop"] == ["ALL"]
    assert raw["security_opt"] == ["no-new-privileges:true"]
    assert raw["read_only"] is True
    assert int(raw["user"].split(":")[0]) > 0
    assert "privileged" not in raw
    assert any(mount.startswith("/tmp:") for mount in raw["tmpfs"])


@each_service
def test_a_container_has_limits(service: Service) -> None:
    limits = service.raw["deploy"]["resources"]["limits"]
    assert limits["pids"] > 0
    assert re.fullmatch(r"\d+[mg]", limits["memory"])


@each_service
def test_a_service_can_be_scaled(service: Service) -> None:
    assert "container_name" not in service.raw
    for port in service.raw.get("ports", ()):
        assert port.startswith("127.0.0.1:")


@each_service
def test_logs_are_rotated(service: Service) -> None:
    assert service.raw["logging"]["options"].keys() == {"max-size", "max-file"}


@each_service
def test_a_service_that_stays_gets_time_to_stop(service: Service) -> None:
    assert service.grace >= 20 if not service.is_one_shot else True


def test_workers_and_beats_wait_for_the_migration() -> None:
    for name in ("beat", "worker-realtime", "worker-historical"):
        needed = SERVICES[name].raw["depends_on"]
        assert needed["migrate"] == {"condition": "service_completed_successfully"}
        assert needed["redis"] == {"condition": "service_healthy"}
    assert SERVICES["migrate"].raw["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_there_are_two_beats() -> None:
    assert SERVICES["beat"].raw["deploy"]["replicas"] == 2


def test_workers_get_longer_to_stop_than_a_soft_shutdown_takes() -> None:
    for name in ("worker-realtime", "worker-historical"):
        assert SERVICES[name].grace > TransportConfig("redis://localhost").soft_shutdown


def test_the_data_is_in_named_volumes() -> None:
    mounted = [mount.partition(":")[0] for service in SERVICES.values() for mount in service.raw.get("volumes", ())]
    assert sorted(mounted) == sorted(DOCUMENT["volumes"])


def test_our_image_has_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {service.raw["image"] for service in OURS} == {f"stockjobs:{project['version']}"}


def test_flower_needs_a_profile_and_a_login() -> None:
    flower = SERVICES["flower"]
    assert flower.raw["profiles"] == ["flower"]
    assert flower.environment["FLOWER_LOGIN_FILE"] == "/run/secrets/flower_login"


@pytest.mark.parametrize("kind", ["secrets", "configs"])
def test_files_that_are_mounted_are_made_or_there(kind: str) -> None:
    made: dict[str, Any] = DOCUMENT[kind]
    script = (ROOT / "deploy/make-secrets").read_text()
    for name, where in made.items():
        is_there = (ROOT / where["file"]).exists()
        assert is_there or (where["file"] == f"./deploy/secrets/{name}" and f"put {name} " in script)
