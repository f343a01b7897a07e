"""HTTP whose answers end: a server that sends without end fills no memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx


class TooMuchError(Exception):
    """A server sent more than it may."""


class BoundedTransport(httpx.AsyncBaseTransport):
    """Breaks off answers that are longer than they may be.

    Args:
        inner: What sends and receives.
        most_bytes: Of the body of one answer.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, *, most_bytes: int) -> None:
        self._inner = inner
        self._most = most_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of its answer is bounded."""
        response = await self._inner.handle_async_request(request)
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _BoundedStream(response.stream, self._most)
        return response

    async def aclose(self) -> None:
        """Close what sends and receives."""
        await self._inner.aclose()


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, most: int) -> None:
        self._inner = inner
        self._left = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._left -= len(chunk)
            if self._left < 0:
                raise TooMuchError("an answer was too long")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
