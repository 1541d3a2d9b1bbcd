"""What `make run` asks for."""

import pytest

from deploy.local.launcher import sample_request
from deploy.local.sample import OUTLINE, PROMPT
from deploy.local.settings import read_settings

ENDPOINT = {"OPENAI_MODEL": "large", "OPENAI_API_KEY": "key"}


def test_the_embedded_model_is_given_an_outline() -> None:
    command = sample_request(read_settings({})).command()
    assert (command.outline, command.task_prompt, command.target_words) == (OUTLINE, None, 500)


@pytest.mark.parametrize(
    ("variables", "prompt"),
    [({"PROMPT": "Tea"}, "Tea"), ({"REVIEW": "1"}, PROMPT), (ENDPOINT, PROMPT), ({**ENDPOINT, "PROMPT": "Tea"}, "Tea")],
)
def test_everything_else_is_planned(variables: dict[str, str], prompt: str) -> None:
    command = sample_request(read_settings(variables)).command()
    assert (command.outline, command.task_prompt) == (None, prompt)
