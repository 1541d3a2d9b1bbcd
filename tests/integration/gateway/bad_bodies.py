"""Bodies that must be refused, by name: the bytes, the status, and for 422 the place of the fault."""

import base64
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bad:
    """One body and why it is refused."""

    name: str
    content: bytes
    status: int = 422
    code: str = "validation_failed"
    pointer: str = ""


def _each(*values: Any) -> tuple[Any, ...]:
    """Values of every type, for the type checker."""
    return values


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _option(name: str, value: Any, pointer: str | None = None, label: str = "") -> Bad:
    """A sound request but for one option."""
    place = f"/{name}" if pointer is None else pointer
    return Bad(f"{name} {label or value!r}"[:60], _json({"task_prompt": "x", name: value}), pointer=place)


def _malformed(name: str, content: bytes) -> Bad:
    return Bad(name, content, 400, "malformed_json")


MALFORMED = [
    _malformed("nothing", b""),
    _malformed("blank", b"  \n"),
    _malformed("cut off", b'{"task_prompt": "x'),
    _malformed("two values", b'{"task_prompt":"x"} {}'),
    _malformed("trailing comma", b'{"task_prompt":"x",}'),
    _malformed("single quotes", b"{'task_prompt':'x'}"),
    _malformed("comment", b'{"task_prompt":"x"} // y'),
    _malformed("form", b"task_prompt=x"),
    _malformed("not UTF-8", b'{"task_prompt":"\xff\xfe"}'),
    _malformed("UTF-16", '{"task_prompt":"x"}'.encode("utf-16")),
    _malformed("byte order mark", b'\xef\xbb\xbf{"task_prompt":"x"}'),
    _malformed("lone surrogate", rb'{"task_prompt":"\ud800"}'),
    _malformed("control character in a string", b'{"task_prompt":"a\x00b"}'),
    _malformed("NUL bytes", b"\0" * 100),
    _malformed("10,000 lists deep", b'{"task_prompt":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    _malformed("10,000 objects deep", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    _malformed("10,000 children deep", b'{"nodes":[{"children":' * 10_000 + b"[]" + b"}]}" * 10_000),
    _malformed("gzip", b"\x1f\x8b\x08\x00" + b"\0" * 20),
]

NOT_AN_OBJECT = [Bad(f"{value!r} for an object", _json(value)) for value in _each(None, True, 1, "x", [], [{}])]

WRONG_PROMPT_VALUES: dict[str, Any] = {
    "null": None,
    "a number": 1,
    "a list": ["x"],
    "an object": {},
    "empty": "",
    "blank": " \t\r\n\u00a0\u2003 ",
    "too long": "x" * 20_001,
}

WRONG_PROMPTS = [
    Bad("no prompt", b"{}", pointer="/task_prompt"),
    *(
        Bad(f"prompt {label}", _json({"task_prompt": value}), pointer="/task_prompt")
        for label, value in WRONG_PROMPT_VALUES.items()
    ),
    Bad("prompt NaN", b'{"task_prompt": NaN}', pointer="/task_prompt"),
]

WRONG_OPTIONS = [
    *(_option("priority", value) for value in _each(-1, 10, "5", True, 5.5, None, [], 10**30, -(10**30))),
    _malformed("priority of 5,000 digits", b'{"task_prompt":"x","priority":' + b"9" * 5_000 + b"}"),
    Bad("priority Infinity", b'{"task_prompt":"x","priority":Infinity}', pointer="/priority"),
    *(_option("soft_time_limit_seconds", value) for value in _each(0, -1, "5", True, 10**9)),
    *(_option("hard_time_limit_seconds", value) for value in _each(0, -1, "5", True, 10**9)),
    *(_option("max_tokens_total", value) for value in _each(0, -1, "5", True, 1.5, 10**13)),
    *(_option("max_cost_usd", value) for value in _each(0, -1, "5", True, 10**9)),
    *(_option("max_attempts", value) for value in _each(0, 21, "3", True, 1.5)),
    *(_option("delay_seconds", value) for value in _each(-1, -0.001, "5", True, 30 * 86_400 + 1)),
    *(
        Bad(f"delay {literal}", b'{"task_prompt":"x","delay_seconds":%s}' % literal.encode(), pointer="/delay_seconds")
        for literal in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999")
    ),
    *(_option("target_words", value) for value in _each(0, -5, 200_001, "100", True, 1.5)),
    *(_option("language", value) for value in _each("", "e", "english!", "en_US", "en-" + "x" * 40, 1, "en\n")),
    *(_option("model", value, label=label) for value, label in _each(("", "empty"), ("m" * 201, "long"), (1, "1"))),
    *(_option("research", value) for value in _each("everything", "", "None", None, 1)),
    *(
        _option("not_before", value)
        for value in _each("tomorrow", "2031-01-01T00:00:00", "2031-13-01T00:00:00Z", "", [])
    ),
    *(_option("not_before", value) for value in _each("9999-12-31T23:59:59-23:59", "2999-01-01T00:00:00Z", True)),
    Bad(
        "delay and not_before",
        _json({"task_prompt": "x", "delay_seconds": 1, "not_before": "2031-01-01T00:00:00Z"}),
    ),
    Bad(
        "delay of zero and not_before",
        _json({"task_prompt": "x", "delay_seconds": 0, "not_before": "2031-01-01T00:00:00Z"}),
    ),
]

WRONG_IDS = [
    _option("job_id", value)
    for value in _each(
        "", " ", "-a", ".a", ":a", "_a", "a b", "a/b", "a\n", "\na", "a\0", "ä", "a" * 129, 1, True, [],
        "a*", "a?b", "a#b", "a%2Fb", "{a}", "\U0001f41d", "..",
    )
]  # fmt: skip

UNKNOWN_FIELDS = [
    _option("title", "x"),
    _option("a/b~c", 1, "/a~1b~0c"),
    _option("", 1, "/"),
    _option("Task_Prompt", "x"),
    _option("outline_job_id", "x"),
    _option("tenant", "x"),
    _option("context_files", [{"name": "a", "text": "b", "mode": 7}], "/context_files/0/mode"),
    _option("review", True),
    _option("rate_limit", "10/m"),
]

WRONG_METADATA = [
    _option("metadata", {str(n): "x" for n in range(17)}, label="too many"),
    _option("metadata", {"a": 1}, "/metadata/a"),
    _option("metadata", {"a": None}, "/metadata/a"),
    _option("metadata", {"a": {"b": "c"}}, "/metadata/a"),
    _option("metadata", {"k" * 65: "x"}, "/metadata/" + "k" * 65, "a key too long"),
    _option("metadata", {"": "x"}, "/metadata/", "an empty key"),
    _option("metadata", {"a": "x" * 513}, "/metadata/a", "a value too long"),
    _option("metadata", [["a", "b"]]),
    _option("metadata", "a=b"),
    _option("metadata", None),
]


def _file(label: str, pointer: str, **fields: Any) -> Bad:
    return _option("context_files", [{"name": "a", **fields}], f"/context_files/0{pointer}", label)


WRONG_FILES = [
    _option("context_files", "a"),
    _option("context_files", None),
    _option("context_files", [None], "/context_files/0"),
    _option("context_files", ["text"], "/context_files/0"),
    _option("context_files", {"a": 1}, "/context_files/0/text", "a mapping to a number"),
    _option("context_files", {"a": None}, "/context_files/0", "a mapping to null"),
    _option("context_files", {"a": {"text": "x"}}, "/context_files/0/text", "a mapping to an object"),
    _option("context_files", {"": "x"}, "/context_files/0/name", "a mapping of no name"),
    _option("context_files", {str(n): "x" for n in range(101)}, label="a mapping of 101"),
    _option("context_files", [{"name": str(n), "text": "x"} for n in range(101)], label="a list of 101"),
    _file("neither", ""),
    _file("both", "", text="x", content_base64="eA=="),
    _file("text a number", "/text", text=5),
    _file("name empty", "/name", text="x", name=" "),
    _file("name too long", "/name", text="x", name="n" * 256),
    _file("name a number", "/name", text="x", name=5),
    _file("base64 of the wrong alphabet", "/content_base64", content_base64="a*b="),
    _file("base64 without padding", "/content_base64", content_base64="YQ"),
    _file("base64 with a line break", "/content_base64", content_base64="YWJj\nYWJj"),
    _file("base64 beyond ASCII", "/content_base64", content_base64="ÄÄÄÄ"),
    _file("base64 for URLs", "/content_base64", content_base64=base64.urlsafe_b64encode(b"\xff" * 3).decode()),
    _file("base64 a list", "/content_base64", content_base64=["eA=="]),
    _file("media type without slash", "/media_type", text="x", media_type="text"),
    _file("media type with parameters", "/media_type", text="x", media_type="text/plain; charset=x"),
    _file("media type with a line break", "/media_type", text="x", media_type="a/b\nc"),
    _file("media type too long", "/media_type", text="x", media_type="a/" + "b" * 126),
]

BAD_OUTLINE_REQUESTS = [
    *MALFORMED, *NOT_AN_OBJECT, *WRONG_PROMPTS, *WRONG_OPTIONS, *WRONG_IDS, *UNKNOWN_FIELDS, *WRONG_METADATA,
    *WRONG_FILES,
]  # fmt: skip


def _node(depth: int) -> dict[str, Any]:
    return {"title": "t", "children": [_node(depth - 1)] if depth > 1 else []}


def _outline(label: str, pointer: str, **fields: Any) -> Bad:
    content = _json({"outline": {"title": "t", "nodes": [{"title": "n"}], **fields}})
    return Bad(f"outline {label}", content, pointer=f"/outline{pointer}")


def _nodes(label: str, pointer: str, *nodes: Any) -> Bad:
    return _outline(label, f"/nodes{pointer}".rstrip("/") if pointer else "", nodes=list(nodes))


BAD_DOCUMENT_REQUESTS = [
    *MALFORMED[:3],
    Bad("neither outline nor job", b"{}"),
    Bad("both outline and job", _json({"outline": {"title": "t", "nodes": [{"title": "n"}]}, "outline_job_id": "x"})),
    Bad("outline null and no job", b'{"outline": null}'),
    Bad("both outline and prompt", _json({"outline": {"title": "t", "nodes": [{"title": "n"}]}, "task_prompt": "x"})),
    Bad("an empty prompt", _json({"task_prompt": " "}), pointer="/task_prompt"),
    Bad("review of an outline", _json({"outline": {"title": "t", "nodes": [{"title": "n"}]}, "review": True})),
    Bad("review as text", _json({"task_prompt": "x", "review": "yes"}), pointer="/review"),
    *(
        Bad(f"outline_job_id {value!r}", _json({"outline_job_id": value}), pointer="/outline_job_id")
        for value in _each("", "a b", "a/b", "-", "a" * 129, 1, True, [], {})
    ),
    *(
        Bad(f"outline {value!r}", _json({"outline": value}), pointer="/outline")
        for value in _each("x", 1, True, [], [{"title": "t"}])
    ),
    Bad("outline of nothing", b'{"outline": {}}', pointer="/outline/title"),
    _outline("without a title", "/title", title=""),
    _outline("with a long title", "/title", title="t" * 301),
    _outline("in a wrong language", "/language", language="english please"),
    _outline("with an unknown field", "/author", author="x"),
    _outline("without nodes", "/nodes", nodes=[]),
    _outline("with nodes null", "/nodes", nodes=None),
    _outline("with nodes a mapping", "/nodes", nodes={"a": {"title": "t"}}),
    _nodes("of 501 nodes", "/", *({"title": "n"} for _ in range(501))),
    _nodes("of 501 nodes in a tree", "/", *({"title": "n", "children": [{"title": "m"}] * 49} for _ in range(11))),
    _nodes("of 7 levels", "", _node(7)),
    _nodes("of 60 levels", "", _node(60)),
    _nodes("with an id twice", "", {"id": "a", "title": "n"}, {"id": "a", "title": "m"}),
    _nodes("with an id twice in the depth", "", {"id": "a", "title": "n", "children": [{"id": "a", "title": "m"}]}),
    _nodes("with a node null", "/0", None),
    _nodes("with a node a text", "/0", "n"),
    _nodes("with a node without title", "/0/title", {}),
    _nodes("with a blank node title", "/0/title", {"title": "  "}),
    _nodes("with a node of an unknown field", "/0/words", {"title": "n", "words": 1}),
    _nodes("with a deep unknown field", "/0/children/0/x", {"title": "n", "children": [{"title": "m", "x": 1}]}),
    _nodes("with a bad node id", "/0/id", {"title": "n", "id": "a b"}),
    _nodes("with an empty node id", "/0/id", {"title": "n", "id": ""}),
    _nodes("with a long node id", "/0/id", {"title": "n", "id": "a" * 65}),
    _nodes("with a node id a number", "/0/id", {"title": "n", "id": 1}),
    _nodes("with words a text", "/0/target_words", {"title": "n", "target_words": "100"}),
    _nodes("with words zero", "/0/target_words", {"title": "n", "target_words": 0}),
    _nodes("with words true", "/0/target_words", {"title": "n", "target_words": True}),
    _nodes("with a long summary", "/0/summary", {"title": "n", "summary": "s" * 4_001}),
    _nodes("with a summary null", "/0/summary", {"title": "n", "summary": None}),
    _nodes("with children null", "/0/children", {"title": "n", "children": None}),
]
