"""The voice loop: one folder or file per stage, joined in `pipeline.assembly`."""
