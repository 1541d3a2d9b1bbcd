"""Files of documents that are spread over a Cluster."""

import asyncio

import pytest

from tests.integration.cluster.conftest import SHARDS
from tests.integration.cluster.test_cluster import API, names
from tests.support.cluster import Cluster
from tests.support.exports import Printer, exporting_worker, finish_document
from tests.support.gateway import gateway_in_loop

pytestmark = [pytest.mark.ci, pytest.mark.one_server, pytest.mark.xdist_group("cluster cluster_exports")]


async def test_files_are_made_on_every_shard(nodes: Cluster) -> None:
    printer = Printer()
    async with gateway_in_loop(nodes.url, shards=SHARDS) as gateway:
        store = gateway.services.store
        documents = names(2, "doc")
        for each in documents:
            await finish_document(store, each, title=each)
        async with exporting_worker(nodes.url, printer, shards=SHARDS):
            asked = [gateway.client.get(f"{API}/jobs/{each}/result?format=pdf") for each in documents]
            answers = await asyncio.gather(*asked)
    assert [answer.status_code for answer in answers] == [200] * len(documents)
    assert all(answer.content.endswith(each.encode()) for answer, each in zip(answers, documents, strict=True))
    assert len(printer.made) == len(documents)
