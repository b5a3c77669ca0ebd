from .harness import EvalHarness
from .scorers import build_scorers

__all__ = ["EvalHarness", "build_scorers"]
