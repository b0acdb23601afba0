"""What /v1 does not know is refused in the form that clients read."""

import httpx
import pytest

from agent.config import ServerSettings
from tests.fakes.call import FakeFactory
from web.server import create_app, running


def error_of(answer):
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    assert error["type"] == "invalid_request_error"
    return answer.status_code, error["code"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/embeddings", "/v1/chat/completions/more"])
async def test_an_unknown_address(api, method, path):
    """404, whatever is asked of it, and although the page is served beside it."""
    assert error_of(await api.http.request(method, path)) == (404, "unknown_url")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("PROPFIND", "/v1/audio/speech", "POST"),
        ("PUT", "/v1/models", "GET"),
        ("DELETE", "/v1/models/qingting", "GET"),
    ],
)
async def test_a_wrong_method(api, method, path, allowed):
    """405, and the answer says which one is right."""
    answer = await api.http.request(method, path)
    assert error_of(answer) == (405, "method_not_supported")
    assert answer.headers["allow"] == allowed
    assert allowed in answer.json()["error"]["message"]


async def test_a_server_without_the_api_and_the_page(tmp_path):
    """Calls are all it has, and the form of its refusals is the same."""
    app = create_app(FakeFactory(), page_dir=tmp_path)
    async with running(app, ServerSettings(port=0)) as url:
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{url}/v1/chat/completions", json={})
        assert error_of(answer) == (404, "unknown_url")


@pytest.mark.parametrize(
    ("path", "request_of"),
    [
        ("chat/completions", {"json": {"messages": []}}),
        ("chat/completions", {"content": b"{"}),
        ("audio/speech", {"json": {"input": 3}}),
        ("audio/transcriptions", {"files": {"file": b"x"}, "data": {"response_format": "xml"}}),
        (
            "audio/transcriptions",
            {"content": b"no form", "headers": {"content-type": "multipart/form-data"}},
        ),
        (
            "audio/transcriptions",
            {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}},
        ),
    ],
)
async def test_a_request_that_does_not_fit(api, path, request_of):
    """400 in the same form, with the prefix and without."""
    for prefix in ("/v1/", "/"):
        answer = await api.http.post(prefix + path, **request_of)
        assert error_of(answer)[0] == 400
