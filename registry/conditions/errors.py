"""What can be wrong with a condition, and with a value that it is asked about."""

from __future__ import annotations


class ConditionError(ValueError):
    """A condition is not written in the language of conditions.

    `text` is the whole condition, `offset` the 0-based position of the fault in it and `length` how far it
    reaches; `expected` says what to write instead.
    """

    def __init__(self, text: str, message: str, *, expected: str, offset: int = 0, length: int = 1) -> None:
        super().__init__(f"{message}; {expected}")
        self.text = text
        self.message = message
        self.expected = expected
        self.offset = offset
        self.length = length


class GradingError(TypeError):
    """A value has not the shape that its record declares, so no level can be decided."""
