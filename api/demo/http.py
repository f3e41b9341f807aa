"""A customer's and a regulator's own HTTP client: signs as any Binance client does."""

import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from api.gate.customers import IssuedKey

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and the decoded body."""

    status: int
    body: Any


class Client:
    """Talks to one venue over one session."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def signed(self, method: str, path: str, key: IssuedKey, **fields: str) -> Answer:
        """A signed request of the trading API."""
        fields["timestamp"] = str(time.time_ns() // NS_PER_MS)
        query = urlencode(fields)
        digest = hmac.new(key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        # As it was signed: aiohttp would quote the query its own way.
        url = URL(f"{self._url}{path}?{query}&signature={digest}", encoded=True)
        headers = {"X-MBX-APIKEY": key.api_key}
        async with self._session.request(method, url, headers=headers) as response:
            return Answer(response.status, await response.json(content_type=None))

    async def regulator(self, path: str, token: str) -> Answer:
        """A regulator's question."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self._session.get(f"{self._url}{path}", headers=headers) as response:
            return Answer(response.status, await response.json(content_type=None))
