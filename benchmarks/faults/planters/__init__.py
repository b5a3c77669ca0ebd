"""Every planter, by the name of its fault class."""

from ..plant import Planter
from .consumers import CONSUMER_PLANTERS
from .declarations import DECLARATION_PLANTERS
from .stages import STAGE_PLANTERS
from .stored_values import STORED_VALUE_PLANTERS

PLANTERS: dict[str, Planter] = {
    planter.fault: planter
    for planter in (
        *STORED_VALUE_PLANTERS,
        *STAGE_PLANTERS,
        *CONSUMER_PLANTERS,
        *DECLARATION_PLANTERS,
    )
}
"""All fault classes, in the order of the table."""
