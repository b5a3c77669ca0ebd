"""The terminal dashboard: the widgets over an aggregator, with training in a thread beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import ClassVar

from rich.terminal_theme import TerminalTheme
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Header, Static
from textual.worker import Worker, WorkerState

from .aggregator import SanctumAggregator
from .widgets import AnomalyStrip, HealthStatusPanel, PolicyPanel, StatusBanner, ValuePanel

Training = Callable[[threading.Event], object]
"""A training run: it is given an event that asks it to stop, and looks at it once an update."""

# The widgets name colours by their ANSI names; this is what these look like on a dark background.
_COLOURS = TerminalTheme(
    (18, 18, 18),
    (224, 224, 224),
    [
        (40, 44, 52),
        (255, 85, 85),
        (106, 200, 110),
        (240, 190, 80),
        (97, 160, 240),
        (200, 130, 230),
        (86, 182, 194),
        (200, 204, 212),
    ],
)


class SanctumApp(App[None]):
    """Shows the newest snapshot of an aggregator, some times a second, in 80 columns by 24 lines or more.

    Status, anomalies and the state of the run are always on the screen. The panels between them scroll where
    they do not all fit: arrows, page up and page down.

    With `training`, the callable runs in a worker thread beside the screen. Leaving with `q` sets the event
    that it was given and waits for it to return; a second `q` closes the screen without waiting, although
    `run()` still returns only when the thread has ended. An error of the training stays on the screen until
    the user leaves; then it is in `training_error`, for the caller to raise, and `return_code` is 1.
    """

    TITLE = "Sanctum"
    SUB_TITLE = "telewire"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "quit", "Quit")]
    CSS = """
    Screen { layout: vertical; }
    StatusBanner, HealthStatusPanel, PolicyPanel, ValuePanel, AnomalyStrip {
        border: round $primary;
        border-title-color: $text-muted;
        padding: 0 1;
    }
    AnomalyStrip { height: 3; }
    #panels { height: 1fr; scrollbar-size-vertical: 1; }
    #run-state { height: 1; padding: 0 2; }
    """

    def __init__(
        self,
        aggregator: SanctumAggregator,
        training: Training | None = None,
        *,
        refresh_hz: float = 4.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare the app; `run()` opens it.

        Args:
            aggregator: where snapshots come from.
            training: what to run beside the dashboard; None to watch a run that lives elsewhere.
            refresh_hz: snapshots per second.
            clock: seconds since the epoch, compared with the time stamps of events.

        Raises:
            ValueError: `refresh_hz` is not positive.
        """
        if not refresh_hz > 0:
            raise ValueError(f"refresh_hz must be positive, not {refresh_hz}")
        super().__init__()
        self.ansi_theme_dark = _COLOURS
        self.training_error: BaseException | None = None
        """What the training raised; None while it runs and after it returned."""
        self.training_result: object | None = None
        """What the training returned."""
        self._banner = StatusBanner(id="status")
        self._panel = HealthStatusPanel(id="health")
        self._policy = PolicyPanel(id="policy")
        self._value = ValuePanel(id="value")
        self._strip = AnomalyStrip(id="anomalies")
        self._run_line = Static(id="run-state")
        self._aggregator = aggregator
        self._training = training
        self._refresh_hz = refresh_hz
        self._clock = clock
        self._stop = threading.Event()
        self._worker: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the screen, the most urgent first."""
        yield Header(icon="")
        yield self._banner
        with VerticalScroll(id="panels"):
            yield self._panel
            yield self._policy
            yield self._value
        yield self._strip
        yield self._run_line
        yield Footer()

    def on_mount(self) -> None:
        """Show the state as it is, then keep it fresh and start the training."""
        self._banner.border_title = "Status"
        self._panel.border_title = "Health"
        self._policy.border_title = "Policy"
        self._value.border_title = "Value function"
        self._strip.border_title = "Anomalies"
        if self._training is not None:
            self._worker = self.run_worker(self._run_training, name="training", thread=True)
        self.refresh_snapshot()
        self.set_interval(1 / self._refresh_hz, self.refresh_snapshot)

    def on_unmount(self) -> None:
        """Ask the training to stop, however the app came to close."""
        self._stop.set()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Close when the training that was asked to stop has stopped; otherwise show how it ended."""
        if event.worker is self._worker and event.state in (WorkerState.SUCCESS, WorkerState.ERROR):
            self.refresh_snapshot()
            if self._stop.is_set():
                self._leave()

    async def action_quit(self) -> None:
        """Leave: at once when no training runs or when asked twice, else when the training has stopped."""
        if self._worker is None or self._worker.is_finished or self._stop.is_set():
            self._leave()
            return
        self._stop.set()
        self.refresh_snapshot()

    def refresh_snapshot(self) -> None:
        """Take a snapshot now and hand it to every widget."""
        if not self._banner.is_attached:
            return  # The timer may ring once more while the screen is being taken down.
        snapshot = self._aggregator.get_snapshot()
        self._banner.update_snapshot(snapshot)
        self._panel.update_snapshot(snapshot)
        self._policy.update_snapshot(snapshot)
        self._value.update_snapshot(snapshot)
        self._strip.update_snapshot(snapshot)
        self._run_line.update(self._run_state(snapshot.last_event_at))

    def _run_training(self) -> None:
        if self._training is None:
            return
        try:
            self.training_result = self._training(self._stop)
        except BaseException as error:  # noqa: BLE001 - the caller raises it, from its own thread
            self.training_error = error

    def _leave(self) -> None:
        self._stop.set()
        self.exit(return_code=0 if self.training_error is None else 1)

    def _run_state(self, last_event_at: float | None) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        if self.training_error is not None:
            error = self.training_error
            return text.append(f"training failed: {type(error).__name__}: {error}", style="bold red")
        if self._worker is None:
            text.append("watching")
        elif self._worker.is_finished:
            text.append("training finished")
        elif self._stop.is_set():
            text.append("stopping after this update; q again to leave now", style="bold")
        else:
            text.append("training")
        if last_event_at is None:
            return text.append(", no event yet", style="dim")
        # A frozen screen looks healthy: the age of the newest event tells it from a live one.
        age = max(0.0, self._clock() - last_event_at)
        return text.append(f", newest event {age:.0f} s ago", style="dim")
