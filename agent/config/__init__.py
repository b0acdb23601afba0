"""Every setting of the application, in one tree.

A value comes from the last of these that names it:

    default < TOML file < environment (QINGTING_<SECTION>__<FIELD>) < command-line flag

The file is `--config FILE`, else $QINGTING_CONFIG, else `config.toml` in the user's
configuration folder if there is one. Unknown names are errors everywhere. Only this
package reads the environment for settings.
"""

from agent.config.intake import IntakeSettings
from agent.config.memory import MemorySettings
from agent.config.recall import RagSettings
from agent.config.sections import (
    InterruptionMode,
    InterruptionSettings,
    LimitSettings,
    LlmSettings,
    Locale,
    LoggingSettings,
    ModelSettings,
    Pacing,
    PersonaSettings,
    PrivacySettings,
    Region,
    SafetySettings,
    ServerSettings,
    SttSettings,
    TurnSettings,
)
from agent.config.tree import ENV_PREFIX, Origin, Resolved, Settings, describe, flatten, load
from agent.config.voice import (
    ChatTtsSettings,
    GptSovitsSettings,
    SpeechServerSettings,
    VoiceSettings,
)

__all__ = [
    "ENV_PREFIX",
    "ChatTtsSettings",
    "GptSovitsSettings",
    "IntakeSettings",
    "InterruptionMode",
    "InterruptionSettings",
    "LimitSettings",
    "LlmSettings",
    "Locale",
    "LoggingSettings",
    "MemorySettings",
    "ModelSettings",
    "Origin",
    "Pacing",
    "PersonaSettings",
    "PrivacySettings",
    "RagSettings",
    "Region",
    "Resolved",
    "SafetySettings",
    "ServerSettings",
    "Settings",
    "SpeechServerSettings",
    "SttSettings",
    "TurnSettings",
    "VoiceSettings",
    "describe",
    "flatten",
    "load",
]
