"""Scorers of the family image."""

_HERE = "prefgauge.plugins.scorers.image"

SCORERS: dict[str, str] = {
    "sharpness": f"{_HERE}.classical:Sharpness",
    "noise-level": f"{_HERE}.classical:NoiseLevel",
    "jpeg-quality": f"{_HERE}.classical:JpegQuality",
    "contrast": f"{_HERE}.classical:Contrast",
    "colorfulness": f"{_HERE}.classical:Colorfulness",
    "mscn-naturalness": f"{_HERE}.classical:MscnNaturalness",
    "brisque": f"{_HERE}.natural:Brisque",
    "niqe": f"{_HERE}.natural:Niqe",
    "psnr": f"{_HERE}.reference:Psnr",
    "ssim": f"{_HERE}.reference:Ssim",
    "clip": f"{_HERE}.clip:ClipScorer",
    "imagereward": f"{_HERE}.imagereward:ImageRewardScorer",
    "combine": f"{_HERE}.combine:CombinedScorer",
    "mps": f"{_HERE}.mps:MpsScorer",
    "pyiqa": f"{_HERE}.pyiqa:PyiqaScorer",
    "vqa": f"{_HERE}.vqa:VqaScorer",
}
_CLIP = (
    "cosine",
    "clipscore",
    "pickscore",
    "hpsv2",
    "social-reward",
    "clip-i",
    "aesthetic",
    "antonym",
)
_VQA = ("vqascore", "yes-no", "qalign", "qalign-aesthetic")
PARTS: dict[str, str] = {
    **{
        f"clip-recipe.{name}": f"{_HERE}.clip_recipes:{name.upper().replace('-', '_')}"
        for name in _CLIP
    },
    **{
        f"vqa-recipe.{name}": f"{_HERE}.vqa_recipes:{name.upper().replace('-', '_')}"
        for name in _VQA
    },
}
