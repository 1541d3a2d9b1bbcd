"""What a client may ask for: the bodies of the job requests, validated to the last field."""

import base64
import binascii
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from shared.contracts.ids import JOB_ID_PATTERN
from shared.contracts.outline import NodeId, Outline, Research, TargetWords

MAX_PROMPT_CHARACTERS = 20_000
MAX_CONTEXT_FILES = 100
MAX_DELAY_SECONDS = 30 * 24 * 3600
MAX_LIMIT_SECONDS = 24 * 3600
MAX_INSTRUCTION_CHARACTERS = 4_000

JobId = Annotated[str, StringConstraints(pattern=JOB_ID_PATTERN)]
Prompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_PROMPT_CHARACTERS)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
FileName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
TimeLimit = Annotated[float, Field(gt=0, le=MAX_LIMIT_SECONDS, allow_inf_nan=False)]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]


ReferenceStyleName = Literal["gb-t-7714-2015", "ieee", "apa", "chicago-notes"]
_STYLE_SPELLINGS: dict[str, ReferenceStyleName] = {
    "gbt77142015": "gb-t-7714-2015",
    "gb77142015": "gb-t-7714-2015",
    "gbt7714": "gb-t-7714-2015",
    "gb7714": "gb-t-7714-2015",
    "ieee": "ieee",
    "apa": "apa",
    "chicagonotes": "chicago-notes",
    "chicago": "chicago-notes",
}


def _style(value: Any) -> Any:
    """A style by any of its usual spellings, such as ``GB/T 7714-2015``."""
    if not isinstance(value, str):
        return value
    return _STYLE_SPELLINGS.get("".join(filter(str.isalnum, value.lower())), value)


ReferenceStyle = Annotated[ReferenceStyleName, BeforeValidator(_style)]


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ContextFile(_Command):
    """A file the writing may draw on, as text or as base64 of its bytes."""

    name: FileName
    media_type: Annotated[str, StringConstraints(pattern=r"^[\w.+-]+/[\w.+-]+$", max_length=127)] | None = None
    text: str | None = None
    content_base64: str | None = None

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if (self.text is None) == (self.content_base64 is None):
            msg = "give either text or content_base64"
            raise ValueError(msg)
        return self

    @field_validator("content_base64")
    @classmethod
    def _check_base64(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError) as error:
                msg = f"not valid base64: {error}"
                raise ValueError(msg) from error
        return value

    def content(self) -> bytes:
        """The file's bytes."""
        if self.content_base64 is not None:
            return base64.b64decode(self.content_base64, validate=True)
        return (self.text or "").encode()


def _or_mapping(schema: dict[str, Any]) -> None:
    """Say in the schema that a mapping of name to text does as well."""
    files = {key: schema.pop(key) for key in ("type", "items", "maxItems")}
    texts = {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": MAX_CONTEXT_FILES}
    schema["anyOf"] = [files, texts]


TokenLimit = Annotated[int, Field(ge=1, le=10**12)]
CostLimit = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]


class JobOptions(_Command):
    """Options every kind of job takes."""

    priority: Annotated[int, Field(ge=0, le=9)] = 5
    delay_seconds: Annotated[float, Field(ge=0, le=MAX_DELAY_SECONDS, allow_inf_nan=False)] | None = None
    not_before: AwareDatetime | None = None
    soft_time_limit_seconds: TimeLimit | None = Field(
        default=None, description="Work after which the job finishes with what it has; 1500 by default"
    )
    hard_time_limit_seconds: TimeLimit | None = Field(
        default=None, description="Work after which the job fails; 1800 by default"
    )
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    language: Language | None = Field(default=None, description="BCP 47; detected from the prompt by default")
    model: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    research: Research = Field(
        default="context_only",
        description="What the writing may rest on: nothing, the context files, or a web search as well",
    )
    reference_style: ReferenceStyle | None = Field(
        default=None, description="How references are written; by default gb-t-7714-2015 in Chinese, else ieee"
    )
    max_tokens_total: TokenLimit | None = Field(
        default=None,
        description="Prompt and completion tokens of the whole job: from four fifths on it does without what it can do "
        "without, at the limit it fails with `budget_exceeded`",
    )
    max_cost_usd: CostLimit | None = Field(
        default=None, description="The same in US dollars; needs a model whose price is known"
    )
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)] = {}
    target_words: TargetWords | None = None
    context_files: Annotated[list[ContextFile], Field(max_length=MAX_CONTEXT_FILES)] = Field(
        default=[], description="A list of files, or a mapping of name to text", json_schema_extra=_or_mapping
    )

    @field_validator("context_files", mode="before")
    @classmethod
    def _accept_mapping(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return [{"name": name, "text": text} for name, text in value.items()]
        return value

    @model_validator(mode="after")
    def _check_due(self) -> Self:
        if self.delay_seconds is not None and self.not_before is not None:
            msg = "give either delay_seconds or not_before"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        soft, hard = self.soft_time_limit_seconds, self.hard_time_limit_seconds
        if soft is not None and hard is not None and soft > hard:
            msg = "soft_time_limit_seconds must not be above hard_time_limit_seconds"
            raise ValueError(msg)
        return self


class OutlineCommand(JobOptions):
    """Body of ``POST /jobs/outline``."""

    job_id: JobId | None = None
    task_prompt: Prompt


class DocumentCommand(JobOptions):
    """Body of ``POST /jobs/document``: an outline, the id of the outline job that made it, or a prompt to plan from."""

    job_id: JobId | None = None
    outline: Outline | None = None
    outline_job_id: JobId | None = None
    task_prompt: Prompt | None = None
    review: bool = Field(default=False, description="With `task_prompt`: wait for `approve` before writing")

    @model_validator(mode="after")
    def _check_outline(self) -> Self:
        given = [name for name in ("outline", "outline_job_id", "task_prompt") if getattr(self, name) is not None]
        if len(given) != 1:
            msg = "give one of outline, outline_job_id and task_prompt"
            raise ValueError(msg)
        if self.review and self.task_prompt is None:
            msg = "review goes with task_prompt: an outline that is there can be changed before it is sent"
            raise ValueError(msg)
        return self


class RegenerateCommand(_Command):
    """Body of ``POST /jobs/{job_id}/sections/{section_id}/regenerate``."""

    job_id: JobId | None = Field(default=None, description="Of the new job")
    instruction: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_INSTRUCTION_CHARACTERS)] = ""
    target_words: TargetWords | None = Field(default=None, description="By default as long as it was meant to be")
    priority: Annotated[int, Field(ge=0, le=9)] = 5
    model: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    max_tokens_total: TokenLimit | None = None
    max_cost_usd: CostLimit | None = None
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)] = {}


class OutlinePayload(OutlineCommand):
    """A request to plan as the worker receives it, be it for an outline or a document; the rest is passed over."""

    model_config = ConfigDict(extra="ignore")


class Revision(_Command):
    """What a job is to change in a document whose work was stored with it."""

    model_config = ConfigDict(extra="ignore")

    parent_job_id: JobId
    root_job_id: JobId
    """The document that all the others go back to."""
    section_id: NodeId
    instruction: str = ""
    target_words: TargetWords | None = None


class DocumentPayload(JobOptions):
    """A document request as the worker receives it. Its outline has an id on every node; None where the job planned it
    itself, or where it goes on from a document that is there.
    """

    model_config = ConfigDict(extra="ignore")

    outline: Outline | None = None
    task_prompt: str | None = None
    """The request from which the outline was made, where there is one."""
    revision: Revision | None = None
