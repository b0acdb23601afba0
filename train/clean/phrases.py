"""Replies in which another assistant shows through.

Three kinds: a base model's brand, a stock refusal, and the denial of being a machine, which
a persona must never learn (the truth about it, in its own voice, comes from identity rows).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from train.schema import Conversation, Preference, Record

Fault: TypeAlias = Literal["brand", "refusal", "denial"]

_PATTERNS: Mapping[Fault, re.Pattern[str]] = {
    "brand": re.compile(
        r"通义千问|通義千問|文心一言|讯飞星火|智谱清言|豆包大模型|月之暗面|百川智能|阿里云|阿里雲"
        r"|(?<![A-Za-z])(?:ChatGPT|OpenAI|GPT-?[345]\w*|Qwen[\w.]*|DeepSeek|ChatGLM|Claude|Anthropic"
        r"|Gemini|Llama|Mistral|Kimi|SmolLM\w*|Hugging ?Face)(?![A-Za-z])",
        re.IGNORECASE,
    ),
    "refusal": re.compile(
        r"(?:我|本人)?(?:只是|作为|作為|是)(?:一个|一個|一款|一名)?(?:AI|人工智能|人工智慧|大型|大)?"
        r"(?:语言|語言)(?:大)?模型|作为(?:一个|一名)?(?:AI|人工智能)(?:助手|模型)"
        r"|(?:抱歉|对不起|對不起)[,，]?\s*我(?:无法|無法|不能)(?:提供|回答|协助|協助|满足|生成)"
        r"|as an? (?:AI|artificial intelligence)(?: language)? (?:model|assistant)"
        r"|I(?:'m| am) (?:sorry|unable),? (?:but )?I can(?:no|')t (?:assist|help|provide|fulfil)",
        re.IGNORECASE,
    ),
    "denial": re.compile(
        r"我(?:才|真的|又|可)?不是(?:一个|一個)?(?:AI|ＡＩ|人工智能|人工智慧|机器人|機器人|机器|機器|程序|程式)"
        r"|我是(?:一个|一個)?(?:真人|活人|真的人)|I(?:'m| am) (?:not an? (?:AI|robot|bot|machine)"
        r"|a real (?:person|human)|human)",
        re.IGNORECASE,
    ),
}


def faults(record: Record) -> set[Fault]:
    """Kinds of fault in what the assistant says and is to learn."""
    if isinstance(record, Conversation):
        said = [m.content for m in record.messages if m.role == "assistant" and m.weight]
    elif isinstance(record, Preference):
        said = [record.chosen]
    else:
        return set()
    return {fault for fault, pattern in _PATTERNS.items() if any(map(pattern.search, said))}
