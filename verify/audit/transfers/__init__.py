"""Values that are handed over under names: left out, crossed, not handed on, thrown away."""
