"""A real training run to host the telemetry: recurrent PPO on CartPole with hidden velocities.

Read it in this order: `envs` (what the policy sees), `policy`, `rollout`, `ppo` (one update and its gradient
telemetry), `inject` (gradients made NaN or Inf on purpose), `loop` (the run), `grades` and `summary` (what it
tells), `cli`.
"""
