"""Barge-in under test: what callers and rooms do while the bot speaks, and what came of it.

events.toml ─▶ script ─▶ sounds ─▶ caller ──WebSocket──▶ server ─▶ measure
                            narrator: a persona that speaks long enough to be interrupted
"""
