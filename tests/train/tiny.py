"""A tokenizer small enough to read: a marker, or one byte, is one token."""

from __future__ import annotations

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from pipeline.llm.prompt import ChatTemplate
from train.base import ChatFormat
from train.tokens import Tokens

MARKERS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHATML = (
    "{% for message in messages %}"
    "{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are Base.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tokenizer() -> Tokenizer:
    """Bytes as tokens 3 to 258, after the three markers."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {marker: number for number, marker in enumerate(MARKERS)}
    vocabulary |= {letter: number + len(MARKERS) for number, letter in enumerate(alphabet)}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(marker, special=True) for marker in MARKERS])
    return made


def chat_format(source: str = CHATML) -> ChatFormat:
    """ChatML over the tiny tokenizer."""
    return ChatFormat(source, ChatTemplate(source), Tokens(tokenizer()), bos=None, eos=0, pad=0)
