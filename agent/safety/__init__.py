"""Crisis protocol: code, not a prompt.

`detector.assess` finds the signs, outside the language model; `protocol` decides what is
said, from scripts; nothing that the model writes can end it.
"""
