"""What is asked of the web server, by GraphQL."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ocr_pipeline_tests.containers.engine import TrialError

LOCATION = "ocr_pipeline"
_EVENTS = """query($id: ID!) { logsForRun(runId: $id, limit: 1000) { ... on EventConnection { events {
  ... on MessageEvent { message }
  ... on ExecutionStepFailureEvent { error { message causes { message } } }
  ... on ExecutionStepUpForRetryEvent { error { message causes { message } } }
} } } }"""
FINISHED = ("SUCCESS", "FAILURE", "CANCELED")


@dataclass(frozen=True)
class Graph:
    """The graph as the UI sees it."""

    url: str

    def ask(self, query: str, **variables: Any) -> Any:
        """The one field of the answer.

        Raises:
            TrialError: the server refuses the query.
        """
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                (field,) = json.loads(answer.read())["data"].values()
        except urllib.error.HTTPError as error:
            raise TrialError(f"{query}\n{error.read().decode()}") from error
        return field

    def is_loaded(self) -> bool:
        """Whether the code location answers."""
        query = "{workspaceOrError{... on Workspace{locationEntries{name locationOrLoadError{__typename}}}}}"
        entries = self.ask(query)["locationEntries"]
        kinds = {entry["name"]: (entry["locationOrLoadError"] or {}).get("__typename") for entry in entries}
        return kinds.get(LOCATION) == "RepositoryLocation"

    def daemons_are_well(self) -> bool:
        query = "{instance{daemonHealth{allDaemonStatuses{daemonType required healthy}}}}"
        every = self.ask(query)["daemonHealth"]["allDaemonStatuses"]
        return all(each["healthy"] for each in every if each["required"])

    def backfill(self, assets: Sequence[str], partitions: Sequence[str]) -> str:
        """Start a backfill; returns its id."""
        return self._launched(
            "mutation($it: LaunchBackfillParams!){launchPartitionBackfill(backfillParams: $it)"
            "{__typename ... on LaunchBackfillSuccess{id: backfillId} ... on PythonError{message}}}",
            {"assetSelection": _keys(assets), "partitionNames": list(partitions)},
        )

    def backfill_status(self, backfill: str) -> str:
        query = "query($id: String!){partitionBackfillOrError(backfillId: $id){... on PartitionBackfill{status}}}"
        return self.ask(query, id=backfill)["status"]

    def launch(self, *assets: str) -> str:
        """Queue a run of assets; returns its id."""
        names = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__", "jobName": "__ASSET_JOB"}
        return self._launched(
            "mutation($it: ExecutionParams!){launchRun(executionParams: $it)"
            "{__typename ... on LaunchRunSuccess{run{id}} ... on PythonError{message}}}",
            {"selector": {**names, "assetSelection": _keys(assets)}, "mode": "default", "runConfigData": {}},
        )

    def _launched(self, mutation: str, it: dict[str, Any]) -> str:
        answer = self.ask(mutation, it=it)
        found = answer.get("run", answer).get("id")
        if found is None:
            raise TrialError(f"not launched: {answer}")
        return found

    def status(self, run: str) -> str:
        return self.ask("query($id: ID!){runOrError(runId: $id){... on Run{status}}}", id=run)["status"]

    def retry_of(self, run: str) -> str | None:
        """The run that the daemon launched in place of one that failed."""
        query = "query($it: RunsFilter!){runsOrError(filter: $it){... on Runs{results{id}}}}"
        found = self.ask(query, it={"tags": [{"key": "dagster/parent_run_id", "value": run}]})["results"]
        return found[0]["id"] if found else None

    def says(self, run: str, words: str) -> str | None:
        """The first message of a run's event log, or of an error in it or its causes, with these words."""
        events = self.ask(_EVENTS, id=run)["events"]
        return next((text.strip() for each in events for text in _messages(each) if words in text), None)


def until(what: str, reached: Callable[[], Any], seconds: float) -> Any:
    """The first answer that is true; a server that does not answer has not reached it.

    Raises:
        TrialError: it is not reached in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if answer := reached():
                return answer
        except (urllib.error.URLError, ConnectionError):  # it is starting
            pass
        time.sleep(1)
    raise TrialError(f"{what}: not within {seconds:g} s")


def _messages(event: dict[str, Any]) -> list[str]:
    error = event.get("error") or {"message": "", "causes": []}
    return [event["message"], error["message"], *(cause["message"] for cause in error["causes"])]


def _keys(assets: Sequence[str]) -> list[dict[str, list[str]]]:
    return [{"path": [asset]} for asset in assets]
