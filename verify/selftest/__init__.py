"""Does the verifier still see anything? A fault is planted for every rule, and every rule has to find its own."""
