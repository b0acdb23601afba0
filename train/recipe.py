"""How a model is trained: every choice, with what it trades."""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from train.render import Learn, Masking

Method: TypeAlias = Literal["lora", "qlora", "full"]
Stage: TypeAlias = Literal["sft", "dpo", "pt"]
Schedule: TypeAlias = Literal["linear", "cosine", "constant"]
Engine: TypeAlias = Literal["unsloth", "plain"]

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Recipe(BaseModel):
    """The hyper-parameters of one run."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    stage: Stage = Field("sft", description="sft: dialogues; dpo: preferences; pt: running text.")
    method: Method = Field(
        "lora",
        description="lora trains a small addition; qlora the same over a 4-bit base (CUDA only); "
        "full trains every weight and wants tens of thousands of rows.",
    )
    engine: Engine = Field(
        "unsloth", description="plain is transformers and peft alone, should Unsloth not load."
    )
    rank: int = Field(8, ge=1, le=256, description="LoRA rank; more learns and over-fits more.")
    alpha: float = Field(16, gt=0, description="LoRA scale; twice the rank is usual.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Of LoRA; above 0 Unsloth is slower.")
    targets: tuple[str, ...] = Field(PROJECTIONS, min_length=1, description="Layers with a LoRA.")
    rslora: bool = Field(False, description="Scale by alpha/sqrt(rank): steadier at high ranks.")
    dora: bool = Field(
        False, description="Magnitude apart from direction; must be merged before a call."
    )
    loraplus_ratio: float | None = Field(
        None, ge=1, description="LoRA+: learning rate of B over that of A; 16 is usual."
    )
    neftune_alpha: float | None = Field(
        None, gt=0, description="NEFTune: noise on embeddings against over-fitting; 5 is usual."
    )
    dpo_beta: float = Field(0.1, gt=0, description="DPO: how far the reference holds.")
    dpo_imitation: float = Field(
        0.0, ge=0, description="DPO: weight of also imitating the better reply; 1 is usual."
    )
    learn: Learn = Field(
        "assistant",
        description="Replies, the last reply, both sides of the dialogue, or everything.",
    )
    learn_user_turn_end: bool = Field(
        True, description="Also learn when a user's turn ends; the call uses it to take turns."
    )
    system: str | None = Field(None, description="System prompt where a conversation has none.")
    max_tokens: int = Field(1024, ge=16, description="Longest row; memory grows with it.")
    packing: bool = Field(False, description="Join short rows to one; they do not see each other.")
    batch: int = Field(4, ge=1, description="Rows evaluated at once; memory grows with it.")
    accumulation: int = Field(1, ge=1, description="Batches a step.")
    epochs: float = Field(3, gt=0, description="Passes over the data.")
    max_steps: int | None = Field(None, ge=1, description="End sooner than `epochs` would.")
    learning_rate: float = Field(2e-4, gt=0, le=1)
    schedule: Schedule = "cosine"
    warmup_steps: int | None = Field(None, ge=0, description="Instead of `warmup_share`.")
    warmup_share: float = Field(0.05, ge=0, lt=1, description="Of all steps.")
    weight_decay: float = Field(0.01, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    checkpointing: bool = Field(
        False, description="Recompute activations: half the memory, a third more time."
    )
    validation_share: float = Field(
        0.1, ge=0, le=0.5, description="Conversations held out when no validation file is given."
    )
    eval_steps: int | None = Field(
        None, ge=1, description="Steps between evaluations; unset: about ten a run."
    )
    patience: int = Field(3, ge=0, description="Evaluations without gain before the end; 0 never.")
    save_steps: int | None = Field(
        None, ge=1, description="Steps between checkpoints; unset: with each evaluation."
    )
    seed: int = Field(3407, ge=0, lt=2**32)

    @property
    def masking(self) -> Masking:
        """What is learned of a conversation."""
        return Masking(self.learn, self.learn_user_turn_end, self.max_tokens)

    @property
    def lora_scale(self) -> float:
        """Factor that the product of both LoRA matrices is multiplied with."""
        return float(self.alpha / (self.rank**0.5 if self.rslora else self.rank))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.method == "full":
            for name in ("rslora", "dora", "loraplus_ratio"):
                if getattr(self, name):
                    raise ValueError(f"{name} is a kind of LoRA; method is full")
        if self.packing and self.stage == "dpo":
            raise ValueError("packing does not go with dpo")
        if self.dora and self.rslora:
            raise ValueError("choose one of dora and rslora")
        return self
