"""What a run learned: measured beside its base, on what it never saw.

served        the model as a call loads it: llama.cpp, adapter on and off
samples       held-out replies, each with as much before it as the model can take
style         how near the replies come to the person's own
loops         repetition, and replies that never end
identity      names of base models, refusals, and the person's own name
canaries      secrets planted in training, looked for in what the model says
turn_end      whether a user's unfinished turn is told from a finished one
measure       all of that for one run
report        one HTML page with pictures
side_by_side  a blind page where a person votes
"""
