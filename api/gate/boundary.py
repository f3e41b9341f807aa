"""The outermost layer: a bug becomes an answer and a log entry, and the connection lives on."""

import logging
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.gate.errors import answer_unknown

_LOG: Final = logging.getLogger(__name__)


class AnswersBugs:
    """Any exception that no table knows is answered with -1000: the outcome is unknown.

    The server beneath would close the connection under a client that is about to reuse it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; answer for it if it breaks before it answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if started:
                raise
            _LOG.exception("a bug in %s %s", scope["method"], scope["path"])
            await answer_unknown()(scope, receive, send)
