"""What all tests share."""

from __future__ import annotations

import os

# Workers of a parallel run share the cores; a second thread for each makes all of them many times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
