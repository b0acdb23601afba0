"""What a person said before, looked up while a caller speaks. Off unless `rag.index` is set.

    terms    text to search terms, for Chinese in either script and for English
    index    a file of what was said; `qingting data index` writes it
    notes    the best finds as a short note for the model

Retrieval is by words (BM25 in SQLite's FTS5), not by meaning: it needs no model and takes
1.4 ms (median of 200 turns from the counsellor's dialogues, 100,000 facts, a loaded machine).
The embedding models on the package index are English, or bring a second inference engine.
"""
