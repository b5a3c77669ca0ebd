"""How often a careful reader agrees with the audit, on packages from PyPI."""
