"""Fields, columns, settings and containers: those that are never given a value, and those that nobody looks at."""
