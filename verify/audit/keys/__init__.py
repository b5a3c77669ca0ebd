"""String keys of mappings: who reads and who writes them, and which are written by nobody."""
