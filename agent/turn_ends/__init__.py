"""Whether a caller has finished, told from the words: the encoder tuned to turn ends."""
