"""The intake record: what a caller told, in the caller's own words, for their counsellor.

    caller's turn ─▶ rules ─────────────┐
                  ─▶ language model ────┤ spans of the turn ─▶ record ─▶ sheet, page, store
    crisis notice ──────────────────────┘                        └─▶ what to ask next

Whatever proposes an entry names a span of what was said; nothing else can enter a record.
"""
