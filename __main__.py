"""`python -m telewire`: the command, also as `torchrun -m telewire` needs it."""

from .cli import main

main()
