"""A minimal HTTP endpoint for status, health and job submission."""
from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from typing import Any

from ..alerts import AlertManager
from ..events import EventBus
from ..health import HealthRegistry
from ..metrics import MetricsHub
from ..settings import ServiceSettings
from ..status import StatusBoard
from .jobs import JobService, QueueFull

log = logging.getLogger(__name__)

_REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests", 503: "Unavailable"}


class StatusServer:
    def __init__(
        self,
        settings: ServiceSettings,
        board: StatusBoard,
        alerts: AlertManager,
        health: HealthRegistry,
        hub: MetricsHub,
        bus: EventBus,
        service: JobService,
    ) -> None:
        self._settings = settings
        self._board = board
        self._alerts = alerts
        self._health = health
        self._hub = hub
        self._bus = bus
        self._service = service
        self._responses: Counter[str] = Counter()
        self._slowest_ms = 0.0

    async def serve(self) -> None:
        server = await asyncio.start_server(self._handle, self._settings.host, self._settings.port)
        log.info("status endpoint on http://%s:%d", self._settings.host, self._settings.port)
        async with server:
            await server.serve_forever()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began = time.perf_counter()
        try:
            method, path, body = await self._read(reader)
            code, payload = self._route(method, path, body)
        except (ValueError, IndexError, asyncio.IncompleteReadError):
            code, payload = 400, {"error": "malformed request"}
        self._responses[f"{code}"] += 1
        data = json.dumps(payload, default=str).encode()
        head = f"HTTP/1.1 {code} {_REASONS[code]}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        writer.write(head.encode() + data)
        await writer.drain()
        writer.close()
        self._slowest_ms = max(self._slowest_ms, 1000 * (time.perf_counter() - began))

    async def _read(self, reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
        request = (await reader.readline()).decode("latin-1").split()
        method, path = request[0], request[1] if len(request) > 1 else "/"
        length = 0
        while line := (await reader.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "content-length":
                length = int(value)
        return method, path, await reader.readexactly(length)

    def _route(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        parts = path.strip("/").split("/")
        if method == "POST" and parts == ["jobs"]:
            request = json.loads(body or b"{}")
            try:
                return 202, {"job_id": self._service.submit(request.get("overrides", []))}
            except QueueFull:
                return 429, {"error": "queue is full"}
        if method == "POST" and len(parts) == 3 and parts[0] == "jobs" and parts[2] == "cancel":
            return (202, {"cancelled": parts[1]}) if self._service.cancel(parts[1]) else (404, {"error": "not running"})
        if parts == ["healthz"]:
            report = self._health.run()
            return (200 if report["ok"] else 503), report
        if parts == ["status"]:
            return 200, self.status()
        if len(parts) == 2 and parts[0] == "jobs":
            job = self._board.job(parts[1])
            return (200, job) if job is not None else (404, {"error": "unknown job"})
        return 404, {"error": "unknown path"}

    def status(self) -> dict[str, Any]:
        return {
            **self._board.snapshot(),
            "alerts": self._alerts.snapshot(),
            "telemetry": self._hub.stats(),
            "events": self._bus.stats(),
            "service": self._service.stats(),
            "http": {"responses": dict(self._responses), "slowest_ms": self._slowest_ms},
        }
