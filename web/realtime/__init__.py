"""The wire: the OpenAI Realtime protocol over one WebSocket, and our additions to it.

    text message ─▶ client_events ─▶ connection ─▶ CallPort
    text message ◀─ outbox ◀─ server_events ◀─ translate ◀─ CallEvent

Written down for client authors in `web/PROTOCOL.md`.
"""
