"""ChatTTS as a voice: spoken while it is still being generated, by one speaker.

    clause ─▶ prompt ─▶ generation, token by token ─▶ windows ─▶ joined audio ─▶ chunks
              controls        (worker thread)          joins         marks

`voice` joins the parts. `prompt`, `controls`, `joins`, `marks`, `worker`, `speaker_file` and
`assets` need neither torch nor ChatTTS; `model` and `speaker_code` do, and are imported
where they are used.

ChatTTS's code is AGPL-3.0-or-later and its weights are CC BY-NC 4.0, "for academic purposes
only": both stay outside this package, in the extra `chattts`.
"""

LICENCE = "AGPL-3.0-or-later code, CC BY-NC 4.0 weights: non-commercial use only"

DISTRIBUTION = "ChatTTS"  # on the package index
EXTRA = "chattts"  # of this project, which installs it
