"""Command line: serve, replay, batch and report."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import Any, Sequence

from prometheus_client import write_to_textfile

from serving.app import ServingApp
from serving.config import ServingConfig, load_config
from serving.dashboard import render
from serving.replay import replay, synthetic_requests
from serving.store import render_report
from serving.tracing import configure_logging


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="serving", description=__doc__)
    parser.add_argument("--config", help="TOML configuration file")
    parser.add_argument("--log-level", default="warning")
    parser.add_argument("--db", help="SQLite file, overrides [telemetry] db_path")
    parser.add_argument("--events", help="JSONL file, overrides [telemetry] jsonl_path")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the service")
    serve.add_argument("--port", type=int, default=8098)
    serve.add_argument("--dashboard-every", type=float, default=0.0, help="print the dashboard every N seconds")
    replayed = commands.add_parser("replay", help="run synthetic traffic through the service")
    replayed.add_argument("--requests", type=int, default=200)
    replayed.add_argument("--rate", type=float, default=300.0)
    replayed.add_argument("--shift", type=float, default=1.5)
    replayed.add_argument("--reload", help="model version to load half way")
    batch = commands.add_parser("batch", help="score synthetic rows offline")
    batch.add_argument("--rows", type=int, default=200)
    batch.add_argument("--metrics-file", help="write the metrics for the node exporter's textfile collector")
    report = commands.add_parser("report", help="report on a recorded run")
    report.add_argument("--run", type=int)
    return parser


def _overrides(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    telemetry: dict[str, Any] = {}
    if args.db:
        telemetry["db_path"] = args.db
    if args.events:
        telemetry["jsonl_path"] = args.events
    return {"telemetry": telemetry}


def _reload(app: ServingApp, config_path: str | None) -> None:
    app.models.load(load_config(config_path).engine.version, trigger="signal")


async def _serve(app: ServingApp, args: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, _reload, app, args.config))
    front = asyncio.create_task(app.front.serve(app.config.status.host, args.port))
    loop.add_signal_handler(signal.SIGTERM, front.cancel)
    while args.dashboard_every > 0 and not front.done():
        await asyncio.wait([front], timeout=args.dashboard_every)
        print(render(app.snapshot()), end="\n\n", flush=True)
    await asyncio.gather(front, return_exceptions=True)


async def _replay(app: ServingApp, args: argparse.Namespace) -> None:
    requests = list(synthetic_requests(args.requests, seed=1, shift=args.shift))
    half = len(requests) // 2
    outcomes = await replay(app.front, requests[:half], args.rate)
    if args.reload:
        await asyncio.to_thread(app.models.load, args.reload, "manual")
    outcomes += await replay(app.front, requests[half:], args.rate)
    print("outcomes:", ", ".join(f"{name}={count}" for name, count in sorted(outcomes.items())))


def _run(config: ServingConfig, args: argparse.Namespace) -> int:
    app = ServingApp(config, args.command)
    if args.command == "batch":
        failed = app.offline.run(list(synthetic_requests(args.rows, seed=2, shift=0.0)))
        app.store.end_run(app.bus.published)
        app.store.close()
        app.jsonl.close()
        if args.metrics_file:
            write_to_textfile(args.metrics_file, app.metrics.registry)
        print(f"scored {args.rows - failed} of {args.rows} rows")
        return 0
    app.start()
    server = app.status_server()
    server.start()
    try:
        if args.command == "serve":
            asyncio.run(_serve(app, args))
        else:
            asyncio.run(_replay(app, args))
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
        app.close()
    print(render(app.snapshot()))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    configure_logging(args.log_level)
    config = load_config(args.config, _overrides(args))
    if args.command == "report":
        print(render_report(config.telemetry.db_path, args.run))
        return 0
    return _run(config, args)


if __name__ == "__main__":
    sys.exit(main())
