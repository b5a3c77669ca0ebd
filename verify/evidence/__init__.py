"""Run-time evidence: which values passed which points of the wires, in which tests, and what that shows of an edge.

`points` says where the hops of the proofs are in the source, `rewrite` and `hook` let those expressions tell what they
evaluate to, `recorder` and `summaries` note it, `plugin` and `session` do so under pytest, `document` is the file that
is left, and `observed` lays it over the edges. What is imported while tests run imports nothing else of telewire.
"""
