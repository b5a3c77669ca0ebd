"""A plain training loop to watch, and a backend that keeps what it is sent."""

import math

import torch

from telewire.telemetry.payloads import TrainingStepPayload


class Recorder:
    name = "recorder"

    def __init__(self):
        self.payloads = []

    def handle(self, event):
        self.payloads.append(event.payload)

    def of(self, kind):
        return [payload for payload in self.payloads if isinstance(payload, kind)]

    @property
    def steps(self):
        return self.of(TrainingStepPayload)


def gradients_of(model):
    """A backward pass; its loss."""
    loss = model(torch.ones(2, 3)).square().mean()
    model.zero_grad()
    loss.backward()
    return loss.detach()


def norm_of(model):
    return math.sqrt(sum(float(one.grad.double().square().sum()) for one in model.parameters()))


def train(monitor, model, optimizer, steps=1, poison=None, max_norm=None):
    """A plain loop; `poison` maps a step's number to a value that one gradient element gets. None never steps."""
    for number in range(1, steps + 1):
        loss = gradients_of(model)
        if poison and number in poison:
            model[0].weight.grad[0, 0] = poison[number]
        monitor.after_backward()
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        if optimizer is not None:
            optimizer.step()
        monitor.end_step(loss=loss)
