"""What all tests share."""

from __future__ import annotations

import os
import signal

# Workers of a parallel run share the cores; a second thread for each makes all of them many times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Started in the background by a script the suite ignores Ctrl-C, and so would all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
