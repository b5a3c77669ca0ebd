"""Answers kept between runs, where to keep them, and the options that say so."""
