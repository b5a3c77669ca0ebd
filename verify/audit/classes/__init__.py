"""Classes that were left out of what lists or registers the others like them, and meters that are half used."""
