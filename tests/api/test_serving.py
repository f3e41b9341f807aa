"""How the gate listens: bounded heads, deadlines, taken ports, and an end without loose threads."""

import socket
from dataclasses import replace

import httpx
import pytest

from api.gate import serving
from api.gate.app import create_app
from api.gate.desk import Desk
from api.gate.refusals import PortInUse
from api.gate.serving import HEAD_BYTES_MAX, bind
from ledger.journal.errors import Overloaded
from ledger.journal.ports import Ack
from tests.api.venue import Venue

LIMIT_BUY = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": 1,
    "price": 20_000,
}


def connect(venue) -> socket.socket:
    host, port = venue.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def read_all(connection: socket.socket) -> bytes:
    """Until the venue closes."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def accepted_bytes(connection: socket.socket, most: int) -> int:
    """How much goes in before the venue cuts the connection off."""
    sent = 0
    while sent < most:
        try:
            connection.sendall(b"a" * 8192)
        except (BrokenPipeError, ConnectionResetError):
            break
        sent += 8192
    return sent


def test_a_taken_port_is_named():
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortInUse) as refused:
            bind("127.0.0.1", port)
    assert (refused.value.host, refused.value.port) == ("127.0.0.1", port)


@pytest.mark.parametrize("start", [b"GET /api/v3/ping HTTP/1.1\r\nx: ", b"GET /"])
def test_a_head_without_end_is_cut_off(venue, start):
    with connect(venue) as endless:
        endless.sendall(start)
        assert accepted_bytes(endless, 100 * HEAD_BYTES_MAX) < 100 * HEAD_BYTES_MAX
    assert venue.get("/api/v3/ping").status_code == 200


def test_half_a_head_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(serving, "HEAD_SECONDS_MAX", 0.2)
    with Venue(tmp_path) as venue:
        half, silent = connect(venue), connect(venue)
        half.sendall(b"GET /api/v3/ping HTTP/1.1\r\n")
        with half, silent:
            assert read_all(half) == b""
            assert read_all(silent) == b""


def test_a_connection_serves_many_requests_one_after_the_other(venue):
    """Pipelined, and each head counted for itself."""
    filler = b"x: " + b"a" * 1000 + b"\r\n"
    request = b"GET /api/v3/ping HTTP/1.1\r\nhost: here\r\n" + filler + b"\r\n"
    last = request.replace(b"host: here", b"host: here\r\nconnection: close")
    with connect(venue) as connection:
        connection.sendall(request * 60 + last)
        answered = read_all(connection)
    assert answered.count(b"HTTP/1.1 200 OK") == 61


def test_bytes_that_are_not_http_are_refused(venue):
    with connect(venue) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10)
        assert read_all(connection).startswith(b"HTTP/1.1 400 ")


def test_a_bug_is_answered_as_unknown_and_the_gate_goes_on(venue, monkeypatch, caplog):
    async def broken() -> None:
        monkeypatch.setattr(venue.engine, "depth", None, raising=False)

    venue.run(broken())
    answer = venue.get("/api/v3/depth", symbol="BTCUSDT")
    assert (answer.status_code, answer.json()) == (
        500,
        {"code": -1000, "msg": "An unknown error occurred while processing the request."},
    )
    assert venue.get("/api/v3/ping").status_code == 200
    assert "a bug in GET /api/v3/depth" in caplog.text


def test_a_stopped_sequencer_leaves_the_outcome_unknown(venue):
    trader = venue.trader(usdt=100_000)
    venue.run(venue.sequencer.close())
    answer = venue.signed(
        trader,
        "POST",
        "/api/v3/order",
        **LIMIT_BUY,
    )
    assert (answer.status_code, answer.json()["code"]) == (503, -1006)
    assert venue.signed(trader, "GET", "/api/v3/account").status_code == 200


class Busy:
    """A sequencer whose queue is full: what a real one does then is tested where it lives."""

    async def submit(self, _command: bytes) -> Ack:
        raise Overloaded(65_536, 65_536)


def test_a_full_queue_is_told_as_a_busy_venue(venue):
    trader = venue.trader(usdt=100_000)
    desk = Desk(Busy(), venue.history)
    app = create_app(replace(venue.services, desk=desk))
    request = venue.signed_request(trader, "POST", "/api/v3/order", **LIMIT_BUY)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=venue.url) as client:
            return await client.send(request)

    answer = venue.run(ask())
    assert (answer.status_code, answer.json()["code"]) == (503, -1008)
    assert not desk._orders_in_flight
