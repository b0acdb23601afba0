"""Which of a few kinds a short text is like: a small classifier, and how it is fitted.

    folded text ─┬▶ n-grams ─▶ one weight a gram and kind ──────────────┬─▶ one score a kind
                 └▶ meaning ─▶ nearness to landmarks ─▶ weights a kind ─┘

N-grams know wordings, nearness knows what is meant; together they see an unseen wording of
something known. `model` runs in the package, `fit` makes its weights in a checkout.
"""
