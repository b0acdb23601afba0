"""Every error this project raises on purpose.

    VoiceError
    ├── ConfigError          settings that cannot be used
    ├── DataError            conversations that cannot be read, or must not be used
    ├── AudioFormatError     audio of the wrong rate, width, length or channel count
    ├── ProtocolError        a client said something the wire does not allow
    ├── OverloadedError      the machine cannot carry one more
    ├── DeviceError          microphone or speaker
    ├── ModelError           a model file that is not there, or not what it should be
    │   ├── ModelMissingError
    │   ├── ModelCorruptError
    │   └── FetchError       network, disk, index
    ├── StoreError           records that cannot be read or written
    └── EngineError          a loaded model failed at its work
        ├── RecognitionError
        ├── GenerationError
        └── SynthesisError

A normal end (hang-up, cancel, interruption) is not an error. Messages are one
sentence a user can act on; they never carry a caller's words.
"""

from __future__ import annotations

from typing import ClassVar


class VoiceError(Exception):
    """Base of the tree.

    Attributes:
        code: Stable, lower_snake_case; the wire and the command line show it.
        retryable: Whether trying the same again may work.
    """

    code: ClassVar[str] = "voice_error"
    retryable: bool = False

    def __init__(self, message: str, *, retryable: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        if retryable is not None:
            self.retryable = retryable


class ConfigError(VoiceError):
    code = "config_error"


class DataError(VoiceError):
    code = "data_error"


class AudioFormatError(VoiceError):
    code = "audio_format_error"


class ProtocolError(VoiceError):
    """A client's message breaks the wire's rules.

    Attributes:
        param: Field at fault, as a dotted path, or None.
        close_code: WebSocket close code when the connection cannot go on, or None.
    """

    code = "protocol_error"

    def __init__(
        self, message: str, *, param: str | None = None, close_code: int | None = None
    ) -> None:
        super().__init__(message)
        self.param = param
        self.close_code = close_code


class OverloadedError(VoiceError):
    code = "overloaded"
    retryable = True


class DeviceError(VoiceError):
    code = "device_error"


class ModelError(VoiceError):
    code = "model_error"


class ModelMissingError(ModelError):
    code = "model_missing"


class ModelCorruptError(ModelError):
    code = "model_corrupt"


class FetchError(ModelError):
    code = "fetch_error"
    retryable = True


class StoreError(VoiceError):
    code = "store_error"


class EngineError(VoiceError):
    code = "engine_error"
    retryable = True


class RecognitionError(EngineError):
    code = "recognition_error"


class GenerationError(EngineError):
    code = "generation_error"


class SynthesisError(EngineError):
    code = "synthesis_error"
