"""What docker/ promises, as far as it shows without an engine; trial.py builds and runs it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin
from dagster._core.workspace.load import location_origins_from_yaml_paths

from ocr_pipeline.orchestration.execution import executor
from ocr_pipeline.orchestration.upkeep import code_server

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "docker"
DOCKERFILE = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PINNED = set(re.findall(r"^([\w.-]+)==", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE))
DIGEST = r"@sha256:[0-9a-f]{64}"


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_root_or_left_unwatched(name: str) -> None:
    service = SERVICES[name]
    user, _, group = service["user"].partition(":")
    assert int(user) > 0 and int(group) > 0
    assert service["cap_drop"] == ["ALL"] and service["init"] and service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD" and service["healthcheck"]["start_period"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_ours_or_pinned_by_digest(name: str) -> None:
    image = SERVICES[name]["image"]
    assert image.startswith("${IMAGES:-ocr-pipeline}/") or re.search(DIGEST, image)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_until_what_it_needs_is_healthy(name: str) -> None:
    for needed, condition in SERVICES[name].get("depends_on", {}).items():
        assert needed in SERVICES and condition == {"condition": "service_healthy"}


def test_a_training_may_save_before_its_container_is_killed() -> None:
    assert int(SERVICES["code"]["stop_grace_period"].removesuffix("s")) > executor.GRACE_SECONDS + 30


def test_the_ui_is_seen_from_this_machine_only_unless_somebody_says_otherwise() -> None:
    assert SERVICES["web"]["ports"] == ["${UI_ADDRESS:-127.0.0.1:3000}:3000"]
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["web", "proxy", "serve"]
    assert SERVICES["serve"]["profiles"] == ["serve"] and "127.0.0.1" in SERVICES["serve"]["ports"][0]
    assert SERVICES["proxy"]["profiles"] == ["shared"]  # who starts that has said otherwise, and it asks for a login


def test_the_gpu_file_gives_devices_to_those_that_run_steps() -> None:
    above = yaml.safe_load((FOLDER / "compose.gpu.yaml").read_text())["services"]
    assert set(above) == {"code", "ray-worker"} and set(above) <= set(SERVICES)
    for service in above.values():
        (device,) = service["deploy"]["resources"]["reservations"]["devices"]
        assert device["capabilities"] == ["gpu"]
    assert above["code"]["build"]["args"].keys() <= SERVICES["code"]["build"]["args"].keys()


def test_the_instance_loads_and_gets_all_it_takes_from_the_environment(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "dagster.yaml", tmp_path)
    reference = InstanceRef.from_dir(str(tmp_path))
    assert reference.storage_data is not None and reference.storage_data.class_name == "DagsterPostgresStorage"
    taken = set(re.findall(r"env: (\w+)", (FOLDER / "dagster.yaml").read_text()))
    for name in ("code", "web", "daemon", "ray-head", "ray-worker"):
        assert taken <= SERVICES[name]["environment"].keys()
    assert SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"] == "${DAGSTER_POSTGRES_PASSWORD:?say it in .env}"


def test_the_web_server_finds_the_code_location() -> None:
    (origin,) = location_origins_from_yaml_paths([str(FOLDER / "workspace.yaml")])
    assert isinstance(origin, GrpcServerCodeLocationOrigin)
    assert origin.host == SERVICES["code"]["hostname"] == "code" and origin.location_name == "ocr_pipeline"
    assert f'["python", "-m", "{code_server.__name__}", "--host", "0.0.0.0", "--port", "{origin.port}"]' in DOCKERFILE
    assert SERVICES["code"]["healthcheck"]["test"][-1] == str(origin.port)


def test_every_version_comes_from_the_constraints() -> None:
    assert re.search(rf"^ARG BASE=\S+{DIGEST}$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == [
        "${BASE}",
        "${BASE}",
        "build",
        "base",
        "build",
        "base",
    ]
    installs = re.findall(r"pip install (.+)", DOCKERFILE)
    assert len(installs) == 3 and all(words.startswith("--constraint constraints.txt ") for words in installs)
    assert set(installs[0].split()[2:]) <= PINNED
    (extras,) = re.findall(r"ARG EXTRAS=(\S+)", DOCKERFILE)
    declared = (REPOSITORY / "pyproject.toml").read_text()
    for extra in extras.split(","):
        (needed,) = re.findall(rf"^{extra} = \[(.+?)\]  #", declared, re.MULTILINE)
        assert set(re.findall(r'"([\w-]+)', needed)) <= PINNED


def test_both_images_run_as_the_user_of_the_compose_file() -> None:
    (uid,) = re.findall(r"ARG UID=(\d+)", DOCKERFILE)
    assert {SERVICES[name]["user"] for name in SERVICES if name not in ("postgres", "proxy")} == {f"{uid}:{uid}"}
    assert re.findall(r"^FROM base AS (\w+)(?:(?!^FROM).)*?^USER ocr$", DOCKERFILE, re.M | re.S) == ["web", "code"]


def test_what_is_copied_reaches_the_builder() -> None:
    sent = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for words in re.findall(r"^COPY (?!--from)(.+)", DOCKERFILE, re.MULTILINE):
        for source in words.split()[:-1]:
            assert (REPOSITORY / source).exists() and any(f"{source}/".startswith(f"{kept}/") for kept in sent)


def test_the_example_names_every_setting_without_a_default_and_no_other() -> None:
    compose = (FOLDER / "compose.yaml").read_text()
    example = (FOLDER / ".env.example").read_text()
    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    assert set(re.findall(r"\$\{(\w+):\?", compose)) <= named
    used = set(re.findall(r"\$\{(\w+)", compose))
    code = "".join(path.read_text() for path in (REPOSITORY / "ocr_pipeline").rglob("*.py"))
    unknown = {name for name in named - used - {"COMPOSE_FILE"} if not name.startswith("AWS_") and name not in code}
    assert not unknown
    assert all(
        (FOLDER / name).exists() for name in re.findall(r"^COMPOSE_FILE=(.+)", example, re.M)[0].split(os.pathsep)
    )
