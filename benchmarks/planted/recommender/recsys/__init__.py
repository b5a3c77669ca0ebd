"""Two-tower recommender training system."""

__version__ = "2.7.0"
