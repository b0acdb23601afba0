"""From a run to files that other programs load: llama.cpp, Ollama, transformers."""

import logging

# The library tells of every file it writes.
logging.getLogger("gguf").setLevel(logging.WARNING)
