"""Pages are fetched from the public internet alone."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.search import FetchRefusedError, PageFetcher
from shared.search.network import CheckedNetwork, system_resolver
from tests.integration.search.fetchers import PAGE, PUBLIC, Detour, Names, inside, limits, refusal, refused_from_outside
from tests.integration.search.site import Asked, Script, Site, says


async def test_the_name_is_asked_for_at_the_checked_address(site: Site) -> None:
    site.script = says(PAGE)
    names, detour = Names(bees_example=[[PUBLIC]]), Detour(site.port)
    async with PageFetcher(limits(), names, detour) as fetcher:
        assert (await fetcher.fetch("http://bees.example/a")).content == PAGE
    assert detour.connected == [(PUBLIC, 80)]
    assert site.asked[0].headers["host"] == "bees.example"


async def test_a_name_that_changes_its_address_is_not_asked_twice(site: Site) -> None:
    site.script = says(PAGE)
    names, detour = Names(bees_example=[[PUBLIC], ["127.0.0.1"]]), Detour(site.port)
    async with PageFetcher(limits(), names, detour) as fetcher:
        await fetcher.fetch("http://bees.example/")
        assert names.asked == ["bees.example"]
        assert detour.connected == [(PUBLIC, 80)]
        with pytest.raises(FetchRefusedError, match="not on the public internet"):
            await fetcher.fetch("http://bees.example/")
    assert len(detour.connected) == 1


async def test_the_next_address_is_tried(site: Site) -> None:
    site.script = says(PAGE)
    detour = Detour(site.port, dead=["2606:4700::1111"])
    async with PageFetcher(limits(), Names(bees_example=[["2606:4700::1111", PUBLIC]]), detour) as fetcher:
        await fetcher.fetch("http://bees.example/")
    assert detour.connected == [("2606:4700::1111", 80), (PUBLIC, 80)]


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.1.2.3"], ["172.16.0.1"], ["192.168.1.1"], ["169.254.169.254"], ["100.64.0.1"], ["0.0.0.0"],
        ["224.0.0.1"], ["255.255.255.255"], ["168.63.129.16"], ["::1"], ["::"], ["fe80::1"], ["fc00::1"], ["ff02::1"],
        ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], ["64:ff9b:1::a00:1"], ["2002:7f00:1::"], ["2001:0:4136::1"],
        [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], ["fe80::1%eth0"], ["no address"], [],
    ],
)  # fmt: skip
async def test_a_name_with_a_private_address_is_refused(site: Site, addresses: list[str]) -> None:
    detour = Detour(site.port)
    reason = await refused_from_outside("http://inner.example/", Names(inner_example=[addresses]), detour)
    assert "inner.example" in reason
    assert detour.connected == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://bees.example/a", "javascript:alert(1)",
        "data:text/html,x", "//bees.example/a", "/a", "", "bees", "http://", "http:///a", "http://user@bees.example/",
        "http://user:word@bees.example/", "https://bees.example@10.0.0.1/", "http://bees.example:22/",
        "http://bees.example:6379/", "http://bees.example:99999/", "http://[::1",
        "http://bees.example\\@10.0.0.1/", "http://bees.example\r\nHost: x/", "unix:///var/run/docker.sock",
    ],
)  # fmt: skip
async def test_an_address_that_is_not_of_the_web_is_refused(site: Site, url: str) -> None:
    names, detour = Names(bees_example=[[PUBLIC]]), Detour(site.port)
    reason = await refused_from_outside(url, names, detour)
    assert reason.endswith(".")
    assert "\n" not in reason
    assert (names.asked, detour.connected) == ([], [])


async def test_an_unknown_name() -> None:
    assert "has no address" in await refused_from_outside("http://unknown.example/", Names(), Detour(1))


def _spellings(number: int) -> st.SearchStrategy[str]:
    octets = number.to_bytes(4, "big")
    forms = [
        str(number), hex(number), f"0{number:o}", ".".join(map(str, octets)), ".".join(map(hex, octets)),
        ".".join(f"0{octet:o}" for octet in octets), f"{octets[0]}.{number & 0xFF_FFFF}",
        f"{octets[0]}.{hex(octets[1])}.{number & 0xFFFF}", f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}]", f"[::{number >> 16:x}:{number & 0xFFFF:x}]",
    ]  # fmt: skip
    return st.sampled_from(forms)


PRIVATE_NUMBERS = st.one_of(
    st.integers(0x7F00_0000, 0x7FFF_FFFF), st.integers(0x0A00_0000, 0x0AFF_FFFF), st.integers(0xC0A8_0000, 0xC0A8_FFFF),
    st.integers(0xAC10_0000, 0xAC1F_FFFF), st.integers(0xA9FE_0000, 0xA9FE_FFFF), st.integers(0x6440_0000, 0x647F_FFFF),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_spelling_of_a_private_address_is_reached(data: st.DataObject) -> None:
    host = data.draw(PRIVATE_NUMBERS.flatmap(_spellings))
    detour = Detour(1)

    async def connect() -> None:
        network = CheckedNetwork(system_resolver, detour, private_hosts=False)
        with pytest.raises(FetchRefusedError):
            await network.connect_tcp(host.strip("[]"), 80)

    asyncio.run(connect())
    assert detour.connected == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "localhost"])
async def test_the_machine_itself_is_refused_however_it_is_written(site: Site, host: str) -> None:
    async with PageFetcher(limits(), sockets=Detour(site.port)) as fetcher:
        with pytest.raises(FetchRefusedError, match=r"public internet|no address"):
            await fetcher.fetch(f"http://{host}/")
    assert site.asked == []


def _redirects(table: dict[str, str], status: int = 302) -> Script:
    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        place = table.get(asked.path)
        answer = says("", f"Location: {place}", status=status) if place else says(PAGE)
        await answer(asked, writer)

    return script


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(site: Site, status: int) -> None:
    site.script = _redirects({"/a": "/b", "/b": f"{site.url}/c?d#e"}, status)
    async with inside() as fetcher:
        page = await fetcher.fetch(f"{site.url}/a")
    assert (page.url, page.content) == (f"{site.url}/c?d", PAGE)


async def test_five_redirects_and_no_more(site: Site) -> None:
    site.script = _redirects({f"/{number}": f"/{number + 1}" for number in range(5)})
    async with inside() as fetcher:
        assert (await fetcher.fetch(f"{site.url}/0")).url == f"{site.url}/5"
    site.script = _redirects({f"/{number}": f"/{number + 1}" for number in range(6)})
    assert "5 redirects" in await refusal(f"{site.url}/0")
    site.script = _redirects({"/a": "/b", "/b": "/a"})
    assert "5 redirects" in await refusal(f"{site.url}/a")


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("http://inner.example/", "public internet"), ("http://127.0.0.1/", "public internet"),
        ("http://[::1]/", "public internet"), ("http://bees.example:22/", "port"), ("file:///etc/passwd", "http and"),
        ("http://a:b@bees.example/", "credentials"), ("gopher://bees.example/", "http and"),
        ("//inner.example/x", "public internet"), ("http://[", "no address"),
    ],
)  # fmt: skip
async def test_every_redirect_is_checked(site: Site, place: str, why: str) -> None:
    site.script = _redirects({"/": place})
    inner = {"127.0.0.1": [["127.0.0.1"]], "::1": [["::1"]], "inner.example": [["10.0.0.1"]]}
    names, detour = Names(bees_example=[[PUBLIC]], **inner), Detour(site.port)
    assert why in await refused_from_outside("http://bees.example/", names, detour)
    assert detour.connected == [(PUBLIC, 80)]


async def test_a_redirect_to_nowhere(site: Site) -> None:
    site.script = says("", status=302)
    assert "HTTP 302" in await refusal(site.url)
