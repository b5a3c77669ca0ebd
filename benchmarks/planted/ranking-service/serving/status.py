"""Health checks and the HTTP endpoint for probes, scrapes and people."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from serving.config import StatusConfig
from serving.dashboard import Snapshot, render

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckResult:
    name: str
    healthy: bool
    detail: str


HealthCheck = Callable[[], tuple[bool, str]]


class HealthRegistry:
    def __init__(self) -> None:
        self._checks: dict[str, HealthCheck] = {}

    def register(self, name: str, check: HealthCheck) -> None:
        self._checks[name] = check

    def run(self) -> list[CheckResult]:
        results = []
        for name, check in self._checks.items():
            try:
                healthy, detail = check()
            except Exception as error:
                healthy, detail = False, repr(error)
            results.append(CheckResult(name, healthy, detail))
        return results


class StatusServer:
    """Serves /healthz, /metrics, /status (JSON) and /dashboard (text)."""

    def __init__(
        self,
        config: StatusConfig,
        registry: CollectorRegistry,
        health: HealthRegistry,
        snapshot: Callable[[], Snapshot],
    ) -> None:
        self._registry = registry
        self._health = health
        self._snapshot = snapshot
        self._routes: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/healthz": self._healthz,
            "/metrics": self._metrics,
            "/status": self._status,
            "/dashboard": self._dashboard,
        }
        self._server = ThreadingHTTPServer((config.host, config.port), self._handler_class())
        self._thread = threading.Thread(target=self._server.serve_forever, name="status", daemon=True)

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        routes = self._routes

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                route = routes.get(self.path.split("?")[0])
                if route is None:
                    self.send_error(404)
                    return
                code, content_type, body = route()
                self.send_response(code)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                log.debug(format, *args)

        return Handler

    def _healthz(self) -> tuple[int, str, bytes]:
        results = self._health.run()
        healthy = all(result.healthy for result in results)
        body = {"healthy": healthy, "checks": [asdict(result) for result in results]}
        return (200 if healthy else 503), "application/json", json.dumps(body).encode()

    def _metrics(self) -> tuple[int, str, bytes]:
        return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)

    def _status(self) -> tuple[int, str, bytes]:
        return 200, "application/json", json.dumps(self._snapshot().as_json(), default=str).encode()

    def _dashboard(self) -> tuple[int, str, bytes]:
        return 200, "text/plain; charset=utf-8", (render(self._snapshot()) + "\n").encode()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
