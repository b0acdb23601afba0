"""The local session: microphone and loudspeaker of this machine in place of a network.

device ─10 ms─▶ canceller ─▶ resample ─▶ CallPort ─▶ events ─▶ player ─10 ms─▶ device
          ▲                                                       │
          └──────────── what is about to sound ◀──────────────────┘
"""
