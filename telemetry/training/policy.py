"""The policy: encoder, LSTM, a named head for each decision, and one for the value."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

Hidden = tuple[Tensor, Tensor]
"""Hidden and cell state, each (1, batch, hidden size)."""


@dataclass(frozen=True, slots=True)
class PolicyOutput:
    """What the policy says about a stretch of time.

    `log_probs` (time, batch, choices) by head, `values` (time, batch), `hidden` after the last step.
    """

    log_probs: Mapping[str, Tensor]
    values: Tensor
    hidden: Hidden

    def log_prob_of(self, actions: Tensor) -> Tensor:
        """Log-probability (time, batch) of actions (time, batch, heads): the heads decide independently."""
        heads = zip(self.log_probs.values(), actions.unbind(dim=-1), strict=True)
        return torch.stack([logs.gather(-1, chosen.unsqueeze(-1)) for logs, chosen in heads]).sum(dim=0)[
            ..., 0
        ]

    def entropies(self) -> dict[str, Tensor]:
        """Entropy (time, batch) of each head, in nats."""
        return {head: -(logs.exp() * logs).sum(dim=-1) for head, logs in self.log_probs.items()}

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw an action of each head: (time, batch, heads)."""
        drawn = [
            torch.multinomial(logs.exp().flatten(0, 1), 1, generator=generator).view(logs.shape[:2])
            for logs in self.log_probs.values()
        ]
        return torch.stack(drawn, dim=-1)


class RecurrentPolicy(nn.Module):
    """Actor and critic over one shared LSTM; the actor has a head for each decision, with so many choices."""

    def __init__(self, observation_size: int, heads: Mapping[str, int], hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.encoder = nn.Linear(observation_size, hidden_size)
        self.lstm = nn.LSTM(hidden_size, hidden_size)
        self.actor = nn.ModuleDict({head: nn.Linear(hidden_size, choices) for head, choices in heads.items()})
        self.critic = nn.Linear(hidden_size, 1)
        # Near-uniform first actions and values near zero; the usual start of PPO (Huang et al., 2022, "The 37
        # implementation details of proximal policy optimization").
        for parameter in self.actor.parameters():
            if parameter.ndim == 2:
                nn.init.orthogonal_(parameter, gain=0.01)
            else:
                nn.init.zeros_(parameter)
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
        log_probs = {head: torch.log_softmax(actor(features), dim=-1) for head, actor in self.actor.items()}
        return PolicyOutput(log_probs, self.critic(features).squeeze(-1), hidden)
