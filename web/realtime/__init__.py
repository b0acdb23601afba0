"""The wire: the OpenAI Realtime protocol over one WebSocket, and our additions to it.

    socket ─▶ connection ─▶ client_events ─▶ protocol ─▶ CallPort
    socket ◀─ outbox ◀─ server_events ◀─ translate ◀─ protocol ◀─ CallEvent

Written down for client authors in `web/PROTOCOL.md`.
"""
