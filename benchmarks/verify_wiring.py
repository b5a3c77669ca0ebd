"""What verify-wiring costs over this repository, as ratios to parsing the same files with `ast.parse`.

    python benchmarks/verify_wiring.py [ROUNDS]

Process CPU time; the contenders in turn within each round; the median over the rounds is printed.
"""

import ast
import gc
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from telewire.registry.config import load_configuration
from telewire.verify.analysis import verify
from telewire.verify.source import discover, summarise

ROOT = Path(__file__).resolve().parents[1]


def main(rounds: int) -> None:
    """Print the table."""
    configuration = load_configuration(ROOT)
    files = discover(configuration.sources, root=configuration.root, exclude=configuration.exclude)
    texts = [file.path.read_bytes() for file in files]

    def parse() -> None:
        gc.disable()
        for text in texts:
            ast.parse(text)
        gc.enable()

    contenders: dict[str, Callable[[], object]] = {
        "ast.parse (reference)": parse,
        "summaries with value graphs": lambda: [summarise(*pair) for pair in zip(files, texts, strict=True)],
        "verify: records, flow, proofs, rules": lambda: verify(configuration),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            begin = time.process_time()
            call()
            times[name].append(time.process_time() - begin)
    lines = sum(text.count(b"\n") for text in texts)
    print(f"{len(files)} files, {lines:,} lines")
    reference = next(iter(times.values()))
    for name, measured in times.items():
        ratio = statistics.median(one / base for one, base in zip(measured, reference, strict=True))
        print(f"  {name:<38} {statistics.median(measured):6.2f} s   ratio {ratio:6.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
