"""Calls a real server by a client that is generated from the document."""

import os
import uuid

from solstice_client import AuthenticatedClient, Client
from solstice_client.api.jobs import (
    job_artifact,
    job_cancel,
    job_log,
    job_records,
    job_view,
)
from solstice_client.api.runs import run_list, run_view
from solstice_client.api.tokens import token_create, token_list, token_revoke, whoami
from solstice_client.models import Error, Role, RunStatus, TokenCreate

URL = os.environ["SOLSTICE_URL"]
RUN = uuid.UUID(os.environ["SOLSTICE_RUN"])
JOB = uuid.UUID(os.environ["SOLSTICE_JOB"])
WAITING = uuid.UUID(os.environ["SOLSTICE_WAITING_JOB"])
LINES = int(os.environ["SOLSTICE_LINES"])


def called_by(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=URL, token=token, raise_on_unexpected_status=True)


admin = called_by(os.environ["SOLSTICE_ADMIN"])
reader = called_by(os.environ["SOLSTICE_READER"])
nobody = Client(base_url=URL, raise_on_unexpected_status=True)


def lists_runs_page_by_page() -> None:
    page = run_list.sync(client=reader, limit=2)
    found = list(page.items)
    while page.next_page:
        page = run_list.sync(client=reader, limit=2, page_token=page.next_page)
        found.extend(page.items)
    assert len({run.id for run in found}) == len(found) == 3, found
    assert found[-1].id == RUN and found[-1].status == RunStatus.SUCCEEDED, found[-1]


def views_a_run_and_its_job() -> None:
    detail = run_view.sync(RUN, client=reader)
    assert [job.id for job in detail.jobs] == [JOB], detail
    job = job_view.sync(JOB, client=reader)
    assert job.job.state.outcome.outcome.value == "succeeded", job.job.state
    assert [step.name for step in job.steps] == ["Test"], job.steps


def reads_the_log() -> None:
    page = job_records.sync(JOB, client=reader, tail=3)
    assert page.over and page.last_seq == LINES + 3, page
    said = [record.chunk for record in page.records if record.kind.value == "output"]
    assert said[-1] == f"line {LINES}", said
    assert page.records[-1].seq == page.last_seq, page.records[-1]
    text = job_log.sync(JOB, client=reader)
    assert len(text.splitlines()) == LINES + 1, text


def downloads_an_artifact() -> None:
    answer = job_artifact.sync(JOB, 0, client=reader)
    assert answer.payload.read() == b"what the job left\n"


def is_refused_with_a_code() -> None:
    absent = run_view.sync_detailed(uuid.UUID(int=7), client=reader)
    assert absent.status_code == 404 and absent.parsed.error_code == "not_found", absent
    unknown = run_list.sync_detailed(client=nobody)
    assert unknown.status_code == 401 and unknown.parsed.error_code == "unauthenticated"
    refused = token_list.sync(client=reader)
    assert isinstance(refused, Error) and refused.error_code == "forbidden", refused


def makes_a_token_and_revokes_it() -> None:
    wanted = TokenCreate(name="python", role=Role.READER)
    made = token_create.sync(client=admin, body=wanted)
    mine = called_by(made.token)
    assert whoami.sync(client=mine).name == "python"
    again = token_create.sync(client=admin, body=wanted)
    assert isinstance(again, Error) and again.error_code == "conflict", again
    assert token_revoke.sync_detailed("python", client=admin).status_code == 204
    assert whoami.sync_detailed(client=mine).status_code == 401


def cancels_a_job() -> None:
    assert job_cancel.sync_detailed(WAITING, client=admin).status_code == 204
    refused = job_cancel.sync(WAITING, client=reader)
    assert isinstance(refused, Error) and refused.error_code == "forbidden", refused


for one in [
    lists_runs_page_by_page,
    views_a_run_and_its_job,
    reads_the_log,
    downloads_an_artifact,
    is_refused_with_a_code,
    makes_a_token_and_revokes_it,
    cancels_a_job,
]:
    one()
    print("ok", one.__name__)
