"""What must never vary is answered by heart: six things that callers ask for.

`about` tells whether a turn asks for one of them, `answers` says the persona's own words for it
in the language model's place. A small model answers "are you human?" honestly once in six, and
sends nobody who asks about pills to a doctor; what is at stake there is no matter of style.
"""
