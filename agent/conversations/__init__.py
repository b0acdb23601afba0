"""Whole conversations with simulated callers, judged by what can be counted.

    callers/*.toml ─▶ caller ─▶ what it says ─▶ written or spoken call ─▶ reply ─┐
                        ▲                                                        │
                        └──── which question was asked? ◀────────────────────────┤
                                                                                 ▼
                                              lint, measure ─▶ report, side by side

A script is a person: what they want, what they know about themselves, and what they bring
up by themselves. Which fact they tell, and when, depends on what they are asked.
"""
