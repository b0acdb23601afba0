"""Records of calls: encrypted at rest, kept only with consent, deleted for good.

recorder (a call's thread) ─▶ records (SQLite) ─▶ sealing (AES-GCM)
retention (every hour) ──────▶       │
                                     └─▶ master_keys ─▶ keys (ring or file)
"""
