"""Models with a vice of their own: jobs are done all the same."""

import pytest

from tests.support.documents import outline
from tests.support.processes import Fleet
from tests.support.scripted_model import SCRIPTS, ScriptedModel

pytestmark = [
    pytest.mark.ci, pytest.mark.xdist_group("wayward"), pytest.mark.timeout(90),
    pytest.mark.asyncio(loop_scope="module"),
]  # fmt: skip
WAYWARD = [
    "flaky", "thinking", "unknown-keys", "uncited", "too-long", "too-short",
    "silent-usage", "no-json-schema", "no-json",
]  # fmt: skip


@pytest.mark.parametrize("name", WAYWARD)
async def test_a_wayward_model_still_gets_documents_done(
    lasting_services: Fleet, lasting_model: ScriptedModel, name: str
) -> None:
    lasting_model.reset()
    lasting_model.script = SCRIPTS[name]
    services, plan, text = lasting_services, f"plan-{name}", f"text-{name}"
    files = {"notes.md": "A hive holds one queen and many workers. Honey is made from nectar."}
    await services.post("/jobs/outline", {"task_prompt": "How bees make honey", "job_id": plan, "context_files": files})
    assert (await services.settled(plan))["status"] == "completed"
    await services.post("/jobs/document", {"outline": outline(2), "job_id": text, "context_files": files})
    assert (await services.settled(text))["status"] == "completed"
    document = (await services.get(f"/jobs/{text}/result")).json()["document"]
    assert "<think" not in document["markdown"]
    assert "@" not in document["markdown"]
    for paragraph in document["markdown"].split("\n\n"):
        if not paragraph.startswith(("#", "\\[")):
            assert paragraph.rstrip().endswith((".", "]", "!", "?")), paragraph
