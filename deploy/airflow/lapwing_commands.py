"""Commands of Lapwing as Airflow tasks: what the three DAGs share. Everything is set by the environment of Airflow, see README.md."""

import json
import os
import urllib.request
from datetime import timedelta

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.standard.operators.bash import BashOperator
from kubernetes.client import models as k8s


def setting(name, default=""):
    """The value of LAPWING_<name>; an empty one counts as not set."""
    return os.environ.get(f"LAPWING_{name}") or default


def number(name, default):
    """A setting that is a number. Raises ValueError with the name, which Airflow shows as an import error."""
    text = setting(name, str(default))
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"LAPWING_{name}: expected a number, found {text!r}") from None


def command(task_id, arguments):
    """A task that runs `lapwing ARGUMENTS`: in a pod of its own, or with LAPWING_AIRFLOW_RUN=bash where the worker is.

    Arguments are Jinja templates. They are passed on as a list, in the shell quoted, so that a value cannot become another command.
    """
    run = setting("AIRFLOW_RUN", "kubernetes")
    if run == "bash":
        quoted = " ".join(f'"${{ARGUMENT_{index}}}"' for index in range(len(arguments)))
        return BashOperator(
            task_id=task_id,
            bash_command=f"exec {setting('COMMAND', 'lapwing')} {quoted}",
            env={f"ARGUMENT_{index}": argument for index, argument in enumerate(arguments)},
            append_env=True,
        )
    if run != "kubernetes":
        raise ValueError(f"LAPWING_AIRFLOW_RUN: expected kubernetes or bash, found {run!r}")
    return KubernetesPodOperator(
        task_id=task_id,
        name=f"lapwing-{task_id}".replace("_", "-"),
        namespace=setting("NAMESPACE", "lapwing"),
        image=setting("IMAGE", "lapwing:0.1.0"),
        arguments=arguments,
        env_vars=[k8s.V1EnvVar(name="LAPWING_CONFIG", value="/etc/lapwing/lapwing.yaml")],
        env_from=_secrets(),
        volumes=[
            k8s.V1Volume(name="config", config_map=k8s.V1ConfigMapVolumeSource(name=setting("CONFIG_MAP", "lapwing"))),
            k8s.V1Volume(name="tmp", empty_dir=k8s.V1EmptyDirVolumeSource()),
        ],
        volume_mounts=[
            k8s.V1VolumeMount(name="config", mount_path="/etc/lapwing", read_only=True),
            k8s.V1VolumeMount(name="tmp", mount_path="/tmp"),
        ],
        security_context=k8s.V1PodSecurityContext(
            run_as_non_root=True, run_as_user=65532, seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault")
        ),
        container_security_context=k8s.V1SecurityContext(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=k8s.V1Capabilities(drop=["ALL"]),
        ),
        container_resources=k8s.V1ResourceRequirements(
            requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": setting("MEMORY_LIMIT", "1Gi")}
        ),
        automount_service_account_token=False,
        get_logs=True,
        on_finish_action="delete_succeeded_pod",
    )


def _secrets():
    name = setting("SECRET")
    return [k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name=name))] if name else []


def tell_failure(context):
    """Posts one line about a task that has failed for good to LAPWING_FAILURE_WEBHOOK_URL, in the form Slack takes."""
    url = setting("FAILURE_WEBHOOK_URL")
    if not url:
        return
    task = context["task_instance"]
    text = f"Airflow: {task.dag_id}.{task.task_id} failed after {task.try_number} tries (run {context['run_id']}): {context.get('exception')}"
    request = urllib.request.Request(
        url, data=json.dumps({"text": text}).encode(), headers={"content-type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).close()


DEFAULT_ARGUMENTS = {
    "owner": setting("OWNER", "lapwing"),
    "retries": int(number("RETRIES", 2)),
    "retry_delay": timedelta(minutes=number("RETRY_DELAY_MINUTES", 5)),
    "execution_timeout": timedelta(minutes=number("TIMEOUT_MINUTES", 120)),
    "on_failure_callback": tell_failure,
}
