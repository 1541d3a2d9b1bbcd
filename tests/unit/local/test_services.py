import pytest

from deploy.local.ports import Ports
from deploy.local.services import gateway_url, services


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("bees.example", "http://bees.example:80"),
    ],
)
def test_the_gateway_is_reached_where_it_listens(host: str, url: str) -> None:
    assert gateway_url(host, 80) == url


def test_each_service_has_its_own_metrics_port_and_may_drain() -> None:
    ports = Ports(gateway=8000, valkey=1, model=2, metrics=(9100, 9101, 9102))
    found = services("127.0.0.1", ports, {"REDIS_URL": "redis://r"}, 30)
    assert [service.ready_url for service in found] == [
        "http://127.0.0.1:8000/readyz",
        "http://127.0.0.1:9101/readyz",
        "http://127.0.0.1:9102/readyz",
    ]
    assert [service.spec.environment["DRAFTLINE_METRICS_PORT"] for service in found] == ["9100", "9101", "9102"]
    assert {service.spec.stop_seconds for service in found} == {35}
    assert all(service.spec.environment["REDIS_URL"] == "redis://r" for service in found)
