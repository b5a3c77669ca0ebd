"""Synthetic traffic with a slow shift of the inputs, and its replay through the front."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Iterator

from serving.engine import FEATURES
from serving.front import InferenceFront
from serving.types import Candidate, Priority, RankRequest

TENANTS = (("search", 0.5), ("feed", 0.35), ("ads", 0.15))


def synthetic_requests(count: int, seed: int, shift: float) -> Iterator[RankRequest]:
    """`shift` moves the first feature by that much over the whole run."""
    rng = random.Random(seed)
    names, weights = zip(*TENANTS)
    for index in range(count):
        moved = shift * index / max(1, count)
        features = {name: rng.gauss(0.0, 1.0) for name in FEATURES}
        features[FEATURES[0]] += moved
        items = tuple(
            Candidate(f"item-{rng.randrange(500)}", tuple(rng.gauss(0.0, 1.0) for _ in FEATURES))
            for _ in range(rng.randint(2, 12))
        )
        yield RankRequest(
            request_id=f"req-{index:06d}",
            tenant=rng.choices(names, weights)[0],
            user_id=f"user-{rng.randrange(60)}",
            priority=rng.choice((Priority.HIGH, Priority.NORMAL, Priority.NORMAL, Priority.LOW)),
            user_features=features,
            candidates=items,
            prompt_tokens=rng.choice((24, 48, 96, 160, 320)),
            deadline_s=0.005 if rng.random() < 0.01 else 1.5,
        )


async def replay(front: InferenceFront, requests: list[RankRequest], rate_per_s: float) -> Counter[str]:
    """Open-loop arrival at `rate_per_s`; returns the outcomes."""
    rng = random.Random(5)
    running: list[asyncio.Task] = []
    for request in requests:
        running.append(asyncio.create_task(front.handle(request)))
        await asyncio.sleep(rng.expovariate(rate_per_s))
    responses = await asyncio.gather(*running)
    return Counter(response.outcome.value for response in responses)
