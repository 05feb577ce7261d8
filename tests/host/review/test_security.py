import http.client

import pytest
from tests.host.review.conftest import Client

from barbotage_host.review.security import Launch

EVIL = "http://evil.example"


@pytest.mark.parametrize(
    ("method", "headers", "status", "code"),
    [
        pytest.param("GET", {"Cookie": None}, 401, "no-token", id="no token"),
        pytest.param("GET", {"Cookie": "barbotage-{port}=wrong"}, 401, "no-token", id="a wrong token"),
        pytest.param("GET", {"Cookie": "barbotage-1={token}"}, 401, "no-token", id="the cookie of another port"),
        pytest.param("GET", {"Host": "evil.example:{port}"}, 403, "forbidden", id="a name that was pointed here"),
        pytest.param("GET", {"Host": "127.0.0.1"}, 403, "forbidden", id="a host without the port"),
        pytest.param("GET", {"Host": "127.0.0.1:1"}, 403, "forbidden", id="a host with another port"),
        pytest.param("GET", {"Origin": EVIL}, 403, "forbidden", id="reading from a foreign page"),
        pytest.param("GET", {"Sec-Fetch-Site": "cross-site"}, 403, "forbidden", id="a picture in a foreign page"),
        pytest.param("GET", {"Sec-Fetch-Site": "same-site"}, 403, "forbidden", id="another server on localhost"),
        pytest.param("POST", {"Origin": EVIL}, 403, "forbidden", id="writing from a foreign page"),
        pytest.param("POST", {"Origin": None}, 403, "forbidden", id="writing without an origin"),
        pytest.param("POST", {"Origin": "null"}, 403, "forbidden", id="writing from a sandboxed page"),
        pytest.param("POST", {"Origin": "http://127.0.0.1:1"}, 403, "forbidden", id="writing from another port"),
        pytest.param("PUT", {"Origin": EVIL}, 403, "forbidden", id="storing from a foreign page"),
        pytest.param("DELETE", {"Origin": EVIL}, 403, "forbidden", id="cancelling from a foreign page"),
    ],
)
def test_refuses_whoever_is_not_the_page(
    client: Client, method: str, headers: dict[str, str | None], status: int, code: str
) -> None:
    launch = client.launch
    filled = {name: value and value.format(port=launch.port, token=launch.token) for name, value in headers.items()}
    answer = client.ask(method, "/api/sessions", headers=filled)
    assert (answer.status, answer.json["code"]) == (status, code)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("site", ["same-origin", "none", None])
def test_answers_the_page(client: Client, host: str, site: str | None) -> None:
    headers = {"Host": f"{host}:{client.launch.port}", "Sec-Fetch-Site": site}
    assert client.ask("GET", "/api/sessions", headers=headers).status == 200


def test_a_token_in_the_address_becomes_a_cookie_that_scripts_and_other_sites_do_not_get(client: Client) -> None:
    answer = client.ask("GET", f"/session/x?token={client.launch.token}&language=fr", headers={"Cookie": None})
    assert (answer.status, answer.headers["location"]) == (303, "/session/x?language=fr")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_the_redirect_stays_on_this_server(client: Client) -> None:
    answer = client.ask("GET", f"//evil.example/?token={client.launch.token}", headers={"Cookie": None})
    assert answer.headers["location"] == "/evil.example/"


def test_a_wrong_token_in_the_address_is_refused_although_the_cookie_is_right(client: Client) -> None:
    assert client.get("/?token=wrong").status == 401


def test_a_token_in_the_address_does_not_allow_changes(client: Client) -> None:
    answer = client.ask("POST", f"/api/sessions/x/rerun?token={client.launch.token}", headers={"Cookie": None})
    assert answer.status == 401


@pytest.mark.parametrize("path", ["/api/sessions", "/static/js/player.js", "/nothing"])
def test_every_answer_forbids_foreign_content_and_guessing_of_types(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/api/sessions/..%2f..%2fetc/frames/0",
        "/api/sessions/../../etc/passwd",
        "/api/sessions/%2e%2e/frames/0",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/session/..%2f..%2fetc",
        "/api/exports/..%2f/secret",
    ],
)
def test_nothing_outside_is_reached_by_a_path(client: Client, path: str) -> None:
    assert client.get(path).status == 404


@pytest.mark.parametrize("reviewer", ["..%2fother", "%2e%2e", ".hidden", "a%00b", "x" * 41])
def test_a_reviewers_name_is_never_a_path(client: Client, small_session_id: str, reviewer: str) -> None:
    assert client.get(f"/api/sessions/{small_session_id}/reviews/{reviewer}").status in (404, 422)


def test_the_server_listens_on_this_machine_alone(client: Client) -> None:
    with pytest.raises(OSError, match=r"refused|unreachable|assign"):
        http.client.HTTPConnection("127.0.0.2", client.launch.port, timeout=2).connect()


def test_a_launch_keeps_its_token_out_of_logs() -> None:
    launch = Launch.on(1234)
    assert launch.token not in repr(launch)
    assert launch.token != Launch.on(1234).token
