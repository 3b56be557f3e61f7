"""Whatever is sent, the API answers as its own OpenAPI document says, and never fails."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from pestcheck.ids import uuid7
from pestcheck.inspection.selection import Plan
from pestcheck.records.findings import METHODS
from tests.app.clients import ANA, Client, client
from tests.pictures import scenes

__all__ = ["client"]

EXAMPLES = 12
"""A method at an address."""


@pytest.fixture
def ids(client: Client) -> dict[str, str]:
    """One of everything, by the name it has in the addresses."""
    key = client.opened(stage="empty_at_origin", selection="routine", template="container_7_point")
    view = client.photograph(key, scenes.jpeg(scenes.wall(400, 300)))["view"]["id"]
    at = f"/inspections/{key}"
    names = (
        "finding_id",
        "action_id",
        "wood_id",
        "line_id",
        "check_id",
        "signature_id",
        "notification_id",
        "certificate_id",
        "party_id",
        "leg_id",
        "question_id",
        "quiz_id",
        "attempt_id",
        "course_id",
    )
    made = {name: uuid7() for name in names}
    client.put(f"{at}/photographs/{view}/findings/{made['finding_id']}", {"label": "seed"})
    client.put(f"{at}/findings/{made['finding_id']}/actions/{made['action_id']}", {"method": next(iter(METHODS)), "done_by": "Bo"})
    client.put(f"{at}/points/floor/wood/{made['wood_id']}", {"mark": "US-1234 HT"})
    client.put(f"/seals/{made['line_id']}", {"act": "affixed", "number": "H1", "inspection_id": key})
    four = {name: {"answer": "yes"} for name in ("view", "verify", "tug", "twist")}
    client.put(f"{at}/seal-checks/{made['check_id']}", {**four, "number": "H1", "document_number": "H1"})
    client.put(f"{at}/signatures/{made['signature_id']}", {"printed_name": ANA, "meaning": "inspected"})
    client.put(f"{at}/notifications/{made['notification_id']}", {"who": "CBP", "channel": "telephone"})
    given = {"person": ANA, "topic": "inspection", "given_on": "2026-01-01", "expires_on": "2030-01-01"}
    client.put(f"/certificates/{made['certificate_id']}", given)
    client.put(f"/parties/{made['party_id']}", {"name": "Norte", "role": "highway_carrier"})
    client.put(f"{at}/legs/{made['leg_id']}", {"position": 0, "tendered_by": made["party_id"], "received_by": made["party_id"]})
    made["draw_id"] = client.records.draw("truck 9", plan=Plan(), actor=ANA).id
    opinion = uuid7()
    client.put(f"/review/photographs/{view}/opinions/{opinion}", {"outcome": "unusable"})
    sha256 = client.get(at)["photographs"][0]["photograph"]["sha256"]
    client.put(f"/quizzes/pictures/{made['question_id']}", {"sha256": sha256, "things": [{"label": "seed"}]})
    facts = [f"us@1/{name}" for name in ("bark", "exempt", "vvtt")]
    client.put(f"/quizzes/{made['quiz_id']}", {"title": "Yard", "topics": ["inspection"], "questions": facts}, by="Cleo")
    client.records.start_quiz(made["quiz_id"], actor=ANA, account="of Ana", attempt_id=made["attempt_id"])  # here are no accounts
    course = {
        "title": "Wood",
        "held_on": "2026-01-01",
        "expires_on": "2030-01-01",
        "given_by": "Cleo",
        "topics": ["inspection"],
        "attendees": [ANA],
    }
    client.put(f"/courses/{made['course_id']}", course)
    return made | {
        "sha256": sha256,
        "question": facts[0],
        "opinion_id": opinion,
        "inspection_id": key,
        "view_id": view,
        "area": "floor",
        "name": "container_7_point",
    }


def test_every_address_keeps_to_its_description(client: Client, ids: dict[str, str]) -> None:
    async def running(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":  # it was started already, once
            named = [(name, b"localhost" if name == b"host" else value) for name, value in scope["headers"]]
            await client.app({**scope, "headers": named}, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", running)
    load_all_checks()
    # The records refuse much that has the right form, and ids of things that are not there are met by 404: both are as they should be.
    checks = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name != "positive_data_acceptance"]
    answered: set[tuple[str, int]] = set()
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in operations:
        known = {name: ids[name] for name in re.findall("{([^}]+)}", operation.path)}
        for mode, parameters in ((GenerationMode.POSITIVE, known), (GenerationMode.NEGATIVE, known), (GenerationMode.NEGATIVE, {})):

            @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode, path_parameters=parameters or None))
            def send(case: Any) -> None:
                answered.add((case.operation.label, case.call_and_validate(checks=checks).status_code))

            with suppress(Unsatisfiable):  # an address without parameters and body cannot be asked wrongly
                send()
    wrongly = {label for label, status in answered if status == 422}
    assert {operation.label for operation in operations if operation.method in ("put", "patch")} <= wrongly
    rightly = {label for label, status in answered if status == 200}
    read = {operation.label for operation in operations if operation.method == "get"}
    assert read - rightly <= {
        "GET /inspections/{inspection_id}/findings/{finding_id}/guidance",  # what was sent may have withdrawn the finding
        "GET /inspections/{inspection_id}/findings/{finding_id}/hint",  # no add-on is installed
    }
