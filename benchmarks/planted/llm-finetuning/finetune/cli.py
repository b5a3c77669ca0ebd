"""Command line: train, serve, evaluate, dashboard, report, tail."""
from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import uuid
from pathlib import Path

from .dashboard import Dashboard
from .events import JobStarted
from .metrics.sinks import read_jsonl
from .report import JobReport
from .settings import Settings, load_settings
from .wiring import build_telemetry

log = logging.getLogger(__name__)


def cmd_train(settings: Settings, args: argparse.Namespace) -> int:
    from .service.worker import run_job

    telemetry = build_telemetry(settings, queue_depth=lambda: 0)
    job_id = args.job or f"local-{uuid.uuid4().hex[:6]}"
    try:
        telemetry.bus.publish(JobStarted(job_id=job_id, total_steps=settings.optim.total_steps))
        succeeded = run_job(job_id, settings, telemetry.bus.publish, should_stop=lambda: False)
    finally:
        telemetry.close()
    print(json.dumps(telemetry.board.job(job_id), indent=2, default=str))
    return 0 if succeeded else 1


async def _serve(settings: Settings, initial: list[list[str]]) -> None:
    from .service import JobQueue, JobService, StatusServer

    jobs = JobQueue(settings.service.max_queue)
    telemetry = build_telemetry(settings, queue_depth=jobs.depth)
    service = JobService(telemetry.bus, jobs, settings, on_undecodable=telemetry.prom.undecodable.inc)
    server = StatusServer(
        settings.service,
        telemetry.board,
        telemetry.alerts,
        telemetry.health,
        telemetry.hub,
        telemetry.bus,
        service,
    )
    for overrides in initial:
        service.submit(overrides)
    try:
        await asyncio.gather(service.run(), server.serve())
    finally:
        telemetry.close()


def cmd_serve(settings: Settings, args: argparse.Namespace) -> int:
    initial: list[list[str]] = []
    if args.jobs is not None:
        initial = [json.loads(line)["overrides"] for line in args.jobs.read_text().splitlines() if line.strip()]
    try:
        asyncio.run(_serve(settings, initial))
    except KeyboardInterrupt:
        log.info("stopped")
    return 0


def cmd_evaluate(settings: Settings, args: argparse.Namespace) -> int:
    from .builder import build_harness, load_model

    loaded = load_model(settings)
    loaded.model.to(loaded.device)
    harness = build_harness(settings, loaded)
    if harness is None:
        print("data.eval_path is not set", file=sys.stderr)
        return 2
    print(json.dumps(harness.run(step=0).to_dict(), indent=2))
    return 0


def cmd_dashboard(settings: Settings, args: argparse.Namespace) -> int:
    try:
        Dashboard(settings.service).run()
    except KeyboardInterrupt:
        pass
    return 0


def cmd_report(settings: Settings, args: argparse.Namespace) -> int:
    if settings.telemetry.sqlite_path is None:
        print("telemetry.sqlite_path is not set", file=sys.stderr)
        return 2
    print(JobReport(settings.telemetry.sqlite_path, args.job).render())
    return 0


def cmd_tail(settings: Settings, args: argparse.Namespace) -> int:
    if settings.telemetry.jsonl_path is None:
        print("telemetry.jsonl_path is not set", file=sys.stderr)
        return 2
    points = [p for p in read_jsonl(settings.telemetry.jsonl_path) if args.job in (None, p.job_id)]
    for point in points[-args.lines :]:
        print(f"{point.at:.0f} {point.job_id} {point.step:>7} {point.name:<40} {point.value:.6g}")
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="finetune", description=__doc__)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="overrides")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train in this process")
    train.add_argument("--job")
    train.set_defaults(run=cmd_train)
    serve = commands.add_parser("serve", help="run the job service")
    serve.add_argument("--jobs", type=Path, help="JSONL of jobs to submit at the start")
    serve.set_defaults(run=cmd_serve)
    commands.add_parser("evaluate", help="evaluate the base model").set_defaults(run=cmd_evaluate)
    commands.add_parser("dashboard", help="watch a running service").set_defaults(run=cmd_dashboard)
    report = commands.add_parser("report", help="report on one job")
    report.add_argument("job")
    report.set_defaults(run=cmd_report)
    tail = commands.add_parser("tail", help="print the last metric points")
    tail.add_argument("--job")
    tail.add_argument("--lines", type=int, default=40)
    tail.set_defaults(run=cmd_tail)
    return parser


def main(argv: list[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    settings = load_settings(args.config, args.overrides)
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    return args.run(settings, args)
