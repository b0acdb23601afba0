"""Voices behind HTTP servers: the connection, the sound that comes over it, the engines.

speech ─▶ GptSovitsVoice, RemoteVoice ─▶ HttpVoice ─▶ SpeechServer ─▶ network
                                             └─ SoundStream: bytes to samples
"""
