"""What a caller who allowed it is remembered by: their own words, theirs to correct and delete.

call ends     intake record ─▶ summary ─▶ store, under the caller's tag
caller looks  store ─▶ desk ─▶ page, or `qingting records memory`
next call     store ─▶ desk ─▶ notes ─▶ the model's context; the greeting says so
"""
