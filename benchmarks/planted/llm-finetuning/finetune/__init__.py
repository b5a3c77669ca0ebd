"""LLM fine-tuning and evaluation platform."""

__version__ = "0.9.2"
