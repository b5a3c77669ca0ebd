"""Command line: train, evaluate, and read the telemetry of runs."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any, Sequence

from . import __version__
from .config import ConfigError, RunConfig, load_config
from .messages import Phase
from .runtime import run_evaluation, run_training
from .sinks.files import encode
from .sinks.sqlite import drop_breakdown, recent_runs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="recsys")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("-v", "--verbose", action="count", default=0)
    commands = parser.add_subparsers(dest="command", required=True)

    configured = argparse.ArgumentParser(add_help=False)
    configured.add_argument("--config", type=Path)
    configured.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")

    train = commands.add_parser("train", parents=[configured], help="run a training")
    train.add_argument("--resume", action="store_true")
    train.add_argument("--no-dashboard", action="store_true")
    train.set_defaults(func=cmd_train)

    evaluate = commands.add_parser("evaluate", parents=[configured], help="evaluate the last checkpoint")
    evaluate.set_defaults(func=cmd_evaluate)

    status = commands.add_parser("status", help="ask a running training")
    status.add_argument("--url", default="http://localhost:8088")
    status.set_defaults(func=cmd_status)

    history = commands.add_parser("history", help="past runs")
    history.add_argument("database", type=Path)
    history.add_argument("--limit", type=int, default=10)
    history.add_argument("--drops", action="store_true", help="show where rows were lost")
    history.set_defaults(func=cmd_history)

    digest = commands.add_parser("digest", help="summarise a JSONL file")
    digest.add_argument("file", type=Path)
    digest.set_defaults(func=cmd_digest)
    return parser


def _config(args: argparse.Namespace, extra: Sequence[str] = ()) -> RunConfig:
    return load_config(args.config, [*args.set, *extra])


def cmd_train(args: argparse.Namespace) -> int:
    cfg = _config(args, ["dashboard=false"] if args.no_dashboard else [])
    summary = run_training(cfg, resume=args.resume)
    print(json.dumps(encode(summary), indent=1))
    return 0 if summary.phase is Phase.FINISHED else 1


def cmd_evaluate(args: argparse.Namespace) -> int:
    report = run_evaluation(_config(args))
    if report is None:
        print("no checkpoint found", file=sys.stderr)
        return 1
    print(json.dumps(encode(report), indent=1))
    return 0


def _status_lines(body: dict[str, Any]) -> list[str]:
    lines = [f"{body['run']}: {body['phase']} {body.get('phase_reason', '')}".rstrip()]
    if train := body.get("train"):
        lines.append(
            f"step {train['step']} loss {train['loss']} at {train['examples_per_s']:.0f} ex/s,"
            f" {train['skipped']} skipped, last step {body['step_age_s']:.0f} s ago"
        )
    if ingest := body.get("ingest"):
        lines.append(f"rows {ingest['rows_kept']} kept, {ingest['dropped']} dropped")
    if quality := body.get("eval"):
        lines.append(f"auc {quality['auc']:.4f}, weakest segment {quality['weakest_segment']}")
    if health := body.get("health"):
        lines.append(f"health {health['status']} {'; '.join(health['findings'])}".rstrip())
    if checkpoint := body.get("checkpoint"):
        lines.append(f"checkpoint {checkpoint['path']} (best {checkpoint['best_metric']})")
    if export := body.get("export"):
        lines.append(f"export {'accepted' if export['accepted'] else export['refusal']}")
    for rule, alert in body["alerts"].items():
        lines.append(f"ALERT {alert['severity']} {rule}: {alert['metric']}={alert['value']}")
    return lines


def cmd_status(args: argparse.Namespace) -> int:
    try:
        with urllib.request.urlopen(f"{args.url}/status", timeout=5) as response:
            body = json.load(response)
    except urllib.error.URLError as exc:
        print(f"no answer from {args.url}: {exc.reason}", file=sys.stderr)
        return 1
    print("\n".join(_status_lines(body)))
    return 2 if body["alerts"] else 0


def cmd_history(args: argparse.Namespace) -> int:
    for row in recent_runs(args.database, args.limit):
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row["t"]))
        best = f"{row['best_metric']:.4f}" if row["best_metric"] is not None else "-"
        print(
            f"{when} {row['run']:<20} {row['phase']:<9} {row['steps']:>8} steps"
            f" {row['examples']:>10} ex {row['skipped']:>4} skipped {row['wall_s']:>8.0f} s"
            f" loss {row['final_loss'] or float('nan'):.4f} best {best} {row['reason']}"
        )
        if args.drops and (drops := drop_breakdown(args.database, row["run"])) is not None:
            print("    " + "  ".join(f"{key} {drops[key]}" for key in drops.keys()))
    return 0


def cmd_digest(args: argparse.Namespace) -> int:
    kinds: Counter[str] = Counter()
    findings: Counter[str] = Counter()
    fired: Counter[str] = Counter()
    last: dict[str, dict[str, Any]] = {}
    with args.file.open() as handle:
        for line in handle:
            row = json.loads(line)
            kinds[row["kind"]] += 1
            last[row["kind"]] = row
            if row["kind"] == "health":
                findings.update(f["check"] for f in row["findings"])
            elif row["kind"] == "alert" and row["state"] == "firing":
                fired[row["rule"]] += 1
    print("messages:", ", ".join(f"{k} {n}" for k, n in kinds.most_common()))
    if "step" in last:
        print(f"last step {last['step']['step']}: loss {last['step']['loss']}")
    if "ingest" in last:
        print(f"rows dropped: {last['ingest']['dropped']} ({last['ingest']['drop_rate']:.1%})")
    if "drift" in last:
        print(f"worst drift: {last['drift']['worst']:.3f}")
    for title, counts in (("findings", findings), ("alerts", fired)):
        if counts:
            print(f"{title}:", ", ".join(f"{k} {n}" for k, n in counts.most_common()))
    if "summary" in last:
        print(f"ended {last['summary']['phase']}: {last['summary']['reason']}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    levels = (logging.WARNING, logging.INFO, logging.DEBUG)
    logging.basicConfig(
        level=levels[min(args.verbose, 2)], format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        return args.func(args)
    except ConfigError as exc:
        print(f"configuration: {exc}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
