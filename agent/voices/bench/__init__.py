"""`qingting voices bench`: how soon, how clear, how loud and how clean each voice speaks.

sentences ─▶ speak (one and two threads) ─▶ sound ─┬─▶ the recogniser: error rate
                                                   ├─▶ loudness, peaks, clicks at joins
                                                   └─▶ a page with players side by side
"""
