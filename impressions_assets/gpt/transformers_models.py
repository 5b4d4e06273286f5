"""Our recipe `modern` made known to transformers, so that its folders load without foreign code."""

from transformers import AutoConfig, AutoModelForCausalLM

from impressions_assets.gpt.configuration_impressions import ImpressionsConfig
from impressions_assets.gpt.modeling_impressions import ImpressionsForCausalLM


def register_ours() -> None:
    """Let `AutoModelForCausalLM` know our models; their saved folders take their code along."""
    AutoConfig.register("impressions", ImpressionsConfig, exist_ok=True)
    AutoModelForCausalLM.register(ImpressionsConfig, ImpressionsForCausalLM, exist_ok=True)
    ImpressionsConfig.register_for_auto_class()  # type: ignore[no-untyped-call]
    ImpressionsForCausalLM.register_for_auto_class(  # type: ignore[no-untyped-call]
        "AutoModelForCausalLM"
    )
