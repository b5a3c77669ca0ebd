"""Reports: a verification for people and for programs. Each imports what it needs when it is asked for."""
