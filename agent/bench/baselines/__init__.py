"""What a user would otherwise run, on the same models and behind the same wire.

`sequential` does one thing after the other; `stock` is pipecat's own pipeline with its
defaults. Both implement `pipeline.events.CallPort` as far as a caller of the bench needs.
"""
