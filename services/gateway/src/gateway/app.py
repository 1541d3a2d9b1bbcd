"""The ASGI application."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from gateway.batches import routes as batches
from gateway.batches.items import BatchCommand
from gateway.dependencies import Services
from gateway.estimates import routes as estimates
from gateway.events import routes as events
from gateway.http.errors import install_error_handlers
from gateway.http.middleware import BodyLimit, RequestContext
from gateway.http.problems import ProblemError
from gateway.http.views import Problem, codes_and_titles
from gateway.jobs import routes as jobs
from gateway.operators import dead_letters
from gateway.operators import health as service
from gateway.operators import routes as operators
from gateway.outlines import routes as outlines
from gateway.results import routes as results
from gateway.revisions import routes as revisions
from gateway.start import routes as start
from shared import __version__
from shared.contracts.commands import DocumentCommand, OutlineCommand, RegenerateCommand
from shared.contracts.outline_edits import OutlinePatch


def create_app(services: Services | None = None) -> FastAPI:
    """The application over its services; None is enough to describe the API."""
    app = FastAPI(
        title="Draftline",
        version=__version__,
        docs_url="/docs",
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.services = services
    app.include_router(jobs.router)
    app.include_router(estimates.router)
    app.include_router(batches.router)
    app.include_router(outlines.router)
    app.include_router(results.router)
    app.include_router(revisions.router)
    app.include_router(events.router)
    app.include_router(dead_letters.router)
    app.include_router(operators.router)
    app.include_router(service.router)
    app.include_router(start.router)
    install_error_handlers(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestContext)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        _, named = models_json_schema(
            [
                (OutlineCommand, "validation"),
                (DocumentCommand, "validation"),
                (BatchCommand, "validation"),
                (RegenerateCommand, "validation"),
                (OutlinePatch, "validation"),
                (Problem, "serialization"),
            ],
            ref_template="#/components/schemas/{model}",
        )
        schema["components"]["schemas"].update(named["$defs"])
        codes = codes_and_titles(ProblemError.by_code.values())
        schema["components"]["schemas"]["Problem"]["properties"]["code"]["description"] = codes
        app.openapi_schema = schema
    return app.openapi_schema
