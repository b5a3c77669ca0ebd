"""Sources as facts: files are read, parsed and summarised here. Nothing is imported or executed.

A `ModuleSummary` holds what one file says by itself; a `Program` links the summaries of all files by name.
This package knows no record.
"""

from .files import SourceFile, SourceFolder, discover
from .program import ClassSymbol, ConstantSymbol, FunctionSymbol, ModuleSymbol, Program, Symbol
from .reading import Reader, Reading, read_sources
from .reassigned import settle
from .summarise import SourceError, summarise

__all__ = [
    "ClassSymbol",
    "ConstantSymbol",
    "FunctionSymbol",
    "ModuleSymbol",
    "Program",
    "Reader",
    "Reading",
    "SourceError",
    "SourceFile",
    "SourceFolder",
    "Symbol",
    "discover",
    "read_sources",
    "settle",
    "summarise",
]
