"""Functions that were left out of what calls, lists or starts the others like them."""
