"""docs/telemetry.md lists the metrics as they are declared."""

from prometheus_client.metrics import MetricWrapperBase

from shared.observability import metrics
from tests.architecture.repository import read, rows, under

DOCUMENT = "docs/telemetry.md"


def _declared() -> dict[str, tuple[str, str]]:
    """Type and labels by the name that is scraped."""
    found: dict[str, tuple[str, str]] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.collect()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            found[name] = (family.type, ", ".join(metric._labelnames))
    return found


def test_metrics_are_documented() -> None:
    table = rows(under(read(DOCUMENT), "## Metrics"))
    assert len(table) == len(_declared())
    assert {row[0]: (row[1], row[2]) for row in table} == _declared()


def test_every_metric_is_ours_and_explained() -> None:
    table = rows(under(read(DOCUMENT), "## Metrics"))
    assert all(row[0].startswith("draftline_") and row[3] and row[4] for row in table)
