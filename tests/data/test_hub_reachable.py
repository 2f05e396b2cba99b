"""The question whether the hub answers, asked of a server of our own."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from spikewright.data import hub_reachable as hub
from spikewright.data.hub_reachable import hub_answers


class Refuses(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(403)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Refuses) as made:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{made.server_port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield made


def test_any_answer_counts(server: HTTPServer) -> None:
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    assert hub_answers()
    thread.join()


def test_silence_does_not_take_long(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "SECONDS", 0.2)
    start = time.monotonic()
    assert not hub_answers()  # the server accepts and says nothing
    assert time.monotonic() - start < 2


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert not hub_answers()


def test_offline_mode_leaves_the_answer_to_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub_answers()
