"""Every planter, by the name of its fault class."""

from ..plant import Planter
from .consumers import CONSUMER_PLANTERS
from .crossed import CROSSED_PLANTERS
from .declarations import DECLARATION_PLANTERS
from .events import EVENT_PLANTERS
from .fields import FIELD_PLANTERS
from .gates import GATE_PLANTERS
from .instruments import INSTRUMENT_PLANTERS
from .keys import KEY_PLANTERS
from .results import RESULT_PLANTERS
from .series import SERIES_PLANTERS
from .siblings import SIBLING_PLANTERS
from .stages import STAGE_PLANTERS
from .stored_values import STORED_VALUE_PLANTERS
from .uses import USE_PLANTERS

PLANTERS: dict[str, Planter] = {
    planter.fault: planter
    for planter in (
        *STORED_VALUE_PLANTERS,
        *STAGE_PLANTERS,
        *CONSUMER_PLANTERS,
        *DECLARATION_PLANTERS,
        *FIELD_PLANTERS,
        *KEY_PLANTERS,
        *USE_PLANTERS,
        *EVENT_PLANTERS,
        *GATE_PLANTERS,
        *CROSSED_PLANTERS,
        *SERIES_PLANTERS,
        *RESULT_PLANTERS,
        *INSTRUMENT_PLANTERS,
        *SIBLING_PLANTERS,
    )
}
"""All fault classes, in the order of the table."""
