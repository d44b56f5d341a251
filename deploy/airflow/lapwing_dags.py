"""Lapwing by the clock: daily detection over a window, weekly retraining with validation, reports."""

import re

import pendulum
from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from lapwing_commands import DEFAULT_ARGUMENTS, command, number, setting

START = pendulum.datetime(2026, 1, 1, tz="UTC")
FROM = "{{ data_interval_start.strftime('%Y-%m-%dT%H:%M:%SZ') }}"
TO = "{{ data_interval_end.strftime('%Y-%m-%dT%H:%M:%SZ') }}"


def dag(name, description, schedule):
    """A DAG whose runs cover the time from one tick of the schedule to the next; those that were missed are not made up for."""
    return DAG(
        dag_id=f"lapwing_{name}",
        description=description,
        schedule=CronDataIntervalTimetable(setting(f"{name.upper()}_SCHEDULE", schedule), timezone=setting("TIME_ZONE", "UTC")),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULT_ARGUMENTS,
        tags=["lapwing"],
    )


def gates():
    """Arguments that make a run fail when people would have been told too often."""
    return ["--max-alerts-per-day", str(number("MAX_ALERTS_PER_DAY", 0))] if setting("MAX_ALERTS_PER_DAY") else []


with dag("detection", "The window once more, as the pipeline would have seen it", "0 2 * * *"):
    command("backtest", ["backtest", "--from", FROM, "--to", TO, *gates()])

with dag("retraining", "New models of the entities in LAPWING_ENTITIES, then how accurate all of it was", "0 4 * * 0"):
    accuracy = command("evaluate", ["evaluate", "--from", FROM, "--to", TO])
    # The command waits for the verdict of the validation, and fails when the model was rejected.
    for entity in filter(None, setting("ENTITIES").split(";")):
        task_id = "train_" + re.sub(r"[^A-Za-z0-9_.-]", "_", entity.strip())
        command(task_id, ["train", *entity.split(), "--reason", "weekly"]) >> accuracy

with dag("reports", "The report of the week", "0 6 * * 1"):
    command("report", setting("REPORT_ARGUMENTS", "report weekly --json").split())
