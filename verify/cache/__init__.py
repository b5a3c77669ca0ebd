"""Answers kept between runs, where to keep them, and the options that say so."""

from .recording import keep_glances, keep_this

__all__ = ["keep_glances", "keep_this"]
