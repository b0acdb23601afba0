"""The bench: synthetic callers in real time over the real wire, and what they measured.

    scripts ─▶ voices ─▶ plan ─▶ run ─▶ measure ─▶ record ─▶ report, compare
                                 │ ▲
                                 ▼ │  WebSocket
                     servers: ours, baselines/sequential, baselines/stock

Each system answers in a process of its own, behind the same server and wire; the callers
live in this one.
"""
