"""Choosing and judging voices, apart from any call.

`installed` knows what voices there are and loads them one by one, `bench/` measures them.
"""
