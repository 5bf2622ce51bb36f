"""Vision-language reward models with value heads: ``vlm-reward:MODEL?recipe=NAME``."""

_HERE = "prefgauge.plugins.scorers.vlm_rewards"

SCORERS: dict[str, str] = {"vlm-reward": f"{_HERE}.scorer:VlmRewardScorer"}
PARTS: dict[str, str] = {
    f"vlm-recipe.{name}": f"{_HERE}.recipes:{name.upper().replace('-', '_').replace('.', '_')}"
    for name in ("hpsv3", "videoreward", "videoscore", "videoscore-v1.1")
}
