"""OpenAI-compatible HTTP on the engines of the calls: text, speech, transcripts.

    routes ─▶ chat            persona, sampling, streaming
           ─▶ speech          text ─▶ clauses ─▶ voice ─▶ media
           ─▶ transcription   media ─▶ recogniser ─▶ json, text, srt, vtt

Shapes follow the `openai` package 3.52 and what chatgpt-on-wechat 1.x and 2.x send. Fields
that are not known are tolerated: chat bots send more than anybody documents.
"""
