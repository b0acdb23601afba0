"""An attacker's afternoon: what a server in front of people lets through."""

import asyncio
import ssl

import httpx
import pytest
import websockets

from agent.config import LimitSettings, ServerSettings, Settings
from agent.keys import KeyRing
from pipeline.errors import ConfigError
from tests.certificate import write_certificate
from tests.fakes.call import FakeFactory
from tests.web.site import hear, say
from web.auth import Gate
from web.server import create_app, running


def exposed(tmp_path, limits=None, **server) -> Settings:
    """Settings of a server that others reach under a name, through a proxy."""
    return Settings(
        home=tmp_path,
        server=ServerSettings(port=0, public_hosts=("talk.example",), **server),
        limits=limits or LimitSettings(),
    )


@pytest.fixture
def key(tmp_path) -> str:
    return KeyRing(tmp_path / "keys.toml").add("clinic")


def serving(settings, factory=None):
    app = create_app(factory or FakeFactory(), settings=settings)
    return running(app, settings.server)


def connect(url, **options):
    return websockets.connect(url.replace("http", "ws", 1) + "/v1/realtime", **options)


@pytest.mark.parametrize(
    "server", [{"host": "0.0.0.0"}, {"behind_proxy": True}, {"public_hosts": ("a.example",)}]
)
def test_a_server_that_others_reach_does_not_start_without_a_key(tmp_path, server):
    """The sentence says which command makes one."""
    with pytest.raises(ConfigError, match="qingting keys add"):
        Gate(ServerSettings(**server), KeyRing(tmp_path / "keys.toml"))


def test_loopback_needs_none(tmp_path):
    """Any of its names."""
    for host in ("127.0.0.1", "::1", "localhost"):
        assert not Gate(ServerSettings(host=host), KeyRing(tmp_path / "k")).needs_key


async def test_a_call_needs_a_key(tmp_path, key):
    """In a header, or as a subprotocol, which is all that browsers can send."""
    async with serving(exposed(tmp_path)) as url:
        for options in (
            {},
            {"additional_headers": {"Authorization": "Bearer wrong"}},
            {"subprotocols": ["realtime", "openai-insecure-api-key.wrong"]},
        ):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await connect(url, **options)
            assert refused.value.response.status_code == 401
        for options in (
            {"additional_headers": {"Authorization": f"Bearer {key}"}},
            {"subprotocols": ["realtime", f"openai-insecure-api-key.{key}"]},
        ):
            async with connect(url, **options) as socket:
                await hear(socket, "session.created")
                assert socket.subprotocol in (None, "realtime")


async def test_a_revoked_key_opens_nothing_more(tmp_path, key):
    """Without a restart."""
    async with serving(exposed(tmp_path)) as url, httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {key}"}
        assert (await http.get(f"{url}/access", headers=headers)).status_code == 200
        KeyRing(tmp_path / "keys.toml").revoke("clinic")
        assert (await http.get(f"{url}/access", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/access",
        "/metrics",
        "/v1/models",
        "/models",
        "/intake/call_1",
        "/memory",
        "/memory/call_1.1",
    ],
)
async def test_what_needs_a_key(tmp_path, key, path):
    """Figures too; the page and its health do not, so that a key can be entered."""
    async with serving(exposed(tmp_path)) as url, httpx.AsyncClient() as http:
        answer = await http.get(url + path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "invalid_api_key"
        for free in ("/", "/health", "/js/main.js"):
            assert (await http.get(url + free)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[evil"}, 403),
        ([("Origin", "http://127.0.0.1"), ("Origin", "https://evil.example")], 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 421),
    ],
)
async def test_another_sites_page_gets_nothing_from_loopback(site, headers, status):
    """Neither directly nor under a name rebound to this machine."""
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{site.url}/v1/chat/completions", headers=headers, content="{}")
        assert answer.status_code == status
        assert (await http.get(site.url, headers=headers)).status_code == status


async def test_two_hosts_are_none(site):
    """A proxy may have believed the other one."""
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    hosts = f"Host: {host}\r\nHost: evil.example\r\n"
    writer.write(f"GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.split(b" ")[1] == b"421"


async def test_the_page_under_its_public_name(tmp_path, key):
    """Its own origin is let in, behind a proxy that ends TLS too; another name is not."""
    async with serving(exposed(tmp_path)) as url, httpx.AsyncClient() as http:
        headers = {"Host": "talk.example", "Authorization": f"Bearer {key}"}
        for origin in ("http://talk.example", "https://talk.example"):
            answer = await http.get(f"{url}/access", headers={**headers, "Origin": origin})
            assert answer.status_code == 200
        headers["Host"] = "other.example"
        assert (await http.get(f"{url}/access", headers=headers)).status_code == 421


async def test_calls_at_once_per_key(tmp_path, key):
    """The third gets the protocol's error and 4029; another key is not touched."""
    other = KeyRing(tmp_path / "keys.toml").add("other")
    headers = [{"Authorization": f"Bearer {one}"} for one in (key, other)]
    async with (
        serving(exposed(tmp_path, LimitSettings(calls_per_key=1))) as url,
        connect(url, additional_headers=headers[0]) as first,
    ):
        await hear(first, "session.created")
        async with connect(url, additional_headers=headers[0]) as second:
            assert (await hear(second, "error"))["error"]["code"] == "rate_limit_exceeded"
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await hear(second, "never")
            assert closed.value.rcvd.code == 4029
        async with connect(url, additional_headers=headers[1]) as third:
            await hear(third, "session.created")


async def test_talk_time_ends_a_call_and_refuses_the_next(tmp_path, key):
    """The day's time is one account of all calls."""
    headers = {"Authorization": f"Bearer {key}"}
    async with serving(exposed(tmp_path, LimitSettings(talk_secs_per_day=0.2))) as url:
        async with connect(url, additional_headers=headers) as socket:
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await hear(socket, "never")
            assert closed.value.rcvd.code == 4000
        async with connect(url, additional_headers=headers) as socket:
            assert "talk time" in (await hear(socket, "error"))["error"]["message"]


async def test_attempts_are_limited_and_so_is_guessing_keys(tmp_path, key, caplog):
    """HTTP 429 with Retry-After, also for handshakes with wrong keys."""
    limits = LimitSettings(connections_per_minute=2, requests_per_minute=3)
    async with serving(exposed(tmp_path, limits)) as url, httpx.AsyncClient() as http:
        codes = []
        for _ in range(4):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await connect(url, additional_headers={"Authorization": "Bearer guess"})
            codes.append(refused.value.response.status_code)
        assert codes == [401, 401, 429, 429]
        headers = {"Authorization": f"Bearer {key}"}
        answers = [await http.get(f"{url}/access", headers=headers) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].headers["retry-after"] == "60"
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


@pytest.mark.parametrize("path", ["/intake/call_1", "/memory"])
async def test_the_store_is_not_asked_at_leisure(tmp_path, key, path):
    """Nor are strangers' requests for what is kept unlimited."""
    limits = LimitSettings(requests_per_minute=2)
    async with serving(exposed(tmp_path, limits)) as url, httpx.AsyncClient() as http:
        answers = [await http.get(url + path) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]


async def test_a_call_is_resumed_only_by_its_own_key(tmp_path, key):
    """A token that leaked is worth nothing with another key."""
    other = KeyRing(tmp_path / "keys.toml").add("other")
    async with (
        serving(exposed(tmp_path)) as url,
        connect(url, additional_headers={"Authorization": f"Bearer {key}"}) as socket,
    ):
        hello = {"version": 1, "reports_playout": True, "resumable": True}
        await say(socket, type="qingting.hello", **hello)
        token = (await hear(socket, "qingting.hello"))["resume_token"]
        async with connect(
            url,
            additional_headers={"Authorization": f"Bearer {other}"},
            subprotocols=["realtime", f"qingting-resume.{token}.0"],
        ) as thief:
            assert (await hear(thief, "error"))["error"]["code"] == "call_not_found"


@pytest.mark.parametrize(
    "path",
    [
        "/../keys.toml",
        "/..%2fkeys.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/.git/config",
    ],
)
async def test_no_path_leads_out_of_the_page(site, path):
    """Nothing a client sends names a file of the server."""
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.split(b" ")[1] in (b"404", b"400", b"405")


async def test_every_answer_has_the_security_headers(site):
    """The page's, an error's and a refusal's; nothing says what software this is."""
    async with httpx.AsyncClient() as http:
        for path, headers in (("/", {}), ("/nowhere", {}), ("/", {"Host": "evil.example"})):
            answer = await http.get(site.url + path, headers=headers)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "server" not in answer.headers


async def test_tls_from_files(tmp_path):
    """https and wss, and browsers are told to stay there."""
    certificate_file, key_file = write_certificate(tmp_path)
    server = ServerSettings(port=0, tls_certificate_file=certificate_file, tls_key_file=key_file)
    trust = ssl.create_default_context(cafile=str(certificate_file))
    async with serving(Settings(home=tmp_path, server=server)) as url:
        assert url.startswith("https://")
        url = url.replace("127.0.0.1", "localhost")
        async with httpx.AsyncClient(verify=trust) as http:
            answer = await http.get(url)
        assert answer.headers["strict-transport-security"]
        async with connect(url, ssl=trust) as socket:
            await hear(socket, "session.created")


def test_half_a_pair_of_tls_files_is_a_mistake(tmp_path):
    """Said before anything listens."""
    with pytest.raises(ValueError, match="belong together"):
        ServerSettings(tls_key_file=tmp_path / "key.pem")
