"""From a run to files that other programs load: llama.cpp, Ollama, transformers."""
