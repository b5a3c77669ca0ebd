"""The asyncio front: JSON lines over TCP, or `handle` called directly."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from serving.admission import AdmissionController
from serving.drift import DriftMonitor
from serving.events import EventBus, RequestFinished, RequestReceived, RequestRejected
from serving.metrics import Metrics
from serving.queueing import RequestQueue
from serving.tracing import Stopwatch, trace_scope
from serving.types import Candidate, Outcome, Priority, RankRequest, RankResponse, Ticket

log = logging.getLogger(__name__)


def parse_request(data: dict[str, Any]) -> RankRequest:
    return RankRequest(
        request_id=str(data["request_id"]),
        tenant=str(data.get("tenant", "default")),
        user_id=str(data["user_id"]),
        priority=Priority[str(data.get("priority", "normal")).upper()],
        user_features={name: float(value) for name, value in data.get("user_features", {}).items()},
        candidates=tuple(Candidate(str(item["id"]), tuple(map(float, item["features"]))) for item in data["candidates"]),
        prompt_tokens=int(data.get("prompt_tokens", 32)),
        deadline_s=float(data.get("deadline_s", 1.0)),
    )


@dataclass(frozen=True)
class FrontDeps:
    admission: AdmissionController
    queue: RequestQueue
    drift: DriftMonitor
    metrics: Metrics
    bus: EventBus


class InferenceFront:
    def __init__(self, deps: FrontDeps) -> None:
        self._deps = deps

    async def handle(self, request: RankRequest) -> RankResponse:
        deps = self._deps
        with trace_scope() as trace_id, deps.metrics.track_inflight():
            deps.bus.publish(
                RequestReceived(
                    tenant=request.tenant,
                    priority=request.priority.label,
                    candidates=len(request.candidates),
                    prompt_tokens=request.prompt_tokens,
                )
            )
            with Stopwatch() as watch:
                response = await self._process(request, trace_id)
            self._finish(request, response, trace_id, watch.seconds)
            return response

    async def _process(self, request: RankRequest, trace_id: str) -> RankResponse:
        verdict = self._deps.admission.admit(request)
        if not verdict.admitted:
            return self._reject(request, verdict.reason, verdict.retry_after_s)
        ticket = Ticket(request, Future(), trace_id, enqueued_at=0.0)
        if not self._deps.queue.put(ticket):
            return self._reject(request, "queue_full", 0.1)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(ticket.future), request.deadline_s)
        except asyncio.TimeoutError:
            log.warning("request %s missed its deadline", request.request_id)
            return RankResponse(request.request_id, Outcome.TIMEOUT, reason="deadline")

    def _reject(self, request: RankRequest, reason: str, retry_after_s: float) -> RankResponse:
        self._deps.bus.publish(
            RequestRejected(
                request_id=request.request_id,
                tenant=request.tenant,
                reason=reason,
                queue_depth=self._deps.queue.depth(),
                retry_after_s=retry_after_s,
            )
        )
        return RankResponse(request.request_id, Outcome.REJECTED, reason=reason, retry_after_s=retry_after_s)

    def _finish(self, request: RankRequest, response: RankResponse, trace_id: str, latency_s: float) -> None:
        top_score = max(response.scores, default=0.0)
        if response.outcome is Outcome.OK:
            self._deps.drift.observe_request(request)
            self._deps.drift.observe_prediction(top_score)
        self._deps.bus.publish(
            RequestFinished(
                request_id=request.request_id,
                trace_id=trace_id,
                tenant=request.tenant,
                outcome=response.outcome.value,
                model_version=response.model_version,
                latency_s=latency_s,
                queue_s=response.stages.queue_s,
                batch_wait_s=response.stages.batch_wait_s,
                inference_s=response.stages.inference_s,
                tokens_in=request.prompt_tokens,
                tokens_out=response.tokens_out,
                reused_tokens=response.reused_tokens,
                feature_hit=response.feature_hit,
                top_score=top_score,
            )
        )

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                try:
                    response = (await self.handle(parse_request(json.loads(line)))).as_json()
                except (KeyError, ValueError, TypeError) as error:
                    response = {"outcome": "invalid", "reason": repr(error)}
                writer.write(json.dumps(response).encode() + b"\n")
                await writer.drain()
        finally:
            writer.close()

    async def serve(self, host: str, port: int) -> None:
        server = await asyncio.start_server(self._connection, host, port)
        async with server:
            await server.serve_forever()
