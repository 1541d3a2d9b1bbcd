from contextlib import closing

import pytest

from deploy.local.ports import open_listeners, port_of
from deploy.local.services import gateway_url, services
from tests.support.servers import free_port


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


def test_each_service_is_handed_its_sockets_and_may_drain() -> None:
    with closing(open_listeners("127.0.0.1", free_port())) as listeners:
        found = services("127.0.0.1", listeners, {"REDIS_URL": "redis://r"}, 30)
        gateway, metrics = listeners.gateway, listeners.metrics
        assert [service.spec.listeners for service in found] == [(metrics[0], gateway), (metrics[1],), (metrics[2],)]
        variables = [service.spec.environment for service in found]
        assert [each["DRAFTLINE_METRICS_FD"] for each in variables] == [str(each.fileno()) for each in metrics]
        assert [each.get("DRAFTLINE_LISTEN_FD") for each in variables] == [str(gateway.fileno()), None, None]
        ready = [gateway, metrics[1], metrics[2]]
        assert [each.ready_url for each in found] == [f"http://127.0.0.1:{port_of(it)}/readyz" for it in ready]
    assert {service.spec.stop_seconds for service in found} == {35}
    assert all(service.spec.environment["REDIS_URL"] == "redis://r" for service in found)
