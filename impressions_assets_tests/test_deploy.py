"""What lies in deploy/: files that parse, agree with each other and with the code, and name nothing
that is not there.
"""

import ast
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dagster._core.instance.config import dagster_instance_config
from ruamel.yaml import YAML

from impressions_assets.assets.transcripts import BATCH_STEP
from impressions_assets.cli.development import PATIENT
from impressions_assets.executor import pods_config
from impressions_assets.jobs import CHAT_ASSETS, MODEL_ASSETS
from impressions_assets.runs import LOCATION
from impressions_assets.secret_files import FILE_VARIABLES
from impressions_assets_tests.image_installs import IMAGES, stages_of, steps_of

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
ENV_EXAMPLE = (DEPLOY / ".env.example").read_text()
COMPOSE_TEXT = (DEPLOY / "compose.yaml").read_text()
POSTGRES = ("HOST", "PORT", "USER", "PASSWORD", "DB")
# Which settings.py reads, and people do not set: Dagster's chart does.
FROM_THE_CHART = re.compile("DAGSTER_")
# Which Docker Compose and Google's libraries read by themselves.
OF_OTHERS = {"COMPOSE_PROFILES", "GOOGLE_APPLICATION_CREDENTIALS"}


def parsed(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


COMPOSE = parsed(DEPLOY / "compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]


def explained() -> set[str]:
    """The variables of .env.example, those that are commented out included."""
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", ENV_EXAMPLE, re.MULTILINE))


def read_by_settings() -> set[str]:
    """The words in settings.py that can be nothing but a variable's name."""
    tree = ast.parse((ROOT / "impressions_assets/settings.py").read_text())
    words = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    return {
        w for w in words if isinstance(w, str) and re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", w)
    }


def read_by_compose() -> set[str]:
    return set(re.findall(r"\$\$?\{([A-Z_]+)", COMPOSE_TEXT))


def test_every_variable_that_is_read_is_explained_and_every_one_explained_is_read() -> None:
    ours = {name for name in read_by_settings() if not FROM_THE_CHART.match(name)}
    assert explained() == ours | read_by_compose() | OF_OTHERS | set(FILE_VARIABLES)


def test_every_variable_has_its_explanation_above() -> None:
    lines = ENV_EXAMPLE.splitlines()
    of_variables = [i for i, line in enumerate(lines) if re.match("#?[A-Z_]+=", line)]
    alone = [lines[i] for i in of_variables if not lines[i - 1].strip()]
    assert alone in ([], ["IMPRESSIONS_LLM_API_KEY="])  # its heading says it


def test_an_example_holds_no_secret() -> None:
    secret = re.compile(r"^(\S*(?:PASSWORD|KEY))=(.*)$", re.MULTILINE)
    assert {value for _, value in secret.findall(ENV_EXAMPLE)} == {""}


def test_what_compose_names_is_there() -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    for service in SERVICES.values():
        if "build" in service:
            build = service["build"]
            assert build["target"] in stages
            assert (DEPLOY / build["context"] / build["dockerfile"]).exists()
        for volume in service["volumes"]:
            source = re.sub(r"^\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0]
            is_file = source.startswith("./") and "." in source[2:]
            assert source in COMPOSE["volumes"] or not is_file or (DEPLOY / source).exists()
        assert set(service.get("depends_on", [])) <= set(SERVICES)


def test_every_service_starts_again_tells_its_health_and_keeps_its_log_small() -> None:
    images_health = {"web", "code", "train", "speech"}  # HEALTHCHECK in the Dockerfile
    for name, service in SERVICES.items():
        is_once = name == "prepare"
        assert service["restart"] == ("no" if is_once else "unless-stopped")
        target = service.get("build", {}).get("target")
        assert "healthcheck" in service or target in images_health
        assert service["logging"]["options"]["max-size"]


def test_only_this_machine_reaches_the_ui_and_nobody_the_database() -> None:
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}
    assert list(published) == ["webserver"]
    assert all(port.startswith("127.0.0.1:") for port in published["webserver"])


def test_a_code_server_keeps_its_host_name_by_which_dead_runs_are_known() -> None:
    code = {name: s["hostname"] for name, s in SERVICES.items() if name.startswith("code")}
    assert code == {"code": "code", "code-gpu": "code", "code-speech": "code"}


def test_a_backfill_waits_for_a_code_server_that_is_gone_wherever_a_daemon_runs() -> None:
    # Without it, a code server that was killed amid a backfill of 50 had 43 of its runs cancelled.
    wait = {"DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR": "1"}
    assert SERVICES["daemon"]["environment"].items() >= wait.items()
    assert SERVICES["daemon"]["environment"].items() >= SERVICES["webserver"]["environment"].items()
    assert VALUES["dagsterDaemon"]["env"] == wait
    assert wait == PATIENT


def test_docker_compose_takes_the_file_with_either_profile(tmp_path: Path) -> None:
    compose = ["docker", "compose"]
    if (
        not shutil.which("docker")
        or subprocess.run([*compose, "version"], capture_output=True).returncode
    ):
        pytest.skip("Docker's plugin `compose` is not installed")
    for name in ("compose.yaml", ".env.example"):
        shutil.copy(DEPLOY / name, tmp_path)
    filled = ENV_EXAMPLE.replace("POSTGRES_PASSWORD=", "POSTGRES_PASSWORD=of-the-test")
    (tmp_path / ".env").write_text(filled)
    for profile in ("cpu", "gpu"):
        command = [*compose, "--profile", profile, "-f", "compose.yaml", "config", "--quiet"]
        told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert (told.returncode, told.stderr) == (0, "")


# Images


def test_no_image_runs_as_root_and_each_is_built_from_what_was_tested() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    users = [re.findall(r"^USER (\S+)", stage, re.MULTILINE) for stage in stages]
    assert {last[-1] for last in users if last} == {"10001:10001"}
    installs = re.findall(r"pip install (.*)$", DOCKERFILE, re.MULTILINE)
    assert len(installs) >= 5
    for install in installs:
        assert "-c constraints" in install or install.startswith("--no-deps"), install


def test_each_stage_stands_on_a_pinned_image_or_an_earlier_stage() -> None:
    stages = stages_of(DOCKERFILE)
    known = ["ARG", "CMD", "COPY", "ENV", "EXPOSE", "HEALTHCHECK", "RUN", "USER", "WORKDIR"]
    for number, (name, stage) in enumerate(stages.items()):
        assert stage.base == "python:${PYTHON}" or stage.base in list(stages)[:number], name
        assert {instruction for instruction, _ in stage.steps} <= {*known}, name
        for copied_from in re.findall(r"--from=(\S+)", str(stage.steps)):
            assert copied_from in list(stages)[:number], name
    assert re.search(r"^ARG PYTHON=\d+\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert {stage for stage, _ in IMAGES.values()} <= stages.keys() >= IMAGES.keys()


def test_each_image_that_makes_articles_or_hears_has_ffmpeg() -> None:
    stages = stages_of(DOCKERFILE)
    for image in ("code", "train", "speech"):
        said = [rest for instruction, rest in steps_of(stages, image) if instruction == "RUN"]
        assert any("install" in step and "ffmpeg" in step for step in said), image


def test_secrets_in_files_are_where_the_example_names_them() -> None:
    for name, service in SERVICES.items():
        assert ("./secrets:/run/secrets:ro" in service["volumes"]) == name.startswith("code")
    assert re.search(r"^#DEVELOPER_KEY_FILE=/run/secrets/", ENV_EXAMPLE, re.MULTILINE)
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_what_an_image_copies_is_sent_to_the_builder() -> None:
    let_in = re.findall(r"^!(\S+)", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE):
        for source in line.split():
            assert any(Path(source).match(pattern) for pattern in let_in), source


# Instances

SHARED = ("telemetry", "nux", "concurrency", "run_queue", "run_monitoring", "retention")


def test_the_instance_on_postgres_is_one_that_dagster_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("dagster_postgres", reason="the extra `deploy` is not installed")
    for part in POSTGRES:
        monkeypatch.setenv(f"POSTGRES_{part}", "5432")
    config, _ = dagster_instance_config(str(DEPLOY))
    assert config["run_retries"]["enabled"] is True


def test_instances_differ_in_where_they_run_and_not_in_what_they_allow() -> None:
    embedded = parsed(ROOT / "impressions_assets/dagster.yaml")
    postgres = parsed(DEPLOY / "dagster.yaml")
    assert {k: embedded[k] for k in SHARED} == {k: postgres[k] for k in SHARED}
    assert set(embedded) == set(SHARED)


def test_the_workspace_names_the_code_location_as_the_command_does() -> None:
    (server,) = parsed(DEPLOY / "workspace.yaml")["load_from"]
    assert server["grpc_server"]["location_name"] == LOCATION


# Kubernetes

KUBERNETES = DEPLOY / "kubernetes"
VALUES = parsed(KUBERNETES / "values.yaml")


def manifests() -> list[Any]:
    return [
        parsed(KUBERNETES / name) for name in parsed(KUBERNETES / "kustomization.yaml")["resources"]
    ]


def test_the_instance_on_kubernetes_allows_what_the_others_do_and_more_runs() -> None:
    ours = VALUES["additionalInstanceConfig"]["concurrency"]
    embedded = parsed(ROOT / "impressions_assets/dagster.yaml")["concurrency"]
    assert ours["pools"] == embedded["pools"]
    assert ours["runs"]["tag_concurrency_limits"] == embedded["runs"]["tag_concurrency_limits"]
    assert ours["runs"]["max_concurrent_runs"] > embedded["runs"]["max_concurrent_runs"]
    postgres = parsed(DEPLOY / "dagster.yaml")
    for part in ("run_queue", "nux"):
        assert VALUES["additionalInstanceConfig"][part] == postgres[part]
    # What is lost is a step's pod there, and a whole run elsewhere (assets/retries.py).
    lost_steps = {**postgres["run_retries"], "retry_on_asset_or_op_failure": True}
    assert VALUES["additionalInstanceConfig"]["run_retries"] == lost_steps
    # Dagster refuses an instance that says it in two places, and the chart would.
    assert VALUES["dagsterDaemon"]["runCoordinator"] == {"enabled": False}
    assert VALUES["dagsterDaemon"]["runRetries"] == {"enabled": False}


def test_pods_are_as_the_executor_takes_them_and_a_training_has_its_gpu() -> None:
    reason = "dagster-k8s is not installed (the extra `deploy`)"
    k8s = pytest.importorskip("dagster_k8s", reason=reason)
    steps = pods_config(KUBERNETES / "pods.yaml", k8s.k8s_job_executor)["per_step_k8s_config"]
    for training in ("checkpoint", "chat_model"):
        limits = steps[training]["container_config"]["resources"]["limits"]
        assert limits["nvidia.com/gpu"] == "1"
        claims = {v["persistent_volume_claim"]["claim_name"] for v in volumes_of(steps[training])}
        assert claims == {"impressions-scratch"}
    asks_torch = {*MODEL_ASSETS, *CHAT_ASSETS}
    images = {name: step["container_config"].get("image", "") for name, step in steps.items()}
    assert {name for name, image in images.items() if "/train:" in image} == asks_torch
    assert {name for name, image in images.items() if "/speech:" in image} == {BATCH_STEP}


def test_each_steps_pod_is_one_that_kubernetes_takes_and_writes_to_its_disk() -> None:
    """Made as the executor does it, by Kubernetes' own types: they refuse what they do not know."""
    k8s = pytest.importorskip("dagster_k8s", reason="the extra `deploy` is not installed")
    from dagster_k8s.container_context import K8sContainerContext
    from dagster_k8s.job import UserDefinedDagsterK8sConfig, construct_dagster_k8s_job

    def context(config: Any) -> K8sContainerContext:
        return K8sContainerContext(run_k8s_config=UserDefinedDagsterK8sConfig.from_dict(config))

    pods = pods_config(KUBERNETES / "pods.yaml", k8s.k8s_job_executor)
    for name, config in {"any": {}, **pods["per_step_k8s_config"]}.items():
        own = context(pods["step_k8s_config"]).merge(context(config)).run_k8s_config
        job = construct_dagster_k8s_job(
            k8s.DagsterK8sJobConfig(job_image="of/ours:TAG"), [], name, user_defined_k8s_config=own
        )
        pod = job.spec.template.spec
        assert pod.containers[0].resources.requests.keys() == {"cpu", "memory"}, name
        mounted = [v for v in pod.volumes if v.persistent_volume_claim]
        user = re.search(r"^USER (\d+):\1$", DOCKERFILE, re.MULTILINE)
        assert user is not None
        if mounted:  # a disk that is new is root's
            assert pod.security_context.fs_group == int(user[1]), name
        assert bool(mounted) == (name in ("checkpoint", "chat_model"))


def volumes_of(step: Any) -> list[Any]:
    return [v for v in step["pod_spec_config"]["volumes"] if "persistent_volume_claim" in v]


def test_manifests_hold_nothing_that_kubernetes_does_not_know() -> None:
    client = pytest.importorskip("kubernetes", reason="the extra `deploy` is not installed").client
    kinds = {
        "Namespace": "V1Namespace",
        "PersistentVolumeClaim": "V1PersistentVolumeClaim",
        "Deployment": "V1Deployment",
    }
    for manifest in manifests():
        known = understood(client.ApiClient(), manifest, kinds[manifest["kind"]])
        assert known == manifest


def understood(api: Any, manifest: Any, kind: str) -> Any:
    """What is left of a manifest when Kubernetes' own types have read it."""

    class Answer:
        data = json.dumps(manifest)

    return api.sanitize_for_serialization(api.deserialize(Answer(), kind))


def test_values_and_manifests_name_the_same_things() -> None:
    tools = next(m for m in manifests() if m["kind"] == "Deployment")["spec"]["template"]["spec"]
    assert VALUES["global"]["serviceAccountName"] == VALUES["serviceAccount"]["name"]
    assert tools["serviceAccountName"] == VALUES["serviceAccount"]["name"]
    code = VALUES["dagster-user-deployments"]["deployments"][0]
    image = f"{code['image']['repository']}:{code['image']['tag']}"
    assert {c["image"] for c in [*tools["initContainers"], *tools["containers"]]} == {image}
    prepares = COMPOSE["services"]["prepare"]["command"]
    assert [
        *tools["initContainers"][0]["command"][:-1],
        tools["initContainers"][0]["command"][-1].replace("gpu 1", "gpu ${IMPRESSIONS_GPUS:-1}"),
    ] == prepares
    given = {e["name"]: e.get("value") for e in tools["containers"][0]["env"]}
    assert given["DAGSTER_CURRENT_IMAGE"] == image
    context = json.loads(given["DAGSTER_CONTAINER_CONTEXT"])["k8s"]
    assert context["env_vars"] == [f"{e['name']}={e['value']}" for e in code["env"]]
    assert context["volumes"] == code["volumes"]
    assert context["volume_mounts"] == code["volumeMounts"]
    server = VALUES["dagsterWebserver"]["workspace"]["servers"][0]
    assert (server["host"], server["port"]) == (code["name"], code["port"])
    assert server["name"] == LOCATION
    home = re.search(r"IMPRESSIONS_HOME=(\S+)", DOCKERFILE)
    assert home is not None
    assert VALUES["global"]["dagsterHome"] == f"{home[1]}/dagster"


@pytest.mark.parametrize("page", ["deploy/README.md", "docs/SECURITY.md", "docs/scaling.md"])
def test_every_file_that_a_page_leads_to_is_there(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)\)", (ROOT / page).read_text())
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []
