"""Events, states and hooks: what some code waits for and other code sends."""
