"""The policy: encoder, LSTM, and a head each for action and value."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

Hidden = tuple[Tensor, Tensor]
"""Hidden and cell state, each (1, batch, hidden size)."""


@dataclass(frozen=True, slots=True)
class PolicyOutput:
    """What the policy says about a stretch of time.

    `log_probs` (time, batch, actions), `values` (time, batch), `hidden` after the last step.
    """

    log_probs: Tensor
    values: Tensor
    hidden: Hidden


class RecurrentPolicy(nn.Module):
    """Actor and critic over one shared LSTM."""

    def __init__(self, observation_size: int, action_count: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.encoder = nn.Linear(observation_size, hidden_size)
        self.lstm = nn.LSTM(hidden_size, hidden_size)
        self.actor = nn.Linear(hidden_size, action_count)
        self.critic = nn.Linear(hidden_size, 1)
        # Near-uniform first actions and values near zero; the usual start of PPO (Huang et al., 2022, "The 37
        # implementation details of proximal policy optimization").
        nn.init.orthogonal_(self.actor.weight, gain=0.01)
        nn.init.zeros_(self.actor.bias)
        nn.init.orthogonal_(self.critic.weight, gain=1.0)
        nn.init.zeros_(self.critic.bias)

    def initial_hidden(self, batch: int) -> Hidden:
        """The state at the start of an episode: zeros."""
        return torch.zeros(1, batch, self.hidden_size), torch.zeros(1, batch, self.hidden_size)

    def forward(self, observations: Tensor, starts: Tensor, hidden: Hidden) -> PolicyOutput:
        """Run over time, forgetting at each episode's start.

        `observations` (time, batch, features); `starts` (time, batch) bool, true where an observation is the
        first of its episode; `hidden` the state before the first step.
        """
        encoded = torch.tanh(self.encoder(observations))
        # One fast call of the LSTM per stretch in which no episode of the batch starts.
        restarts = [t for t in range(1, len(starts)) if starts[t].any()]
        outputs = []
        for begin, end in pairwise([0, *restarts, len(starts)]):
            remember = (~starts[begin]).to(encoded.dtype).unsqueeze(-1)
            hidden = (hidden[0] * remember, hidden[1] * remember)
            output, hidden = self.lstm(encoded[begin:end], hidden)
            outputs.append(output)
        features = torch.cat(outputs)
        log_probs = torch.log_softmax(self.actor(features), dim=-1)
        return PolicyOutput(log_probs, self.critic(features).squeeze(-1), hidden)
