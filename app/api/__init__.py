"""The REST API, version 1, over the use cases of the records. It adds no rules of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from fastapi import FastAPI

from app.api import (
    answers,
    catalogue,
    exports,
    figures,
    findings,
    inspections,
    journeys,
    photographs,
    problems,
    queue,
    review,
    seals,
    server,
    training,
    wood,
)
from app.downloads import Downloads
from app.metrics import Metrics
from app.previews import Previews
from app.serving import Serving
from pestcheck import __version__
from pestcheck.inspection.guidance import Role
from pestcheck.inspection.selection import Plan
from pestcheck.inspection.watchlist import WatchList
from pestcheck.photo import MAX_BYTES
from pestcheck.records import Records

MODULES = (
    inspections,
    answers,
    photographs,
    findings,
    wood,
    seals,
    journeys,
    catalogue,
    queue,
    review,
    training,
    exports,
    figures,
    server,
)


def most_bytes(path: str) -> int:
    """Of the body of a request."""
    if re.search("/photographs/[^/]+$", path):
        return MAX_BYTES
    return 16 * 2**20 if path.endswith("/times.csv") else 2**20


TAGS = {
    "inspections": "An inspection as a whole.",
    "answers": "Answers to points and to their questions.",
    "photographs": "Originals are kept under their SHA-256 before anything else happens to them.",
    "findings": "What the model suggests, what the person decides, and what is done about it.",
    "wood, seals, journeys": "Wood packaging, the seal register, and the way of a conveyance.",
    "catalogue": "Templates and the names of things.",
    "review": "What trainers say of photographs, the queue of those that teach most, and training certificates.",
    "training": "Quizzes from photographs and knowledge, attempts at them, trainings held.",
    "exports": "Records as files.",
    "figures": "Rates over many inspections, evidence by criterion, watching the model, and draws for a second look.",
    "models": "Models there are.",
    "server": "The server itself.",
}
DESCRIPTION = """
Every change is a PUT or PATCH, with ids that the client makes (UUID version 7): sent again, it changes nothing and gets the same answer,
so send again whenever you are not sure. What is new is answered with 201, what was there with 200.

`seen` is the version that the person looked at. If somebody changed it since, the answer is 409 with who and when, and nothing is overwritten.

Times are ISO 8601; the answers' are in UTC. Boxes are pixels of the upright photograph. A model's word is a suggestion: it never clears a
container.
"""


def create_api(
    records: Records,
    *,
    serving: Serving,
    previews: Previews,
    metrics: Metrics,
    health: Callable[[], Any],
    contacts: dict[Role, str],
    gap: timedelta,
    watch_list: WatchList,
    downloads: Downloads,
    plan: Plan | None = None,
    alarms: Mapping[str, float] | None = None,
) -> FastAPI:
    """Build the API.

    Args:
        serving: the model in use. contacts: whom to call, by role. gap: how long a conveyance may stand before that is to be explained. downloads: where files are made.
        watch_list: species and things of concern.
        plan: of second looks; None: none are proposed. alarms: limits in place of some of ``rates.LIMITS``.
    """
    api = FastAPI(
        title="pestcheck", version=__version__, summary="Records of inspections of containers, conveyances and wood packaging for pests",
        description=DESCRIPTION, openapi_tags=[{"name": name, "description": says} for name, says in TAGS.items()],
        responses=problems.responses(), redirect_slashes=False, docs_url=None, redoc_url=None,
    )  # fmt: skip
    state = {
        "records": records,
        "serving": serving,
        "previews": previews,
        "metrics": metrics,
        "health": health,
        "contacts": contacts,
        "gap": gap,
        "watch_list": watch_list,
        "plan": plan,
        "alarms": alarms,
        "downloads": downloads,
    }
    for name, value in state.items():
        setattr(api.state, name, value)
    for module in MODULES:
        api.include_router(module.router)
    api.state.routes = [route for module in MODULES for route in module.router.routes]
    api.add_middleware(problems.BodyLimit, limit=most_bytes)
    problems.install(api)
    return api
